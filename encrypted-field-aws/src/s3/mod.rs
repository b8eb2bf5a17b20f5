//! A document in S3.

mod error;
mod history;
mod object;

use std::fmt;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_smithy_types::retry::RetryConfig;
use encrypted_field::envelope::{BackendError, BackendErrorKind, Document};

use crate::service;

/// What is read and written at most, in bytes. S3 takes more in one object; a text is kept in
/// memory as a whole.
const LONGEST: usize = 64 << 20;

/// One object of S3 as a [`Document`]: an anchor, or a key store. Its version is the `ETag` of the
/// object.
///
/// The application brings the client, of the region in which the bucket lies.
///
/// ```
/// use encrypted_field::envelope::Anchor;
/// use encrypted_field_aws::AwsS3Object;
///
/// fn anchor(client: aws_sdk_s3::Client) -> Anchor {
///     Anchor::in_document(AwsS3Object::new(client, "example-anchors", "app/anchor"))
/// }
/// ```
///
/// # The bucket
/// The bucket is made beforehand, the object is not. It is a general purpose bucket **with
/// versioning**. There S3 keeps what was deleted, and says that it was: reading is then an error,
/// and not an empty document. Without versioning S3 forgets a deleted object, and so do processes
/// that start afterwards. No lifecycle rule may expire or archive the current version. Nobody else
/// writes the object.
///
/// The object is read from the bucket itself, and not through a replica or a Multi-Region Access
/// Point. S3 is consistent there: a read sees every write that has succeeded before ("[Amazon S3
/// data consistency
/// model](https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel)").
///
/// # Permissions
/// | action | on | |
/// |---|---|---|
/// | `s3:GetObject`, `s3:PutObject` | the object | to read and to replace |
/// | `s3:ListBucket` | the bucket | to tell a missing object from a forbidden one |
/// | `s3:ListBucketVersions` | the bucket | to find older versions |
/// | `s3:DeleteObjectVersion` | the object | to delete them |
/// | `kms:Decrypt`, `kms:GenerateDataKey` | the KMS key of the bucket | if it has one of its own |
///
/// Without `s3:ListBucket` S3 answers "access denied" for an object that is not there, and the
/// first text is never written. The last two actions of S3 are only for
/// [`forget_history`](Document::forget_history), of a key store. Withhold them, and
/// `s3:DeleteObject`, from whoever only has an anchor.
///
/// # Where an anchor should lie
/// An anchor tells that a store was set back. It is worth nothing where whoever sets the store back
/// sets the anchor back, too. So it lies out of reach of those who administer the store and its
/// backups: in a bucket of another AWS account, or at least behind a role that the store's
/// administrators can't assume. No backup restores it together with the store.
///
/// [S3 Object Lock](https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html) with a
/// default retention keeps all older versions of an anchor, from everybody: a wrong anchor can be
/// found out and the right one put back. It does not prevent a new version on top, nor a delete
/// marker: what it protects is evidence, and permissions protect the current text. Do not put a key
/// store under Object Lock: older versions of it then can't be forgotten.
///
/// # Compare-and-swap
/// A text is put with the conditional writes of S3: the first with `If-None-Match: *`, each other
/// with the `ETag` that was read in `If-Match` ("[How to prevent object overwrites with conditional
/// writes](https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html)"). S3
/// refuses all but one of several writers.
///
/// An `ETag` stands for a content, and not for a moment: where a text was replaced and put back, it
/// is the same again, and a change that was made from it goes through. It then replaces the text
/// that it was made from. No two texts of a key store or of an anchor are the same.
///
/// A put is not tried a second time, unlike all other calls. Its second try would be refused
/// because of its first, as if another writer had been faster. So a put whose answer is lost is
/// [`Unavailable`](BackendErrorKind::Unavailable), and may have happened.
///
/// Services that resemble S3 must know both headers: one that ignores them loses changes.
/// [`conformance::document`](encrypted_field::envelope::conformance::document) tells.
///
/// # Limits
/// A text has 64 MiB at most. A longer one is refused as
/// [`Misconfigured`](BackendErrorKind::Misconfigured), and neither read nor sent. The whole object
/// is read and written each time: for a key per tenant take a table.
///
/// The text is UTF-8. Transfers are checked by checksums of the SDK (CRC32, where the client does
/// not turn them off); who wrote the text they do not tell.
///
/// # History
/// A versioned bucket keeps older versions of a key store, with the wrapped copies of keys that
/// were destroyed since. [`forget_history`](Document::forget_history) deletes all but the current
/// one, for good. It does not reach replicas of the bucket, nor backups.
pub struct AwsS3Object {
    client: Client,
    bucket: String,
    key: String,
    timeout: Duration,
}

impl AwsS3Object {
    /// The object `key`, such as `app/anchor`, of a bucket: its name or the ARN of an access point.
    pub fn new(client: Client, bucket: impl Into<String>, key: impl Into<String>) -> Self {
        Self { client, bucket: bucket.into(), key: key.into(), timeout: service::TIMEOUT }
    }

    /// How long a call may take with its second try, instead of 4 seconds. Reading is one call, and
    /// so is replacing, but for the first text, which is two. The client's own timeouts of
    /// connecting, reading and a single try hold as well, its retries do not.
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

    /// The same for a call that must not be repeated.
    fn one_try(&self) -> Builder {
        self.calls().retry_config(RetryConfig::disabled())
    }
}

impl Document for AwsS3Object {
    /// The `ETag`.
    type Version = String;

    async fn read(&self) -> Result<Option<(String, String)>, BackendError> {
        object::read(self).await
    }

    async fn replace(&self, before: Option<&String>, text: String) -> Result<bool, BackendError> {
        if text.len() > LONGEST {
            return Err(misconfigured("it would be larger than 64 MiB; so many keys need a table"));
        }
        object::replace(self, before, text).await
    }

    fn describe(&self) -> String {
        format!("AWS S3 {}/{}", self.bucket, self.key)
    }

    async fn forget_history(&self) -> Result<(), BackendError> {
        history::forget(self).await
    }
}

fn misconfigured(what: &'static str) -> BackendError {
    BackendError::new(BackendErrorKind::Misconfigured, what)
}

fn garbled(what: &'static str) -> BackendError {
    BackendError::new(BackendErrorKind::Garbled, what)
}

impl fmt::Debug for AwsS3Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
