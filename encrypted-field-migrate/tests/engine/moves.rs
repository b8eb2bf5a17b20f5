//! Each operation, there and back.

use std::sync::Arc;

use encrypted_field::plaintext::{PlaintextError, Zeroizing};
use encrypted_field::{Key, Keyring};
use encrypted_field_migrate::{
    Description, FailureKind, Form, Job, Operation, Options, Outcome, Reader,
};
use tests::secrets;

use crate::support::{
    Db, Recorder, decrypt, description, job, on_each, opened, opened_hex, ring, sealed,
};

const CONTEXT: &str = "users.token";

on_each!(
    a_table_is_encrypted_rotated_and_decrypted,
    a_context_is_renamed,
    foreign_values_are_imported,
    text_becomes_binary_and_back,
    numbers_get_a_column_of_their_own,
    tenants_have_keys_of_their_own,
    a_dry_run_writes_nothing,
    many_batches_and_ranges,
);

async fn a_table_is_encrypted_rotated_and_decrypted(db: &Db) {
    let plaintexts: Vec<String> = (0..7).map(|n| secrets::plaintext(&format!("{n}"))).collect();
    let odd = ["", " ", "CANARY-größe-鍵-🔑 "];
    let mut values: Vec<Option<&str>> = plaintexts.iter().map(|text| Some(text.as_str())).collect();
    values.push(None);
    values.extend(odd.map(Some));
    db.table(db.text()).await;
    db.fill(&values).await;
    let rows = values.len() as u64;

    let encrypt = job(Operation::Encrypt);
    let report = db.migrate(&encrypt, &ring(1)).await;
    assert_eq!(report.outcome, Outcome::Finished);
    assert_eq!(
        (report.counts.rows, report.counts.replaced, report.counts.nulls),
        (rows, rows - 1, 1)
    );
    let first = db.tokens().await;
    for (stored, value) in first.iter().zip(&values) {
        match value {
            Some(value) => assert_eq!(opened(CONTEXT, &ring(1), stored), **value),
            None => assert_eq!(stored, "NULL"),
        }
    }

    // Running it again changes nothing.
    let report = db.migrate(&encrypt, &ring(1)).await;
    assert_eq!((report.counts.replaced, report.counts.kept), (0, rows - 1));
    assert_eq!(db.tokens().await, first);
    assert!(db.verified(&encrypt, &ring(1)).await.is_complete());

    // Nor does encrypting under another key encrypt twice.
    db.migrate(&encrypt, &ring(2)).await;
    assert_eq!(db.tokens().await, first);

    let rotate = job(Operation::Rotate);
    assert_eq!(db.verified(&rotate, &ring(2)).await.stale, rows - 1);
    let report = db.migrate(&rotate, &ring(2)).await;
    assert_eq!(report.counts.replaced, rows - 1);
    let second = db.tokens().await;
    assert!(second.iter().all(|stored| stored == "NULL" || stored.starts_with("ef1:2:")));
    assert_eq!(db.migrate(&rotate, &ring(2)).await.counts.replaced, 0);
    assert_eq!(db.tokens().await, second);
    let verified = db.verified(&rotate, &ring(2)).await;
    assert_eq!((verified.by_key.get(&2), verified.nulls), (Some(&(rows - 1)), 1));
    assert!(verified.is_complete() && verified.ended >= verified.started);

    let back = decrypt(description());
    assert_eq!(db.migrate(&back, &ring(2)).await.counts.replaced, rows - 1);
    let plain = db.tokens().await;
    let expected: Vec<&str> = values.iter().map(|value| value.unwrap_or("NULL")).collect();
    assert!(plain == expected, "the plaintexts are back");
    assert_eq!(db.migrate(&back, &ring(2)).await.counts.replaced, 0);
    assert_eq!(db.verified(&back, &ring(2)).await.plain, rows - 1);
}

async fn a_context_is_renamed(db: &Db) {
    db.table(db.text()).await;
    let ring = ring(1);
    let (old, new) = ("people.token", "users.token");
    let values = [sealed(old, &ring, secrets::BOT_TOKEN), sealed(new, &ring, secrets::BOT_TOKEN)];
    db.fill(&[Some(&values[0]), Some(&values[1])]).await;
    let description = Description { previous_contexts: vec![old.into()], ..description() };
    let rename = Job::new(description, Operation::Rename).unwrap();
    let report = db.migrate(&rename, &ring).await;
    assert_eq!((report.counts.replaced, report.counts.kept), (1, 1));
    let stored = db.tokens().await;
    assert!(opened(new, &ring, &stored[0]) == secrets::BOT_TOKEN);
    assert_eq!(stored[1], values[1]);
    assert_eq!(db.migrate(&rename, &ring).await.counts.replaced, 0);
}

