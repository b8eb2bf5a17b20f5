//! Stores and KEKs whose types are known only when the configuration was read.

use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use encrypted_field::envelope::{
    BackendError, KeyEncryptionKey, KeyStore, Loaded, Query, Record, WrapContext,
};
use encrypted_field::plaintext::Zeroizing;

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// Any [`KeyStore`].
#[derive(Clone)]
pub(crate) struct StoreHandle(Arc<dyn AnyStore>);

trait AnyStore: Send + Sync {
    fn load<'a>(&'a self, query: &'a Query) -> Answer<'a, Loaded>;
    fn compare_and_swap<'a>(&'a self, expected: u64, changed: &'a [Record]) -> Answer<'a, bool>;
    fn describe(&self) -> String;
    fn is_in_database_backups(&self) -> bool;
    fn forget_history(&self) -> Answer<'_, ()>;
}

impl<S: KeyStore> AnyStore for S {
    fn load<'a>(&'a self, query: &'a Query) -> Answer<'a, Loaded> {
        Box::pin(KeyStore::load(self, query))
    }

    fn compare_and_swap<'a>(&'a self, expected: u64, changed: &'a [Record]) -> Answer<'a, bool> {
        Box::pin(KeyStore::compare_and_swap(self, expected, changed))
    }

    fn describe(&self) -> String {
        KeyStore::describe(self)
    }

    fn is_in_database_backups(&self) -> bool {
        KeyStore::is_in_database_backups(self)
    }

    fn forget_history(&self) -> Answer<'_, ()> {
        Box::pin(KeyStore::forget_history(self))
    }
}

impl StoreHandle {
    pub(crate) fn new(store: impl KeyStore) -> Self {
        Self(Arc::new(store))
    }
}

impl KeyStore for StoreHandle {
    async fn load(&self, query: &Query) -> Result<Loaded, BackendError> {
        self.0.load(query).await
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

    async fn forget_history(&self) -> Result<(), BackendError> {
        self.0.forget_history().await
    }
}

/// Any [`KeyEncryptionKey`].
#[derive(Clone)]
pub(crate) struct KekHandle(Arc<dyn AnyKek>);

trait AnyKek: Send + Sync {
    fn wrap<'a>(&'a self, context: &'a WrapContext<'_>, key: &'a [u8; 32]) -> Answer<'a, Vec<u8>>;
    fn unwrap<'a>(
        &'a self,
        context: &'a WrapContext<'_>,
        wrapped: &'a [u8],
    ) -> Answer<'a, Zeroizing<Vec<u8>>>;
    fn describe(&self) -> String;
    fn time(&self) -> Option<SystemTime>;
    fn is_per_scope(&self) -> bool;
    fn destroy_scope<'a>(&'a self, scope: &'a str, others: &'a [String]) -> Answer<'a, ()>;
}

impl<K: KeyEncryptionKey> AnyKek for K {
    fn wrap<'a>(&'a self, context: &'a WrapContext<'_>, key: &'a [u8; 32]) -> Answer<'a, Vec<u8>> {
        Box::pin(KeyEncryptionKey::wrap(self, context, key))
    }

    fn unwrap<'a>(
        &'a self,
        context: &'a WrapContext<'_>,
        wrapped: &'a [u8],
    ) -> Answer<'a, Zeroizing<Vec<u8>>> {
        Box::pin(KeyEncryptionKey::unwrap(self, context, wrapped))
    }

    fn describe(&self) -> String {
        KeyEncryptionKey::describe(self)
    }

    fn time(&self) -> Option<SystemTime> {
        KeyEncryptionKey::time(self)
    }

    fn is_per_scope(&self) -> bool {
        KeyEncryptionKey::is_per_scope(self)
    }

    fn destroy_scope<'a>(&'a self, scope: &'a str, others: &'a [String]) -> Answer<'a, ()> {
        Box::pin(KeyEncryptionKey::destroy_scope(self, scope, others))
    }
}

impl KekHandle {
    pub(crate) fn new(kek: impl KeyEncryptionKey) -> Self {
        Self(Arc::new(kek))
    }
}

impl KeyEncryptionKey for KekHandle {
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

    fn time(&self) -> Option<SystemTime> {
        self.0.time()
    }

    fn is_per_scope(&self) -> bool {
        self.0.is_per_scope()
    }

    async fn destroy_scope(&self, scope: &str, others: &[String]) -> Result<(), BackendError> {
        self.0.destroy_scope(scope, others).await
    }
}
