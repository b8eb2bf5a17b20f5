//! What S3's own errors mean. Those of any AWS service are in [`service`].
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use encrypted_field::envelope::{BackendError, BackendErrorKind as Kind};

use super::misconfigured;
use crate::service::{self, Meaning};

pub(super) fn of_s3<E: ProvideErrorMetadata>(error: SdkError<E, HttpResponse>) -> BackendError {
    service::failure(error, meaning)
}

/// It would be wrong to begin anew, and whoever may delete the object would then empty the store.
pub(super) fn deleted() -> BackendError {
    misconfigured(
        "the object was deleted: delete the delete marker (`delete-object` with its `--version-id`, which `list-object-versions` \
         shows), or restore the text from a backup",
    )
}

fn meaning(code: &str) -> Option<Meaning> {
    // Those of the bucket's KMS key, such as `KMS.DisabledException`.
    if code.starts_with("KMS.") {
        return Some(Meaning::quoting(
            Kind::KeyUnusable,
            "the KMS key of the bucket can't be used: check its state and this process's permissions on it",
        ));
    }
    Some(match code {
        "NoSuchBucket" => Meaning::quoting(
            Kind::Misconfigured,
            "there is no such bucket: check its name, or create it, with versioning",
        ),
        "AccessDenied" => Meaning::quoting(
            Kind::Denied,
            "the permissions of this process, or a lock of the object, do not allow the call; for an object that is not there S3 \
             says the same to whoever lacks s3:ListBucket on the bucket",
        ),
        "AllAccessDisabled" | "AccountProblem" | "NotSignedUp" => {
            Meaning::quoting(Kind::Denied, "AWS does not let this account or bucket be used")
        }
        "InvalidAccessKeyId" | "InvalidSecurity" | "InvalidToken" => Meaning::without_quote(
            Kind::Denied,
            "the credentials are not those of an account: check the access key and the session token",
        ),
        "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => Meaning::without_quote(
            Kind::Misconfigured,
            "the bucket lies in another region, or the client is of another endpoint: check the client's region",
        ),
        "InvalidBucketName" | "KeyTooLongError" | "InvalidURI" => Meaning::without_quote(
            Kind::Misconfigured,
            "the name of the bucket or the key of the object is not valid",
        ),
        "InvalidObjectState" => Meaning::quoting(
            Kind::Misconfigured,
            "the object is archived: restore it, and keep lifecycle rules off it",
        ),
        "InvalidRequest" | "InvalidArgument" | "MissingContentLength" | "EntityTooLarge" => {
            Meaning::without_quote(
                Kind::Misconfigured,
                "S3 takes the request as invalid: check the settings of the bucket, and leave the client's checksums on",
            )
        }
        "NotImplemented" => Meaning::without_quote(
            Kind::Misconfigured,
            "the service does not know conditional writes: it is not S3 of AWS, and can't be used",
        ),
        "OperationAborted" | "BadDigest" | "IncompleteBody" | "TemporaryRedirect" => {
            Meaning::without_quote(Kind::Unavailable, "the call did not get through: try it again")
        }
        _ => return None,
    })
}