/// A format of this test: `v1:` and the text backwards.
fn backwards() -> Operation {
    let reader: Reader = Arc::new(|stored| {
        let text = std::str::from_utf8(stored).map_err(|_| PlaintextError::new("not UTF-8"))?;
        let text = text.strip_prefix("v1:").ok_or(PlaintextError::new("no v1"))?;
        Ok(Zeroizing::new(text.chars().rev().collect::<String>().into_bytes()))
    });
    Operation::Import("backwards".into(), reader)
}

async fn foreign_values_are_imported(db: &Db) {
    db.table(db.text()).await;
    let foreign: String = secrets::BOT_TOKEN.chars().rev().collect();
    let ours = sealed(CONTEXT, &ring(1), secrets::SIGNING_SECRET);
    let damaged = &ours[..40];
    let values =
        [format!("v1:{foreign}"), "v2:CANARY-".to_owned(), ours.clone(), damaged.to_owned()];
    let values: Vec<Option<&str>> = values.iter().map(|value| Some(value.as_str())).collect();
    db.fill(&values).await;
    let import = job(backwards());
    let recorder = Arc::new(Recorder::default());
    let report =
        db.migrate_with(&import, &ring(1), Options::default(), recorder.clone()).await.unwrap();
    assert_eq!((report.counts.replaced, report.counts.kept, report.counts.failed), (1, 1, 2));
    let found = recorder.failures();
    assert_eq!(
        found,
        [("2".into(), FailureKind::Unreadable), ("4".into(), FailureKind::Malformed)]
    );
    let stored = db.tokens().await;
    assert!(opened(CONTEXT, &ring(1), &stored[0]) == secrets::BOT_TOKEN);
    assert_eq!((stored[2].as_str(), stored[3].as_str()), (ours.as_str(), damaged));
}

async fn text_becomes_binary_and_back(db: &Db) {
    let ring = ring(1);
    let (text, blob) = (db.text(), db.blob());
    db.run(&format!(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, token {text}, token_bytes {blob}, token_again {text})"
    ))
    .await;
    let values = [
        sealed(CONTEXT, &ring, secrets::BOT_TOKEN),
        sealed(CONTEXT, &ring, secrets::SIGNING_SECRET),
    ];
    db.fill(&[Some(&values[0]), None, Some(&values[1])]).await;
    let binary = Description {
        target: Some("token_bytes".into()),
        context: Some(CONTEXT.into()),
        storage: Form::Binary,
        ..description()
    };
    let there = Job::new(binary, Operation::Restore).unwrap();
    let report = db.migrate(&there, &ring).await;
    assert_eq!((report.counts.replaced, report.counts.nulls), (2, 1));
    let hex = db.pick("encode(token_bytes, 'hex')", "HEX(token_bytes)", "hex(token_bytes)");
    let stored = db.column(&format!("SELECT {hex} FROM users ORDER BY id")).await;
    assert!(opened_hex(CONTEXT, &ring, &stored[0]) == secrets::BOT_TOKEN);
    assert!(stored[1].is_empty() || stored[1] == "NULL");
    // The source stays, and a second run finds that both hold the same.
    assert_eq!(db.tokens().await[0], values[0]);
    let report = db.migrate(&there, &ring).await;
    assert_eq!((report.counts.replaced, report.counts.kept), (0, 2));

    let text = Description {
        column: "token_bytes".into(),
        target: Some("token_again".into()),
        context: Some(CONTEXT.into()),
        ..description()
    };
    let back = Job::new(text, Operation::Restore).unwrap();
    assert_eq!(db.migrate(&back, &ring).await.counts.replaced, 2);
    let stored = db.column("SELECT token_again FROM users ORDER BY id").await;
    assert!(opened(CONTEXT, &ring, &stored[2]) == secrets::SIGNING_SECRET);

    // What stands in the target and is another value is never overwritten.
    let other = sealed(CONTEXT, &ring, "CANARY-other");
    db.run(&format!("UPDATE users SET token_again = '{other}' WHERE id = 1")).await;
    let recorder = Arc::new(Recorder::default());
    db.migrate_with(&back, &ring, Options::default(), recorder.clone()).await.unwrap();
    assert_eq!(recorder.failures(), [("1".into(), FailureKind::Differs)]);
    assert_eq!(db.column("SELECT token_again FROM users ORDER BY id").await[0], other);
}

