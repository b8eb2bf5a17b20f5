//! TLS, with authorities that nobody knows.

use std::fs;
use std::path::PathBuf;

use encrypted_field::envelope::BackendErrorKind::{Misconfigured, Unavailable};
use encrypted_field::envelope::{BackendError, KeyEncryptionKey};
use encrypted_field::generate_key;
use encrypted_field_vault::{Vault, VaultAuth, VaultBuilder, VaultTransit};
use tempfile::TempDir;
use vault_tests::{Authority, Identity, StandIn, run};

use crate::place::of;

/// One call, without a key: that it is missed shows that the call arrived.
async fn call(builder: VaultBuilder) -> Result<(), BackendError> {
    let kek = VaultTransit::new(&builder.build().unwrap(), "app").unwrap();
    let key = generate_key().unwrap();
    let error = kek.wrap(&of(""), &key).await.unwrap_err();
    if error.to_string().contains("the key app is not in transit") { Ok(()) } else { Err(error) }
}

fn builder(server: &StandIn) -> VaultBuilder {
    Vault::builder(server.url(), VaultAuth::token(server.root_token()))
}

fn file(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_custom_authority() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        let server = StandIn::start_tls(&authority.issue("localhost"), None);
        let ours = file(&folder, "ca.pem", &authority.certificate());
        let other = file(&folder, "other.pem", &Authority::new().certificate());

        call(builder(&server).ca_certificate(&ours)).await.unwrap();
        call(builder(&server).ca_certificate(&other).ca_certificate(&ours)).await.unwrap();

        let calls = server.all_calls();
        let error = call(builder(&server).ca_certificate(&other)).await.unwrap_err();
        assert_eq!(error.kind(), Misconfigured, "{error}");
        assert!(error.to_string().contains("TLS"), "{error}");
        let error = call(builder(&server)).await.unwrap_err();
        assert!(
            matches!(error.kind(), Misconfigured | Unavailable),
            "the system does not know it: {error}"
        );
        assert_eq!(server.all_calls(), calls, "no request was sent");
    });
}

#[test]
fn a_certificate_of_another_host() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        let server = StandIn::start_tls(&authority.issue("vault.example.com"), None);
        let ours = file(&folder, "ca.pem", &authority.certificate());
        let error = call(builder(&server).ca_certificate(&ours)).await.unwrap_err();
        assert_eq!(error.kind(), Misconfigured, "{error}");
        assert_eq!(server.all_calls(), 0);
    });
}

#[test]
fn client_certificates() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let (authority, clients) = (Authority::new(), Authority::new());
        let server = StandIn::start_tls(&authority.issue("localhost"), Some(&clients));
        let ca = file(&folder, "ca.pem", &authority.certificate());
        let files = |name: &str, identity: &Identity| {
            let certificate = file(&folder, &format!("{name}.pem"), &identity.certificate);
            (certificate, file(&folder, &format!("{name}-key.pem"), &identity.key))
        };

        let (certificate, key) = files("client", &clients.issue("app"));
        call(builder(&server).ca_certificate(&ca).client_certificate(&certificate, &key))
            .await
            .unwrap();

        let calls = server.all_calls();
        let error = call(builder(&server).ca_certificate(&ca)).await.unwrap_err();
        assert!(
            matches!(error.kind(), Misconfigured | Unavailable),
            "without a certificate: {error}"
        );
        let (certificate, key) = files("stranger", &authority.issue("app"));
        let error = call(builder(&server).ca_certificate(&ca).client_certificate(certificate, key))
            .await
            .unwrap_err();
        assert!(matches!(error.kind(), Misconfigured | Unavailable), "with a stranger's: {error}");
        assert_eq!(server.all_calls(), calls, "no request was heard");
    });
}

#[test]
fn a_server_without_tls_behind_https() {
    run(async {
        let server = StandIn::start();
        let address = server.url().replace("http://", "https://");
        let folder = tempfile::tempdir().unwrap();
        let ca = file(&folder, "ca.pem", &Authority::new().certificate());
        let auth = VaultAuth::token(server.root_token());
        assert!(call(Vault::builder(address, auth).ca_certificate(ca)).await.is_err());
        assert_eq!(server.all_calls(), 0);
    });
}

#[test]
fn files_that_are_no_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let junk = file(&folder, "junk.pem", "junk");
    let missing = folder.path().join("missing.pem");
    let identity = Authority::new().issue("app");
    let certificate = file(&folder, "client.pem", &identity.certificate);
    let builder = || Vault::builder("https://localhost:1", VaultAuth::token("t"));
    for path in [&junk, &missing] {
        let error = builder().ca_certificate(path).build().unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
        let error =
            builder().client_certificate(&certificate, path).build().unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
}
