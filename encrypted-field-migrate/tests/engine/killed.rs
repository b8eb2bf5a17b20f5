//! Workers that are killed at any moment, while the application writes the same rows.
//!
//! A worker is this very program, started again with [`ROLE`] set.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use encrypted_field_migrate::{Event, Migration, Operation, Options, Stop};

use crate::support::{Client, Db, Kind, Recorder, block_on, job, opened, ring, sealed};

/// What a worker does; it is one if this is set.
pub(crate) const ROLE: &str = "EF_TEST_MIGRATE_WORKER";
const URL: &str = "EF_TEST_MIGRATE_URL";
const WRITERS: u64 = 8;

/// Starts a worker. Its keys are those of the tests.
pub(crate) fn start(url: &str, role: &str) -> Child {
    start_as(Command::new(std::env::current_exe().unwrap()), url, role)
}

/// Starts a worker by a command that ends in the path of this program.
pub(crate) fn start_as(mut command: Command, url: &str, role: &str) -> Child {
    command
        .args(["killed::is_a_worker", "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .env(URL, url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Not a test of its own: nothing, unless another test has started it.
#[test]
fn is_a_worker() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let url = std::env::var(URL).unwrap();
    let last: u32 = role.parse().unwrap();
    block_on(async {
        let migration = Migration::connect(&url).await.unwrap();
        let options = Options {
            workers: 2,
            batch: 200,
            range: 3000,
            lease: Duration::from_millis(400),
            ..Options::default()
        };
        // What was not finished comes first: until then, nobody may do something else there.
        let rotate = job(Operation::Rotate);
        let unfinished = migration.status(rotate.name()).await.unwrap();
        let unfinished = unfinished.is_some_and(|status| !status.is_finished);
        let first = unfinished.then_some(Operation::Rotate);
        for operation in first.into_iter().chain([Operation::Encrypt, Operation::Rotate]) {
            let recorder = Recorder::with(|event| {
                if let Event::Written { .. } = event {
                    println!("written");
                }
            });
            println!("begins");
            let (job, stop) = (job(operation), Stop::default());
            let keys = Arc::new(ring(last));
            if let Err(error) = migration.run(&job, options.clone(), keys, recorder, &stop).await {
                println!("failed {:?}: {error}", error.kind());
                return;
            }
        }
        println!("VmHWM {}", crate::memory::high_water_mark());
        println!("finished");
    });
}

#[test]
fn a_few_times_on_postgres() {
    let Some(db) = Db::postgres() else { return };
    run(&db, 10, 5_000);
}

#[test]
fn a_few_times_on_mariadb() {
    let Some(db) = Db::mariadb() else { return };
    run(&db, 10, 5_000);
}

#[test]
fn a_few_times_on_sqlite() {
    run(&Db::sqlite().unwrap(), 5, 2_000);
}

#[test]
#[ignore = "takes minutes"]
fn two_hundred_times_on_postgres() {
    let Some(db) = Db::postgres() else { return };
    run(&db, 200, 100_000);
}

#[test]
#[ignore = "takes minutes"]
fn two_hundred_times_on_mariadb() {
    let Some(db) = Db::mariadb() else { return };
    run(&db, 200, 100_000);
}

#[test]
#[ignore = "takes minutes"]
fn fifty_times_on_sqlite() {
    run(&Db::sqlite().unwrap(), 50, 100_000);
}

/// What a row holds at that version.
fn plaintext(id: u64, version: u32) -> String {
    format!("CANARY-{id}-{version}")
}

fn run(db: &Db, kills: u32, rows: u64) {
    block_on(async {
        db.run(&format!("CREATE TABLE users (id BIGINT PRIMARY KEY, token {})", db.text())).await;
        for first in (0..rows).step_by(1000) {
            let values: Vec<String> = (first..(first + 1000).min(rows))
                .map(|id| format!("({id}, '{}')", plaintext(id, 0)))
                .collect();
            db.run(&format!("INSERT INTO users VALUES {}", values.join(", "))).await;
        }
    });
    let newest = Arc::new(AtomicU32::new(1));
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let (kind, url) = (db.kind, db.url.clone());
            let (newest, stop) = (Arc::clone(&newest), Arc::clone(&stop));
            std::thread::spawn(move || block_on(write(kind, &url, number, rows, &newest, &stop)))
        })
        .collect();

    let (mut batches, mut finished) = (0, 0);
    for kill in 0..kills {
        // Each key is the active one for a while, so that there is always something to move.
        newest.store(1 + kill * 7 / kills, Ordering::SeqCst);
        let mut child = start(&db.url, &newest.load(Ordering::SeqCst).to_string());
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut seen, wanted) = (0, u64::from(kill % 11));
        loop {
            let Some(Ok(line)) = output.next() else {
                stop.store(true, Ordering::SeqCst);
                panic!("the worker ended at kill {kill}");
            };
            batches += u64::from(line == "written");
            seen += u64::from(line == "written");
            finished += u64::from(line == "finished");
            if line == "finished"
                || line == "begins" && wanted == 0
                || line == "written" && seen == wanted
            {
                break;
            }
        }
        // Somewhere within the next batch. The moment matters, and not how long it takes.
        std::thread::sleep(Duration::from_micros(u64::from(kill) * 1_370 % 12_000));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    let mut expected: HashMap<u64, u32> = HashMap::new();
    let mut all = 0;
    for writer in writers {
        let (theirs, count) = writer.join().unwrap();
        expected.extend(theirs);
        all += count;
    }
    // Undisturbed, to the end of the pass that was begun, behind which a writer may have left
    // plaintext, and once more.
    for _ in 0..2 {
        let mut child = start(&db.url, "7");
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let lines: Vec<String> = output.map_while(Result::ok).collect();
        assert!(lines.iter().any(|line| line == "finished"));
        child.wait().unwrap();
    }

    let failed = "SELECT row_key, kind, reason FROM encrypted_field_migration_failures";
    assert_eq!(block_on(db.rows(failed)), Vec::<Vec<Option<String>>>::new());
    let found = block_on(db.rows("SELECT id, token FROM users"));
    println!(
        "{kills} kills after {batches} batches, {finished} not in time; {all} writes by {WRITERS} writers; {} rows of {rows}",
        found.len()
    );
    assert_eq!(found.len(), expected.len(), "no row is lost, and none comes back");
    let ring = ring(7);
    for row in found {
        let (id, stored) = (row[0].as_deref().unwrap(), row[1].as_deref().unwrap());
        let id: u64 = id.parse().unwrap();
        assert!(stored.starts_with("ef1:7:"), "row {id} begins with {}", &stored[..6]);
        // Opened once it is the plaintext, and not a value again.
        assert!(opened("users.token", &ring, stored) == plaintext(id, expected[&id]), "row {id}");
    }
}

