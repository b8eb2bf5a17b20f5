//! Values are compared byte by byte, whatever the collation of the column takes for equal.

use encrypted_field_migrate::{FailureKind, Operation, Options};

use crate::support::{Db, Kind, Recorder, job, on_each, opened, ring, run_now};

on_each!(what_only_looks_the_same_is_not_overwritten);

async fn what_only_looks_the_same_is_not_overwritten(db: &Db) {
    let (kinds, setup): (&[&str], &str) = match db.kind {
        Kind::Postgres => (
            &[
                "text",
                "varchar(2000)",
                "citext",
                "text COLLATE \"und-x-icu\"",
                "text COLLATE unlike",
            ],
            "CREATE EXTENSION IF NOT EXISTS citext;
             CREATE COLLATION unlike (provider = icu, locale = 'und-u-ks-level1', deterministic = false)",
        ),
        Kind::MariaDb => (
            &[
                "text",
                "varchar(2000)",
                "text character set latin1",
                "text character set latin1 collate latin1_general_ci",
                "text character set utf8mb4 collate utf8mb4_unicode_ci",
                "text character set utf16",
            ],
            "SELECT 1",
        ),
        Kind::Sqlite => (&["TEXT", "TEXT COLLATE NOCASE", "TEXT COLLATE RTRIM"], "SELECT 1"),
    };
    if db.try_run(setup).await.is_err() {
        db.run("CREATE COLLATION unlike (provider = icu, locale = 'und-u-ks-level1', deterministic = false)").await;
    }
    for kind in kinds {
        if *kind == "citext" && db.try_run("SELECT 'a'::citext").await.is_err() {
            eprintln!("SKIPPED no extension citext on the server for tests");
            continue;
        }
        db.run("DROP TABLE IF EXISTS users").await;
        db.table(kind).await;
        db.fill(&[Some("CANARY-secret"), Some("CANARY-größe"), Some("CANARY-")]).await;
        // While the engine has 'CANARY-secret' in its hands, the application writes what the
        // collation takes for the same.
        let (kind_of_db, url) = (db.kind, db.url.clone());
        let recorder = Recorder::before_the_first_write(move || {
            run_now(
                kind_of_db,
                &url,
                "UPDATE users SET token = 'CANARY-Secret ' WHERE id = 1;
                 UPDATE users SET token = 'CANARY-GROSSE' WHERE id = 2;
                 UPDATE users SET token = 'CANARY- ' WHERE id = 3",
            );
        });
        let job = job(Operation::Encrypt);
        let report = db.migrate_with(&job, &ring(1), Options::default(), recorder).await.unwrap();
        assert_eq!((report.counts.replaced, report.counts.failed), (3, 0), "{kind}");
        let stored = db.tokens().await;
        for (stored, last) in stored.iter().zip(["CANARY-Secret ", "CANARY-GROSSE", "CANARY- "]) {
            assert!(opened("users.token", &ring(1), stored) == last, "{kind}");
        }
        db.migration().await.forget(job.name()).await.unwrap();
    }
}

/// What the column's character set lacks is refused when it is decrypted, and the row stays.
#[test]
fn a_text_that_the_character_set_lacks_stays_sealed() {
    let Some(db) = Db::mariadb() else { return };
    crate::support::block_on(async {
        db.table("text character set latin1").await;
        let ring = ring(1);
        let values = ["CANARY-鍵", "CANARY-é"]
            .map(|text| crate::support::sealed("users.token", &ring, text));
        db.fill(&[Some(&values[0]), Some(&values[1])]).await;
        let back = crate::support::decrypt(crate::support::description());
        let recorder = std::sync::Arc::new(Recorder::default());
        db.migrate_with(&back, &ring, Options::default(), recorder.clone()).await.unwrap();
        assert_eq!(recorder.failures(), [("1".into(), FailureKind::Refused)]);
        let stored = db.tokens().await;
        assert!(stored[0] == values[0]);
        assert_eq!(db.number("SELECT COUNT(*) FROM users WHERE token = 'CANARY-é'").await, 1);
    });
}
