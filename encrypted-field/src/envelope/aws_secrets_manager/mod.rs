//! A key store in AWS Secrets Manager.

mod error;
mod history;
mod version;

use std::fmt;
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Builder;

use super::aws;
use super::{BackendError, BackendErrorKind, KeyStore, Record, document};

/// What a secret holds at most, in bytes ("Secret value size" of AWS' quotas).
const LONGEST: usize = 65_536;

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

/// All wrapped keys in one secret of AWS Secrets Manager.
///
/// The secret is made beforehand, so that a misspelt name is an error and not a new store:
/// `aws secretsmanager create-secret --name app/keys`, without a value. The process needs `secretsmanager:GetSecretValue`,
/// `DescribeSecret`, `PutSecretValue`, and for [`forget_history`](KeyStore::forget_history) `UpdateSecretVersionStage`; the secret's
/// own KMS key adds `kms:Decrypt` and `kms:GenerateDataKey`.
///
/// The application brings the client, such as the one of the crate `aws-config`:
///
/// ```text
/// let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
/// let client = aws_sdk_secretsmanager::Client::new(&config);
/// ```
///
/// ```
/// use encrypted_field::envelope::AwsSecretsManager;
///
/// fn store(client: aws_sdk_secretsmanager::Client) -> AwsSecretsManager {
///     AwsSecretsManager::new(client, "app/keys")
/// }
/// ```
///
/// # Limits
/// A secret holds 65,536 bytes: some 60 to 100 keys under one key-encryption key, and fewer with each further one. For a key per
/// tenant take a table. A change that does not fit is refused as
/// [`Misconfigured`](BackendErrorKind::Misconfigured), and nothing is sent.
///
/// AWS keeps every version of the last 24 hours and refuses to write once they are too many; it recommends not to write more than
/// once every 10 minutes over a long time. Loading has no such limit.
///
/// # Compare-and-swap
/// Secrets Manager has none, but no version of a secret can be changed, and the writer chooses its id. A change is put as
/// the version whose id is the SHA-256 of the id of the version it was made from: of several writers that start from one version, the
/// first creates its successor, and AWS refuses the others, whose content is another. So a change is one call of
/// `PutSecretValue`, whoever loses leaves no version behind, and a try that is repeated because its answer was lost does no
/// harm.
///
/// What this does not see is a change that is not made by this library: a value put by hand while a process writes may be replaced
/// at once (it then is `AWSPREVIOUS`). Stop the writers before. And to go back to an older version put its value again,
/// as a new one: where the label `AWSCURRENT` was moved back, the version's successor exists already, and every write fails with an
/// error that says so.
///
/// # History
/// AWS keeps older versions: at least the previous one, and without a label up to 100 of them. They hold the wrapped copies of keys
/// that were destroyed since. [`forget_history`](KeyStore::forget_history) takes away the label that keeps the previous
/// version; AWS deletes versions without a label at its own time, once there are more than 100 and they are older than 24 hours, and
/// until then gives them to whoever may read the secret and names the version. Where destroyed keys must be gone, destroy the
/// key-encryption key that wraps them (a KMS key for each scope), or put the store into a new secret and delete this one.
pub struct AwsSecretsManager {
    client: Client,
    calls: Builder,
    secret_id: String,
}

impl AwsSecretsManager {
    /// `secret_id` is the name or the ARN of the secret.
    pub fn new(client: Client, secret_id: impl Into<String>) -> Self {
        Self { client, calls: calls(aws::TIMEOUT), secret_id: secret_id.into() }
    }

    /// How long a call may take with its second try, instead of 5 seconds. Loading is one call, a change two; the client's own
    /// timeouts of connecting, reading and a single try hold as well, its retries do not.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { calls: calls(timeout), ..self }
    }
}

impl KeyStore for AwsSecretsManager {
    async fn load(&self, _: u64) -> Result<Vec<Record>, BackendError> {
        let current = version::current(self).await?;
        current.map_or(Ok(Vec::new()), |current| document::parse(&current.text))
    }

    async fn compare_and_swap(&self, expected: u64, changed: &[Record]) -> Result<bool, BackendError> {
        let current = version::current(self).await?;
        let (id, before) = match current {
            Some(current) => (current.id, document::parse(&current.text)?),
            None => (String::new(), Vec::new()),
        };
        let Some(after) = document::swap(before, expected, changed)? else { return Ok(false) };
        let after = compact(&after)?;
        if after.len() > LONGEST {
            let detail = format!(
                "with this change the store would have {} bytes, and a secret holds {LONGEST}: destroy keys that nothing is sealed under, \
                 or move the store into a table",
                after.len()
            );
            return Err(BackendError::new(BackendErrorKind::Misconfigured, detail));
        }
        version::succeed(self, &id, after).await
    }

    fn describe(&self) -> String {
        format!("AWS Secrets Manager {}", self.secret_id)
    }

    fn is_in_database_backups(&self) -> bool {
        false
    }

    async fn forget_history(&self) -> Result<(), BackendError> {
        history::forget(self).await
    }
}

/// Without the whitespace, a quarter of the document.
fn compact(text: &str) -> Result<String, BackendError> {
    let value = serde_json::from_str::<serde_json::Value>(text);
    value.map(|value| value.to_string()).map_err(|_| garbled("the document is not JSON"))
}

/// What goes before the client's own configuration.
fn calls(timeout: Duration) -> Builder {
    Builder::default().retry_config(aws::retries()).timeout_config(aws::timeouts(timeout))
}

fn garbled(what: &'static str) -> BackendError {
    BackendError::new(BackendErrorKind::Garbled, what)
}

impl fmt::Debug for AwsSecretsManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
