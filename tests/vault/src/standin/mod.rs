//! A server that answers as Vault does, as far as the library asks: Transit, KV version 2, AppRole
//! and Kubernetes logins, tokens. It encrypts for real, so that associated data is enforced.

mod auth;
mod engines;
mod http;
mod kv;
mod tls;
mod transit;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use encrypted_field::envelope::Clock;
use engines::Engines;
use http::{Request, Response};
use serde_json::{Value, json};
pub use tls::{Authority, Identity};

/// What the server does instead of answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An error of this status, in Vault's form.
    Status(u16),
    /// A page of HTML, with this status.
    Page(u16),
    /// Bytes that are no HTTP.
    NotHttp,
    /// Half of the body, and then the end of the connection.
    Cut,
    /// Nothing, until it is healed or closed.
    Hang,
}

/// A running server on a free loopback port. It stops when this is dropped.
#[derive(Debug)]
pub struct StandIn {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    tls: Option<Arc<rustls::ServerConfig>>,
}

#[derive(Debug)]
struct State {
    engines: Engines,
    /// By endpoint: see [`StandIn::calls`].
    calls: BTreeMap<String, usize>,
    /// The endpoint it is for (`""` for all), and what. The last counts.
    faults: Vec<(String, Fault)>,
    is_down: bool,
    connections: Vec<TcpStream>,
    /// Connections that hang wait for the other end of theirs to go.
    hanging: Vec<Sender<()>>,
    /// The namespaces of the requests so far, `""` for none.
    namespaces: Vec<String>,
    /// Of the header `Date`.
    clock: Option<Clock>,
}

impl StandIn {
    /// Without TLS. Mounted are `transit`, `secret` (KV version 2), `approle` and `kubernetes`; the
    /// root token is [`root_token`](Self::root_token).
    pub fn start() -> Self {
        Self::with(None)
    }

    /// With TLS and this certificate; where `clients` is given, only for clients with a certificate
    /// of that authority.
    pub fn start_tls(identity: &Identity, clients: Option<&Authority>) -> Self {
        Self::with(Some(tls::config(identity, clients)))
    }

