//! What goes wrong with single rows is reported, the rest goes on, and nothing is half done.

use std::sync::Arc;

use encrypted_field::Keyring;
use encrypted_field_migrate::{ErrorKind, FailureKind, Operation, Options};
use tests::secrets;

use crate::support::{
    Client, Db, Kind, Recorder, description, job, on_each, opened, ring, run_now, sealed,
};

on_each!(
    a_wrong_key_changes_nothing,
    a_missing_key_fails_its_rows,
    damaged_and_unreadable_rows_stay,
    ciphertext_that_was_encrypted_again_is_found,
    rows_that_a_trigger_refuses_stay,
    rows_that_a_check_refuses_stay,
    a_full_disk_stops_the_job,
    a_lost_connection_comes_back,
);

async fn a_wrong_key_changes_nothing(db: &Db) {
    db.table(db.text()).await;
    let right = ring(1);
    let values: Vec<String> = (0..5)
        .map(|n| sealed("users.token", &right, &secrets::plaintext(&n.to_string())))
        .collect();
    db.fill(&values.iter().map(|value| Some(value.as_str())).collect::<Vec<_>>()).await;
    // Other bytes under the same id, beside the next key.
    let wrong = Keyring::builder().retired(1, secrets::KEYS[5]).active(2, secrets::KEYS[6]).build();
    let wrong = Arc::new(wrong.unwrap());
    for operation in [Operation::Rotate, Operation::Encrypt] {
        let recorder = Arc::new(Recorder::default());
        let job = job(operation);
        let report =
            db.migrate_with(&job, &wrong, Options::default(), recorder.clone()).await.unwrap();
        assert_eq!((report.counts.replaced, report.counts.failed), (0, 5));
        assert_eq!(report.failures.get(&FailureKind::Authentication), Some(&5));
        let reason = &recorder.reasons()[0];
        assert!(
            reason.starts_with("users.token, row 1: authentication: users.token: key 1: "),
            "{reason}"
        );
    }
    let back = crate::support::decrypt(description());
    assert_eq!(db.migrate(&back, &wrong).await.counts.failed, 5);
    assert_eq!(db.tokens().await, values);
    let verified = db.verified(&back, &wrong).await;
    assert_eq!((verified.failed, verified.is_complete()), (5, false));
    // They are in the ledger, too.
    let failures = db.migration().await.failures(back.name(), 0, 3).await.unwrap();
    assert_eq!(failures.len(), 3);
    let rest = db.migration().await.failures(back.name(), failures[2].0, 9).await.unwrap();
    assert_eq!((rest.len(), rest[1].1.key.as_str()), (2, "5"));
}

async fn a_missing_key_fails_its_rows(db: &Db) {
    db.table(db.text()).await;
    let (first, second) =
        (sealed("users.token", &ring(1), "CANARY-1"), sealed("users.token", &ring(2), "CANARY-2"));
    db.fill(&[Some(&first), Some(&second)]).await;
    let without =
        Keyring::builder().retired(2, secrets::KEYS[2]).active(3, secrets::KEYS[3]).build();
    let without = Arc::new(without.unwrap());
    let recorder = Arc::new(Recorder::default());
    let job = job(Operation::Rotate);
    let report =
        db.migrate_with(&job, &without, Options::default(), recorder.clone()).await.unwrap();
    assert_eq!((report.counts.replaced, report.counts.failed), (1, 1));
    assert_eq!(recorder.failures(), [("1".into(), FailureKind::UnknownKey)]);
    assert_eq!(db.tokens().await[0], first);
    let found = db.migration().await.preflight(&job, &without).await.unwrap();
    assert!(found.iter().any(|finding| finding.code == "missing-key"), "{found:?}");
}

