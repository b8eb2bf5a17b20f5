//! What moto does not do: S3 says what was deleted, lists versions in pages, answers that another
//! write is under way, and loses answers.

use std::time::Duration;

use aws_tests::stub::{Answer, Stub};
use encrypted_field::envelope::{Anchor, BackendErrorKind as Kind, Document, conformance};
use encrypted_field_aws::AwsS3Object;

use super::refused;

fn document(stub: &Stub) -> AwsS3Object {
    AwsS3Object::new(aws_tests::s3(&stub.endpoint()), "bucket", "app")
}

/// The text after the one that is there, or the first.
async fn write(document: &AwsS3Object, text: &str) {
    let before = document.read().await.unwrap().map(|(_, version)| version);
    assert!(document.replace(before.as_ref(), text.into()).await.unwrap());
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

#[tokio::test]
async fn the_stub_passes_the_conformance_suite() {
    conformance::document(&document(&Stub::new())).await;
    conformance::key_store(&document(&Stub::new())).await;
}

#[tokio::test]
async fn an_object_holds_an_anchor() {
    let stub = Stub::new();
    let anchor = Anchor::in_document(document(&stub));
    assert_eq!(format!("{anchor:?}"), "anchor (AWS S3 bucket/app)");
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
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(stub.object_versions().len(), 1);
}

#[tokio::test]
async fn a_text_that_was_deleted_is_no_empty_document() {
    let stub = Stub::new();
    let document = document(&stub);
    write(&document, "first").await;
    let (_, version) = document.read().await.unwrap().unwrap();
    stub.delete_object();
    let error = refused(document.read().await, Kind::Misconfigured, &"deleted");
    assert!(error.contains("delete marker") && error.contains("backup"), "{error}");
    refused(document.replace(None, "anew".into()).await, Kind::Misconfigured, &"deleted");
    refused(
        document.replace(Some(&version), "second".into()).await,
        Kind::Misconfigured,
        &"deleted",
    );
    assert_eq!(stub.object_versions(), [Some("first".into()), None]);
}

#[tokio::test]
async fn forgetting_history_keeps_the_last_text_of_a_deleted_object() {
    let stub = Stub::new();
    let document = document(&stub);
    write(&document, "first").await;
    write(&document, "second").await;
    stub.delete_object();
    refused(document.forget_history().await, Kind::Misconfigured, &"deleted");
    assert_eq!(stub.object_versions(), [Some("first".into()), Some("second".into()), None]);
}

#[tokio::test]
async fn forgetting_history_goes_through_all_pages_and_deletes_older_delete_markers() {
    let stub = Stub::new();
    let document = document(&stub);
    write(&document, "first").await;
    stub.delete_object();
    // By hand: from a backup.
    let put = aws_tests::s3(&stub.endpoint()).put_object().bucket("bucket").key("app");
    put.body(b"restored".to_vec().into()).send().await.unwrap();
    write(&document, "second").await;
    assert_eq!(stub.object_versions().len(), 4);
    document.forget_history().await.unwrap();
    assert_eq!(stub.object_versions(), some(&["second"]));
    assert_eq!(stub.calls("DeleteObject"), 3);
    // Four versions, and the first of an object whose name begins alike.
    assert_eq!(stub.calls("ListObjectVersions"), 5);
}

#[tokio::test]
async fn a_write_that_meets_another_one_is_refused_and_writes_nothing() {
    let stub = Stub::new();
    let document = document(&stub);
    write(&document, "first").await;
    let (_, version) = document.read().await.unwrap().unwrap();
    let conflict = "<Error><Code>ConditionalRequestConflict</Code><Message>m</Message></Error>";
    stub.answers(Answer::BodyTo("PutObject", 409, conflict.into()));
    assert!(!document.replace(Some(&version), "second".into()).await.unwrap());
    assert_eq!(stub.object_versions(), some(&["first"]));
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_an_error_and_not_one_of_another() {
    let stub = Stub::new();
    let document = document(&stub);
    write(&document, "first").await;
    let (_, version) = document.read().await.unwrap().unwrap();
    stub.answers(Answer::LosesOne("PutObject"));
    refused(
        document.replace(Some(&version), "second".into()).await,
        Kind::Unavailable,
        &"a lost answer",
    );
    assert_eq!(stub.calls("PutObject"), 2, "it is not tried again");
    assert_eq!(document.read().await.unwrap().unwrap().0, "second");
}

#[tokio::test]
async fn a_read_whose_answer_is_lost_is_tried_again() {
    let stub = Stub::new();
    let document = document(&stub);
    write(&document, "first").await;
    let before = stub.calls("GetObject");
    stub.answers(Answer::LosesOne("GetObject"));
    assert_eq!(document.read().await.unwrap().unwrap().0, "first");
    assert_eq!(stub.calls("GetObject"), before + 2);
}

#[tokio::test]
async fn a_text_that_stops_half_way_is_bounded_in_time() {
    let stub = Stub::new();
    stub.answers(Answer::HangsInBody);
    let document = document(&stub).timeout(Duration::from_millis(200));
    let error = refused(document.read().await, Kind::Unavailable, &"half a text");
    assert!(error.contains("in time"), "{error}");
}

#[tokio::test]
async fn the_cost_in_calls_is_as_documented() {
    let stub = Stub::new();
    let document = document(&stub);
    let counts = || ["GetObject", "PutObject"].map(|operation| stub.calls(operation));
    assert_eq!(document.read().await.unwrap(), None);
    assert_eq!(counts(), [1, 0], "reading an object that was never put");
    assert!(document.replace(None, "first".into()).await.unwrap());
    assert_eq!(counts(), [2, 1], "the first text");
    let (_, version) = document.read().await.unwrap().unwrap();
    assert_eq!(counts(), [3, 1], "reading");
    assert!(document.replace(Some(&version), "second".into()).await.unwrap());
    assert_eq!(counts(), [3, 2], "replacing");
    assert!(!document.replace(Some(&version), "late".into()).await.unwrap());
    assert_eq!(counts(), [3, 3], "a change that is out of date");
}
