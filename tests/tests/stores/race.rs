//! Many writers and readers at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use encrypted_field::envelope::{BackendError, FileStore, KeyStore, Query, Record};

use crate::each;
use crate::places::{Place, Table};
use crate::support::{all, run};

const WRITERS: usize = 16;
const READERS: usize = 2;
/// Beside the head.
const ENTRIES: usize = 6;

each! { many_writers }

fn many_writers<P: Place>() {
    let Some(table) = Table::<P>::open() else { return };
    race(4, || table.store());
}

#[test]
fn many_writers_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    race(4, || FileStore::new(folder.path().join("store.json")));
}

/// Each thread has a store of its own, as another process would. Whoever gets a change through adds
/// one to the count in the head, and gives every entry the head's revision: so a lost update shows
/// in the count, a double win in count and revision, and a load of two moments in entries that
/// differ. One reader asks for what is new, the other for so many names that a table needs several
/// statements.
pub fn race<S: KeyStore>(changes_of_each: usize, store: impl Fn() -> S + Sync) {
    let writing = AtomicUsize::new(WRITERS);
    let start = std::sync::Barrier::new(WRITERS + READERS);
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                start.wait();
                let wrote = run(write(changes_of_each, &store));
                writing.fetch_sub(1, Ordering::SeqCst);
                assert!(wrote.is_ok(), "{wrote:?}");
            });
        }
        for query in [news as fn(u64) -> Query, names] {
            let (start, store, writing) = (&start, &store, &writing);
            scope.spawn(move || {
                start.wait();
                run(read(store, query, writing));
            });
        }
    });
    run(async {
        let records = all(&store()).await;
        let (revision, count) = consistent(&records);
        let changes = (WRITERS * changes_of_each) as u64;
        assert_eq!((revision, count), (changes, changes));
        assert_eq!(records.len(), 1 + ENTRIES);
    });
}

async fn write<S: KeyStore>(changes: usize, store: impl Fn() -> S) -> Result<(), BackendError> {
    let store = store();
    let mut won = 0;
    while won < changes {
        let (revision, count) = consistent(&store.load(&Query::all()).await?.records);
        let body = format!(r#"{{"count":{}}}"#, count + 1);
        let record = |name| Record { name, revision: revision + 1, body: body.clone() };
        let changed: Vec<_> =
            (0..ENTRIES).map(entry).chain([Record::HEAD.to_owned()]).map(record).collect();
        // The lock is busy for nobody so long that it would be given up: an error fails the test.
        won += usize::from(store.compare_and_swap(revision, &changed).await?);
    }
    Ok(())
}

/// Names among those of [`names`], far from each other.
fn entry(number: usize) -> String {
    format!("demand/{:04x}f", number * 0x1a00)
}

/// What is above the last revision is everything, or the head alone.
fn news(last: u64) -> Query {
    Query::all().after(last)
}

fn names(_: u64) -> Query {
    let others = (0..29_000).map(|number| format!("demand/{number:04x}"));
    Query::head().names(others).names((0..ENTRIES).map(entry))
}

async fn read<S: KeyStore>(store: impl Fn() -> S, query: fn(u64) -> Query, writing: &AtomicUsize) {
    let store = store();
    let mut last = 0;
    while writing.load(Ordering::SeqCst) > 0 {
        let records = store.load(&query(last)).await.unwrap().records;
        let (revision, _) = consistent(&records);
        assert!(revision >= last, "from revision {last} back to {revision}");
        if revision > last {
            assert_eq!(records.len(), 1 + ENTRIES);
        }
        last = revision;
    }
}

/// The revision and the count that all the records have.
fn consistent(records: &[Record]) -> (u64, u64) {
    let Some(first) = records.first() else { return (0, 0) };
    for record in records {
        assert_eq!((record.revision, &record.body), (first.revision, &first.body), "{records:?}");
    }
    let body: serde_json::Value = serde_json::from_str(&first.body).unwrap();
    (first.revision, body["count"].as_u64().unwrap())
}
