//! Key-encryption keys: what wraps data keys.

use std::pin::Pin;

use zeroize::Zeroizing;

use super::BackendError;

/// A key-encryption key (KEK): wraps data keys and unwraps them, in a key service, a hardware module or this process.
///
/// Both calls are given what the key is, and must bind the wrapped key to that: as the service's own associated data
/// (AWS KMS: encryption context; Vault: `associated_data`), so that a key wrapped for one id, scope or purpose does not
/// unwrap for another.
///
/// An implementation that doesn't wait for anything just returns. One that does is polled on Tokio where the feature `tokio` is
/// on, and bounded in time by the library; without that feature it must bound its own time. A wrapped key is at most 16 KiB.
///
/// [`conformance::key_encryption_key`](super::conformance::key_encryption_key) tests one.
pub trait KeyEncryptionKey: Send + Sync + 'static {
    /// Wraps a data key.
    fn wrap(
        &self,
        context: &WrapContext<'_>,
        key: &[u8; 32],
    ) -> impl Future<Output = Result<Vec<u8>, BackendError>> + Send;

    /// Unwraps what [`wrap`](Self::wrap) made for the same context, to the 32 bytes of the key; anything else is
    /// [`Rejected`](super::BackendErrorKind::Rejected). A vector, because moving it leaves no copy of the key behind.
    fn unwrap(
        &self,
        context: &WrapContext<'_>,
        wrapped: &[u8],
    ) -> impl Future<Output = Result<Zeroizing<Vec<u8>>, BackendError>> + Send;

    /// What it is, for messages: the service and the name of the key there, such as `AWS KMS alias/app`. No credential.
    fn describe(&self) -> String;

    /// Whether each scope has a key-encryption key of its own here, so that
    /// [`destroy_scope`](Self::destroy_scope) covers copies of wrapped keys (backups of the store), too.
    fn is_per_scope(&self) -> bool {
        false
    }

    /// Destroys the key-encryption key of one scope, for good. Called only where [`is_per_scope`](Self::is_per_scope).
    fn destroy_scope(&self, scope: &str) -> impl Future<Output = Result<(), BackendError>> + Send {
        let _ = scope;
        async { Ok(()) }
    }
}

/// What a wrapped key is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrapContext<'a> {
    /// The name of the key set, so that keys of `staging` don't unwrap in `production`.
    pub key_set: &'a str,
    /// The id of the data key; 0 for the store key, which authenticates the store.
    pub key_id: u32,
    /// The scope of the data key.
    pub scope: &'a str,
    /// `field`, `index`, `file`; for the store key `store-` and the epoch of the store.
    pub purpose: &'a str,
}

impl<'a> WrapContext<'a> {
    /// For tests of a [`KeyEncryptionKey`]; in use, the library makes it.
    pub fn new(key_set: &'a str, key_id: u32, scope: &'a str, purpose: &'a str) -> Self {
        Self { key_set, key_id, scope, purpose }
    }

    /// All of it in one unambiguous string of bytes, for services that take associated data:
    /// `"encrypted-field/v1/wrap\0" | key id u32 | len u32 | key set | len u32 | scope | len u32 | purpose`, big-endian.
    pub fn associated_data(&self) -> Vec<u8> {
        const LABEL: &[u8] = b"encrypted-field/v1/wrap\0";
        let texts = [self.key_set, self.scope, self.purpose];
        let mut out =
            Vec::with_capacity(LABEL.len() + 4 + texts.iter().map(|text| 4 + text.len()).sum::<usize>());
        out.extend_from_slice(LABEL);
        out.extend_from_slice(&self.key_id.to_be_bytes());
        for text in texts {
            super::record::put_text(&mut out, text);
        }
        out
    }

    /// All of it as names and values, for services that take those. They show in the service's log of calls, the scope
    /// too. The default scope has no `scope`.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![
            ("encrypted-field", "v1".to_owned()),
            ("key-set", self.key_set.to_owned()),
            ("key-id", self.key_id.to_string()),
            ("purpose", self.purpose.to_owned()),
        ];
        if !self.scope.is_empty() {
            pairs.push(("scope", self.scope.to_owned()));
        }
        pairs
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// [`KeyEncryptionKey`] with its type erased.
pub(super) trait AnyKek: Send + Sync {
    fn wrap<'a>(&'a self, context: &'a WrapContext<'a>, key: &'a [u8; 32]) -> Answer<'a, Vec<u8>>;
    fn unwrap<'a>(
        &'a self,
        context: &'a WrapContext<'a>,
        wrapped: &'a [u8],
    ) -> Answer<'a, Zeroizing<Vec<u8>>>;
    fn describe(&self) -> String;
    fn is_per_scope(&self) -> bool;
    fn destroy_scope<'a>(&'a self, scope: &'a str) -> Answer<'a, ()>;
}

impl<K: KeyEncryptionKey> AnyKek for K {
    fn wrap<'a>(&'a self, context: &'a WrapContext<'a>, key: &'a [u8; 32]) -> Answer<'a, Vec<u8>> {
        Box::pin(KeyEncryptionKey::wrap(self, context, key))
    }

    fn unwrap<'a>(
        &'a self,
        context: &'a WrapContext<'a>,
        wrapped: &'a [u8],
    ) -> Answer<'a, Zeroizing<Vec<u8>>> {
        Box::pin(KeyEncryptionKey::unwrap(self, context, wrapped))
    }

    fn describe(&self) -> String {
        KeyEncryptionKey::describe(self)
    }

    fn is_per_scope(&self) -> bool {
        KeyEncryptionKey::is_per_scope(self)
    }

    fn destroy_scope<'a>(&'a self, scope: &'a str) -> Answer<'a, ()> {
        Box::pin(KeyEncryptionKey::destroy_scope(self, scope))
    }
}
