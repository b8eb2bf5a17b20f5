//! Key-encryption keys whose library blocks the thread.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::runtime::Lanes;
use super::{BackendError, KeyEncryptionKey, StoreId, WrapContext, WrappedKey};
use crate::key::Purpose;
use crate::key_id::KeyId;
use crate::secret::SecretBytes;

/// A [`KeyEncryptionKey`] whose library blocks the thread, such as one for PKCS#11. [`Blocking`]
/// makes a `KeyEncryptionKey` of it.
///
/// The methods are those of that trait, and do the same. They run on threads of their own, several
/// at once.
pub trait BlockingKeyEncryptionKey: Send + Sync + 'static {
    /// As [`KeyEncryptionKey::wrap`].
    ///
    /// # Errors
    /// The library's answer, if it does not wrap the key.
    fn wrap(&self, context: &WrapContext<'_>, key: &[u8; 32]) -> Result<Vec<u8>, BackendError>;

    /// As [`KeyEncryptionKey::unwrap`].
    ///
    /// # Errors
    /// [`Rejected`](super::BackendErrorKind::Rejected) if [`wrap`](Self::wrap) did not make it for
    /// the same context. Otherwise the library's answer.
    fn unwrap(
        &self,
        context: &WrapContext<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError>;

    /// What it is, for messages. No credential. Asked once, by [`Blocking::new`].
    fn describe(&self) -> String;

    /// As [`KeyEncryptionKey::time`]. It must not wait: it does not run on a thread of its own.
    fn time(&self) -> Option<SystemTime> {
        None
    }

    /// As [`KeyEncryptionKey::is_per_scope`]. Asked once, by [`Blocking::new`].
    fn is_per_scope(&self) -> bool {
        false
    }

    /// As [`KeyEncryptionKey::destroy_scope`].
    ///
    /// # Errors
    /// The library's answer, if it does not destroy the key.
    fn destroy_scope(&self, scope: &str, others: &[String]) -> Result<(), BackendError> {
        let _ = (scope, others);
        Ok(())
    }
}

/// A [`KeyEncryptionKey`] of a [`BlockingKeyEncryptionKey`]: each call runs on a thread of its own.
///
/// So a call that hangs is given up after
/// [`call_timeout`](crate::envelope::CachePolicy::call_timeout), and the next KEK is asked, as if a
/// service did not answer. This is true without the feature `tokio`, too. Nothing can interrupt the
/// library. The thread stays until the call ends, and its late answer is wiped.
///
/// At most 4 calls are under way at once, and others wait for their turn. Once 4 calls hang,
/// further ones fail at once as [`Unavailable`](super::BackendErrorKind::Unavailable), until one of
/// the 4 ends.
///
/// The threads are not those of Tokio's for blocking calls. A program that ends does not wait for
/// them, and a module that hangs takes none away from others. Starting one takes some 100
/// microseconds.
///
/// ```
/// use encrypted_field::envelope::{BackendError, Blocking, BlockingKeyEncryptionKey, WrapContext};
/// use zeroize::Zeroizing;
///
/// # struct Session;
/// # impl Session {
/// #     fn wrap(&self, _: &[u8], _: &[u8]) -> Result<Vec<u8>, BackendError> { Ok(Vec::new()) }
/// #     fn unwrap(&self, _: &[u8], _: &[u8]) -> Result<Zeroizing<Vec<u8>>, BackendError> {
/// #         Ok(Zeroizing::default())
/// #     }
/// # }
/// /// A key in a hardware module, with the library of the module.
/// struct Hsm(Session);
///
/// impl BlockingKeyEncryptionKey for Hsm {
///     fn wrap(&self, context: &WrapContext<'_>, key: &[u8; 32]) -> Result<Vec<u8>, BackendError> {
///         self.0.wrap(&context.associated_data(), key)
///     }
///
///     fn unwrap(
///         &self,
///         context: &WrapContext<'_>,
///         wrapped: &[u8],
///     ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
///         self.0.unwrap(&context.associated_data(), wrapped)
///     }
///
///     fn describe(&self) -> String {
///         "HSM, slot 0, key app".into()
///     }
/// }
///
/// # let session = Session;
/// let kek = Blocking::new(Hsm(session)); // for `KeyManagerBuilder::kek`
/// # let _ = kek;
/// ```
pub struct Blocking<K> {
    kek: Arc<K>,
    name: String,
    is_per_scope: bool,
    lanes: Lanes,
}

/// Calls at once, if nothing else is said.
const MOST_CALLS: usize = 4;

impl<K: BlockingKeyEncryptionKey> Blocking<K> {
    /// With at most 4 calls at once.
    pub fn new(kek: K) -> Self {
        let (name, is_per_scope) = (kek.describe(), kek.is_per_scope());
        Self { kek: Arc::new(kek), name, is_per_scope, lanes: Lanes::new(MOST_CALLS) }
    }

    /// How many calls are under way at once, such as the sessions that the module has. At least 1.
    #[must_use]
    pub fn most_calls(mut self, most: usize) -> Self {
        self.lanes = Lanes::new(most);
        self
    }
}

impl<K: BlockingKeyEncryptionKey> KeyEncryptionKey for Blocking<K> {
    async fn wrap(
        &self,
        context: &WrapContext<'_>,
        key: &[u8; 32],
    ) -> Result<Vec<u8>, BackendError> {
        let (kek, context) = (Arc::clone(&self.kek), Owned::of(context));
        let mut copy = SecretBytes::zeroed();
        copy.expose_mut().copy_from_slice(key);
        self.lanes.on_own_thread(move || kek.wrap(&context.borrow(), copy.expose())).await
    }

    async fn unwrap(
        &self,
        context: &WrapContext<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        let (kek, context, wrapped) = (Arc::clone(&self.kek), Owned::of(context), wrapped.to_vec());
        self.lanes.on_own_thread(move || kek.unwrap(&context.borrow(), &wrapped)).await
    }

    fn describe(&self) -> String {
        self.name.clone()
    }

    fn time(&self) -> Option<SystemTime> {
        self.kek.time()
    }

    fn is_per_scope(&self) -> bool {
        self.is_per_scope
    }

    async fn destroy_scope(&self, scope: &str, others: &[String]) -> Result<(), BackendError> {
        let (kek, scope, others) = (Arc::clone(&self.kek), scope.to_owned(), others.to_vec());
        self.lanes.on_own_thread(move || kek.destroy_scope(&scope, &others)).await
    }
}

impl<K> fmt::Debug for Blocking<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Blocking").field(&self.name).finish()
    }
}

/// A [`WrapContext`] that goes to another thread.
struct Owned {
    key_set: String,
    key: OwnedKey,
}

enum OwnedKey {
    Data { id: KeyId, scope: String, purpose: Purpose },
    Store { store: StoreId, epoch: u64 },
}

impl Owned {
    fn of(context: &WrapContext<'_>) -> Self {
        let key = match context.key {
            WrappedKey::Data { id, scope, purpose } => {
                OwnedKey::Data { id, scope: scope.to_owned(), purpose }
            }
            WrappedKey::Store { store, epoch } => OwnedKey::Store { store, epoch },
        };
        Self { key_set: context.key_set.to_owned(), key }
    }

    fn borrow(&self) -> WrapContext<'_> {
        match &self.key {
            OwnedKey::Data { id, scope, purpose } => {
                WrapContext::data(&self.key_set, *id, scope, *purpose)
            }
            OwnedKey::Store { store, epoch } => WrapContext::store(&self.key_set, *store, *epoch),
        }
    }
}