async fn damaged_and_unreadable_rows_stay(db: &Db) {
    db.table(db.text()).await;
    let whole = sealed("users.token", &ring(1), "CANARY-whole");
    let values = [
        whole[..50].to_owned(),
        format!("{whole} "),
        whole.to_uppercase(),
        "ef1:0:".to_owned(),
        "CANARY-plain".to_owned(),
    ];
    db.fill(&values.iter().map(|value| Some(value.as_str())).collect::<Vec<_>>()).await;
    let before = db.tokens().await;
    for (operation, last) in
        [(Operation::Rotate, Some(FailureKind::NotEncrypted)), (Operation::Encrypt, None)]
    {
        let recorder = Arc::new(Recorder::default());
        let report = db
            .migrate_with(&job(operation), &ring(1), Options::default(), recorder.clone())
            .await
            .unwrap();
        let mut expected: Vec<_> =
            ["1", "2", "3"].map(|key| (key.to_owned(), FailureKind::Malformed)).into();
        expected.extend(last.map(|kind| ("5".to_owned(), kind)));
        assert_eq!(recorder.failures(), expected);
        assert_eq!((report.counts.pending, report.counts.rows), (1, 5));
        assert!(db.tokens().await[..4] == before[..4]);
    }
    assert!(opened("users.token", &ring(1), &db.tokens().await[4]) == "CANARY-plain");
    // An integer that is none.
    db.run("DELETE FROM users").await;
    db.fill(&[Some("7"), Some("CANARY-seven"), Some("")]).await;
    let described =
        encrypted_field_migrate::Description { plaintext: "integer".into(), ..description() };
    let job =
        encrypted_field_migrate::Job::new(described, Operation::Encrypt).unwrap().named("integers");
    let recorder = Arc::new(Recorder::default());
    db.migrate_with(&job, &ring(1), Options::default(), recorder.clone()).await.unwrap();
    assert_eq!(
        recorder.failures(),
        [("2".into(), FailureKind::Unreadable), ("3".into(), FailureKind::Unreadable)]
    );
}

/// With a ring that has not the first key, nothing told that the plaintext is a stored value.
async fn ciphertext_that_was_encrypted_again_is_found(db: &Db) {
    db.table(db.text()).await;
    let wrong = Keyring::builder().active(2, secrets::KEYS[2]).build().unwrap();
    let again = |value: &str| sealed("users.token", &wrong, value);
    let values = [
        again(&sealed("users.token", &ring(1), "CANARY-1")),
        again(&sealed("users.other", &ring(1), "CANARY-2")),
        // What somebody has typed.
        again("ef1:7:CANARY"),
        again("ef1:0:"),
    ];
    db.fill(&values.iter().map(|value| Some(value.as_str())).collect::<Vec<_>>()).await;
    let verified = db.verified(&job(Operation::Rotate), &ring(2)).await;
    let found: Vec<_> = verified.failures.iter().map(|f| (f.key.as_str(), f.kind)).collect();
    assert_eq!(found, [("1", FailureKind::Nested), ("2", FailureKind::Nested)]);
    assert_eq!((verified.failed, verified.by_key.get(&2)), (2, Some(&2)));
    assert!(!verified.is_complete());
    // A move does not make it worse. What is another column's may be meant.
    let recorder = Arc::new(Recorder::default());
    let (rotate, options) = (job(Operation::Rotate), Options::default());
    let report = db.migrate_with(&rotate, &ring(3), options, recorder.clone()).await.unwrap();
    assert_eq!((report.counts.replaced, report.counts.failed), (3, 1));
    assert_eq!(recorder.failures(), [("1".into(), FailureKind::Nested)]);
    assert_eq!(db.tokens().await[0], values[0]);
}

/// Raises for row 3.
async fn add_trigger(db: &Db, raise: [&str; 3]) {
    match db.kind {
        Kind::Postgres => {
            db.run(&format!(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN IF OLD.id = 3 THEN {} END IF; RETURN NEW; END $$;
                 CREATE TRIGGER refuse BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION refuse()",
                raise[0]
            ))
            .await;
        }
        Kind::MariaDb => {
            db.run(&format!(
                "CREATE TRIGGER refuse BEFORE UPDATE ON users FOR EACH ROW IF OLD.id = 3 THEN {} END IF",
                raise[1]
            ))
            .await;
        }
        Kind::Sqlite => {
            db.run(&format!(
                "CREATE TRIGGER refuse BEFORE UPDATE ON users WHEN OLD.id = 3 BEGIN {} END",
                raise[2]
            ))
            .await;
        }
    }
}

