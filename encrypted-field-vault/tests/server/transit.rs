//! Transit as a key-encryption key.

use encrypted_field::envelope::BackendErrorKind::{KeyUnusable, Misconfigured, OtherKek, Rejected};
use encrypted_field::envelope::{KeyEncryptionKey, StoreId, WrapContext, conformance};
use encrypted_field::generate_key;
use encrypted_field_vault::VaultTransit;
use serde_json::json;
use vault_tests::{Place, run};

use crate::place::{Backends as _, of};

#[test]
fn conforms() {
    run(async {
        for place in Place::all().await {
            conformance::key_encryption_key(&place.kek(&place.vault())).await;
        }
    });
}

#[test]
fn conforms_with_a_key_per_scope() {
    run(async {
        for place in Place::all().await {
            let kek = place.kek(&place.vault()).key_per_scope("tenant-").unwrap();
            // A scope that has no key yet is told from one whose wraps are refused.
            kek.wrap(&of("acme2"), &generate_key().unwrap()).await.unwrap();
            conformance::key_encryption_key(&kek).await;
        }
    });
}

#[test]
fn a_wrapped_key_is_vaults_ciphertext_and_survives_a_rotation() {
    run(async {
        for place in Place::all().await {
            let kek = place.kek(&place.vault());
            let key = generate_key().unwrap();
            let old = kek.wrap(&of("acme"), &key).await.unwrap();
            assert!(old.starts_with(b"vault:v1:"), "the version is in front");
            place.admin.post(&format!("{}/keys/app/rotate", place.transit), &json!({})).await;
            let new = kek.wrap(&of("acme"), &key).await.unwrap();
            assert!(new.starts_with(b"vault:v2:"));
            assert_eq!(*kek.unwrap(&of("acme"), &old).await.unwrap(), key);

            let settings = json!({ "min_decryption_version": 2 });
            place.admin.post(&format!("{}/keys/app/config", place.transit), &settings).await;
            let error = kek.unwrap(&of("acme"), &old).await.unwrap_err();
            assert_eq!(error.kind(), KeyUnusable, "{error}");
            assert!(error.to_string().contains("min_decryption_version"), "{error}");
            assert_eq!(*kek.unwrap(&of("acme"), &new).await.unwrap(), key);
        }
    });
}

#[test]
fn a_key_or_an_engine_that_is_not_there() {
    run(async {
        for place in Place::all().await {
            let vault = place.vault();
            let wrapped = place.kek(&vault).wrap(&of(""), &generate_key().unwrap()).await.unwrap();

            let elsewhere = VaultTransit::new(&vault, "app").unwrap().mount("nowhere").unwrap();
            assert_eq!(
                elsewhere.unwrap(&of(""), &wrapped).await.unwrap_err().kind(),
                Misconfigured
            );

            let other = VaultTransit::new(&vault, "other").unwrap().mount(&place.transit).unwrap();
            let error = other.unwrap(&of(""), &wrapped).await.unwrap_err();
            assert_eq!(error.kind(), KeyUnusable, "{error}");
        }
    });
}

/// A version that this key never had: the wrap is of another key of this name.
#[test]
fn a_wrap_of_another_key_is_known_by_its_version() {
    run(async {
        for place in Place::all().await {
            let kek = place.kek(&place.vault());
            let wrapped = kek.wrap(&of(""), &generate_key().unwrap()).await.unwrap();
            let text = String::from_utf8(wrapped).unwrap();
            let later = text.replacen("vault:v1:", "vault:v9:", 1);
            assert_ne!(text, later);
            let error = kek.unwrap(&of(""), later.as_bytes()).await.unwrap_err();
            assert_eq!(error.kind(), OtherKek, "{error}");
            assert!(
                error.to_string().contains("another key than the one that wrapped it"),
                "{error}"
            );
        }
    });
}

#[test]
fn without_a_key_per_scope_no_key_is_made() {
    run(async {
        let place = Place::stand_in().await;
        let vault = place.vault();
        let kek = VaultTransit::new(&vault, "typo").unwrap().mount(&place.transit).unwrap();
        assert!(!kek.is_per_scope());
        let error = kek.wrap(&of("acme"), &generate_key().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), KeyUnusable, "{error}");
        assert!(error.to_string().contains("typo"), "{error}");
        assert_eq!(kek.destroy_scope("acme", &[]).await.unwrap_err().kind(), Misconfigured);
    });
}