async fn numbers_get_a_column_of_their_own(db: &Db) {
    let text = db.text();
    db.run(&format!(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, born DATE, score BIGINT, token {text}, token2 {text})"
    ))
    .await;
    db.run("INSERT INTO users (id, born, score) VALUES (1, '2000-02-29', -9223372036854775808), (2, NULL, NULL)")
        .await;
    for (column, target, plaintext) in [("born", "token", "date"), ("score", "token2", "integer")] {
        let described = Description {
            target: Some(target.into()),
            plaintext: plaintext.into(),
            ..Description::new("users", column)
        };
        let job = Job::new(described.clone(), Operation::Encrypt).unwrap();
        let report = db.migrate(&job, &ring(1)).await;
        assert_eq!((report.counts.replaced, report.counts.nulls), (1, 1), "{column}");
        assert_eq!(db.migrate(&job, &ring(1)).await.counts.kept, 1);
        assert_eq!(db.verified(&job, &ring(1)).await.by_key.get(&1), Some(&1));
        // Back to text, in place.
        let back = decrypt(Description { target: None, column: target.into(), ..described });
        assert_eq!(db.migrate(&back, &ring(1)).await.counts.replaced, 1);
    }
    let back = db.rows("SELECT token, token2 FROM users ORDER BY id").await;
    assert_eq!(back[0][0].as_deref(), Some("2000-02-29"));
    assert_eq!(back[0][1].as_deref(), Some("-9223372036854775808"));
}

async fn tenants_have_keys_of_their_own(db: &Db) {
    let text = db.text();
    db.run(&format!(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, tenant VARCHAR(20), token {text})"
    ))
    .await;
    db.run(
        "INSERT INTO users VALUES (1, 'acme', 'CANARY-1'), (2, 'globex', 'CANARY-2'), (3, 'nobody', 'CANARY-3'),
             (4, NULL, 'CANARY-4')",
    )
    .await;
    let ring = Keyring::builder()
        .active(1, secrets::KEYS[1])
        .key(Key::new(2, secrets::KEYS[2]).scope("acme"))
        .key(Key::new(3, secrets::KEYS[3]).scope("globex"))
        .build();
    let ring = Arc::new(ring.unwrap());
    let described = Description { scope_column: Some("tenant".into()), ..description() };
    let job = Job::new(described, Operation::Encrypt).unwrap();
    let recorder = Arc::new(Recorder::default());
    let report = db.migrate_with(&job, &ring, Options::default(), recorder.clone()).await.unwrap();
    assert_eq!((report.counts.replaced, report.counts.failed), (2, 2));
    assert_eq!(
        recorder.failures(),
        [("3".into(), FailureKind::Keys), ("4".into(), FailureKind::Keys)]
    );
    let stored = db.tokens().await;
    assert!(stored[0].starts_with("ef1:2:") && stored[1].starts_with("ef1:3:"));
    assert!(stored[2] == "CANARY-3" && stored[3] == "CANARY-4");
    let verified = db.verified(&job, &ring).await;
    assert_eq!((verified.failed, verified.by_key.len()), (2, 2));
}

async fn a_dry_run_writes_nothing(db: &Db) {
    db.table(db.text()).await;
    db.fill(&[Some("CANARY-1"), None, Some("ef1:1:AXA")]).await;
    let before = db.tokens().await;
    let options = Options { dry_run: true, ..Options::default() };
    let recorder = Arc::new(Recorder::default());
    let job = job(Operation::Encrypt);
    let report = db.migrate_with(&job, &ring(1), options, recorder.clone()).await.unwrap();
    assert_eq!((report.counts.rows, report.counts.replaced, report.counts.failed), (3, 1, 1));
    assert_eq!(recorder.failures().len(), 1);
    assert!(db.tokens().await == before);
    assert!(db.try_run("SELECT * FROM encrypted_field_migration_jobs").await.is_err());
    assert_eq!(db.migration().await.status(job.name()).await.unwrap(), None);
}

async fn many_batches_and_ranges(db: &Db) {
    db.table(db.text()).await;
    let values: Vec<String> = (0..1000).map(|n| secrets::plaintext(&"x".repeat(n % 90))).collect();
    let values: Vec<Option<&str>> = values.iter().map(|value| Some(value.as_str())).collect();
    db.fill(&values).await;
    // Holes, also where a range ends.
    db.run("DELETE FROM users WHERE id % 7 = 0 OR id BETWEEN 300 AND 420").await;
    let rows = db.number("SELECT COUNT(*) FROM users").await;
    let options = Options { batch: 13, range: 100, ..Options::default() };
    let job = job(Operation::Encrypt);
    let report = db.migrate_with(&job, &ring(1), options, Arc::default()).await.unwrap();
    assert_eq!((report.counts.rows, report.counts.replaced), (rows, rows));
    assert_eq!(db.verified(&job, &ring(1)).await.by_key.get(&1), Some(&rows));
    let status = db.migration().await.status(job.name()).await.unwrap().unwrap();
    assert!(status.is_finished && status.is_at_end && status.ended >= status.started);
    assert_eq!((status.ranges, status.ranges_done), (rows / 100 + 1, rows / 100 + 1));
    assert_eq!(status.counts, report.counts);
    for (id, stored) in
        db.rows("SELECT id, token FROM users").await.iter().map(|row| (&row[0], &row[1]))
    {
        let n: usize = id.as_ref().unwrap().parse().unwrap();
        assert!(opened(CONTEXT, &ring(1), stored.as_ref().unwrap()) == values[n - 1].unwrap());
    }
}
