//! Data keys that a key manager has unwrapped, and the key that authenticates its store.

use std::sync::{Arc, Mutex};

use encrypted_field::envelope::{
    BackendError, FileStore, KeyEncryptionKey, KeyManager, LocalKek, WrapContext,
};
use encrypted_field::plaintext::Zeroizing;
use tests::secrets::KEYS;

use super::search::Needle;
use super::{Bytes, alone};

/// Notes what it is given to wrap, as something to look for: the store key, then the data key.
#[derive(Clone)]
struct Noting(Arc<LocalKek>, Arc<Mutex<Vec<Needle>>>);

impl KeyEncryptionKey for Noting {
    async fn wrap(
        &self,
        context: &WrapContext<'_>,
        key: &[u8; 32],
    ) -> Result<Vec<u8>, BackendError> {
        self.1.lock().unwrap().push(Needle::of(key));
        self.0.wrap(context, key).await
    }

    async fn unwrap(
        &self,
        context: &WrapContext<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        self.0.unwrap(context, wrapped).await
    }

    fn describe(&self) -> String {
        "a test's".into()
    }
}

#[test]
fn of_keys_that_were_made_and_unwrapped() {
    use encrypted_field::EncryptedFieldExt as _;
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let kek = Noting(Arc::new(LocalKek::new(KEYS[1]).unwrap()), Arc::default());
    let manager = || {
        let store = FileStore::new(folder.path().join("keys.json"));
        KeyManager::builder("memory", store).kek("local", kek.clone()).build().unwrap()
    };
    // On this thread, whose stack is not searched: that of another one is memory like any other.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(manager().initialize()).unwrap();
    let needles = kek.1.lock().unwrap();
    let [store_key, data_key] = &needles[..] else { panic!("two keys were wrapped") };
    assert_eq!(data_key.count(), 0, "after it was made");

    let keys = manager();
    runtime.block_on(keys.load()).unwrap();
    let ring = keys.keyring().unwrap();
    Bytes::from(&b"a value"[..]).to_stored_with(&ring).unwrap();
    assert_eq!(
        data_key.count(),
        0,
        "once it is in use: what is derived from it is kept, it is not"
    );
    assert_eq!(store_key.count(), 0, "what authenticates the store is derived from it, too");
    let held = store_key.expose();
    assert!(store_key.count() > 0, "it would be found");
    drop((held, ring, keys));
}