fn values(rows: usize) -> Vec<String> {
    (1..=rows).map(|n| secrets::plaintext(&n.to_string())).collect()
}

async fn fill(db: &Db, rows: usize) {
    let values = values(rows);
    db.fill(&values.iter().map(|value| Some(value.as_str())).collect::<Vec<_>>()).await;
}

async fn rows_that_a_trigger_refuses_stay(db: &Db) {
    db.table(db.text()).await;
    fill(db, 20).await;
    add_trigger(
        db,
        [
            "RAISE EXCEPTION 'not % !', OLD.token;",
            "BEGIN DECLARE text VARCHAR(99); SET text = CONCAT('not ', OLD.token); SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = text; END;",
            "SELECT RAISE(ABORT, 'CANARY-not');",
        ],
    )
    .await;
    let recorder = Arc::new(Recorder::default());
    let job = job(Operation::Encrypt);
    let report =
        db.migrate_with(&job, &ring(1), Options::default(), recorder.clone()).await.unwrap();
    assert_eq!((report.counts.replaced, report.counts.failed), (19, 1));
    // What the trigger says holds the value; the recorder looks for it in the report.
    assert_eq!(recorder.failures(), [("3".into(), FailureKind::Refused)]);
    assert!(db.tokens().await[2] == values(20)[2]);
    db.run(if db.kind == Kind::Postgres {
        "DROP TRIGGER refuse ON users"
    } else {
        "DROP TRIGGER refuse"
    })
    .await;
    assert_eq!(db.migrate(&job, &ring(1)).await.counts.replaced, 1);
    assert!(db.verified(&job, &ring(1)).await.is_complete());
}

async fn rows_that_a_check_refuses_stay(db: &Db) {
    let text = db.text();
    db.run(&format!(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, token {text}, CHECK (id < 5 OR id > 6 OR token NOT LIKE 'ef1:%'))"
    ))
    .await;
    fill(db, 40).await;
    let recorder = Arc::new(Recorder::default());
    let report = db
        .migrate_with(&job(Operation::Encrypt), &ring(1), Options::default(), recorder.clone())
        .await
        .unwrap();
    assert_eq!((report.counts.replaced, report.counts.failed), (38, 2));
    assert_eq!(
        recorder.failures(),
        [("5".into(), FailureKind::Refused), ("6".into(), FailureKind::Refused)]
    );
    assert!(recorder.reasons()[0].contains("CHECK"), "{:?}", recorder.reasons());
}