    fn with(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let state = State {
            engines: Engines::new(),
            calls: BTreeMap::new(),
            faults: Vec::new(),
            is_down: false,
            connections: Vec::new(),
            hanging: Vec::new(),
            namespaces: Vec::new(),
            clock: None,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), tls });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let mut this = Self { address, shared, listener: None };
        this.listen(listener);
        this
    }

    /// Such as `http://127.0.0.1:41234`; with TLS `https://localhost:41234`.
    pub fn url(&self) -> String {
        match self.shared.tls {
            None => format!("http://{}", self.address),
            Some(_) => format!("https://localhost:{}", self.address.port()),
        }
    }

    /// May do everything.
    pub fn root_token(&self) -> String {
        self.state().engines.auth.root.clone()
    }

    /// How often an endpoint was called: `encrypt`, `decrypt`, `keys`, `data`, `metadata`,
    /// `destroy`, `delete`, `login`, `lookup-self`, `renew-self`, `mounts`, `auth`, `other`.
    pub fn calls(&self, endpoint: &str) -> usize {
        self.state().calls.get(endpoint).copied().unwrap_or(0)
    }

    /// All calls there were.
    pub fn all_calls(&self) -> usize {
        self.state().calls.values().sum()
    }

    /// From now on every endpoint fails like this, but not those of the root token.
    pub fn fail(&self, fault: Fault) {
        self.fail_at("", fault);
    }

    /// From now on one endpoint does.
    pub fn fail_at(&self, endpoint: &str, fault: Fault) {
        self.state().faults.push((endpoint.to_owned(), fault));
    }

    /// No more faults.
    pub fn heal(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.hanging.clear();
    }

    /// Closes the port and all connections.
    pub fn down(&mut self) {
        {
            let mut state = self.state();
            state.is_down = true;
            state.hanging.clear();
            for connection in state.connections.drain(..) {
                let _ = connection.shutdown(Shutdown::Both);
            }
        }
        // Wakes the listener, which then sees that it is to end.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            listener.join().expect("the listener ends");
        }
    }

    /// Opens the same port again, with everything that was there before.
    pub fn up(&mut self) {
        self.state().is_down = false;
        self.listen(TcpListener::bind(self.address).expect("the port is still free"));
    }

    /// Every token but the root's is invalid from now on.
    pub fn revoke_tokens(&self) {
        self.state().engines.auth.tokens.clear();
    }

    /// How long the tokens of later logins and renewals live, in seconds (0: without an end), and
    /// whether they can be renewed.
    pub fn grant(&self, seconds: u64, renewable: bool) {
        let auth = &mut self.state().engines.auth;
        (auth.seconds, auth.renewable) = (seconds, renewable);
    }

    /// A new token, as `vault token create` makes it.
    pub fn token(&self) -> String {
        self.state().engines.auth.token()
    }

    /// All tokens that were made and not revoked, without the root's.
    pub fn all_tokens(&self) -> Vec<String> {
        self.state().engines.auth.tokens.keys().cloned().collect()
    }

    /// From now on logins give tokens that no policy lets do anything but look at themselves.
    pub fn grant_nothing(&self) {
        self.state().engines.auth.grants_nothing = true;
    }

    /// Accepts this token of a service account for this role.
    pub fn accept_service_account(&self, role: &str, jwt: &str) {
        self.state().engines.auth.service_accounts.insert(role.to_owned(), jwt.to_owned());
    }

    /// Transit as before Vault 1.13, which ignores `associated_data`.
    pub fn ignore_associated_data(&self) {
        self.state().engines.ignores_associated_data = true;
    }

    /// The most bytes that a body may have (`max_request_size`).
    pub fn limit_requests(&self, bytes: usize) {
        self.state().engines.max_request = bytes;
    }

    /// As with `delete_version_after` on KV.
    pub fn delete_versions_later(&self) {
        self.state().engines.deletes_later = true;
    }

    /// From now on answers have a `Date`, by this clock. Without it they have none: a test or an
    /// example that sets the time by hand would find Vault's far from its own.
    pub fn date_by(&self, clock: &Clock) {
        self.state().clock = Some(clock.clone());
    }

    /// The namespaces that requests named.
    pub fn namespaces(&self) -> Vec<String> {
        self.state().namespaces.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    fn listen(&mut self, listener: TcpListener) {
        let shared = Arc::clone(&self.shared);
        self.listener = Some(thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut state = shared.state();
                if state.is_down {
                    break;
                }
                state.connections.push(stream.try_clone().expect("a handle of the connection"));
                drop(state);
                let shared = Arc::clone(&shared);
                // What ends it early is the other side's business.
                thread::spawn(move || shared.serve(&stream));
            }
        }));
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        if self.listener.is_some() {
            self.down();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let end = match &self.tls {
            None => self.talk(stream),
            Some(config) => {
                let connection =
                    rustls::ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                self.talk(rustls::StreamOwned::new(connection, stream.try_clone()?))
            }
        };
        // Not closed by dropping it: there is another handle of it.
        let _ = stream.shutdown(Shutdown::Both);
        end
    }

    fn talk(&self, mut stream: impl Read + Write) -> io::Result<()> {
        while let Some(request) = http::read(&mut stream)? {
            let handled = self.handle(&request);
            let date = self.state().clock.as_ref().map(Clock::wall);
            match handled {
                Ok(response) => http::write(&mut stream, &response, date)?,
                Err(Fault::Hang) => {
                    let (sender, receiver): (_, Receiver<()>) = channel();
                    self.state().hanging.push(sender);
                    let _ = receiver.recv();
                    return Ok(());
                }
                Err(Fault::Cut) => {
                    return stream
                        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":");
                }
                Err(_) => {
                    return stream
                        .write_all(b"\x15\x03\x01\x00\x02\x02\x16 something else\r\n\r\n");
                }
            }
        }
        Ok(())
    }

    fn handle(&self, request: &Request) -> Result<Response, Fault> {
        let mut state = self.state();
        let endpoint = endpoint(&request.path);
        *state.calls.entry(endpoint.to_owned()).or_default() += 1;
        state.namespaces.push(request.namespace.clone().unwrap_or_default());
        let is_root = request.token.as_deref() == Some(&state.engines.auth.root);
        let fault = state.faults.iter().rev().find(|(at, _)| at.is_empty() || at == endpoint);
        match fault {
            Some((_, fault)) if !is_root => match *fault {
                Fault::Status(status) => Ok(errors(status, &[fault_text(status)])),
                Fault::Page(status) => {
                    Ok(Response { status, body: b"<html>no Vault here</html>".to_vec() })
                }
                fault => Err(fault),
            },
            _ => Ok(state.engines.answer(request)),
        }
    }
}

/// Vault's errors. <https://developer.hashicorp.com/vault/api-docs#error-response>
fn errors(status: u16, texts: &[&str]) -> Response {
    Response { status, body: json!({ "errors": texts }).to_string().into_bytes() }
}

/// The envelope around all data.
/// <https://developer.hashicorp.com/vault/api-docs#parameters-in-responses>
fn data(status: u16, data: &Value) -> Response {
    let body = json!({
        "request_id": "6b1e4e4c-0c4d-4f0e-9d5c-6d2a3a2b9f10", "lease_id": "", "renewable": false, "lease_duration": 0,
        "data": data, "wrap_info": null, "warnings": null, "auth": null
    });
    Response { status, body: body.to_string().into_bytes() }
}

fn nothing() -> Response {
    Response { status: 204, body: Vec::new() }
}

/// <https://developer.hashicorp.com/vault/api-docs#http-status-codes>
fn fault_text(status: u16) -> &'static str {
    match status {
        403 => "permission denied",
        429 => "request path \"transit/decrypt/app\": rate limit quota exceeded",
        503 => "Vault is sealed",
        _ => "internal error",
    }
}

fn endpoint(path: &str) -> &'static str {
    const NAMES: [&str; 11] = [
        "lookup-self",
        "renew-self",
        "login",
        "mounts",
        "encrypt",
        "decrypt",
        "keys",
        "data",
        "metadata",
        "destroy",
        "delete",
    ];
    let mut parts = path.split('/');
    match (
        path.split('/').next(),
        parts.find_map(|part| NAMES.into_iter().find(|name| *name == part)),
    ) {
        (_, Some(name)) => name,
        (Some("auth" | "sys"), None) => "auth",
        _ => "other",
    }
}
