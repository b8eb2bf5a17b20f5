//! With a runtime, and without one.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use diesel::{Connection as _, SqliteConnection};
use encrypted_field::envelope::sql::DieselStore;
use encrypted_field::envelope::{FileStore, KeyStore as _, Loaded, Query, conformance};

use crate::places::{DieselMariaDb, DieselPostgres, DieselSqlite, Table};
use crate::support::{ready, run};

#[test]
fn without_a_runtime() {
    let folder = tempfile::tempdir().unwrap();
    ready(conformance::key_store(&FileStore::new(folder.path().join("store.json"))));
    if let Some(table) = Table::<DieselSqlite>::open() {
        ready(conformance::key_store(&table.store()));
    }
    if let Some(table) = Table::<DieselPostgres>::open() {
        ready(conformance::key_store(&table.store()));
    }
    if let Some(table) = Table::<DieselMariaDb>::open() {
        ready(conformance::key_store(&table.store()));
    }
}

/// While Diesel blocks, the only thread of the runtime goes on.
#[test]
fn a_call_does_not_block_the_runtime() {
    let Some(table) = Table::<DieselSqlite>::open() else { return };
    let (send, receive) = mpsc::channel();
    let (url, receive) = (table.url.clone(), Mutex::new(receive));
    let store = DieselStore::new(move || {
        let gone_on = receive.lock().unwrap().recv_timeout(Duration::from_secs(20));
        assert!(gone_on.is_ok(), "the runtime waits for this");
        SqliteConnection::establish(&url)
    });
    let query = Query::all();
    run(async {
        let (loaded, ()) = tokio::join!(store.load(&query), async { send.send(()).unwrap() });
        assert_eq!(loaded.unwrap(), Loaded::default());
    });
}

/// A panic in the application's `connect` is its caller's.
#[test]
#[should_panic(expected = "of the application")]
fn a_panic_is_passed_on() {
    let store = DieselStore::<SqliteConnection>::new(|| -> Result<_, ()> { panic!("of the application") });
    let _ = run(store.load(&Query::all()));
}
