//! A Diesel-only program: blocking loads, and a thread that refreshes. One test, because a process
//! has one installed manager.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use diesel::prelude::*;
use encrypted_field::envelope::sql::{Dialect, DieselStore};
use encrypted_field::envelope::{
    BackendError, CachePolicy, KeyEncryptionKey, KeyManager, LocalKek, WrapContext,
};
use encrypted_field::{Encrypted, Error, ErrorKind, generate_key, key::Purpose};
use zeroize::Zeroizing;

diesel::table! {
    connections (id) {
        id -> Integer,
        token -> Text,
    }
}

#[derive(Queryable, Selectable, Insertable, Encrypted)]
#[diesel(table_name = connections)]
struct SlackConnection {
    id: i32,
    #[encrypted(String)]
    token: Token,
}

/// Panics once, as code may that is not ours.
struct Panicking(LocalKek, &'static AtomicUsize);

impl KeyEncryptionKey for Panicking {
    async fn wrap(
        &self,
        context: &WrapContext<'_>,
        key: &[u8; 32],
    ) -> Result<Vec<u8>, BackendError> {
        self.0.wrap(context, key).await
    }

    async fn unwrap(
        &self,
        context: &WrapContext<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        assert!(
            self.1.load(Ordering::SeqCst) != 1 || self.1.fetch_add(1, Ordering::SeqCst) != 1,
            "once"
        );
        self.0.unwrap(context, wrapped).await
    }

    fn describe(&self) -> String {
        "a test's".into()
    }
}

#[test]
fn a_program_without_an_async_runtime() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("app.sqlite").display().to_string();
    let mut db = SqliteConnection::establish(&url).unwrap();
    diesel::connection::SimpleConnection::batch_execute(&mut db, Dialect::Sqlite.up()).unwrap();
    diesel::sql_query("CREATE TABLE connections (id INTEGER PRIMARY KEY, token TEXT NOT NULL)")
        .execute(&mut db)
        .unwrap();

    let kek = generate_key().unwrap();
    let manager = |wait| {
        let url = url.clone();
        let cache = CachePolicy::default().wait_for_unknown(wait);
        KeyManager::builder("sync", DieselStore::new(move || SqliteConnection::establish(&url)))
            .kek("local", Panicking(LocalKek::new(kek).unwrap(), &PANICS))
            .cache(cache)
            .build()
            .unwrap()
    };
    let keys = manager(Duration::from_mins(1));
    // Before there is a store, it says so; and goes on trying.
    let error = keys.install().wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyStoreUnusable, "{error}");
    manager(Duration::ZERO).initialize().wait().unwrap();
    let row = SlackConnection { id: 1, token: "CANARY-sync".into() };
    // The thread loads what is there now, about a second later.
    let mut waited = 0;
    while let Err(error) = diesel::insert_into(connections::table).values(&row).execute(&mut db) {
        // What has kept the keys from being loaded: `install` was called.
        assert_eq!(
            Error::find(&error).map(Error::kind),
            Some(ErrorKind::KeyStoreUnusable),
            "{error}"
        );
        assert!(waited < 600, "the thread never loads");
        waited += 1;
        std::thread::sleep(Duration::from_millis(100));
    }

    // Another process makes a new key and uses it; this one meets it, after its refresh has
    // panicked once.
    let other = manager(Duration::ZERO);
    other.load().wait().unwrap();
    let id = other.publish("", Purpose::Field).wait().unwrap();
    other.activate_at_once(id).wait().unwrap();
    let newer = {
        let ring = other.keyring().unwrap();
        encrypted_field::EncryptedFieldExt::to_stored_text_with(&row.token, &ring).unwrap()
    };
    PANICS.store(1, Ordering::SeqCst);
    diesel::sql_query(format!("UPDATE connections SET token = '{newer}'"))
        .execute(&mut db)
        .unwrap();
    let mut waited = 0;
    let read = loop {
        match connections::table.find(1).select(SlackConnection::as_select()).first(&mut db) {
            Ok(read) => break read,
            Err(error) => {
                assert_eq!(
                    Error::find(&error).map(Error::kind),
                    Some(ErrorKind::KeyNotLoaded),
                    "{error}"
                );
            }
        }
        assert!(waited < 600, "the thread is gone");
        waited += 1;
        std::thread::sleep(Duration::from_millis(100));
    };
    assert!(*read.token == *"CANARY-sync");
    assert_eq!(read.id, 1);
    assert_eq!(PANICS.load(Ordering::SeqCst), 2, "it has panicked");
}
