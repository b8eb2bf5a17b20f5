//! What Secrets Manager's own errors mean. Those of any AWS service are in [`service`].

use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use encrypted_field::envelope::{BackendError, BackendErrorKind as Kind};

use crate::service::{self, Meaning};

pub(super) fn of_secrets_manager<E: ProvideErrorMetadata>(
    error: SdkError<E, HttpResponse>,
) -> BackendError {
    service::failure(error, meaning)
}

fn meaning(code: &str) -> Option<Meaning> {
    Some(match code {
        "ResourceNotFoundException" => Meaning::quoting(
            Kind::Misconfigured,
            "there is no such secret, in this region and account: create it with `create-secret`, without a value",
        ),
        "InvalidRequestException" => Meaning::quoting(
            Kind::Misconfigured,
            "the state of the secret forbids the call: if it is scheduled for deletion, `restore-secret` brings it back",
        ),
        // Its message may repeat a value.
        "InvalidParameterException" => Meaning::without_quote(
            Kind::Misconfigured,
            "a parameter is not valid: check the name of the secret",
        ),
        "DecryptionFailure" | "EncryptionFailure" => Meaning::quoting(
            Kind::KeyUnusable,
            "the KMS key of the secret can't be used: check its state and this process's permissions on it",
        ),
        "LimitExceededException" => Meaning::quoting(
            Kind::Throttled,
            "a quota is exceeded, such as that of versions made within 24 hours",
        ),
        "InternalServiceError" => {
            Meaning::quoting(Kind::Unavailable, "Secrets Manager failed by itself")
        }
        _ => return None,
    })
}