/// Updates, inserts and deletes rows, as an application that seals, and now and then as one that
/// does not yet. Gives the version of each of its rows, and the number of its writes.
async fn write(
    kind: Kind,
    url: &str,
    number: u64,
    rows: u64,
    newest: &AtomicU32,
    stop: &AtomicBool,
) -> (HashMap<u64, u32>, u64) {
    let mut client = Client::open(kind, url).await;
    let mut versions: HashMap<u64, u32> =
        (0..rows).filter(|id| id % WRITERS == number).map(|id| (id, 0)).collect();
    let (mut state, mut next, mut writes) = (number + 1, rows + number, 0);
    let mut of = (1, ring(1));
    while !stop.load(Ordering::SeqCst) {
        // Any spread will do (Knuth, MMIX).
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let id = (state >> 33) % (rows / WRITERS) * WRITERS + number;
        if newest.load(Ordering::SeqCst) != of.0 {
            of = (newest.load(Ordering::SeqCst), ring(newest.load(Ordering::SeqCst)));
        }
        let last = &of.1;
        let stored = |id, version| match state >> 60 {
            0..4 => plaintext(id, version),
            _ => sealed("users.token", last, &plaintext(id, version)),
        };
        let version = versions.get(&id).copied();
        let sql = match ((state >> 40) % 10, version) {
            (0, Some(_)) => {
                versions.remove(&id);
                format!("DELETE FROM users WHERE id = {id}")
            }
            (0, None) => {
                versions.insert(id, 1);
                format!("INSERT INTO users VALUES ({id}, '{}')", stored(id, 1))
            }
            (1, _) if next < rows + rows / 4 => {
                let id = next;
                next += WRITERS;
                versions.insert(id, 1);
                format!("INSERT INTO users VALUES ({id}, '{}')", stored(id, 1))
            }
            (_, Some(version)) => {
                versions.insert(id, version + 1);
                format!("UPDATE users SET token = '{}' WHERE id = {id}", stored(id, version + 1))
            }
            (_, None) => continue,
        };
        // In the way of the engine, as it may be in the writer's: whoever loses tries again.
        while let Err(error) = client.run(&sql).await {
            let text = error.to_string();
            let is_busy = ["deadlock", "Deadlock", "locked", "Record has changed", "Lock wait"];
            assert!(is_busy.iter().any(|busy| text.contains(busy)), "{error}");
        }
        writes += 1;
        // An application has other things to do, and leaves the engine some of the processor.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    client.close().await;
    (versions, writes)
}
