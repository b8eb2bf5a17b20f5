//! What stands in the way is found before the first write, with what to do.

use std::sync::Arc;

use encrypted_field::{Key, Keyring, key::KeyState};
use encrypted_field_migrate::{
    Description, ErrorKind, Finding, Form, Job, Operation, Options, Severity,
};
use tests::secrets;

use crate::support::{Db, Kind, description, job, on_each, ring, sealed};

on_each!(
    tables_that_are_none,
    tables_without_a_key,
    columns_that_are_not_there,
    columns_that_are_generated,
    checks_that_refuse_stored_values,
    keys_that_are_not_there,
    what_deserves_a_thought,
    a_usual_table_is_fine,
);

async fn found(db: &Db, job: &Job) -> Vec<Finding> {
    db.migration().await.preflight(job, &ring(1)).await.unwrap()
}

/// The job is refused for this reason, in a text with these words, and nothing is written.
async fn refused(db: &Db, job: &Job, code: &str, words: &str) {
    let all = found(db, job).await;
    let finding = all.iter().find(|finding| finding.code == code);
    let finding = finding.unwrap_or_else(|| panic!("no {code} in {all:?}"));
    assert_eq!(finding.severity, Severity::Error);
    assert!(finding.text.contains(words), "{finding}");
    tests::assert_redacted(&finding.text);
    let error =
        db.migrate_with(job, &ring(1), Options::default(), Arc::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains(words), "{error}");
    assert!(db.try_run("SELECT * FROM encrypted_field_migration_jobs").await.is_err());
}

async fn tables_that_are_none(db: &Db) {
    let encrypt = job(Operation::Encrypt);
    refused(db, &encrypt, "no-table", "there is no table users").await;
    db.run("CREATE TABLE people (id INTEGER PRIMARY KEY, token VARCHAR(500))").await;
    db.run("CREATE VIEW users AS SELECT * FROM people").await;
    refused(db, &encrypt, "no-table", "users is a view").await;
    if db.kind == Kind::MariaDb {
        db.run("DROP VIEW users").await;
        db.run("CREATE TABLE users (id INTEGER PRIMARY KEY, token TEXT) ENGINE = MyISAM").await;
        refused(db, &encrypt, "no-table", "MyISAM").await;
    }
}

async fn tables_without_a_key(db: &Db) {
    let text = db.text();
    db.run(&format!("CREATE TABLE users (id INTEGER, name VARCHAR(9) UNIQUE, token {text})")).await;
    refused(db, &job(Operation::Encrypt), "no-key", "has no primary key").await;
    let named = Description { key: vec!["id".into()], ..description() };
    refused(db, &Job::new(named, Operation::Encrypt).unwrap(), "no-key", "is not unique").await;
}

async fn columns_that_are_not_there(db: &Db) {
    db.table(db.text()).await;
    let other = Description { column: "tokin".into(), ..description() };
    refused(db, &Job::new(other, Operation::Encrypt).unwrap(), "no-column", "no column tokin")
        .await;
    let other = Description { scope_column: Some("org".into()), ..description() };
    refused(db, &Job::new(other, Operation::Encrypt).unwrap(), "no-column", "no column org").await;
    let other = Description { key: vec!["id".into(), "no".into()], ..description() };
    refused(db, &Job::new(other, Operation::Encrypt).unwrap(), "no-column", "no column no").await;
}

async fn columns_that_are_generated(db: &Db) {
    let sql = db.pick(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, a text, token text GENERATED ALWAYS AS (lower(a)) STORED)",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, a text, token text AS (lower(a)) STORED)",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, a TEXT, token TEXT GENERATED ALWAYS AS (lower(a)) STORED)",
    );
    db.run(sql).await;
    refused(db, &job(Operation::Encrypt), "generated", "name another column as the target").await;
}

async fn checks_that_refuse_stored_values(db: &Db) {
    let (text, length) = (db.text(), db.pick("length", "char_length", "length"));
    db.run(&format!(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, token {text}, CONSTRAINT short CHECK ({length}(token) < 40))"
    ))
    .await;
    db.fill(&[Some("CANARY-1"), Some("CANARY-2")]).await;
    refused(db, &job(Operation::Encrypt), "refused", "a CHECK refuses the new value").await;
    assert!(db.tokens().await == ["CANARY-1", "CANARY-2"]);
}

