//! What Vault answers instead of doing what it was asked.
//! <https://developer.hashicorp.com/vault/api-docs#http-status-codes>

use std::error::Error as StdError;
use std::io;

use encrypted_field::envelope::{BackendError, BackendErrorKind};
use rustify::errors::ClientError;
use serde::Deserialize;
use zeroize::Zeroizing;

/// No success.
pub(crate) enum Refusal {
    /// An answer other than 2xx. The body is read here and never passed on.
    Answer { status: u16, body: Zeroizing<String> },
    /// No answer, or none that can be read.
    Failed(BackendError),
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

impl Refusal {
    /// The client's own error is not kept: it may hold what was sent and received.
    pub(crate) fn of(error: ClientError) -> Self {
        match error {
            ClientError::ServerResponseError { code, content } => {
                Self::Answer { status: code, body: Zeroizing::new(content.unwrap_or_default()) }
            }
            ClientError::RequestError { source, .. } | ClientError::ResponseError { source } => {
                Self::Failed(not_sent(source.chain()))
            }
            _ => Self::Failed(BackendError::new(
                BackendErrorKind::Garbled,
                "the request can't be made, or its answer not be read",
            )),
        }
    }

    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Answer { status, .. } => *status,
            Self::Failed(_) => 0,
        }
    }

    pub(crate) fn is_denied(&self) -> bool {
        self.status() == 403
    }

    /// Whether one of Vault's error texts has this in it. What is not Vault's form of an error has
    /// none.
    pub(crate) fn says(&self, text: &str) -> bool {
        self.texts().is_some_and(|errors| errors.iter().any(|error| error.contains(text)))
    }

    /// Vault's way to say that there is nothing at a path: status 404 and no error.
    pub(crate) fn is_nothing(&self) -> bool {
        self.status() == 404 && self.texts().is_some_and(|errors| errors.is_empty())
    }

    /// The body, where it is not an error but data. A deleted version is answered like that, with
    /// status 404.
    pub(crate) fn body(&self) -> &str {
        match self {
            Self::Answer { body, .. } => body,
            Self::Failed(_) => "",
        }
    }

    fn texts(&self) -> Option<Vec<String>> {
        serde_json::from_str::<Errors>(self.body()).ok().map(|body| body.errors)
    }

    /// By the status, for what has no meaning of its own in the call.
    pub(crate) fn into_error(self) -> BackendError {
        use BackendErrorKind::{Denied, Garbled, Misconfigured, Throttled, Unavailable};
        let status = match self {
            Self::Failed(error) => return error,
            Self::Answer { status, .. } => status,
        };
        let (kind, detail) = match status {
            _ if self.says("too large") => (Misconfigured, TOO_LARGE),
            413 => (Misconfigured, TOO_LARGE),
            300..=399 => (
                Unavailable,
                "it redirects, which is not followed; give the address of the active node, or let standby nodes forward (the \
                 default)",
            ),
            400 if self.says("missing client token") => (Denied, DENIED),
            400 => (Misconfigured, "it does not take the request as it is"),
            401 | 403 => (Denied, DENIED),
            404 => (Misconfigured, "nothing is mounted at this path, or not in this namespace"),
            405 => (Misconfigured, "what is mounted at this path does not do this"),
            408 | 412 | 425 => (Unavailable, "it is not ready for this request yet"),
            429 => (Throttled, "too many requests, by its rate limit or quota"),
            503 => (Unavailable, "it is sealed, or down for maintenance"),
            500..=599 => (Unavailable, "it fails, or a proxy before it does"),
            _ => (Garbled, "it answers as no Vault does"),
        };
        BackendError::new(kind, format!("{detail} (HTTP status {status})"))
    }
}

const TOO_LARGE: &str = "the document is larger than it takes: 32 MiB in a request (`max_request_size`), 1 MiB in an entry of \
                         integrated storage (`max_entry_size`), 512 KiB with Consul; raise that, retain fewer keys, or use another \
                         store";
const DENIED: &str = "it denies this: the policy of the token does not allow it, or the token has expired and could not be \
                      replaced";

fn not_sent<'a>(chain: impl Iterator<Item = &'a (dyn StdError + 'static)>) -> BackendError {
    let mut timeout = false;
    let mut tls = None;
    let mut io = None;
    for error in chain {
        timeout |= error.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout);
        // The error inside of an `io::Error` is not its `source`: it stands for that itself.
        let mut next = error.downcast_ref::<io::Error>();
        while let Some(error) = next {
            // rustls reports what it refuses, and what the server refuses of it, as invalid data.
            match error.kind() {
                io::ErrorKind::InvalidData => tls = Some(error.to_string()),
                kind => io = Some(kind),
            }
            next = error.get_ref().and_then(|inner| inner.downcast_ref());
        }
    }
    // From TLS and the operating system: names of certificates' faults, no content.
    let (kind, detail) = match (timeout, tls, io) {
        (_, Some(fault), _) => (
            BackendErrorKind::Misconfigured,
            format!(
                "TLS fails: {fault}; check the certificate authority, the host name and the client certificate"
            ),
        ),
        (true, ..) => (BackendErrorKind::Unavailable, "no answer in time".to_owned()),
        (_, _, Some(fault)) => (BackendErrorKind::Unavailable, format!("out of reach: {fault}")),
        _ => (
            BackendErrorKind::Unavailable,
            "out of reach, or it answers with something other than HTTP".to_owned(),
        ),
    };
    BackendError::new(kind, detail)
}
