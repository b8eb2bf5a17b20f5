//! KV version 2 as a document.

use encrypted_field::envelope::BackendErrorKind::Misconfigured;
use encrypted_field::envelope::{Document, conformance};
use encrypted_field_vault::VaultKv;
use serde_json::json;
use vault_tests::{Place, run};

use crate::place::Backends as _;

/// The texts `1`, `2` …, each a version.
async fn write(document: &VaultKv, versions: std::ops::RangeInclusive<u64>) {
    for version in versions {
        let before = version.checked_sub(1).filter(|before| *before != 0);
        assert!(document.replace(before.as_ref(), version.to_string()).await.unwrap());
    }
}

#[test]
fn conforms_as_a_document() {
    run(async {
        for place in Place::all().await {
            conformance::document(&place.document(&place.vault())).await;
        }
    });
}

/// More than a mebibyte, which a real one with integrated storage does not take.
#[test]
fn conforms_as_a_key_store() {
    run(async {
        let place = Place::stand_in().await;
        conformance::key_store(&place.document(&place.vault())).await;
    });
}

#[test]
fn the_text_is_one_field_and_the_version_is_that_of_the_secret() {
    run(async {
        for place in Place::all().await {
            let document = place.document(&place.vault());
            assert!(!document.is_in_database_backups());
            assert_eq!(
                document.describe(),
                format!("Vault {}, {}/team/data-keys", place.admin.address, place.kv)
            );
            write(&document, 1..=3).await;
            assert_eq!(document.read().await.unwrap(), Some(("3".into(), 3)));
            let secret = place.admin.get(&format!("{}/data/team/data-keys", place.kv)).await;
            assert_eq!(secret["data"]["data"], json!({ "document": "3" }));
            assert_eq!(secret["data"]["metadata"]["version"], json!(3));
            for other in [None, Some(&1), Some(&2), Some(&4)] {
                assert!(!document.replace(other, "late".into()).await.unwrap(), "{other:?}");
            }
            assert_eq!(document.read().await.unwrap(), Some(("3".into(), 3)));
            // More versions than Vault counts here.
            let error = document.replace(Some(&(1 << 32)), "late".into()).await.unwrap_err();
            assert_eq!(error.kind(), Misconfigured, "{error}");
        }
    });
}

#[test]
fn one_call_reads_and_one_replaces() {
    run(async {
        let mut place = Place::stand_in().await;
        let document = place.document(&place.vault());
        write(&document, 1..=1).await;
        let before = place.server().all_calls();
        document.read().await.unwrap();
        assert_eq!(place.server().all_calls(), before + 1);
        write(&document, 2..=2).await;
        assert_eq!(place.server().all_calls(), before + 2);
    });
}

#[test]
fn forgetting_destroys_all_versions_but_the_latest() {
    run(async {
        for place in Place::all().await {
            let document = place.document(&place.vault());
            document.forget_history().await.expect("there is nothing to forget");
            write(&document, 1..=4).await;
            document.forget_history().await.unwrap();
            document.forget_history().await.expect("nothing is left to forget");
            let metadata = place.admin.get(&format!("{}/metadata/team/data-keys", place.kv)).await;
            let destroyed =
                |version: &str| metadata["data"]["versions"][version]["destroyed"].clone();
            assert_eq!(
                ["1", "2", "3", "4"].map(destroyed),
                [true, true, true, false].map(|is| json!(is))
            );
            assert_eq!(document.read().await.unwrap(), Some(("4".into(), 4)));
            write(&document, 5..=5).await;
        }
    });
}

#[test]
fn a_deleted_version_is_an_error_and_not_an_empty_document() {
    run(async {
        for place in Place::all().await {
            let document = place.document(&place.vault());
            write(&document, 1..=2).await;
            place.admin.delete(&format!("{}/data/team/data-keys", place.kv)).await;
            let error = document.read().await.unwrap_err();
            assert_eq!(error.kind(), Misconfigured);
            assert!(error.to_string().contains("undelete -versions=2"), "{error}");
            assert!(!document.replace(None, "anew".into()).await.unwrap(), "it was written before");

            let versions = json!({ "versions": [2] });
            place.admin.post(&format!("{}/undelete/team/data-keys", place.kv), &versions).await;
            assert_eq!(
                document.read().await.unwrap(),
                Some(("2".into(), 2)),
                "nothing was written meanwhile"
            );

            place.admin.post(&format!("{}/destroy/team/data-keys", place.kv), &versions).await;
            let error = document.read().await.unwrap_err();
            assert_eq!(error.kind(), Misconfigured);
            assert!(error.to_string().contains("destroyed"), "{error}");

            // Removed with all its versions, it begins anew.
            place.admin.delete(&format!("{}/metadata/team/data-keys", place.kv)).await;
            assert_eq!(document.read().await.unwrap(), None);
            write(&document, 1..=1).await;
        }
    });
}

#[test]
fn what_somebody_else_keeps_there_stays() {
    run(async {
        for place in Place::all().await {
            let document = place.document(&place.vault());
            let path = format!("{}/data/team/data-keys", place.kv);
            place.admin.post(&path, &json!({ "data": { "password": "x" } })).await;
            assert_eq!(document.read().await.unwrap_err().kind(), Misconfigured);
            assert!(!document.replace(None, "first".into()).await.unwrap());
            assert_eq!(place.admin.get(&path).await["data"]["data"], json!({ "password": "x" }));
        }
    });
}

#[test]
fn an_engine_that_is_not_there_is_not_an_empty_document() {
    run(async {
        for place in Place::all().await {
            let document =
                VaultKv::new(&place.vault(), "data-keys").unwrap().mount("nowhere").unwrap();
            assert_eq!(document.read().await.unwrap_err().kind(), Misconfigured);
            assert_eq!(
                document.replace(None, "first".into()).await.unwrap_err().kind(),
                Misconfigured
            );
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
            let document =
                VaultKv::new(&place.vault(), "data-keys").unwrap().mount(&mount).unwrap();
            for _ in 0..2 {
                let error = document.replace(None, "first".into()).await.unwrap_err();
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
        let document = place.document(&place.vault());
        write(&document, 1..=1).await;
        place.server().limit_requests(20_000);
        let error = document.replace(Some(&1), "x".repeat(60_000)).await.unwrap_err();
        assert_eq!(error.kind(), Misconfigured);
        assert!(error.to_string().contains("max_entry_size"), "{error}");
        assert_eq!(document.read().await.unwrap(), Some(("1".into(), 1)), "nothing is lost");
    });
}

#[test]
fn a_secret_that_vault_would_delete_by_itself_is_refused() {
    run(async {
        let mut place = Place::stand_in().await;
        place.server().delete_versions_later();
        let document = place.document(&place.vault());
        let error = document.replace(None, "first".into()).await.unwrap_err();
        assert_eq!(error.kind(), Misconfigured);
        assert!(error.to_string().contains("delete_version_after"), "{error}");
    });
}
