//! Threads seal, insert and read while another one rotates: every value opens. In a binary of its
//! own, because it installs key rings for the whole process.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::{MysqlConnection, PgConnection, SqliteConnection};
use encrypted_field::{Encrypted, Keyring, install};
use tests::{Database, secrets};

diesel::table! {
    tokens (id) {
        id -> Integer,
        token -> Text,
        copy -> Nullable<Binary>,
    }
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Encrypted)]
#[diesel(table_name = tokens)]
struct Row {
    id: i32,
    #[encrypted(String)]
    token: Token,
    #[encrypted(Vec<u8>)]
    copy: Option<Copied>,
}

const WORKERS: i32 = 6;
/// Of each worker, at least.
const ROUNDS: i32 = 100;
const KEYS: usize = 4;
/// A race that has not seen every key by then has no rotation in it.
const PATIENCE: Duration = Duration::from_secs(120);

/// All keys, of which this one is active.
fn ring(active: usize) -> Keyring {
    let mut ring = Keyring::builder();
    for (key, id) in (0..KEYS).zip(1..) {
        let bytes = secrets::KEYS[key];
        ring = if key == active % KEYS { ring.active(id, bytes) } else { ring.retired(id, bytes) };
    }
    ring.build().expect("a ring")
}

/// Runs `work` on some threads, each as often as it takes to seal under every key, and rotates
/// meanwhile. `work` gets an id of its own each time, and gives the key ids that it has sealed
/// under.
fn race<S>(start: impl Fn() -> S + Sync, work: impl Fn(&mut S, i32) -> BTreeSet<u32> + Sync) {
    // Before the first seal: there is no other ring in this process.
    install(ring(0)).expect("install");
    let working = AtomicUsize::new(WORKERS as usize);
    thread::scope(|scope| {
        for worker in 1..=WORKERS {
            let (start, work, working) = (&start, &work, &working);
            scope.spawn(move || {
                // Also when this thread panics, else the rotation would never end.
                let _done = Done(working);
                let (mut state, mut seen, begin) = (start(), BTreeSet::new(), Instant::now());
                for n in 0.. {
                    seen.extend(work(&mut state, worker * 10_000_000 + n));
                    if n >= ROUNDS && seen.len() == KEYS {
                        break;
                    }
                    assert!(begin.elapsed() < PATIENCE, "sealed under no other keys than {seen:?}");
                }
            });
        }
        for active in 0.. {
            if working.load(Ordering::Acquire) == 0 {
                break;
            }
            install(ring(active)).expect("the same keys");
        }
    });
}

struct Done<'a>(&'a AtomicUsize);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

fn row(id: i32) -> Row {
    let token = secrets::plaintext(&id.to_string());
    Row { id, copy: Some(token.as_bytes().into()), token: token.into() }
}

/// The key that a stored value names.
fn key_of(stored: &str) -> u32 {
    stored.split(':').nth(1).and_then(|id| id.parse().ok()).expect("a stored value")
}

#[test]
fn in_memory() {
    race(
        || (),
        |(), id| {
            let Row { token, copy, .. } = row(id);
            let copy = copy.expect("not NULL");
            let (text, binary) = (token.seal_text().expect("seal"), copy.seal().expect("seal"));
            assert!(Token::open_text(&text).expect("open") == token);
            assert!(Copied::open(&binary).expect("open") == copy);
            [key_of(&text)].into()
        },
    );
}

/// What the race needs of a connection.
trait Store {
    fn insert(&mut self, row: &Row) -> QueryResult<usize>;
    fn read(&mut self, id: i32) -> QueryResult<Row>;
    fn read_all(&mut self) -> QueryResult<Vec<Row>>;
    fn raw(&mut self, id: i32) -> QueryResult<String>;
}

macro_rules! store {
    ($connection:ty) => {
        impl Store for $connection {
            fn insert(&mut self, row: &Row) -> QueryResult<usize> {
                diesel::insert_into(tokens::table).values(row).execute(self)
            }

            fn read(&mut self, id: i32) -> QueryResult<Row> {
                tokens::table.find(id).select(Row::as_select()).first(self)
            }

            fn read_all(&mut self) -> QueryResult<Vec<Row>> {
                tokens::table.select(Row::as_select()).load(self)
            }

            fn raw(&mut self, id: i32) -> QueryResult<String> {
                tokens::table.find(id).select(tokens::token).first(self)
            }
        }
    };
}
store!(SqliteConnection);
store!(PgConnection);
store!(MysqlConnection);

fn race_in_database<C: Store + SimpleConnection>(connect: impl Fn() -> C + Sync, binary: &str) {
    let table = format!(
        "CREATE TABLE tokens (id INTEGER NOT NULL PRIMARY KEY, token TEXT NOT NULL, copy {binary})"
    );
    connect().batch_execute(&table).expect("create the table");
    race(&connect, |db, id| {
        let row = row(id);
        assert_eq!(db.insert(&row), Ok(1));
        assert_eq!(db.read(id), Ok(row));
        [key_of(&db.raw(id).expect("the raw column"))].into()
    });
    // And all of them afterwards, whatever key each is under.
    let rows = connect().read_all().expect("every value opens");
    assert!(rows.len() >= usize::try_from(ROUNDS * WORKERS).expect("a few"));
    assert!(rows.into_iter().all(|read| read == row(read.id)));
}

#[test]
fn in_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("database.sqlite");
    let connect = || {
        let mut db = SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("connect");
        // Writers wait for each other.
        db.batch_execute(
            "PRAGMA busy_timeout = 60000; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF",
        )
        .expect("settings");
        db
    };
    race_in_database(connect, "BLOB");
}

#[test]
fn in_postgres() {
    let Some(database) = Database::postgres() else { return };
    race_in_database(|| PgConnection::establish(&database.url()).expect("connect"), "BYTEA");
}

#[test]
fn in_mariadb() {
    let Some(database) = Database::mariadb() else { return };
    race_in_database(|| MysqlConnection::establish(&database.url()).expect("connect"), "BLOB");
}
