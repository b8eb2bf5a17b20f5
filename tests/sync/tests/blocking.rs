//! A key-encryption key whose library hangs is given up also without an async runtime.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use diesel::{Connection as _, SqliteConnection};
use encrypted_field::envelope::sql::{Dialect, DieselStore};
use encrypted_field::envelope::{
    BackendError, BackendErrorKind, Blocking, BlockingKeyEncryptionKey, CachePolicy, KeyManager,
    LocalKek, WrapContext,
};
use encrypted_field::{ErrorKind, generate_key};
use zeroize::Zeroizing;

/// Its library waits for somebody who does not come. (Where nobody gives it up, the test ends all
/// the same.)
struct Hangs(Mutex<Receiver<()>>);

impl Hangs {
    fn call<T>(&self) -> Result<T, BackendError> {
        let never = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv_timeout(Duration::from_secs(20));
        assert!(never.is_err());
        Err(BackendError::new(BackendErrorKind::Unavailable, "it has stopped"))
    }
}

impl BlockingKeyEncryptionKey for Hangs {
    fn wrap(&self, _: &WrapContext<'_>, _: &[u8; 32]) -> Result<Vec<u8>, BackendError> {
        self.call()
    }

    fn unwrap(&self, _: &WrapContext<'_>, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        self.call()
    }

    fn describe(&self) -> String {
        "a module".into()
    }
}

#[test]
fn a_module_that_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("app.sqlite").display().to_string();
    let mut db = SqliteConnection::establish(&url).unwrap();
    diesel::connection::SimpleConnection::batch_execute(&mut db, Dialect::Sqlite.up()).unwrap();
    let (hsm, safe) = (generate_key().unwrap(), generate_key().unwrap());
    let builder = || {
        let url = url.clone();
        let cache = CachePolicy::default().call_timeout(Duration::from_millis(100));
        KeyManager::builder("sync", DieselStore::new(move || SqliteConnection::establish(&url)))
            .cache(cache)
    };
    let local = |key| LocalKek::new(key).unwrap();
    let both = builder().kek("hsm", local(hsm)).kek("safe", local(safe)).build().unwrap();
    both.initialize().wait().unwrap();

    let (still_there, receiver) = channel::<()>();
    let hangs = Blocking::new(Hangs(Mutex::new(receiver)));
    let keys = builder().kek("hsm", hangs).kek("safe", local(safe)).build().unwrap();
    keys.load().wait().unwrap();

    let (also_there, receiver) = channel::<()>();
    let hangs = Blocking::new(Hangs(Mutex::new(receiver)));
    let alone = builder().kek("hsm", hangs).offline_kek("safe").build().unwrap();
    let error = alone.load().wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyServiceUnavailable, "{error}");
    assert!(
        error.to_string().contains("KEK \"hsm\" (a module): it did not answer within 100 ms"),
        "{error}"
    );
    drop((still_there, also_there));
}
