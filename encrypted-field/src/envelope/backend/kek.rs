//! Key-encryption keys: what wraps data keys.

use std::fmt;
use std::pin::Pin;
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::BackendError;
use crate::key::Purpose;
use crate::key_id::KeyId;

/// A key-encryption key (KEK): wraps data keys and unwraps them, in a key service, a hardware
/// module or this process.
///
/// Both calls are given what the key is, and must bind the wrapped key to that as the service's own
/// associated data (AWS KMS: encryption context; Vault: `associated_data`). So a key wrapped for
/// one id, scope or purpose does not unwrap for another.
///
/// An implementation that waits for nothing just returns. If it waits and the feature `tokio` is
/// on, it is polled on Tokio, and the library bounds its time
/// ([`call_timeout`](crate::envelope::CachePolicy::call_timeout)). It must not block the thread.
/// Nothing can interrupt a thread, so a call that hangs in there is never given up, and no other
/// KEK is asked in its place. If its library blocks, as those of hardware modules do (PKCS#11), it
/// implements [`BlockingKeyEncryptionKey`](crate::envelope::BlockingKeyEncryptionKey) instead.
///
/// A wrapped key is at most 16 KiB.
///
/// [`conformance::key_encryption_key`](super::conformance::key_encryption_key) tests one.
pub trait KeyEncryptionKey: Send + Sync + 'static {
    /// Wraps a data key.
    fn wrap(
        &self,
        context: &WrapContext<'_>,
        key: &[u8; 32],
    ) -> impl Future<Output = Result<Vec<u8>, BackendError>> + Send;

    /// Unwraps what [`wrap`](Self::wrap) made for the same context, to the 32 bytes of the key.
    /// Anything else is [`Rejected`](super::BackendErrorKind::Rejected), or
    /// [`OtherKek`](super::BackendErrorKind::OtherKek) if that is known. The result is a vector,
    /// because moving it leaves no copy of the key behind.
    fn unwrap(
        &self,
        context: &WrapContext<'_>,
        wrapped: &[u8],
    ) -> impl Future<Output = Result<Zeroizing<Vec<u8>>, BackendError>> + Send;

    /// What it is, for messages: the service and the name of the key there, such as `AWS KMS
    /// alias/app`. No credential.
    fn describe(&self) -> String;

    /// What time it is by the clock of the service, such as the `Date` of its last answer and the
    /// time since. `None` if it has no clock of its own. Asked after a call to the service, and
    /// must not wait. Changes of a store are refused if it is far from the clock of this process.
    fn time(&self) -> Option<SystemTime> {
        None
    }

    /// Whether each scope has a key-encryption key of its own here, so that
    /// [`destroy_scope`](Self::destroy_scope) covers copies of wrapped keys (backups of the store),
    /// too.
    ///
    /// A refresh unwraps the store key, which is under the key-encryption key of the default scope.
    /// So if a permission on the key of another scope is taken away, this has its effect when the
    /// scope is loaded the next time, and not at each refresh.
    fn is_per_scope(&self) -> bool {
        false
    }

    /// Destroys the key-encryption key of one scope, for good. Called only if
    /// [`is_per_scope`](Self::is_per_scope). `others` are the names of all other scopes that have
    /// keys. If one of them, or the default scope, has the same key-encryption key, it refuses as
    /// [`Misconfigured`](super::BackendErrorKind::Misconfigured) and destroys nothing.
    fn destroy_scope(
        &self,
        scope: &str,
        others: &[String],
    ) -> impl Future<Output = Result<(), BackendError>> + Send {
        let _ = (scope, others);
        async { Ok(()) }
    }
}

/// What a wrapped key is bound to: the key set, and which key of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrapContext<'a> {
    /// The name of the key set, so that keys of `staging` don't unwrap in `production`.
    pub key_set: &'a str,
    /// Which key it is.
    pub key: WrappedKey<'a>,
}

