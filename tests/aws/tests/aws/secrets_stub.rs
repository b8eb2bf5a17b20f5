//! Compare-and-swap on a service that handles one request at a time, as AWS does a version's creation.

use aws_tests::stub::{Answer, Stub};
use encrypted_field::envelope::{AwsSecretsManager, BackendErrorKind as Kind, KeyStore, Record, conformance};

use super::refused;

fn store(stub: &Stub) -> AwsSecretsManager {
    AwsSecretsManager::new(aws_tests::secrets_manager(&stub.endpoint()), "app/keys")
}

fn head(revision: u64, text: &str) -> Record {
    Record { id: 0, revision, body: format!(r#"{{"text":"{text}"}}"#) }
}

#[tokio::test]
async fn the_stub_passes_the_conformance_suite() {
    conformance::key_store(&store(&Stub::new())).await;
}

#[tokio::test]
async fn who_loses_leaves_no_version_behind() {
    let stub = Stub::new();
    let stores: Vec<_> = (0..20).map(|_| store(&stub)).collect();
    let bodies: Vec<_> = (0..20).map(|writer| [head(1, &format!("writer {writer}"))]).collect();
    let attempts = stores.iter().zip(&bodies).map(|(store, changed)| store.compare_and_swap(0, changed));
    let outcomes = futures_util::future::join_all(attempts).await;
    assert_eq!(outcomes.iter().filter(|swapped| matches!(swapped, Ok(true))).count(), 1, "{outcomes:?}");
    assert_eq!(stub.versions(), 1);
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_happens_once_and_is_reported_as_done() {
    let stub = Stub::new();
    let store = store(&stub);
    assert!(store.compare_and_swap(0, &[head(1, "first")]).await.unwrap());
    stub.answers(Answer::LosesOne("PutSecretValue"));
    assert!(store.compare_and_swap(1, &[head(2, "second")]).await.unwrap());
    assert_eq!(stub.calls("PutSecretValue"), 3);
    assert_eq!(stub.versions(), 2);
    assert_eq!(store.load(0).await.unwrap(), [head(2, "second")]);
}

#[tokio::test]
async fn a_label_moved_back_stops_writing_and_is_said() {
    let stub = Stub::new();
    let store = store(&stub);
    for revision in 1..=2 {
        assert!(store.compare_and_swap(revision - 1, &[head(revision, "head")]).await.unwrap());
    }
    stub.set_secret_back();
    assert_eq!(store.load(0).await.unwrap(), [head(1, "head")]);
    let error =
        refused(store.compare_and_swap(1, &[head(2, "another")]).await, Kind::Unavailable, &"a label moved");
    assert!(error.contains("as a new version"), "{error}");
    assert_eq!(stub.versions(), 2);
}

#[tokio::test]
async fn a_secret_that_gets_its_first_value_while_it_is_read_is_read_again() {
    let stub = Stub::new();
    let document =
        r#"{"format":"encrypted-field key store","version":1,"records":[{"id":0,"revision":1,"body":{}}]}"#;
    stub.answers(Answer::WrittenMeanwhile(document.into()));
    assert_eq!(store(&stub).load(0).await.unwrap(), [Record { id: 0, revision: 1, body: "{}".into() }]);
}

#[tokio::test]
async fn a_secret_whose_versions_have_lost_the_label_is_no_empty_store() {
    let stub = Stub::new();
    let store = store(&stub);
    assert!(store.compare_and_swap(0, &[head(1, "head")]).await.unwrap());
    stub.unlabel_secret();
    refused(store.load(0).await, Kind::Misconfigured, &"no current version");
    refused(store.compare_and_swap(0, &[head(1, "new")]).await, Kind::Misconfigured, &"no current version");
}

#[tokio::test]
async fn a_document_that_does_not_fit_is_not_sent() {
    let stub = Stub::new();
    let store = store(&stub);
    assert!(store.compare_and_swap(0, &[head(1, "head")]).await.unwrap());
    let puts = stub.calls("PutSecretValue");
    let long = "x".repeat(40_000);
    let changed = [head(2, &long), Record { id: 1, revision: 2, body: format!(r#"{{"text":"{long}"}}"#) }];
    let error = refused(store.compare_and_swap(1, &changed).await, Kind::Misconfigured, &"80,000 bytes");
    assert!(error.contains("65536") && error.contains("table"), "{error}");
    assert_eq!(stub.calls("PutSecretValue"), puts);
    assert_eq!(store.load(0).await.unwrap(), [head(1, "head")]);
}

/// With whitespace these would not fit.
#[tokio::test]
async fn six_hundred_small_records_fit() {
    let stub = Stub::new();
    let store = store(&stub);
    let small = |id| Record { id, revision: 1, body: r#"{"one":1,"two":2}"#.into() };
    let changed: Vec<_> = (0..600).map(small).collect();
    assert!(store.compare_and_swap(0, &changed).await.unwrap());
    assert_eq!(store.load(0).await.unwrap().len(), 600);
}

#[tokio::test]
async fn the_cost_in_calls_is_as_documented() {
    let stub = Stub::new();
    let store = store(&stub);
    let counts =
        || ["GetSecretValue", "PutSecretValue", "DescribeSecret"].map(|operation| stub.calls(operation));
    store.load(0).await.unwrap();
    assert_eq!(counts(), [1, 0, 1], "loading from a secret that never had a value");
    store.compare_and_swap(0, &[head(1, "head")]).await.unwrap();
    assert_eq!(counts(), [2, 1, 2], "the first change");
    store.load(0).await.unwrap();
    assert_eq!(counts(), [3, 1, 2], "loading");
    store.compare_and_swap(1, &[head(2, "head")]).await.unwrap();
    assert_eq!(counts(), [4, 2, 2], "a change");
    assert!(!store.compare_and_swap(1, &[head(2, "late")]).await.unwrap());
    assert_eq!(counts(), [5, 2, 2], "a change that is out of date");
}
