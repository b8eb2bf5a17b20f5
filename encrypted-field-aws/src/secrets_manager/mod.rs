//! A document in AWS Secrets Manager.

mod compact;
mod error;
mod history;
mod version;

use std::fmt;
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Builder;
use encrypted_field::envelope::{BackendError, BackendErrorKind, Document};

use crate::service;

/// What a secret holds at most, in bytes ("Secret value size" of AWS' quotas).
const LONGEST: usize = 65_536;

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

/// One secret of AWS Secrets Manager as a [`Document`]: a key store, or an anchor of one.
///
/// The secret is made beforehand, so that a misspelt name is an error and not a new store:
/// `aws secretsmanager create-secret --name app/keys`, without a value. The process needs
/// `secretsmanager:GetSecretValue`, `DescribeSecret`, `PutSecretValue`, and for
/// [`forget_history`](Document::forget_history) `UpdateSecretVersionStage`; the secret's own KMS
/// key adds `kms:Decrypt` and `kms:GenerateDataKey`.
///
/// The application brings the client.
///
/// ```
/// use encrypted_field_aws::AwsSecretsManager;
///
/// fn store(client: aws_sdk_secretsmanager::Client) -> AwsSecretsManager {
///     AwsSecretsManager::new(client, "app/keys")
/// }
/// ```
///
/// # Limits
/// A secret holds 65,536 bytes: some 60 to 100 keys under one key-encryption key, and fewer with
/// each further one. For a key per tenant take a table. A change that does not fit is refused as
/// [`Misconfigured`](BackendErrorKind::Misconfigured), and nothing is sent. White space between the
/// tokens of a JSON object, a quarter of a key store, is left out.
///
/// AWS keeps every version of the last 24 hours and refuses to write once they are too many; it
/// recommends not to write more than once every 10 minutes over a long time. Loading has no such
/// limit.
///
/// # Compare-and-swap
/// Secrets Manager has none, but no version of a secret can be changed, and the writer chooses its
/// id. A text is put as the version whose id is the SHA-256 of the id of the version it was made
/// from: of several writers that start from one version, the first creates its successor, and AWS
/// refuses the others, whose content is another. So replacing is one call of `PutSecretValue`,
/// whoever loses leaves no version behind, and a try that is repeated because its answer was lost
/// does no harm. (Of writers that put the *same* text, each is told that it was put: two changes of
/// a key store are never the same.)
///
/// What this does not see is a change that is not made by this library: a value put by hand while a
/// process writes may be replaced at once (it then is `AWSPREVIOUS`). Stop the writers before. And
/// to go back to an older version put its value again, as a new one: where the label `AWSCURRENT`
/// was moved back, the version's successor exists already, and every write fails with an error that
/// says so.
///
/// # History
/// AWS keeps older versions: at least the previous one, and without a label up to 100 of them. They
/// hold the wrapped copies of keys that were destroyed since.
/// [`forget_history`](Document::forget_history) takes away the label that keeps the previous
/// version; AWS deletes versions without a label at its own time, once there are more than 100 and
/// they are older than 24 hours, and until then gives them to whoever may read the secret and names
/// the version. Where destroyed keys must be gone, destroy the key-encryption key that wraps them
/// (a KMS key for each scope), or put the store into a new secret and delete this one.
pub struct AwsSecretsManager {
    client: Client,
    secret_id: String,
    timeout: Duration,
}

impl AwsSecretsManager {
    /// `secret_id` is the name or the ARN of the secret.
    pub fn new(client: Client, secret_id: impl Into<String>) -> Self {
        Self { client, secret_id: secret_id.into(), timeout: service::TIMEOUT }
    }

    /// How long a call may take with its second try, instead of 4 seconds. Reading is one call, and
    /// so is replacing; the client's own timeouts of connecting, reading and a single try hold as
    /// well, its retries do not.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// What goes before the client's own configuration.
    fn calls(&self) -> Builder {
        Builder::default()
            .retry_config(service::retries())
            .timeout_config(service::timeouts(self.timeout))
    }
}

impl Document for AwsSecretsManager {
    /// The id of the version.
    type Version = String;

    async fn read(&self) -> Result<Option<(String, String)>, BackendError> {
        version::current(self).await
    }

    async fn replace(&self, before: Option<&String>, text: String) -> Result<bool, BackendError> {
        let text = compact::json(text);
        if text.len() > LONGEST {
            let detail = format!(
                "with this change the store would have {} bytes, and a secret holds {LONGEST}: destroy keys that nothing is sealed under, \
                 or move the store into a table",
                text.len()
            );
            return Err(BackendError::new(BackendErrorKind::Misconfigured, detail));
        }
        version::succeed(self, before.map_or("", String::as_str), text).await
    }

    fn describe(&self) -> String {
        format!("AWS Secrets Manager {}", self.secret_id)
    }

    async fn forget_history(&self) -> Result<(), BackendError> {
        history::forget(self).await
    }
}

fn garbled(what: &'static str) -> BackendError {
    BackendError::new(BackendErrorKind::Garbled, what)
}

impl fmt::Debug for AwsSecretsManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
