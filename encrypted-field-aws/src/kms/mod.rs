//! Key-encryption keys in AWS KMS.

mod destroy;
mod error;
mod time;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_kms::Client;
use aws_sdk_kms::config::Builder;
use aws_sdk_kms::primitives::Blob;
use encrypted_field::envelope::{
    BackendError, BackendErrorKind, Clock, KeyEncryptionKey, WrapContext,
};
use encrypted_field::plaintext::Zeroizing;

use crate::service;
use time::ServiceTime;

/// What KMS takes at most as `CiphertextBlob`, in bytes (API reference of `Decrypt`).
const LONGEST: usize = 6144;

/// A symmetric key of AWS KMS, or one for each scope.
///
/// The key stays in KMS. Wrapping is one call of `Encrypt` and unwrapping one of `Decrypt`, with
/// [`WrapContext::pairs`] as encryption context: KMS refuses to decrypt under another one, and
/// writes it into its log (`CloudTrail`) in clear, the scope too. `Decrypt` names the key, so that
/// what was encrypted under another key is refused. The process needs `kms:Encrypt` and
/// `kms:Decrypt`; the condition keys `kms:EncryptionContext:key-set` and the like narrow them.
/// [`key_per_scope`](Self::key_per_scope) says what destroying scopes needs on top.
///
/// The application brings the client.
///
/// ```
/// use std::time::Duration;
/// use encrypted_field_aws::AwsKms;
///
/// fn kek(client: aws_sdk_kms::Client) -> AwsKms {
///     AwsKms::new(client, "alias/app").timeout(Duration::from_secs(2))
/// }
/// ```
///
/// # Time
/// A call takes at most 4 seconds with its second try, or what [`timeout`](Self::timeout) says. The
/// client's own timeouts of connecting, reading and a single try hold as well; its retries do not.
///
/// # Secrets
/// A data key goes through buffers of the SDK, of TLS and of the allocator that nobody can wipe:
/// the request of `Encrypt` and the response of `Decrypt`, as base64. What this type itself holds
/// is wiped.
///
/// The SDK's log shows neither data keys nor session tokens, down to the level TRACE, in the
/// versions that this was tested with. With the environment variable `LOG_SENSITIVE_BODIES=true` it
/// shows responses, with data keys: never set it.
pub struct AwsKms {
    client: Client,
    key: String,
    key_of_scope: Option<KeyOfScope>,
    timeout: Duration,
    /// In days.
    waiting_period: u32,
    time: Arc<ServiceTime>,
}

type KeyOfScope = Box<dyn Fn(&str) -> String + Send + Sync>;

impl AwsKms {
    /// `key` is the id, ARN, alias (`alias/…`) or alias ARN of a symmetric key for encryption.
    pub fn new(client: Client, key: impl Into<String>) -> Self {
        Self {
            client,
            key: key.into(),
            key_of_scope: None,
            timeout: service::TIMEOUT,
            waiting_period: 7,
            time: Arc::default(),
        }
    }

    /// A key for each scope, so that destroying a scope also covers copies of its wrapped keys, in
    /// backups. `key_of_scope` names the key of a scope as [`new`](Self::new) takes it, a different
    /// one for each. The store key and the default scope have `default_key`.
    ///
    /// The keys are made beforehand; here they are only used, and
    /// [destroyed](KeyEncryptionKey::destroy_scope). Destruction is final after a waiting period of
    /// 7 days, or what [`waiting_period`](Self::waiting_period) says. From the first moment on KMS
    /// refuses to use the key, and until the end `CancelKeyDeletion` brings it back: whoever may
    /// call that, and still has the wrapped keys, has the data. A multi-Region key with replicas
    /// waits until these are deleted, too.
    ///
    /// Before it schedules the deletion of a key, it compares the names that `key_of_scope` gives
    /// for all other scopes, and `default_key`, with all that KMS knows the key by: its id, its
    /// ARN, its aliases and their ARNs. Where one is the same it refuses as
    /// [`Misconfigured`](BackendErrorKind::Misconfigured), and destroys nothing. It does not see an
    /// alias that was made moments ago, nor who else uses the key: give each key set keys of its
    /// own.
    ///
    /// ```text
    /// kms:DescribeKey, kms:ScheduleKeyDeletion    on the keys of scopes, to destroy them
    /// kms:ListAliases                             on "*": it is not given for single keys
    /// ```
    ///
    /// ```
    /// # use encrypted_field_aws::AwsKms;
    /// # fn kek(client: aws_sdk_kms::Client) -> AwsKms {
    /// AwsKms::key_per_scope(client, "alias/app", |scope| format!("alias/app-tenant-{scope}"))
    /// # }
    /// ```
    pub fn key_per_scope(
        client: Client,
        default_key: impl Into<String>,
        key_of_scope: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        Self { key_of_scope: Some(Box::new(key_of_scope)), ..Self::new(client, default_key) }
    }

