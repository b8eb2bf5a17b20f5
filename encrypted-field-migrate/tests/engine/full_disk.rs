//! Disks that are really full: the job says so, nothing is half done, and it goes on when there is
//! room again.

use std::fs::{File, remove_file};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Once};

use encrypted_field_migrate::{ErrorKind, Event, Operation, Options, Waiting};

use crate::servers::{Server, in_time};
use crate::support::{Db, Recorder, block_on, job, opened, ring};

const ROWS: u64 = 10_000;

/// A table of plaintexts.
fn fill(db: &Db) {
    db.run_now("CREATE TABLE users (id integer PRIMARY KEY, token text)");
    db.run_now(db.pick(
        "INSERT INTO users SELECT n, 'CANARY-' || n FROM generate_series(1, 10000) n",
        "INSERT INTO users SELECT seq, CONCAT('CANARY-', seq) FROM seq_1_to_10000",
        "",
    ));
}

/// Runs a job whose disk gets full, makes room, and runs it again. `fill_up` is for a disk that is
/// not nearly full: it is called when the first batch is done.
fn stops_and_goes_on(
    db: &Db,
    fill_up: impl Fn() + Send + Sync + 'static,
    make_room: impl FnOnce(),
) {
    let (job, keys) = (job(Operation::Encrypt), ring(1));
    let run = |recorder: &Arc<Recorder>| {
        let options = Options { batch: 250, ..Options::default() };
        block_on(in_time(db.migrate_with(&job, &keys, options, recorder.clone())))
    };
    let filled = Once::new();
    let recorder = Recorder::with(move |event| {
        if matches!(event, Event::Written { .. }) {
            filled.call_once(&fill_up);
        }
    });
    let error = run(&recorder).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    let told = "the database has no room left, and nothing is half done; make room, and run the job again: ";
    assert!(error.to_string().starts_with(told), "{error}");
    assert_eq!(recorder.failures(), [], "no row is to blame");

    let done = block_on(rows_that_are_sealed(db));
    assert!(0 < done && done < ROWS, "{done}");
    let status = block_on(async { db.migration().await.status(job.name()).await });
    let status = status.unwrap().unwrap();
    assert!(!status.is_finished);
    assert_eq!((status.counts.rows, status.counts.replaced), (done, done));
    assert_eq!(status.counts.failed, 0);
    // Still full.
    assert_eq!(run(&Arc::default()).unwrap_err().kind(), ErrorKind::Full);

    make_room();
    let recorder = Arc::new(Recorder::default());
    let report = run(&recorder).unwrap();
    assert_eq!((report.counts.rows, report.counts.replaced), (ROWS - done, ROWS - done));
    // Not even for the lease of the worker that met the full disk.
    assert_eq!(recorder.waitings(), []);
    is_whole(db);
}

/// How many rows are sealed; each other one is as it was.
async fn rows_that_are_sealed(db: &Db) -> u64 {
    let plain = db.pick("'CANARY-' || id", "CONCAT('CANARY-', id)", "");
    let plain = format!("SELECT count(*) FROM users WHERE token = {plain}");
    let sealed = db.number("SELECT count(*) FROM users WHERE token LIKE 'ef1:1:%'").await;
    assert_eq!(sealed + db.number(&plain).await, ROWS);
    sealed
}

/// Each row opens to what it was.
fn is_whole(db: &Db) {
    let ring = ring(2);
    let rows = block_on(db.rows("SELECT id, token FROM users"));
    assert_eq!(rows.len() as u64, ROWS);
    for row in rows {
        let [Some(id), Some(token)] = &row[..] else { panic!("a row without a value") };
        assert!(opened("users.token", &ring, token) == format!("CANARY-{id}"));
    }
}