/// Only the error is real, and says where it happens. Disks that are full are in `full_disk.rs`.
/// (SQLite below gets a real limit.)
async fn a_full_disk_stops_the_job(db: &Db) {
    if db.kind == Kind::Sqlite {
        return;
    }
    db.table(db.text()).await;
    fill(db, 20).await;
    add_trigger(
        db,
        [
            "RAISE EXCEPTION 'no space' USING ERRCODE = 'disk_full';",
            "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021;",
            "",
        ],
    )
    .await;
    let options = Options { batch: 2, ..Options::default() };
    let job = job(Operation::Encrypt);
    let error = db.migrate_with(&job, &ring(1), options, Arc::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    // The batch before it is done, its own is not.
    let tokens = db.tokens().await;
    assert!(tokens[1].starts_with("ef1:") && tokens[2..] == values(20)[2..]);
    db.run(if db.kind == Kind::Postgres {
        "DROP TRIGGER refuse ON users"
    } else {
        "DROP TRIGGER refuse"
    })
    .await;
    let report = db.migrate(&job, &ring(1)).await;
    assert_eq!((report.counts.replaced, report.counts.rows), (18, 18));
}

/// A limit on the size of files, as a quota is: writing fails in the middle of the job.
#[test]
fn a_file_that_may_not_grow_stops_the_job() {
    let db = Db::sqlite().unwrap();
    crate::support::block_on(async {
        db.table("TEXT").await;
        db.run(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 6000)
             INSERT INTO users SELECT n, 'CANARY-' || n FROM n; PRAGMA wal_checkpoint(TRUNCATE)",
        )
        .await;
    });
    let run = |limit: &str| {
        let mut command = std::process::Command::new("sh");
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" \"$@\"");
        command.args(["-c", &script]).arg(std::env::current_exe().unwrap());
        let output = crate::killed::start_as(command, &db.url, "1").wait_with_output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = run("600");
    assert!(said.contains("failed Full: the database has no room left"), "{said}");
    crate::support::block_on(async {
        let sealed = db.number("SELECT count(*) FROM users WHERE token LIKE 'ef1:1:%'").await;
        let plain = db.number("SELECT count(*) FROM users WHERE token = 'CANARY-' || id").await;
        println!("{sealed} rows were moved, {plain} were not");
        assert_eq!(sealed + plain, 6000, "nothing is half done");
        assert!(plain > 0);
    });
    let said = run("unlimited");
    assert!(said.contains("finished"), "{said}");
    crate::support::block_on(async {
        assert!(db.verified(&job(Operation::Encrypt), &ring(1)).await.is_complete());
    });
}

async fn a_lost_connection_comes_back(db: &Db) {
    if db.kind == Kind::Sqlite {
        return;
    }
    db.table(db.text()).await;
    fill(db, 20).await;
    let (kind, url) = (db.kind, db.url.clone());
    let recorder = Recorder::before_the_first_write(move || {
        match kind {
        Kind::Postgres => run_now(
            kind,
            &url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        ),
        _ => run_now(
            kind,
            &url,
            "BEGIN NOT ATOMIC FOR other IN (SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID())
             DO KILL other.id; END FOR; END",
        ),
    }
    });
    let options = Options { batch: 6, ..Options::default() };
    let job = job(Operation::Encrypt);
    let report = db.migrate_with(&job, &ring(1), options, recorder.clone()).await.unwrap();
    assert!(recorder.has_told("Reconnecting"));
    assert_eq!((report.counts.rows, report.counts.replaced), (20, 20));
    assert!(db.verified(&job, &ring(1)).await.is_complete());
}

#[test]
fn rows_that_somebody_keeps_locked_are_passed_over_on_postgres() {
    if let Some(db) = Db::postgres() {
        crate::support::block_on(locked_rows_are_passed_over(&db));
    }
}

#[test]
fn rows_that_somebody_keeps_locked_are_passed_over_on_mariadb() {
    if let Some(db) = Db::mariadb() {
        crate::support::block_on(locked_rows_are_passed_over(&db));
    }
}

async fn locked_rows_are_passed_over(db: &Db) {
    db.table(db.text()).await;
    fill(db, 20).await;
    let mut other = Client::open(db.kind, &db.url).await;
    other.run("BEGIN").await.unwrap();
    other.rows("SELECT id FROM users WHERE id IN (1, 7) FOR UPDATE").await;
    let recorder = Arc::new(Recorder::default());
    let options = Options { batch: 8, ..Options::default() };
    let job = job(Operation::Encrypt);
    let report = db.migrate_with(&job, &ring(1), options.clone(), recorder.clone()).await.unwrap();
    assert_eq!((report.counts.replaced, report.counts.failed), (18, 2));
    assert_eq!(report.failures.get(&FailureKind::Locked), Some(&2));
    let failures = db.migration().await.failures(job.name(), 0, 9).await.unwrap();
    assert_eq!(failures.iter().map(|(_, f)| f.key.as_str()).collect::<Vec<_>>(), ["1", "7"]);
    other.run("ROLLBACK").await.unwrap();
    assert_eq!(db.migrate(&job, &ring(1)).await.counts.replaced, 2);

    // One that is free again at the end of its range is tried once more, and is no failure.
    let rotate = crate::support::job(Operation::Rotate);
    other.run("BEGIN").await.unwrap();
    other.rows("SELECT id FROM users WHERE id = 3 FOR UPDATE").await;
    let other = std::sync::Mutex::new(Some(other));
    let recorder = Recorder::with(move |event| {
        if matches!(event, encrypted_field_migrate::Event::Failed(_)) {
            // Dropped, so that it is rolled back.
            drop(other.lock().unwrap().take());
        }
    });
    let report = db.migrate_with(&rotate, &ring(2), options, recorder.clone()).await.unwrap();
    assert_eq!(recorder.failures(), [("3".into(), FailureKind::Locked)]);
    assert_eq!((report.counts.replaced, report.counts.failed), (20, 0));
    assert_eq!(report.failures.len(), 0);
    let status = db.migration().await.status(rotate.name()).await.unwrap().unwrap();
    assert_eq!(status.counts, report.counts);
}

