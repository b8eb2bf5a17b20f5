//! Compare-and-swap on a service that handles one request at a time, as AWS does a version's
//! creation.

use aws_tests::stub::{Answer, Stub};
use encrypted_field::envelope::{
    BackendErrorKind as Kind, Document, KeyStore, Query, Record, conformance,
};
use encrypted_field_aws::AwsSecretsManager;

use super::refused;

fn document(stub: &Stub) -> AwsSecretsManager {
    AwsSecretsManager::new(aws_tests::secrets_manager(&stub.endpoint()), "app/keys")
}

/// The text after the one that is there, or the first.
async fn write(document: &AwsSecretsManager, text: &str) -> bool {
    let before = document.read().await.unwrap().map(|(_, version)| version);
    document.replace(before.as_ref(), text.into()).await.unwrap()
}

async fn text(document: &AwsSecretsManager) -> Option<String> {
    document.read().await.unwrap().map(|(text, _)| text)
}

#[tokio::test]
async fn the_stub_passes_the_conformance_suite() {
    conformance::document(&document(&Stub::new())).await;
}

#[tokio::test]
async fn who_loses_leaves_no_version_behind() {
    let stub = Stub::new();
    let documents: Vec<_> = (0..20).map(|_| document(&stub)).collect();
    let attempts = documents
        .iter()
        .enumerate()
        .map(|(writer, document)| document.replace(None, format!("writer {writer}")));
    let outcomes = futures_util::future::join_all(attempts).await;
    assert_eq!(
        outcomes.iter().filter(|replaced| matches!(replaced, Ok(true))).count(),
        1,
        "{outcomes:?}"
    );
    assert_eq!(stub.versions(), 1);
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_happens_once_and_is_reported_as_done() {
    let stub = Stub::new();
    let document = document(&stub);
    assert!(write(&document, "first").await);
    stub.answers(Answer::LosesOne("PutSecretValue"));
    assert!(write(&document, "second").await);
    assert_eq!(stub.calls("PutSecretValue"), 3);
    assert_eq!(stub.versions(), 2);
    assert_eq!(text(&document).await.unwrap(), "second");
}

#[tokio::test]
async fn a_label_moved_back_stops_writing_and_is_said() {
    let stub = Stub::new();
    let document = document(&stub);
    assert!(write(&document, "first").await && write(&document, "second").await);
    stub.set_secret_back();
    let (text, version) = document.read().await.unwrap().unwrap();
    assert_eq!(text, "first");
    let outcome = document.replace(Some(&version), "another".into()).await;
    let error = refused(outcome, Kind::Unavailable, &"a label moved");
    assert!(error.contains("as a new version"), "{error}");
    assert_eq!(stub.versions(), 2);
}

#[tokio::test]
async fn a_secret_that_gets_its_first_value_while_it_is_read_is_read_again() {
    let stub = Stub::new();
    stub.answers(Answer::WrittenMeanwhile("first".into()));
    assert_eq!(text(&document(&stub)).await.unwrap(), "first");
}

#[tokio::test]
async fn a_secret_whose_versions_have_lost_the_label_is_no_empty_document() {
    let stub = Stub::new();
    let document = document(&stub);
    assert!(write(&document, "first").await);
    stub.unlabel_secret();
    refused(document.read().await, Kind::Misconfigured, &"no current version");
    assert!(!document.replace(None, "anew".into()).await.unwrap(), "it was written before");
}

#[tokio::test]
async fn a_document_that_does_not_fit_is_not_sent() {
    let stub = Stub::new();
    let document = document(&stub);
    assert!(document.replace(None, "x".repeat(65_536)).await.unwrap());
    let (text, version) = document.read().await.unwrap().unwrap();
    let puts = stub.calls("PutSecretValue");
    for long in ["y".repeat(65_537), "ä".repeat(32_769)] {
        let error = refused(
            document.replace(Some(&version), long).await,
            Kind::Misconfigured,
            &"too many bytes",
        );
        assert!(error.contains("65536") && error.contains("table"), "{error}");
    }
    assert_eq!(stub.calls("PutSecretValue"), puts);
    assert_eq!(document.read().await.unwrap(), Some((text, version)));
}

#[tokio::test]
async fn a_key_store_is_kept_without_its_white_space() {
    let stub = Stub::new();
    let document = document(&stub);
    let small = |number: u32| Record {
        name: format!("demand/{number:04}"),
        revision: 1,
        body: r#"{"one":1,"two":"a  b"}"#.into(),
    };
    let head = Record { name: Record::HEAD.into(), revision: 1, body: "{}".into() };
    // With white space these would be some 90,000 bytes.
    let changed: Vec<_> = std::iter::once(head).chain((0..600).map(small)).collect();
    assert!(document.compare_and_swap(0, &changed).await.unwrap());
    let kept = text(&document).await.unwrap();
    assert!(
        kept.starts_with(r#"{"format":"encrypted-field key store","version":1,"records":[{"#),
        "{kept}"
    );
    let mut loaded = document.load(&Query::all()).await.unwrap().records;
    loaded.sort_by(|a, b| (!a.is_head(), &a.name).cmp(&(!b.is_head(), &b.name)));
    assert_eq!(loaded, changed);
    // The text of an anchor is no JSON.
    assert!(write(&document, "00ff 1 2\n").await);
    assert_eq!(text(&document).await.unwrap(), "00ff 1 2\n");
}

#[tokio::test]
async fn the_cost_in_calls_is_as_documented() {
    let stub = Stub::new();
    let document = document(&stub);
    let counts = || {
        ["GetSecretValue", "PutSecretValue", "DescribeSecret"]
            .map(|operation| stub.calls(operation))
    };
    assert_eq!(document.read().await.unwrap(), None);
    assert_eq!(counts(), [1, 0, 1], "reading a secret that never had a value");
    assert!(document.replace(None, "first".into()).await.unwrap());
    assert_eq!(counts(), [1, 1, 1], "the first text");
    let (_, version) = document.read().await.unwrap().unwrap();
    assert_eq!(counts(), [2, 1, 1], "reading");
    assert!(document.replace(Some(&version), "second".into()).await.unwrap());
    assert_eq!(counts(), [2, 2, 1], "replacing");
    assert!(!document.replace(Some(&version), "late".into()).await.unwrap());
    assert_eq!(counts(), [2, 3, 2], "a change that is out of date");
}
