//! Writers that come between reading and writing: nothing of theirs is lost.

use encrypted_field_migrate::{Operation, Options};
use tests::secrets;

use crate::support::{Db, Recorder, job, on_each, opened, ring, run_now, sealed};

on_each!(a_row_that_changes_meanwhile_keeps_its_last_value);

async fn a_row_that_changes_meanwhile_keeps_its_last_value(db: &Db) {
    db.table(db.text()).await;
    let texts: Vec<String> = (1..=6).map(|n| secrets::plaintext(&format!("before-{n}"))).collect();
    db.fill(&texts.iter().map(|text| Some(text.as_str())).collect::<Vec<_>>()).await;
    let by_application = sealed("users.token", &ring(1), "CANARY-sealed");
    let (kind, url, theirs) = (db.kind, db.url.clone(), by_application.clone());
    let recorder = Recorder::before_the_first_write(move || {
        run_now(
            kind,
            &url,
            &format!(
                "UPDATE users SET token = 'CANARY-after' WHERE id = 1;
                 UPDATE users SET token = '{theirs}' WHERE id = 2;
                 UPDATE users SET token = NULL WHERE id = 3;
                 DELETE FROM users WHERE id = 4;
                 UPDATE users SET id = 50 WHERE id = 5;
                 INSERT INTO users (id, token) VALUES (70, 'CANARY-new')"
            ),
        );
    });
    let job = job(Operation::Encrypt);
    let report = db.migrate_with(&job, &ring(1), Options::default(), recorder).await.unwrap();
    // Row 5 moved on, to a key that was still to come; so did the new one.
    assert_eq!((report.counts.replaced, report.counts.gone), (4, 2));
    assert_eq!((report.counts.kept, report.counts.nulls, report.counts.failed), (1, 1, 0));
    let rows = db.rows("SELECT id, token FROM users ORDER BY id").await;
    let ids: Vec<&str> = rows.iter().map(|row| row[0].as_deref().unwrap()).collect();
    assert_eq!(ids, ["1", "2", "3", "6", "50", "70"]);
    let of =
        |at: usize| rows[at][1].as_deref().map(|stored| opened("users.token", &ring(1), stored));
    assert!(of(0).as_deref() == Some("CANARY-after"));
    assert_eq!(rows[1][1].as_deref(), Some(by_application.as_str()));
    assert_eq!(rows[2][1], None);
    assert!(of(3).as_deref() == Some(texts[5].as_str()));
    assert!(of(4).as_deref() == Some(texts[4].as_str()));
    assert!(of(5).as_deref() == Some("CANARY-new"));
    assert!(db.verified(&job, &ring(1)).await.is_complete());
}
