//! With a runtime, and without one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;

use diesel::{Connection as _, SqliteConnection};
use encrypted_field::ErrorKind;
use encrypted_field::envelope::sql::DieselStore;
use encrypted_field::envelope::{
    CachePolicy, FileStore, KeyManager, KeyStore as _, Loaded, LocalKek, Query, conformance,
};
use tests::secrets;

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
    let store =
        DieselStore::<SqliteConnection>::new(|| -> Result<_, ()> { panic!("of the application") });
    let _ = run(store.load(&Query::all()));
}

/// Diesel blocks for as long as the database does. A call is given up all the same, and those that
/// hang are bounded.
#[test]
fn a_database_that_hangs() {
    let Some(table) = Table::<DieselSqlite>::open() else { return };
    let (url, calls) = (table.url.clone(), Arc::new(AtomicUsize::new(0)));
    let hangs = Arc::new((Mutex::new(false), Condvar::new()));
    let (counted, hung) = (Arc::clone(&calls), Arc::clone(&hangs));
    let store = DieselStore::new(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        let mut waits = hung.0.lock().unwrap();
        while *waits {
            waits = hung.1.wait(waits).unwrap();
        }
        SqliteConnection::establish(&url)
    });
    let cache = CachePolicy::default().call_timeout(Duration::from_millis(60));
    let kek = LocalKek::new(secrets::KEYS[0]).unwrap();
    let keys = KeyManager::builder("test", store).kek("local", kek).cache(cache).build().unwrap();
    while keys.initialize().wait().is_err_and(|error| error.is_retryable()) {}

    *hangs.0.lock().unwrap() = true;
    let before = calls.load(Ordering::SeqCst);
    for _ in 0..16 {
        let error = keys.load().wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyStoreUnavailable, "{error}");
        assert!(error.to_string().contains("it did not answer within 60 ms"), "{error}");
    }
    for _ in 0..16 {
        let error = keys.load().wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyStoreUnavailable, "{error}");
        assert!(
            error.to_string().contains("16 that got no answer in time are still under way"),
            "{error}"
        );
    }
    assert_eq!(calls.load(Ordering::SeqCst) - before, 16);

    *hangs.0.lock().unwrap() = false;
    hangs.1.notify_all();
    while keys.load().wait().is_err() {}
}
