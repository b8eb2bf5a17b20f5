//! Backends that don't say what time it is. No application needs this.

use encrypted_field::envelope::{
    BackendError, KeyEncryptionKey, KeyStore, Loaded, Query, Record, WrapContext,
};
use encrypted_field::plaintext::Zeroizing;

/// A store or a key-encryption key whose service has a clock, without that clock. A key manager
/// compares it with its own, and writes nothing where they are apart.
pub struct WithoutClock<B>(pub B);

impl<K: KeyEncryptionKey> KeyEncryptionKey for WithoutClock<K> {
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
        self.0.unwrap(context, wrapped).await
    }

    fn describe(&self) -> String {
        self.0.describe()
    }
}

impl<S: KeyStore> KeyStore for WithoutClock<S> {
    async fn load(&self, query: &Query) -> Result<Loaded, BackendError> {
        Ok(Loaded::new(self.0.load(query).await?.records))
    }

    async fn compare_and_swap(
        &self,
        expected: u64,
        changed: &[Record],
    ) -> Result<bool, BackendError> {
        self.0.compare_and_swap(expected, changed).await
    }

    fn describe(&self) -> String {
        self.0.describe()
    }

    fn is_in_database_backups(&self) -> bool {
        self.0.is_in_database_backups()
    }
}
