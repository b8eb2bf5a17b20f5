//! What an error of an AWS service means.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, DispatchFailure, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use encrypted_field::envelope::{BackendError, BackendErrorKind as Kind};

/// What an error code means and what to do about it.
pub(crate) struct Meaning {
    kind: Kind,
    advice: &'static str,
    /// Whether the service's own words are shown. They name ARNs and permissions. Those about a
    /// signature can hold the canonical request, with its session token, and those about a
    /// malformed request what it held: they are not shown.
    quoted: bool,
}

impl Meaning {
    /// Shown with the service's own words.
    pub(crate) const fn quoting(kind: Kind, advice: &'static str) -> Self {
        Self { kind, advice, quoted: true }
    }

    pub(crate) const fn without_quote(kind: Kind, advice: &'static str) -> Self {
        Self { kind, advice, quoted: false }
    }
}

/// An error of the SDK as one of a backend. `own` knows the codes of the service alone.
///
/// The error itself goes no further: it may hold a response's body.
pub(crate) fn failure<E: ProvideErrorMetadata>(
    error: SdkError<E, HttpResponse>,
    own: impl Fn(&str) -> Option<Meaning>,
) -> BackendError {
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    match error {
        SdkError::ServiceError(service) => {
            let error = service.err();
            match error.code() {
                Some(code) => {
                    let meaning = own(code)
                        .or_else(|| of_any_service(code))
                        .unwrap_or_else(|| of_status(status));
                    said(&meaning, code, status, error.message())
                }
                None => said(&of_status(status), "no error code", status, None),
            }
        }
        SdkError::ResponseError(_) => {
            said(&of_status(status), "not a message of the service", status, None)
        }
        SdkError::TimeoutError(_) => BackendError::new(Kind::Unavailable, "no answer in time"),
        SdkError::DispatchFailure(failure) => unsent(failure),
        SdkError::ConstructionFailure(_) => BackendError::new(
            Kind::Misconfigured,
            "the request could not be made: check the client's region, endpoint and credentials provider, and the name of the key, \
             secret or bucket",
        ),
        _ => BackendError::new(
            Kind::Unavailable,
            "the call failed in a way that is unknown to this version",
        ),
    }
}

fn said(meaning: &Meaning, code: &str, status: u16, message: Option<&str>) -> BackendError {
    // A code is a name; what stands in its place in an answer made up by something else is not
    // repeated.
    let code = if code.len() <= 64
        && code.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.'))
    {
        code
    } else {
        "a code"
    };
    let mut detail = format!("{} ({code}, HTTP {status})", meaning.advice);
    if let Some(message) = message.filter(|message| meaning.quoted && !message.is_empty()) {
        detail.push_str(": ");
        detail.extend(message.chars().filter(|c| !c.is_control()).take(500));
    }
    BackendError::new(meaning.kind, detail)
}

/// Codes that every AWS service may answer with ("Common Errors" of its API reference).
fn of_any_service(code: &str) -> Option<Meaning> {
    const CLOCK: &str = "the signature of the request is not valid: check this host's clock and the secret access key";
    Some(match code {
        "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "PriorRequestNotComplete" => {
            Meaning::quoting(Kind::Throttled, "too many calls; the account's quota can be raised")
        }
        "LimitExceededException" => Meaning::quoting(Kind::Throttled, "a quota is exceeded"),
        "AccessDeniedException" | "AccessDenied" | "NotAuthorized" | "OptInRequired" => {
            Meaning::quoting(Kind::Denied, "the permissions of this process do not allow the call")
        }
        "ExpiredTokenException" | "ExpiredToken" => Meaning::without_quote(
            Kind::Denied,
            "the session token has expired: check that the credentials are renewed, and this host's clock",
        ),
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException" => Meaning::without_quote(
            Kind::Denied,
            "the credentials are not those of an account: check the access key",
        ),
        "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "AuthFailure" => Meaning::without_quote(Kind::Denied, CLOCK),
        "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "InternalFailure"
        | "InternalError"
        | "RequestTimeout"
        | "RequestTimeoutException" => {
            Meaning::without_quote(Kind::Unavailable, "the service failed by itself")
        }
        "ValidationException" | "ValidationError" => Meaning::without_quote(
            Kind::Misconfigured,
            "the service takes the request as malformed: check the name of the key or secret",
        ),
        _ => return None,
    })
}

fn of_status(status: u16) -> Meaning {
    match status {
        429 => Meaning::without_quote(Kind::Throttled, "too many calls"),
        401 | 403 => Meaning::without_quote(Kind::Denied, "the call was forbidden"),
        408 | 500..=599 => {
            Meaning::without_quote(Kind::Unavailable, "the service failed by itself")
        }
        _ => Meaning::without_quote(
            Kind::Garbled,
            "the answer makes no sense: is the endpoint that of the service?",
        ),
    }
}

fn unsent(failure: DispatchFailure) -> BackendError {
    let unavailable = |what| BackendError::new(Kind::Unavailable, what);
    match failure.as_connector_error() {
        Some(error) if error.is_timeout() => unavailable("no connection in time"),
        Some(error) if error.is_io() => {
            let error = unavailable("it could not be reached");
            // The cause is one of the connection (DNS, TCP, TLS): it holds no message.
            match SdkError::<ConnectorError, ()>::DispatchFailure(failure).into_source() {
                Ok(cause) => error.caused_by(cause),
                Err(_) => error,
            }
        }
        _ => unavailable(
            "no request was sent: check that the client has an HTTP client and gets its credentials",
        ),
    }
}