/// The whole database is in the tablespace, and so is the ledger.
#[test]
fn a_full_tablespace_of_postgres() {
    let settings = ["-c", "autovacuum=off"];
    let Some(server) = Server::postgres_with_disk(&settings, 24) else { return };
    let disk = server.own_path("disk");
    server.db.run_now(&format!("CREATE TABLESPACE small LOCATION '{disk}'"));
    let db = server.database("CREATE DATABASE users TABLESPACE small");
    fill(&db);
    // What is left is enough for some of the rows.
    db.run_now("CREATE TABLE spare AS SELECT repeat('x', 1000) FROM generate_series(1, 1000)");
    db.run_now("CREATE TABLE ballast (b text)");
    let ballast = "INSERT INTO ballast SELECT repeat('x', 1000) FROM generate_series(1, 100)";
    block_on(async { while db.try_run(ballast).await.is_ok() {} });
    db.run_now("DROP TABLE spare");
    stops_and_goes_on(&db, || {}, || db.run_now("DROP TABLE ballast"));
}

/// A quota: PostgreSQL has no code of its own for that.
#[test]
fn a_file_of_postgres_that_may_not_grow() {
    let Some(server) = Server::postgres(&["-c", "autovacuum=off"]) else { return };
    let db = server.database("CREATE DATABASE users");
    fill(&db);
    // As long as whole pages: else the end of the last one would be missing, which has a code.
    server.limit_files(&(150 * 8192).to_string());
    stops_and_goes_on(&db, || {}, || server.limit_files("unlimited"));
}

/// Writes a file until nothing is left of its disk.
fn use_all_room(path: &Path) {
    let mut file = File::create(path).unwrap();
    let block = vec![0; 1 << 16];
    while file.write_all(&block).is_ok() {}
}

#[test]
#[ignore = "MariaDB waits for room where others use the machine"]
fn a_full_disk_of_mariadb() {
    let Some(server) = Server::mariadb_with_disk(&[], 96) else { return };
    let db = server.database("CREATE DATABASE users");
    fill(&db);
    let ballast = server.path("data/ballast");
    let path = ballast.clone();
    stops_and_goes_on(&db, move || use_all_room(&path), || remove_file(&ballast).unwrap());
}

/// The tables have room, and the binary log has none. MariaDB lets the `COMMIT` wait, and says so
/// in its list of threads only.
#[test]
#[ignore = "MariaDB looks once a minute whether there is room"]
fn a_full_disk_below_the_binary_log_of_mariadb() {
    let settings = ["--log-bin", "--server-id=1", "--binlog-format=ROW"];
    let Some(server) = Server::mariadb_with_disk(&settings, 96) else { return };
    let db = server.database("CREATE DATABASE users");
    fill(&db);
    block_on(db.migrate(&job(Operation::Encrypt), &ring(1)));
    // Values of the same length from here on.
    let ballast = server.path("data/ballast");
    use_all_room(&ballast);
    let recorder = Recorder::with(move |event| {
        if matches!(event, Event::Waiting(Waiting::Disk)) {
            let _ = remove_file(&ballast);
        }
    });
    let (rotate, options) = (job(Operation::Rotate), Options { batch: 250, ..Options::default() });
    let keys = ring(2);
    let moved = db.migrate_with(&rotate, &keys, options, recorder.clone());
    let report = block_on(in_time(moved)).unwrap();
    assert!(recorder.waitings().contains(&Waiting::Disk));
    assert_eq!((report.counts.replaced, report.counts.failed), (ROWS, 0));
    is_whole(&db);
}

/// What MariaDB says when a file other than that of a table can't grow.
#[test]
fn error_28_of_mariadb_is_a_full_disk() {
    let Some(db) = Db::mariadb() else { return };
    fill(&db);
    db.run_now(
        "CREATE TRIGGER refuse BEFORE UPDATE ON users FOR EACH ROW IF OLD.id > 500 THEN
             SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1030,
                 MESSAGE_TEXT = 'Got error 28 \"No space left on device\" from storage engine InnoDB';
         END IF",
    );
    stops_and_goes_on(&db, || {}, || db.run_now("DROP TRIGGER refuse"));
}
