//! Key-encryption keys in AWS KMS.

mod destroy;
mod error;

use std::fmt;
use std::time::Duration;

use aws_sdk_kms::Client;
use aws_sdk_kms::config::Builder;
use aws_sdk_kms::primitives::Blob;
use zeroize::Zeroizing;

use super::aws;
use super::{BackendError, BackendErrorKind, KeyEncryptionKey, WrapContext};

/// What KMS takes at most as `CiphertextBlob`, in bytes (API reference of `Decrypt`).
const LONGEST: usize = 6144;

/// A symmetric key of AWS KMS, or one for each scope.
///
/// The key stays in KMS. Wrapping is one call of `Encrypt` and unwrapping one of `Decrypt`, with
/// [`WrapContext::pairs`] as encryption context: KMS refuses to decrypt under another one, and writes it into its log (`CloudTrail`) in clear,
/// the scope too. `Decrypt` names the key, so that what was encrypted under another key is refused. The process needs
/// `kms:Encrypt` and `kms:Decrypt`; the condition keys `kms:EncryptionContext:key-set` and the like narrow them.
///
/// The application brings the client, such as the one of the crate `aws-config`:
///
/// ```text
/// let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
/// let client = aws_sdk_kms::Client::new(&config);
/// ```
///
/// ```
/// use std::time::Duration;
/// use encrypted_field::envelope::AwsKms;
///
/// fn kek(client: aws_sdk_kms::Client) -> AwsKms {
///     AwsKms::new(client, "alias/app").timeout(Duration::from_secs(2))
/// }
/// ```
///
/// # Time
/// A call takes at most 5 seconds with its second try, or what [`timeout`](Self::timeout) says. The client's own timeouts of
/// connecting, reading and a single try hold as well; its retries do not.
///
/// # Secrets
/// A data key goes through buffers of the SDK, of TLS and of the allocator that nobody can wipe: the request of `Encrypt` and
/// the response of `Decrypt`, as base64. What this type itself holds is wiped.
///
/// The SDK's log shows neither data keys nor session tokens, down to the level TRACE, in the versions that this was tested with. With
/// the environment variable `LOG_SENSITIVE_BODIES=true` it shows responses, with data keys: never set it.
pub struct AwsKms {
    client: Client,
    calls: Builder,
    key: String,
    key_of_scope: Option<KeyOfScope>,
    /// In days.
    waiting_period: u32,
}

type KeyOfScope = Box<dyn Fn(&str) -> String + Send + Sync>;

impl AwsKms {
    /// `key` is the id, ARN, alias (`alias/…`) or alias ARN of a symmetric key for encryption.
    pub fn new(client: Client, key: impl Into<String>) -> Self {
        Self { client, calls: calls(aws::TIMEOUT), key: key.into(), key_of_scope: None, waiting_period: 7 }
    }

    /// A key for each scope, so that destroying a scope also covers copies of its wrapped keys, in backups. `key_of_scope` names the
    /// key of a scope as [`new`](Self::new) takes it, a different one for each. The store key and the default scope have
    /// `default_key`.
    ///
    /// The keys are made beforehand; here they are only used, and
    /// [destroyed](KeyEncryptionKey::destroy_scope) with `DescribeKey` (twice) and `ScheduleKeyDeletion`, which need these
    /// permissions. Destruction is final after a waiting period of 7 days, or what
    /// [`waiting_period`](Self::waiting_period) says. From the first moment on KMS refuses to use the key, and until the end
    /// `CancelKeyDeletion` brings it back: whoever may call that, and still has the wrapped keys, has the data. A multi-Region key
    /// with replicas waits until these are deleted, too.
    ///
    /// ```
    /// # use encrypted_field::envelope::AwsKms;
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

    /// How long a call may take with its second try, instead of 5 seconds.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { calls: calls(timeout), ..self }
    }

    /// How many days KMS waits before it deletes the key of a destroyed scope: 7 to 30, and the nearest of these for any other number.
    #[must_use]
    pub fn waiting_period(self, days: u32) -> Self {
        Self { waiting_period: days.clamp(7, 30), ..self }
    }

    fn key_of(&self, scope: &str) -> String {
        match &self.key_of_scope {
            Some(key_of_scope) if !scope.is_empty() => key_of_scope(scope),
            _ => self.key.clone(),
        }
    }
}

impl KeyEncryptionKey for AwsKms {
    async fn wrap(&self, context: &WrapContext<'_>, key: &[u8; 32]) -> Result<Vec<u8>, BackendError> {
        let call = self
            .client
            .encrypt()
            .key_id(self.key_of(context.scope))
            .set_encryption_context(Some(encryption_context(context)))
            .plaintext(Blob::new(*key));
        let wrapped = call
            .customize()
            .config_override(self.calls.clone())
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
            .key_id(self.key_of(context.scope))
            .set_encryption_context(Some(encryption_context(context)))
            .ciphertext_blob(Blob::new(wrapped));
        let plaintext = call
            .customize()
            .config_override(self.calls.clone())
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

    fn is_per_scope(&self) -> bool {
        self.key_of_scope.is_some()
    }

    async fn destroy_scope(&self, scope: &str) -> Result<(), BackendError> {
        destroy::scope(self, scope).await
    }
}

fn encryption_context(context: &WrapContext<'_>) -> std::collections::HashMap<String, String> {
    context.pairs().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What goes before the client's own configuration.
fn calls(timeout: Duration) -> Builder {
    Builder::default().retry_config(aws::retries()).timeout_config(aws::timeouts(timeout))
}

fn garbled(what: &'static str) -> BackendError {
    BackendError::new(BackendErrorKind::Garbled, what)
}

impl fmt::Debug for AwsKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