async fn keys_that_are_not_there(db: &Db) {
    db.table(db.text()).await;
    db.fill(&[Some("CANARY-1")]).await;
    let pending = Key::new(1, secrets::KEYS[1]).state(KeyState::Pending);
    let pending = Arc::new(Keyring::builder().key(pending).build().unwrap());
    let job = job(Operation::Encrypt);
    let found = db.migration().await.preflight(&job, &pending).await.unwrap();
    assert!(found.iter().any(|finding| finding.code == "no-active-key"), "{found:?}");
    let error =
        db.migrate_with(&job, &pending, Options::default(), Arc::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(db.tokens().await == ["CANARY-1"]);
}

async fn what_deserves_a_thought(db: &Db) {
    db.run("CREATE TABLE users (id INTEGER PRIMARY KEY, token VARCHAR(500) DEFAULT 'none', UNIQUE (token))").await;
    db.fill(&[Some("CANARY-1"), Some(&sealed("users.token", &ring(2), "CANARY-2"))]).await;
    match db.kind {
        Kind::Postgres => {
            db.run(
                "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
                 CREATE TRIGGER watch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION nothing()",
            )
            .await;
        }
        Kind::MariaDb => {
            db.run("CREATE TRIGGER watch BEFORE UPDATE ON users FOR EACH ROW SET @a = 1").await;
        }
        Kind::Sqlite => {
            db.run("CREATE TRIGGER watch BEFORE UPDATE ON users BEGIN SELECT 1; END").await;
        }
    }
    let found = found(db, &job(Operation::Encrypt)).await;
    assert!(found.iter().all(|finding| finding.severity == Severity::Warning), "{found:?}");
    for code in ["unique-index", "trigger", "default", "missing-key"] {
        assert!(found.iter().any(|finding| finding.code == code), "no {code} in {found:?}");
    }
}

async fn a_usual_table_is_fine(db: &Db) {
    db.table(db.text()).await;
    db.fill(&[Some("CANARY-1"), None]).await;
    let found = found(db, &job(Operation::Encrypt)).await;
    assert!(found.iter().all(|finding| finding.code == "replication"), "{found:?}");
}

#[allow(clippy::needless_pass_by_value, reason = "a closure")]
fn on_servers(work: impl AsyncFn(&Db)) {
    for db in [Db::postgres(), Db::mariadb()].into_iter().flatten() {
        crate::support::block_on(work(&db));
    }
}

#[test]
fn columns_that_are_too_narrow() {
    on_servers(async |db| {
        db.table("varchar(64)").await;
        db.fill(&[Some("CANARY-1"), Some("CANARY-12345678")]).await;
        // 15 bytes under a key id of one digit.
        refused(db, &job(Operation::Encrypt), "too-narrow", "the longest value needs 81").await;
        db.run("DROP TABLE users").await;
        db.table("varchar(81)").await;
        db.fill(&[Some("CANARY-12345678")]).await;
        assert_eq!(db.migrate(&job(Operation::Encrypt), &ring(1)).await.counts.replaced, 1);
    });
    let Some(db) = Db::mariadb() else { return };
    crate::support::block_on(async {
        db.table("varbinary(62)").await;
        db.fill(&[Some("CANARY-12345678")]).await;
        let binary =
            Description { storage: Form::Binary, plaintext: "bytes".into(), ..description() };
        let binary = Job::new(binary, Operation::Encrypt).unwrap();
        refused(&db, &binary, "too-narrow", "the longest value needs 63").await;
    });
}

#[test]
fn columns_that_pad_or_are_of_other_types() {
    on_servers(async |db| {
        db.table("char(200)").await;
        refused(db, &job(Operation::Encrypt), "pads", "a padded value does not open").await;
        for kind in ["integer", "date", db.pick("jsonb", "enum('a')", "")] {
            db.run("DROP TABLE users").await;
            db.table(kind).await;
            refused(db, &job(Operation::Encrypt), "type", "a column of text").await;
        }
        db.run("DROP TABLE users").await;
        db.table(db.blob()).await;
        refused(db, &job(Operation::Encrypt), "type", "declare the storage as binary").await;
    });
}

#[test]
fn users_who_may_not_write() {
    on_servers(async |db| {
        db.table("text").await;
        db.fill(&[Some("CANARY-1")]).await;
        let name = db.url.rsplit('/').next().unwrap();
        #[allow(clippy::single_match_else, reason = "as elsewhere")]
        let user = match db.kind {
            Kind::Postgres => {
                db.run(&format!(
                    "CREATE ROLE {name} LOGIN; GRANT SELECT ON users TO {name}; GRANT CREATE, USAGE ON SCHEMA public TO {name}"
                ))
                .await;
                name.to_owned()
            }
            _ => {
                db.run(&format!(
                    "CREATE USER {name}@'%' IDENTIFIED BY 'reader'; GRANT SELECT, CREATE ON {name}.* TO {name}@'%'"
                ))
                .await;
                format!("{name}:reader")
            }
        };
        let (scheme, rest) = db.url.split_once("://").unwrap();
        let (_, place) = rest.split_once('@').unwrap();
        let migration =
            encrypted_field_migrate::Migration::connect(&format!("{scheme}://{user}@{place}"))
                .await
                .unwrap();
        let found = migration.preflight(&job(Operation::Encrypt), &ring(1)).await.unwrap();
        let denied = found.iter().find(|finding| finding.code == "denied");
        assert!(denied.is_some_and(|finding| finding.severity == Severity::Error), "{found:?}");
        db.run(db.pick(
            &format!("DROP OWNED BY {name}; DROP ROLE {name}"),
            &format!("DROP USER {name}@'%'"),
            "",
        ))
        .await;
    });
}

#[test]
fn partitioned_tables_are_moved_by_the_parent() {
    on_servers(async |db| {
        db.run(db.pick(
            "CREATE TABLE users (id INTEGER, token text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
             CREATE TABLE users_1 PARTITION OF users FOR VALUES FROM (0) TO (5);
             CREATE TABLE users_2 PARTITION OF users DEFAULT",
            "CREATE TABLE users (id INTEGER, token text, PRIMARY KEY (id)) PARTITION BY RANGE (id)
             (PARTITION a VALUES LESS THAN (5), PARTITION b VALUES LESS THAN MAXVALUE)",
            "",
        ))
        .await;
        db.fill(&[Some("CANARY-1"); 9]).await;
        let options = Options { batch: 3, range: 4, ..Options::default() };
        let job = job(Operation::Encrypt);
        let report = db.migrate_with(&job, &ring(1), options, Arc::default()).await.unwrap();
        assert_eq!(report.counts.replaced, 9);
        assert!(db.verified(&job, &ring(1)).await.is_complete());
    });
}

#[test]
fn the_mode_of_the_session_counts() {
    // The global mode is everybody's, so that it can't be changed here. A unit test has the cases.
    let Some(db) = Db::mariadb() else { return };
    crate::support::block_on(async {
        db.table("text").await;
        let mode = db.column("SELECT @@GLOBAL.sql_mode").await.remove(0);
        let found = found(&db, &job(Operation::Encrypt)).await;
        let has = |code: &str| found.iter().any(|finding| finding.code == code);
        assert!(!has("not-strict"), "its own mode is strict: {found:?}");
        assert_eq!(has("application-not-strict"), !mode.contains("STRICT"));
    });
}

#[test]
fn jobs_that_contradict_themselves() {
    let refused = |description: Description, operation| {
        Job::new(description, operation).unwrap_err().to_string()
    };
    let text = refused(description(), Operation::Decrypt);
    assert!(text.contains("has to be confirmed"), "{text}");
    let text = Job::decrypt(description(), "decrypt users").unwrap_err().to_string();
    assert!(text.contains("\"decrypt users.token\""), "{text}");
    let text = refused(description(), Operation::Rename);
    assert!(text.contains("previous"), "{text}");
    let other = Description { plaintext: "texts".into(), ..description() };
    assert!(refused(other, Operation::Encrypt).contains("no plaintext type \"texts\""));
}