    /// How long a call may take with its second try, instead of 4 seconds.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// How many days KMS waits before it deletes the key of a destroyed scope: 7 to 30, and the
    /// nearest of these for any other number.
    #[must_use]
    pub fn waiting_period(self, days: u32) -> Self {
        Self { waiting_period: days.clamp(7, 30), ..self }
    }

    /// By what clock the time since KMS' last answer is measured, for
    /// [`time`](KeyEncryptionKey::time). The system's by default; another one for tests. Only its
    /// [monotonic](Clock::monotonic) time counts.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { time: Arc::new(ServiceTime::new(clock)), ..self }
    }

    /// The name of the key of a named scope, or of that for the default scope and the store key.
    fn key_of(&self, scope: Option<&str>) -> String {
        match (scope, &self.key_of_scope) {
            (Some(scope), Some(key_of_scope)) if !scope.is_empty() => key_of_scope(scope),
            _ => self.key.clone(),
        }
    }

    /// What goes before the client's own configuration.
    fn calls(&self) -> Builder {
        Builder::default()
            .retry_config(service::retries())
            .timeout_config(service::timeouts(self.timeout))
            .interceptor(time::Watch(Arc::clone(&self.time)))
    }
}

impl KeyEncryptionKey for AwsKms {
    async fn wrap(
        &self,
        context: &WrapContext<'_>,
        key: &[u8; 32],
    ) -> Result<Vec<u8>, BackendError> {
        let call = self
            .client
            .encrypt()
            .key_id(self.key_of(context.named_scope()))
            .set_encryption_context(Some(encryption_context(context)))
            .plaintext(Blob::new(*key));
        let wrapped = call
            .customize()
            .config_override(self.calls())
            .send()
            .await
            .map_err(error::of_kms)?
            .ciphertext_blob;
        match wrapped.map(Blob::into_inner) {
            Some(wrapped) if (1..=LONGEST).contains(&wrapped.len()) => Ok(wrapped),
            _ => Err(garbled("it did not answer with a wrapped key")),
        }
    }

    async fn unwrap(
        &self,
        context: &WrapContext<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        // KMS calls these malformed requests.
        if !(1..=LONGEST).contains(&wrapped.len()) {
            return Err(BackendError::new(
                BackendErrorKind::Rejected,
                "KMS makes no wrapped keys of this length",
            ));
        }
        let call = self
            .client
            .decrypt()
            .key_id(self.key_of(context.named_scope()))
            .set_encryption_context(Some(encryption_context(context)))
            .ciphertext_blob(Blob::new(wrapped));
        let plaintext = call
            .customize()
            .config_override(self.calls())
            .send()
            .await
            .map_err(error::of_kms)?
            .plaintext;
        let plaintext = Zeroizing::new(plaintext.map(Blob::into_inner).unwrap_or_default());
        if plaintext.len() != 32 {
            return Err(garbled("it did not answer with a key of 32 bytes"));
        }
        Ok(plaintext)
    }

    fn describe(&self) -> String {
        let each = if self.key_of_scope.is_some() { ", and one key for each scope" } else { "" };
        format!("AWS KMS {}{each}", self.key)
    }

    /// By the `Date` of KMS' last answer that was no error, to the second, and the time since by
    /// the clock of [`clock`](Self::clock); `None` before the first.
    fn time(&self) -> Option<SystemTime> {
        self.time.now()
    }

    fn is_per_scope(&self) -> bool {
        self.key_of_scope.is_some()
    }

    async fn destroy_scope(&self, scope: &str, others: &[String]) -> Result<(), BackendError> {
        destroy::scope(self, scope, others).await
    }
}

fn encryption_context(context: &WrapContext<'_>) -> HashMap<String, String> {
    context.pairs().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn garbled(what: &'static str) -> BackendError {
    BackendError::new(BackendErrorKind::Garbled, what)
}

impl fmt::Debug for AwsKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
