//! What is sent: requests that `vaultrs` does not have, or of which it keeps copies that nobody
//! wipes.

use rustify::endpoint::Endpoint;
use rustify::enums::{RequestMethod, RequestType, ResponseType};
use rustify::errors::ClientError;
use serde::Serialize;
use zeroize::Zeroizing;

/// A request with its body, which is wiped. The answer is read by who sent it.
pub(crate) struct Request {
    path: String,
    method: RequestMethod,
    body: Option<Zeroizing<Vec<u8>>>,
}

impl Request {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { path: path.into(), method: RequestMethod::GET, body: None }
    }

    /// `secrets` is how many bytes of text the body holds.
    pub(crate) fn post(path: impl Into<String>, secrets: usize, body: &impl Serialize) -> Self {
        // With room for all of it: growing would leave copies behind. JSON takes up to 6 bytes for
        // one.
        let mut json = Zeroizing::new(Vec::with_capacity(512 + 6 * secrets));
        // Texts and numbers only, which are always serialized.
        let _ = serde_json::to_writer(&mut *json, body);
        Self { path: path.into(), method: RequestMethod::POST, body: Some(json) }
    }
}

impl Endpoint for Request {
    type Response = ();
    const REQUEST_BODY_TYPE: RequestType = RequestType::JSON;
    const RESPONSE_BODY_TYPE: ResponseType = ResponseType::JSON;

    fn path(&self) -> String {
        self.path.clone()
    }

    fn method(&self) -> RequestMethod {
        self.method.clone()
    }

    fn body(&self) -> Result<Option<Vec<u8>>, ClientError> {
        Ok(self.body.as_ref().map(|body| body.to_vec()))
    }
}
