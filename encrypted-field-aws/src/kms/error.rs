//! What KMS' own errors mean. Those of any AWS service are in [`service`].

use aws_sdk_kms::config::http::HttpResponse;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use encrypted_field::envelope::{BackendError, BackendErrorKind as Kind};

use crate::service::{self, Meaning};

pub(super) fn of_kms<E: ProvideErrorMetadata>(error: SdkError<E, HttpResponse>) -> BackendError {
    service::failure(error, meaning)
}

fn meaning(code: &str) -> Option<Meaning> {
    Some(match code {
        "DisabledException" => {
            Meaning::quoting(Kind::KeyUnusable, "the KMS key is disabled: enable it")
        }
        "KMSInvalidStateException" => Meaning::quoting(
            Kind::KeyUnusable,
            "the state of the KMS key forbids its use: if it is pending deletion, `cancel-key-deletion` and `enable-key` bring it back",
        ),
        "NotFoundException" => Meaning::quoting(
            Kind::KeyUnusable,
            "there is no such KMS key or alias, in this region and account: it was deleted, or is misspelt",
        ),
        "InvalidKeyUsageException" => {
            Meaning::quoting(Kind::KeyUnusable, "the KMS key is not a symmetric one for encryption")
        }
        // "The request was rejected because the specified KMS key was not available. You can retry
        // the request."
        "KeyUnavailableException" => {
            Meaning::quoting(Kind::Unavailable, "the KMS key is not available now")
        }
        "DependencyTimeoutException" | "KMSInternalException" => {
            Meaning::quoting(Kind::Unavailable, "KMS failed by itself")
        }
        "InvalidCiphertextException" => Meaning::without_quote(
            Kind::Rejected,
            "KMS refuses the wrapped key: it was changed, or wrapped for another key id, scope, purpose or key set",
        ),
        "IncorrectKeyException" => Meaning::without_quote(
            Kind::OtherKek,
            "the wrapped key was wrapped under another KMS key",
        ),
        _ => return None,
    })
}