#[test]
fn a_destroyed_scope_opens_no_more_and_the_others_do() {
    run(async {
        for place in Place::all().await {
            let kek = place.kek(&place.vault()).key_per_scope("tenant-").unwrap();
            assert!(kek.is_per_scope());
            let key = generate_key().unwrap();
            let store = WrapContext::store("production", StoreId([7; 16]), 1);
            // Next to each other in any encoding, and one too long for a name in full.
            let long = "ä/".repeat(100);
            let scopes = ["", "a", "A", "a/b", "a%2Fb", "ä", "61", &long];
            let mut wrapped = Vec::new();
            for scope in scopes {
                wrapped.push(kek.wrap(&of(scope), &key).await.unwrap());
            }
            let wrapped_store = kek.wrap(&store, &key).await.unwrap();

            for gone in ["a", &long] {
                let others: Vec<String> = scopes
                    .iter()
                    .filter(|scope| **scope != gone)
                    .map(|&scope| scope.into())
                    .collect();
                kek.destroy_scope(gone, &others).await.unwrap();
                kek.destroy_scope(gone, &others).await.expect("again is no error");
            }
            for (scope, wrapped) in scopes.iter().zip(&wrapped) {
                let opened = kek.unwrap(&of(scope), wrapped).await;
                if *scope == "a" || *scope == long {
                    assert_eq!(opened.unwrap_err().kind(), KeyUnusable, "{scope}");
                } else {
                    assert_eq!(*opened.unwrap(), key, "{scope}");
                }
            }
            assert_eq!(*kek.unwrap(&store, &wrapped_store).await.unwrap(), key);

            // A scope of the same name is another scope.
            kek.wrap(&of("a"), &key).await.unwrap();
            assert_eq!(kek.unwrap(&of("a"), &wrapped[1]).await.unwrap_err().kind(), Rejected);
        }
    });
}

#[test]
fn the_name_of_a_scopes_key() {
    run(async {
        let place = Place::stand_in().await;
        let kek = place.kek(&place.vault()).key_per_scope("tenant-").unwrap();
        for scope in ["acme", &"x".repeat(64), &"x".repeat(65)] {
            kek.wrap(&of(scope), &generate_key().unwrap()).await.unwrap();
        }
        for name in [
            "tenant-61636d65".to_owned(),
            format!("tenant-{}", "78".repeat(64)),
            // printf 'x%.0s' {1..65} | sha256sum
            "tenant-sha256-9537c5fdf120482f7d58d25e9ed583f52c02b4e304ea814db1633ad565aed7e9"
                .to_owned(),
        ] {
            // Refused where there is no such key.
            place.admin.post(&format!("{}/keys/{name}/config", place.transit), &json!({})).await;
        }
    });
}

#[test]
fn names_that_would_be_ambiguous_are_refused() {
    run(async {
        let place = Place::stand_in().await;
        let vault = place.vault();
        for name in ["", "a/b", "a b", "a?b", "..", "-a", "ä", &"a".repeat(300)] {
            assert!(VaultTransit::new(&vault, name).is_err(), "{name}");
        }
        for prefix in ["", "a/", "app", "ap"] {
            assert!(place.kek(&vault).key_per_scope(prefix).is_err(), "{prefix}");
        }
        for mount in ["", "/transit", "transit/", "a//b", "../sys"] {
            assert!(place.kek(&vault).mount(mount).is_err(), "{mount}");
        }
    });
}

#[test]
fn a_vault_that_ignores_associated_data_is_refused() {
    run(async {
        let mut place = Place::stand_in().await;
        place.server().ignore_associated_data();
        let kek = place.kek(&place.vault());
        let key = generate_key().unwrap();
        for _ in 0..2 {
            let error = kek.wrap(&of("acme"), &key).await.unwrap_err();
            assert_eq!(error.kind(), Misconfigured);
            assert!(error.to_string().contains("1.13"), "{error}");
        }
    });
}

#[test]
fn one_call_wraps_and_one_unwraps() {
    run(async {
        let mut place = Place::stand_in().await;
        let kek = place.kek(&place.vault()).key_per_scope("tenant-").unwrap();
        let key = generate_key().unwrap();
        let wrapped = kek.wrap(&of("acme"), &key).await.unwrap();
        let before = place.server().all_calls();
        kek.wrap(&of("acme"), &key).await.unwrap();
        assert_eq!(place.server().all_calls(), before + 1);
        kek.unwrap(&of("acme"), &wrapped).await.unwrap();
        assert_eq!(place.server().all_calls(), before + 2);
        // What is no ciphertext of Vault is not sent.
        kek.unwrap(&of("acme"), b"local").await.unwrap_err();
        assert_eq!(place.server().all_calls(), before + 2);
    });
}
