//! Who this process is to Vault.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use encrypted_field::envelope::{BackendError, BackendErrorKind};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::request::Request;
use crate::settings::{check_path, read};

const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// How this process logs in.
#[derive(Clone)]
pub struct VaultAuth(Method);

#[derive(Clone)]
enum Method {
    Token(VaultSecret),
    AppRole { mount: String, role_id: String, secret_id: VaultSecret },
    Kubernetes { mount: String, role: String, token: PathBuf },
}

impl VaultAuth {
    /// A token that somebody else has made. It is looked up once for the time it has, and renewed
    /// if it may be; when it has expired, one from a file or a function is read again (Vault Agent
    /// writes a new one to its sink).
    pub fn token(token: impl Into<VaultSecret>) -> Self {
        Self(Method::Token(token.into()))
    }

    /// [AppRole](https://developer.hashicorp.com/vault/docs/auth/approle), mounted at `approle`.
    pub fn app_role(role_id: impl Into<String>, secret_id: impl Into<VaultSecret>) -> Self {
        let (role_id, secret_id) = (role_id.into(), secret_id.into());
        Self(Method::AppRole { mount: "approle".into(), role_id, secret_id })
    }

    /// [Kubernetes](https://developer.hashicorp.com/vault/docs/auth/kubernetes), mounted at
    /// `kubernetes`, with the service account of the pod. Its token is read again at every login,
    /// because the kubelet replaces it.
    pub fn kubernetes(role: impl Into<String>) -> Self {
        let token = SERVICE_ACCOUNT_TOKEN.into();
        Self(Method::Kubernetes { mount: "kubernetes".into(), role: role.into(), token })
    }

    /// Where the method is mounted, without `auth/`. Nothing to a [`token`](Self::token).
    #[must_use]
    pub fn mount(mut self, at: impl Into<String>) -> Self {
        match &mut self.0 {
            Method::AppRole { mount, .. } | Method::Kubernetes { mount, .. } => *mount = at.into(),
            Method::Token(_) => {}
        }
        self
    }

    /// The file with the token of the service account, by default
    /// `/var/run/secrets/kubernetes.io/serviceaccount/token`. Only for
    /// [`kubernetes`](Self::kubernetes).
    #[must_use]
    pub fn service_account_token(mut self, path: impl Into<PathBuf>) -> Self {
        if let Method::Kubernetes { token, .. } = &mut self.0 {
            *token = path.into();
        }
        self
    }

    pub(crate) fn check(&self) -> Result<(), BackendError> {
        match &self.0 {
            Method::AppRole { mount, .. } | Method::Kubernetes { mount, .. } => {
                check_path("the mount of an auth method", mount)
            }
            Method::Token(_) => Ok(()),
        }
    }

    /// Whether a login may give another token than the one before.
    pub(crate) fn can_replace(&self) -> bool {
        !matches!(self.0, Method::Token(VaultSecret(Source::Fixed(_))))
    }

    /// Reads the credentials anew.
    pub(crate) fn login(&self) -> Result<Login, BackendError> {
        match &self.0 {
            Method::Token(token) => Ok(Login::Token(token.read()?)),
            Method::AppRole { mount, role_id, secret_id } => {
                let secret_id = secret_id.read()?;
                let len = role_id.len() + secret_id.len();
                Ok(Login::Request(post(
                    mount,
                    len,
                    &AppRoleLogin { role_id, secret_id: &secret_id },
                )))
            }
            Method::Kubernetes { mount, role, token } => {
                let jwt = read_file(token)?;
                Ok(Login::Request(post(
                    mount,
                    role.len() + jwt.len(),
                    &KubernetesLogin { role, jwt: &jwt },
                )))
            }
        }
    }
}

impl fmt::Debug for VaultAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Method::Token(_) => "VaultAuth::token(..)",
            Method::AppRole { .. } => "VaultAuth::app_role(..)",
            Method::Kubernetes { .. } => "VaultAuth::kubernetes(..)",
        })
    }
}

/// A token or a secret id: itself, or where it is read at every login.
#[derive(Clone)]
pub struct VaultSecret(Source);

#[derive(Clone)]
enum Source {
    Fixed(Zeroizing<String>),
    File(PathBuf),
    Function(Arc<dyn Fn() -> Option<String> + Send + Sync>),
}

impl VaultSecret {
    /// The text itself.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Source::Fixed(Zeroizing::new(text.into())))
    }

    /// A file that holds it, alone. Whitespace around it is ignored.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    /// A function that gives it, or `None` where there is none, such as
    /// `|| std::env::var("APP_SECRET_ID").ok()`. It must not take long: it is called within a task.
    pub fn from_fn(read: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Source::Function(Arc::new(read)))
    }

    fn read(&self) -> Result<Zeroizing<String>, BackendError> {
        let text = match &self.0 {
            Source::Fixed(text) => text.clone(),
            Source::File(path) => return read_file(path),
            Source::Function(read) => {
                Zeroizing::new(read().ok_or_else(|| unusable("it is not there"))?)
            }
        };
        checked(&text)
    }
}

impl From<String> for VaultSecret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for VaultSecret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for VaultSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultSecret(..)")
    }
}

/// What leads to a token.
pub(crate) enum Login {
    /// It is there already.
    Token(Zeroizing<String>),
    /// The answer to this holds one.
    Request(Request),
}

#[derive(Serialize)]
struct AppRoleLogin<'a> {
    role_id: &'a str,
    secret_id: &'a str,
}

#[derive(Serialize)]
struct KubernetesLogin<'a> {
    role: &'a str,
    jwt: &'a str,
}

fn post(mount: &str, secrets: usize, body: &impl Serialize) -> Request {
    Request::post(format!("auth/{mount}/login"), secrets, body)
}

fn read_file(path: &Path) -> Result<Zeroizing<String>, BackendError> {
    let failed = |what: &dyn fmt::Display| unusable(&format!("{}: {what}", path.display()));
    let bytes = Zeroizing::new(read(path).map_err(|what| unusable(&what))?);
    let text = std::str::from_utf8(&bytes).map_err(|_| failed(&"it is not UTF-8"))?;
    checked(text).map_err(|e| failed(&e))
}

/// A token goes into a header of HTTP, and none of these has anything else in it.
fn checked(text: &str) -> Result<Zeroizing<String>, BackendError> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(unusable("it is empty, or not made of visible ASCII characters"));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

fn unusable(what: &str) -> BackendError {
    BackendError::new(
        BackendErrorKind::Misconfigured,
        format!("the credential for Vault can't be used: {what}"),
    )
}
