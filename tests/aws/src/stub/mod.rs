//! A server that answers as KMS, S3 and Secrets Manager do where moto does not, over real HTTP on a
//! loopback port.

mod http;
mod kms;
mod object;
mod secrets;

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use encrypted_field::envelope::Clock;
use serde_json::{Value, json};

/// How the stub answers.
#[derive(Debug, Clone)]
pub enum Answer {
    /// As the service does when all is well: keys unwrap, and a version of a secret is created
    /// once.
    Works,
    /// With the status and error code of the service, and a message.
    Error(u16, &'static str, &'static str),
    /// With a status and a body that need not be the service's.
    Body(u16, String),
    /// Works, but does the next operation of this name and then closes the connection instead of
    /// answering.
    LosesOne(&'static str),
    /// Works, but answers this operation with a status and a body.
    BodyTo(&'static str, u16, String),
    /// Works, but says once that there is no value yet, right before another process puts one.
    WrittenMeanwhile(String),
    /// Not at all.
    Hangs,
    /// With the beginning of an object of S3, and then nothing.
    HangsInBody,
}

/// The server. It stops when this is dropped.
#[derive(Debug)]
pub struct Stub {
    shared: Arc<Shared>,
    address: SocketAddr,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    stopped: AtomicBool,
}

#[derive(Debug)]
struct State {
    answer: Answer,
    calls: HashMap<String, usize>,
    kms: kms::Kms,
    secret: secrets::Secret,
    object: object::Object,
    /// Of the header `Date`.
    clock: Option<Clock>,
}

impl Default for Stub {
    fn default() -> Self {
        Self::new()
    }
}

impl Stub {
    /// One that works, with a secret that never had a value, and an object that was never put.
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let state = State {
            answer: Answer::Works,
            calls: HashMap::new(),
            kms: kms::Kms::default(),
            secret: secrets::Secret::default(),
            object: object::Object::default(),
            clock: None,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), stopped: AtomicBool::new(false) });
        let for_thread = shared.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                if for_thread.stopped.load(Ordering::SeqCst) {
                    break;
                }
                let shared = for_thread.clone();
                thread::spawn(move || {
                    connection.map(|connection| http::serve(&connection, &shared))
                });
            }
        });
        Self { shared, address }
    }

    /// For clients.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From here on it answers like this.
    pub fn answers(&self, answer: Answer) {
        self.state().answer = answer;
    }

    /// How often it was asked for `operation`, such as `Decrypt`.
    pub fn calls(&self, operation: &str) -> usize {
        self.state().calls.get(operation).copied().unwrap_or_default()
    }

    /// From now on answers have a `Date`, by this clock. Without it they have none: a test or an
    /// example that sets the time by hand would find the service's far from its own.
    pub fn date_by(&self, clock: &Clock) {
        self.state().clock = Some(clock.clone());
    }

    /// Makes an alias, such as `alias/app`, of the KMS key with this id.
    pub fn alias(&self, alias: &str, key: &str) {
        self.state().kms.alias(alias, key);
    }

    /// The ids of the KMS keys whose deletion was scheduled.
    pub fn scheduled_deletions(&self) -> Vec<String> {
        self.state().kms.scheduled()
    }

    /// Moves the label `AWSCURRENT` back to the version before.
    pub fn set_secret_back(&self) {
        self.state().secret.set_back();
    }

    /// Removes the label `AWSCURRENT`.
    pub fn unlabel_secret(&self) {
        self.state().secret.unlabel();
    }

    /// How many versions the secret has.
    pub fn versions(&self) -> usize {
        self.state().secret.versions()
    }

    /// Deletes the object of S3, which leaves a delete marker.
    pub fn delete_object(&self) {
        self.state().object.delete();
    }

    /// The texts of all versions of the object, the newest last; `None` is a delete marker.
    pub fn object_versions(&self) -> Vec<Option<String>> {
        self.state().object.texts()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().expect("the stub does not panic")
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Ends the wait for the next connection.
        let _ = TcpStream::connect(self.address);
    }
}

/// What goes back to the client.
enum Reply {
    Json(u16, String),
    /// With lines of headers.
    Xml(u16, String, String),
    Close,
    Nothing,
    /// Headers, and less of a body than they say.
    Part,
}

impl State {
    fn reply(&mut self, operation: &str, request: &Value) -> Reply {
        *self.calls.entry(operation.to_owned()).or_default() += 1;
        match self.answer.clone() {
            Answer::Works => self.work(operation, request),
            Answer::Error(status, code, message) if object::is_operation(operation) => {
                object::error(status, code, message)
            }
            Answer::Error(status, code, message) => error(status, code, message),
            Answer::Body(status, body) => Reply::Json(status, body),
            Answer::BodyTo(at, status, body) if at == operation => Reply::Json(status, body),
            Answer::BodyTo(..) => self.work(operation, request),
            Answer::LosesOne(lost) if lost != operation => self.work(operation, request),
            Answer::LosesOne(_) => {
                self.answer = Answer::Works;
                self.work(operation, request);
                Reply::Close
            }
            Answer::WrittenMeanwhile(value) => {
                self.answer = Answer::Works;
                let reply = self.work(operation, request);
                self.secret.put(
                    &json!({ "ClientRequestToken": "of another process", "SecretString": value }),
                );
                reply
            }
            Answer::Hangs => Reply::Nothing,
            Answer::HangsInBody => Reply::Part,
        }
    }

    fn work(&mut self, operation: &str, request: &Value) -> Reply {
        match operation {
            "Encrypt" => self.kms.encrypt(request),
            "Decrypt" => self.kms.decrypt(request),
            "DescribeKey" => self.kms.describe(request),
            "ListAliases" => self.kms.list_aliases(request),
            "ScheduleKeyDeletion" => self.kms.schedule_deletion(request),
            "GetSecretValue" => self.secret.get(),
            "PutSecretValue" => self.secret.put(request),
            "DescribeSecret" => self.secret.describe(),
            "GetObject" => self.object.get(),
            "PutObject" => self.object.put(request),
            "ListObjectVersions" => self.object.list(request),
            "DeleteObject" => self.object.delete_version(request),
            _ => error(400, "UnknownOperationException", ""),
        }
    }
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::Json(status, json!({ "__type": code, "message": message }).to_string())
}

fn text(request: &Value, member: &str) -> String {
    request[member].as_str().unwrap_or_default().to_owned()
}