#[test]
fn a_value_that_grew_meanwhile_does_not_fit_and_stays() {
    for db in [Db::postgres(), Db::mariadb()].into_iter().flatten() {
        crate::support::block_on(async {
            db.table("varchar(140)").await;
            fill(&db, 5).await;
            let long = secrets::plaintext(&"x".repeat(90));
            let (kind, url, sql) = (
                db.kind,
                db.url.clone(),
                format!("UPDATE users SET token = '{long}' WHERE id = 4"),
            );
            let recorder = Recorder::before_the_first_write(move || run_now(kind, &url, &sql));
            let job = job(Operation::Encrypt);
            let report = db
                .migrate_with(&job, &ring(1), Options::default(), recorder.clone())
                .await
                .unwrap();
            assert_eq!((report.counts.replaced, report.counts.failed), (4, 1));
            assert_eq!(recorder.failures(), [("4".into(), FailureKind::Refused)]);
            assert!(recorder.reasons()[0].contains("too narrow"), "{:?}", recorder.reasons());
            assert!(db.tokens().await[3] == long);
        });
    }
}

#[test]
fn a_row_that_takes_too_long_stays_on_postgres() {
    let Some(db) = Db::postgres() else { return };
    crate::support::block_on(async {
        db.table("text").await;
        fill(&db, 9).await;
        add_trigger(&db, ["PERFORM pg_sleep(30);", "", ""]).await;
        let name = db.url.rsplit('/').next().unwrap();
        db.run(&format!("ALTER DATABASE {name} SET statement_timeout = '400ms'")).await;
        slow_row(&db, &db.url).await;
    });
}

#[test]
fn a_row_that_takes_too_long_stays_on_mariadb() {
    let Some(db) = Db::mariadb() else { return };
    crate::support::block_on(async {
        db.table("text").await;
        fill(&db, 9).await;
        add_trigger(&db, ["", "SET @slept = SLEEP(30);", ""]).await;
        let name = db.url.rsplit('/').next().unwrap();
        db.run(&format!(
            "CREATE USER {name}@'%' IDENTIFIED BY 'short' WITH MAX_STATEMENT_TIME 0.4;
             GRANT ALL ON {name}.* TO {name}@'%'"
        ))
        .await;
        let (_, place) = db.url.split_once('@').unwrap();
        slow_row(&db, &format!("mysql://{name}:short@{place}")).await;
        db.run(&format!("DROP USER {name}@'%'")).await;
    });
}

async fn slow_row(db: &Db, url: &str) {
    let migration = encrypted_field_migrate::Migration::connect(url).await.unwrap();
    let recorder = Arc::new(Recorder::default());
    let (job, stop) = (job(Operation::Encrypt), encrypted_field_migrate::Stop::default());
    let report = migration
        .run(&job, Options::default(), Arc::new(ring(1)), recorder.clone(), &stop)
        .await
        .unwrap();
    assert_eq!((report.counts.replaced, report.counts.failed), (8, 1));
    assert_eq!(recorder.failures(), [("3".into(), FailureKind::Timeout)]);
    assert!(db.tokens().await[2] == values(9)[2]);
}
