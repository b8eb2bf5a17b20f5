//! Settings of a connection.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use encrypted_field::envelope::{BackendError, Clock};
use reqwest::{Certificate, Identity, Url, redirect, tls};
use zeroize::Zeroizing;

use crate::client::Client;
use crate::settings::{misconfigured, read};
use crate::{Vault, VaultAuth};

/// Below the library's time for a call, so that the error which says more is the one that is seen.
const TIMEOUT: Duration = Duration::from_secs(4);

/// The settings of a [`Vault`]. What is not set here has the default that stands here: nothing is
/// read from the environment.
pub struct VaultBuilder {
    address: String,
    auth: VaultAuth,
    namespace: Option<String>,
    ca_certificates: Vec<PathBuf>,
    identity: Option<(PathBuf, PathBuf)>,
    timeout: Duration,
    clock: Clock,
}

impl VaultBuilder {
    pub(crate) fn new(address: String, auth: VaultAuth) -> Self {
        Self {
            address,
            auth,
            namespace: None,
            ca_certificates: Vec::new(),
            identity: None,
            timeout: TIMEOUT,
            clock: Clock::system(),
        }
    }

    /// The namespace (Vault Enterprise, HCP Vault, OpenBao). None by default.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// A PEM file of certificate authorities, which is read by [`build`](Self::build). May be given
    /// more than once. These are then trusted *instead* of the system's, which are trusted by
    /// default.
    #[must_use]
    pub fn ca_certificate(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_certificates.push(path.into());
        self
    }

    /// A client certificate (with its chain) and its private key (PKCS #8, PKCS #1 or SEC 1), PEM
    /// files, which are read by [`build`](Self::build). None by default.
    #[must_use]
    pub fn client_certificate(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.identity = Some((certificate.into(), key.into()));
        self
    }

    /// How long one request may take, from connecting to the last byte of the answer. 4 seconds by
    /// default: below [`call_timeout`](encrypted_field::envelope::CachePolicy::call_timeout), whose
    /// error says less. A call makes one request; where it has to renew the token, log in and be
    /// repeated, up to five.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// By what clock tokens are renewed, and the time since Vault's last answer is measured. The
    /// system's by default; another one for tests. Only its [monotonic](Clock::monotonic) time
    /// counts.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Reads the certificates. Does not connect: that happens at the first call.
    ///
    /// # Errors
    /// [`Misconfigured`](encrypted_field::envelope::BackendErrorKind::Misconfigured): an address
    /// that is not that of a Vault server, or is without TLS and not on this host; a certificate
    /// that can't be read.
    pub fn build(self) -> Result<Vault, BackendError> {
        let url = address(&self.address)?;
        let builder = reqwest::Client::builder()
            .tls_backend_rustls()
            .tls_version_min(tls::Version::TLS_1_2)
            .https_only(url.scheme() == "https")
            .no_proxy()
            .referer(false)
            .redirect(redirect::Policy::none())
            .timeout(self.timeout);
        let builder = if self.ca_certificates.is_empty() && url.scheme() == "https" {
            builder
        } else {
            let read = self
                .ca_certificates
                .iter()
                .map(|path| authorities(path))
                .collect::<Result<Vec<_>, BackendError>>()?;
            builder.tls_certs_only(read.into_iter().flatten())
        };
        let builder = match &self.identity {
            Some((certificate, key)) => builder.identity(identity(certificate, key)?),
            None => builder,
        };
        let http =
            builder.build().map_err(|e| misconfigured("TLS can't be set up").caused_by(e))?;
        if let Some(namespace) = &self.namespace
            && (namespace.is_empty() || !namespace.bytes().all(|b| b.is_ascii_graphic()))
        {
            return Err(misconfigured("a namespace is made of visible ASCII characters"));
        }
        self.auth.check()?;
        let address = url.origin().ascii_serialization();
        Ok(Vault(Arc::new(Client::new(address, http, self.namespace, self.auth, self.clock))))
    }
}

impl fmt::Debug for VaultBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the address: who mistakes it for a URL with a password gets an error, but no log of
        // it.
        f.debug_struct("VaultBuilder").field("auth", &self.auth).finish_non_exhaustive()
    }
}

fn address(text: &str) -> Result<Url, BackendError> {
    let url = Url::parse(text).map_err(|_| {
        misconfigured("the address is not a URL such as https://vault.internal:8200")
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(misconfigured("the address holds a user name or a password; Vault takes none"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(misconfigured(
            "the address has more than a host and a port; leave away the path, `/v1` is added",
        ));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(misconfigured(
            "the address begins with http://, so that anybody on the way could read the keys; use https://. Only an agent on this \
             host (127.0.0.0/8, ::1, localhost) may be spoken to without TLS",
        )),
        _ => Err(misconfigured("the address does not begin with https://")),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn authorities(path: &Path) -> Result<Vec<Certificate>, BackendError> {
    let pem = read(path).map_err(misconfigured)?;
    let read = Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if read.is_empty() {
        return Err(misconfigured(format!("{}: no certificate in PEM form", path.display())));
    }
    Ok(read)
}

fn identity(certificate: &Path, key: &Path) -> Result<Identity, BackendError> {
    let mut pem = Zeroizing::new(Vec::new());
    for path in [certificate, key] {
        let text = Zeroizing::new(read(path).map_err(misconfigured)?);
        let mut longer = Zeroizing::new(Vec::with_capacity(pem.len() + text.len() + 1));
        longer.extend_from_slice(&pem);
        longer.extend_from_slice(&text);
        longer.push(b'\n');
        pem = longer;
    }
    Identity::from_pem(&pem).map_err(|_| {
        misconfigured(format!(
            "{} and {}: not a certificate and a private key in PEM form",
            certificate.display(),
            key.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn only_tls_or_this_host() {
        for good in [
            "https://vault.internal:8200",
            "https://vault.internal/",
            "http://127.0.0.1:8200",
            "http://127.9.9.9",
            "http://localhost:8100",
            "http://[::1]:8100",
        ] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in [
            "http://vault.internal:8200",
            "http://10.0.0.1:8200",
            "http://0.0.0.0:8200",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://[::2]",
            "http://[::ffff:10.0.0.1]",
            "ftp://127.0.0.1",
            "unix:/run/vault.sock",
            "vault.internal:8200",
            "https://user@vault.internal",
            "https://user:password@vault.internal",
            "https://vault.internal/v1",
            "https://vault.internal/?a=b",
            "",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
        let refused = address("http://vault.internal:8200").unwrap_err().to_string();
        assert!(refused.contains("https://") && refused.contains("localhost"), "{refused}");
    }
}