/// A key that is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WrappedKey<'a> {
    /// A data key.
    #[non_exhaustive]
    Data {
        /// Its id.
        id: KeyId,
        /// Its scope. `""` is the default scope.
        scope: &'a str,
        /// What it is for.
        purpose: Purpose,
    },
    /// The store key, which authenticates a key store.
    #[non_exhaustive]
    Store {
        /// The id of the store.
        store: StoreId,
        /// The epoch of the store for which it is the store key.
        epoch: u64,
    },
}

/// The id of a key store: 16 random bytes, made with the store. It is printed in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreId(pub [u8; 16]);

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreId({self})")
    }
}

impl<'a> WrapContext<'a> {
    /// Of a data key.
    pub fn data(key_set: &'a str, id: KeyId, scope: &'a str, purpose: Purpose) -> Self {
        Self { key_set, key: WrappedKey::Data { id, scope, purpose } }
    }

    /// Of the store key.
    pub fn store(key_set: &'a str, store: StoreId, epoch: u64) -> Self {
        Self { key_set, key: WrappedKey::Store { store, epoch } }
    }

    /// The id of the data key. `None` for the store key.
    pub fn key_id(&self) -> Option<KeyId> {
        match self.key {
            WrappedKey::Data { id, .. } => Some(id),
            WrappedKey::Store { .. } => None,
        }
    }

    /// The named scope of the data key. `None` for the default scope and for the store key, which
    /// belongs to no single scope.
    pub fn named_scope(&self) -> Option<&'a str> {
        match self.key {
            WrappedKey::Data { scope, .. } if !scope.is_empty() => Some(scope),
            _ => None,
        }
    }

    /// All of it in one unambiguous string of bytes, for services that take associated data.
    /// KEY-STORE.md section 3 has it.
    pub fn associated_data(&self) -> Vec<u8> {
        let mut out = b"encrypted-field/v1/wrap\0".to_vec();
        put_text(&mut out, self.key_set);
        match self.key {
            WrappedKey::Data { id, scope, purpose } => {
                out.push(1);
                out.extend_from_slice(&id.get().to_be_bytes());
                put_text(&mut out, scope);
                put_text(&mut out, purpose.name());
            }
            WrappedKey::Store { store, epoch } => {
                out.push(2);
                out.extend_from_slice(&store.0);
                out.extend_from_slice(&epoch.to_be_bytes());
            }
        }
        out
    }

    /// All of it as names and values, for services that take those. They show in the service's log
    /// of calls, the scope too. KEY-STORE.md section 3 has them.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs =
            vec![("encrypted-field", "v1".to_owned()), ("key-set", self.key_set.to_owned())];
        match self.key {
            WrappedKey::Data { id, scope, purpose } => {
                pairs.push(("key-id", id.to_string()));
                pairs.push(("purpose", purpose.name().to_owned()));
                if !scope.is_empty() {
                    pairs.push(("scope", scope.to_owned()));
                }
            }
            WrappedKey::Store { store, epoch } => {
                pairs.push(("purpose", "store".to_owned()));
                pairs.push(("store", store.to_string()));
                pairs.push(("epoch", epoch.to_string()));
            }
        }
        pairs
    }
}

/// `length u32 | UTF-8 bytes`. A name is never as long as 4 GiB.
fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// [`KeyEncryptionKey`] with its type erased.
pub(in crate::envelope) trait AnyKek: Send + Sync {
    fn wrap<'a>(&'a self, context: &'a WrapContext<'a>, key: &'a [u8; 32]) -> Answer<'a, Vec<u8>>;
    fn unwrap<'a>(
        &'a self,
        context: &'a WrapContext<'a>,
        wrapped: &'a [u8],
    ) -> Answer<'a, Zeroizing<Vec<u8>>>;
    fn describe(&self) -> String;
    fn time(&self) -> Option<SystemTime>;
    fn is_per_scope(&self) -> bool;
    fn destroy_scope<'a>(&'a self, scope: &'a str, others: &'a [String]) -> Answer<'a, ()>;
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
