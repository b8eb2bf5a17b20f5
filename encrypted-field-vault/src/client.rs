//! Calls, with a token that is good.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use encrypted_field::envelope::{BackendError, BackendErrorKind, Clock};
use reqwest::header::HeaderValue;
use rustify::endpoint::Endpoint;
use serde::Deserialize;
use tokio::sync::Mutex;
use vaultrs::api::EndpointMiddleware;
use zeroize::{Zeroize as _, Zeroizing};

use crate::VaultAuth;
use crate::auth::Login;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::time::ServerTime;
use crate::token::{Next, TokenState};

/// The body of an answer with a status of success.
pub(crate) type Body = Zeroizing<Vec<u8>>;

pub(crate) struct Client {
    http: rustify::Client,
    namespace: Option<String>,
    auth: VaultAuth,
    session: Mutex<Session>,
    /// How many logins have failed, readable without waiting for the session.
    failures: AtomicU64,
    clock: Clock,
    time: ServerTime,
}

#[derive(Default)]
struct Session {
    token: Option<Arc<Zeroizing<String>>>,
    state: TokenState,
    /// The last login that failed, for those who waited for it: not each of them waits for one of
    /// its own.
    failure: Option<(BackendErrorKind, String)>,
}

struct Grant {
    token: Zeroizing<String>,
    /// `None`: without an end.
    duration: Option<Duration>,
    renewable: bool,
}

impl Client {
    pub(crate) fn new(
        address: String,
        http: reqwest::Client,
        namespace: Option<String>,
        auth: VaultAuth,
        clock: Clock,
    ) -> Self {
        let http = rustify::Client { http, base: address };
        Self {
            http,
            namespace,
            auth,
            session: Mutex::default(),
            failures: AtomicU64::new(0),
            clock,
            time: ServerTime::default(),
        }
    }

    /// By the clock of the server.
    pub(crate) fn time(&self) -> Option<SystemTime> {
        self.time.now(&self.clock)
    }

    pub(crate) fn address(&self) -> &str {
        &self.http.base
    }

    /// Sends what `request` makes, with a token; once more with a new one where that is denied.
    pub(crate) async fn call<E: Endpoint>(
        &self,
        request: impl Fn() -> E + Send,
    ) -> Result<Body, Refusal> {
        let token = self.token().await.map_err(Refusal::Failed)?;
        let denied = match self.send(request(), &token).await {
            Err(refusal) if refusal.is_denied() => refusal,
            answer => return answer,
        };
        let Some(token) = self.replace(&token).await.map_err(Refusal::Failed)? else {
            return Err(denied);
        };
        let answer = self.send(request(), &token).await;
        if answer.as_ref().is_err_and(Refusal::is_denied) {
            self.session.lock().await.state.denied_again(self.clock.monotonic());
        }
        answer
    }

    async fn token(&self) -> Result<Arc<Zeroizing<String>>, BackendError> {
        let failures = self.failures.load(Ordering::Acquire);
        let mut session = self.session.lock().await;
        let next = session.state.next(self.clock.monotonic());
        if next == Next::Renew && self.renew(&mut session).await || next == Next::Use {
            // Good as it is.
        } else if let Err(error) = self.log_in(&mut session, failures).await
            && !session.state.put_off(self.clock.monotonic())
        {
            return Err(error);
        }
        session.token.clone().ok_or_else(no_token)
    }

    /// A token other than the one that was denied, if there is one or may be.
    async fn replace(
        &self,
        denied: &Arc<Zeroizing<String>>,
    ) -> Result<Option<Arc<Zeroizing<String>>>, BackendError> {
        let failures = self.failures.load(Ordering::Acquire);
        let mut session = self.session.lock().await;
        if session.token.as_ref().is_some_and(|token| Arc::ptr_eq(token, denied)) {
            if !self.auth.can_replace() || !session.state.may_replace(self.clock.monotonic()) {
                return Ok(None);
            }
            self.log_in(&mut session, failures).await?;
        }
        Ok(session.token.clone())
    }

    async fn renew(&self, session: &mut Session) -> bool {
        let Some(token) = session.token.clone() else { return false };
        let now = self.clock.monotonic();
        let request = Request::post("auth/token/renew-self", 0, &serde_json::Map::new());
        let Ok(body) = self.send(request, &token).await else { return false };
        let Ok(grant) = granted(&body) else { return false };
        session.state.granted(now, grant.duration, grant.renewable);
        true
    }

