//! The variables by which Vault's own tools are set up, and proxies, change nothing. In a process
//! of their own: a process's environment is the same for all its tests.

use std::process::Command;

use encrypted_field::envelope::{KeyEncryptionKey, WrapContext};
use encrypted_field::{KeyId, generate_key, key::Purpose};
use encrypted_field_vault::{Vault, VaultAuth, VaultTransit};
use vault_tests::{Authority, StandIn, run};

const ADDRESS: &str = "ENCRYPTED_FIELD_TEST_STAND_IN";
const AUTHORITY: &str = "ENCRYPTED_FIELD_TEST_AUTHORITY";

#[test]
fn the_environment_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, authority.certificate()).unwrap();
    let server = StandIn::start_tls(&authority.issue("localhost"), None);

    // Trusted by name it is called, however the proxies are set.
    let child = |authority: &str| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "in_the_child", "--nocapture"])
            .env(ADDRESS, server.url())
            .env(AUTHORITY, authority)
            .env("VAULT_SKIP_VERIFY", "true")
            .env("VAULT_CACERT", &path)
            .env("VAULT_ADDR", "http://127.0.0.1:1")
            .env("VAULT_TOKEN", "hvs.of-the-environment")
            .env("HTTPS_PROXY", "http://127.0.0.1:1")
            .env("ALL_PROXY", "http://127.0.0.1:1")
            .output()
            .unwrap()
    };
    let trusted = child(path.to_str().unwrap());
    assert!(trusted.status.success(), "{}", String::from_utf8_lossy(&trusted.stdout));
    assert_ne!(server.all_calls(), 0, "the child has called");
    let calls = server.all_calls();

    // Neither verification is skipped nor the authority of the environment believed.
    let untrusted = child("");
    assert!(!untrusted.status.success());
    assert_eq!(server.all_calls(), calls, "{}", String::from_utf8_lossy(&untrusted.stdout));
}

#[test]
fn in_the_child() {
    let (Ok(address), Ok(authority)) = (std::env::var(ADDRESS), std::env::var(AUTHORITY)) else {
        return;
    };
    run(async {
        let mut builder = Vault::builder(address, VaultAuth::token("hvs.of-the-program"));
        if !authority.is_empty() {
            builder = builder.ca_certificate(authority);
        }
        let kek = VaultTransit::new(&builder.build().unwrap(), "app").unwrap();
        let key = generate_key().unwrap();
        let context = WrapContext::data("production", KeyId::new(7).unwrap(), "", Purpose::Field);
        let error = kek.wrap(&context, &key).await.unwrap_err();
        // The stand-in does not know this token: what counts is that it was asked.
        assert!(error.to_string().contains("HTTP status 403"), "{error}");
    });
}
