//! KV version 2 as a key store.

use encrypted_field::envelope::BackendErrorKind::Misconfigured;
use encrypted_field::envelope::vault::VaultKv;
use encrypted_field::envelope::{KeyStore, Record, conformance};
use serde_json::json;
use vault_tests::{Place, run};

fn head(revision: u64) -> [Record; 1] {
    [Record { id: 0, revision, body: json!({ "revision": revision }).to_string() }]
}

#[test]
fn conforms() {
    run(async {
        for place in Place::all().await {
            let store = place.store(&place.vault());
            assert!(!store.is_in_database_backups());
            conformance::key_store(&store).await;
        }
    });
}

#[test]
fn forgetting_destroys_all_versions_but_the_latest() {
    run(async {
        for place in Place::all().await {
            let store = place.store(&place.vault());
            store.forget_history().await.expect("there is nothing to forget");
            for revision in 1..=4 {
                assert!(store.compare_and_swap(revision - 1, &head(revision)).await.unwrap());
            }
            store.forget_history().await.unwrap();
            store.forget_history().await.expect("nothing is left to forget");
            let metadata = place.admin.get(&format!("{}/metadata/team/data-keys", place.kv)).await;
            let destroyed = |version: &str| metadata["data"]["versions"][version]["destroyed"].clone();
            assert_eq!(["1", "2", "3", "4"].map(destroyed), [true, true, true, false].map(|is| json!(is)));
            assert_eq!(store.load(0).await.unwrap(), head(4));
            assert!(store.compare_and_swap(4, &head(5)).await.unwrap());
        }
    });
}

#[test]
fn a_deleted_version_is_an_error_and_not_an_empty_store() {
    run(async {
        for place in Place::all().await {
            let store = place.store(&place.vault());
            for revision in 1..=2 {
                assert!(store.compare_and_swap(revision - 1, &head(revision)).await.unwrap());
            }
            place.admin.delete(&format!("{}/data/team/data-keys", place.kv)).await;
            let error = store.load(0).await.unwrap_err();
            assert_eq!(error.kind(), Misconfigured);
            assert!(error.to_string().contains("undelete -versions=2"), "{error}");
            let error = store.compare_and_swap(0, &head(1)).await.unwrap_err();
            assert_eq!(error.kind(), Misconfigured, "{error}");

            let versions = json!({ "versions": [2] });
            place.admin.post(&format!("{}/undelete/team/data-keys", place.kv), &versions).await;
            assert_eq!(store.load(0).await.unwrap(), head(2), "nothing was written meanwhile");

            place.admin.post(&format!("{}/destroy/team/data-keys", place.kv), &versions).await;
            let error = store.load(0).await.unwrap_err();
            assert_eq!(error.kind(), Misconfigured);
            assert!(error.to_string().contains("destroyed"), "{error}");

            // Removed with all its versions, it begins anew.
            place.admin.delete(&format!("{}/metadata/team/data-keys", place.kv)).await;
            assert_eq!(store.load(0).await.unwrap(), []);
            assert!(store.compare_and_swap(0, &head(1)).await.unwrap());
        }
    });
}

#[test]
fn what_somebody_else_keeps_there_stays() {
    run(async {
        for place in Place::all().await {
            let store = place.store(&place.vault());
            let path = format!("{}/data/team/data-keys", place.kv);
            place.admin.post(&path, &json!({ "data": { "password": "x" } })).await;
            assert_eq!(store.load(0).await.unwrap_err().kind(), Misconfigured);
            assert_eq!(store.compare_and_swap(0, &head(1)).await.unwrap_err().kind(), Misconfigured);
            assert_eq!(place.admin.get(&path).await["data"]["data"], json!({ "password": "x" }));
        }
    });
}

#[test]
fn an_engine_that_is_not_there_is_not_an_empty_store() {
    run(async {
        for place in Place::all().await {
            let store = VaultKv::new(&place.vault(), "data-keys").unwrap().mount("nowhere").unwrap();
            assert_eq!(store.load(0).await.unwrap_err().kind(), Misconfigured);
            assert_eq!(store.compare_and_swap(0, &head(1)).await.unwrap_err().kind(), Misconfigured);
        }
    });
}

#[test]
fn version_1_of_the_engine_is_refused() {
    run(async {
        for place in Place::all().await {
            let mount = format!("{}-1", place.kv);
            let settings = json!({ "type": "kv", "options": { "version": "1" } });
            place.admin.post(&format!("sys/mounts/{mount}"), &settings).await;
            let store = VaultKv::new(&place.vault(), "data-keys").unwrap().mount(&mount).unwrap();
            for _ in 0..2 {
                let error = store.compare_and_swap(0, &head(1)).await.unwrap_err();
                assert_eq!(error.kind(), Misconfigured);
                assert!(error.to_string().contains("version 2"), "{error}");
            }
        }
    });
}

#[test]
fn a_document_that_is_too_large_is_refused_with_advice() {
    run(async {
        let mut place = Place::stand_in().await;
        let store = place.store(&place.vault());
        assert!(store.compare_and_swap(0, &head(1)).await.unwrap());
        place.server().limit_requests(20_000);
        let body = json!({ "text": "x".repeat(60_000) }).to_string();
        let [head_2] = head(2);
        let error =
            store.compare_and_swap(1, &[head_2, Record { id: 1, revision: 2, body }]).await.unwrap_err();
        assert_eq!(error.kind(), Misconfigured);
        assert!(error.to_string().contains("max_entry_size"), "{error}");
        assert_eq!(store.load(0).await.unwrap(), head(1), "nothing is lost");
    });
}

#[test]
fn a_secret_that_vault_would_delete_by_itself_is_refused() {
    run(async {
        let mut place = Place::stand_in().await;
        place.server().delete_versions_later();
        let error = place.store(&place.vault()).compare_and_swap(0, &head(1)).await.unwrap_err();
        assert_eq!(error.kind(), Misconfigured);
        assert!(error.to_string().contains("delete_version_after"), "{error}");
    });
}