    /// `failures` is how many there were before the caller began to wait for the session.
    async fn log_in(&self, session: &mut Session, failures: u64) -> Result<(), BackendError> {
        if let Some((kind, detail)) = &session.failure
            && self.failures.load(Ordering::Acquire) > failures
        {
            return Err(BackendError::new(*kind, detail.clone()));
        }
        let now = self.clock.monotonic();
        match self.grant().await {
            Ok(grant) => {
                session.state.granted(now, grant.duration, grant.renewable);
                session.token = Some(Arc::new(grant.token));
                session.failure = None;
                Ok(())
            }
            Err(error) => {
                session.failure = Some((error.kind(), error.to_string()));
                self.failures.fetch_add(1, Ordering::Release);
                Err(error)
            }
        }
    }

    async fn grant(&self) -> Result<Grant, BackendError> {
        match self.auth.login()? {
            Login::Token(token) => {
                match self.send(Request::get("auth/token/lookup-self"), &token).await {
                    Ok(body) => looked_up(&body, token),
                    // A policy may not let it look itself up: then it is used as long as it is
                    // good.
                    Err(refusal) if refusal.is_denied() => {
                        Ok(Grant { token, duration: None, renewable: false })
                    }
                    Err(refusal) => Err(refusal.into_error()),
                }
            }
            Login::Request(request) => {
                let body =
                    self.send(request, "").await.map_err(|refusal| match refusal.status() {
                        400 => BackendError::new(
                            BackendErrorKind::Denied,
                            "it does not accept the login",
                        ),
                        _ => refusal.into_error(),
                    })?;
                granted(&body)
            }
        }
    }

    /// Past vaultrs's own way to execute requests: that logs every refusal as an error, and does
    /// not wipe what it read.
    async fn send<E: Endpoint>(&self, request: E, token: &str) -> Result<Body, Refusal> {
        let mut middleware = EndpointMiddleware {
            token: token.to_owned(),
            version: "v1".to_owned(),
            wrap: None,
            namespace: self.namespace.clone(),
        };
        let answer = request.with_middleware(&middleware).exec(&self.http).await;
        middleware.token.zeroize();
        match answer {
            Ok(answer) => {
                let headers = answer.response.headers();
                self.time
                    .answered(&self.clock, |name| headers.get(name).map(HeaderValue::as_bytes));
                Ok(Zeroizing::new(answer.response.into_body()))
            }
            Err(error) => Err(Refusal::of(error)),
        }
    }
}

/// The answer to a login and to a renewal.
/// <https://developer.hashicorp.com/vault/api-docs/auth/approle#login-with-approle>
fn granted(body: &[u8]) -> Result<Grant, BackendError> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        auth: Auth<'a>,
    }
    #[derive(Deserialize)]
    struct Auth<'a> {
        #[serde(borrow)]
        client_token: Cow<'a, str>,
        /// Seconds; 0 is without an end.
        lease_duration: u64,
        renewable: bool,
    }
    let auth = serde_json::from_slice::<Answer<'_>>(body).map_err(|_| no_token())?.auth;
    let token = Zeroizing::new(auth.client_token.into_owned());
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(no_token());
    }
    Ok(Grant { token, duration: seconds(auth.lease_duration), renewable: auth.renewable })
}

/// <https://developer.hashicorp.com/vault/api-docs/auth/token#lookup-a-token-self>
fn looked_up(body: &[u8], token: Zeroizing<String>) -> Result<Grant, BackendError> {
    #[derive(Deserialize)]
    struct Answer {
        data: Token,
    }
    #[derive(Deserialize)]
    struct Token {
        /// Seconds that are left; 0 is without an end.
        ttl: u64,
        #[serde(default)]
        renewable: bool,
    }
    let Token { ttl, renewable } =
        serde_json::from_slice::<Answer>(body).map_err(|_| no_token())?.data;
    Ok(Grant { token, duration: seconds(ttl), renewable })
}

fn seconds(lease: u64) -> Option<Duration> {
    (lease != 0).then(|| Duration::from_secs(lease))
}

fn no_token() -> BackendError {
    BackendError::new(BackendErrorKind::Garbled, "its answer to the login makes no sense")
}
