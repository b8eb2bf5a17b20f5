//! S3 as moto has it.

use std::thread;

use aws_tests::Moto;
use encrypted_field::envelope::{BackendErrorKind as Kind, Document, conformance};
use encrypted_field_aws::AwsS3Object;

use super::refused;

const KEY: &str = "app/keys";

async fn document(moto: &Moto) -> AwsS3Object {
    AwsS3Object::new(moto.s3(), moto.bucket().await, KEY)
}

/// The texts `1`, `2` …, each a version.
async fn write(document: &AwsS3Object, texts: std::ops::RangeInclusive<u32>) {
    for text in texts {
        let before = document.read().await.unwrap().map(|(_, version)| version);
        assert!(document.replace(before.as_ref(), text.to_string()).await.unwrap());
    }
}

#[tokio::test]
async fn an_object_passes_the_conformance_suite_of_documents() {
    let Some(moto) = Moto::running() else { return };
    conformance::document(&document(&moto).await).await;
    let unversioned = moto.bucket_without_versioning().await;
    conformance::document(&AwsS3Object::new(moto.s3(), unversioned, KEY)).await;
}

#[tokio::test]
async fn an_object_passes_the_conformance_suite_of_key_stores() {
    let Some(moto) = Moto::running() else { return };
    conformance::key_store(&document(&moto).await).await;
}

#[tokio::test]
async fn the_version_is_the_etag_of_the_object() {
    let Some(moto) = Moto::running() else { return };
    let bucket = moto.bucket().await;
    let document = AwsS3Object::new(moto.s3(), &bucket, KEY);
    assert!(!document.is_in_database_backups());
    assert_eq!(document.describe(), format!("AWS S3 {bucket}/{KEY}"));
    write(&document, 1..=2).await;
    let (text, version) = document.read().await.unwrap().unwrap();
    assert_eq!(text, "2");
    let head = moto.s3().head_object().bucket(bucket).key(KEY).send().await.unwrap();
    assert_eq!(head.e_tag.unwrap(), version);
    assert_eq!(head.content_type.unwrap(), "text/plain; charset=utf-8");
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_no_empty_document() {
    let Some(moto) = Moto::running() else { return };
    let document = AwsS3Object::new(moto.s3(), "ef-test-not-there", KEY);
    let error = refused(document.read().await, Kind::Misconfigured, &"no bucket");
    assert!(error.contains("no such bucket"), "{error}");
    refused(document.replace(None, "first".into()).await, Kind::Misconfigured, &"no bucket");
    refused(
        document.replace(Some(&"\"a\"".into()), "x".into()).await,
        Kind::Misconfigured,
        &"no bucket",
    );
    refused(document.forget_history().await, Kind::Misconfigured, &"no bucket");
}

#[tokio::test]
async fn an_object_that_was_deleted_since_it_was_read_is_not_written_anew() {
    let Some(moto) = Moto::running() else { return };
    let bucket = moto.bucket().await;
    let document = AwsS3Object::new(moto.s3(), &bucket, KEY);
    write(&document, 1..=1).await;
    let (_, version) = document.read().await.unwrap().unwrap();
    moto.s3().delete_object().bucket(&bucket).key(KEY).send().await.unwrap();
    let error = refused(
        document.replace(Some(&version), "2".into()).await,
        Kind::Misconfigured,
        &"deleted",
    );
    assert!(error.contains("delete marker"), "{error}");
}

#[tokio::test]
async fn an_object_that_is_not_text_is_refused() {
    let Some(moto) = Moto::running() else { return };
    let bucket = moto.bucket().await;
    let body = aws_sdk_s3::primitives::ByteStream::from_static(b"\xff\xfe");
    moto.s3().put_object().bucket(&bucket).key(KEY).body(body).send().await.unwrap();
    refused(AwsS3Object::new(moto.s3(), bucket, KEY).read().await, Kind::Garbled, &"no UTF-8");
}

#[tokio::test]
async fn a_text_that_is_too_long_is_neither_sent_nor_read() {
    let Some(moto) = Moto::running() else { return };
    let bucket = moto.bucket().await;
    let document =
        AwsS3Object::new(moto.s3(), &bucket, KEY).timeout(std::time::Duration::from_mins(1));
    let long = "x".repeat((64 << 20) + 1);
    let error =
        refused(document.replace(None, long.clone()).await, Kind::Misconfigured, &"too long");
    assert!(error.contains("64 MiB"), "{error}");
    assert!(document.read().await.unwrap().is_none());
    let body = aws_sdk_s3::primitives::ByteStream::from(long.into_bytes());
    moto.s3().put_object().bucket(&bucket).key(KEY).body(body).send().await.unwrap();
    refused(document.read().await, Kind::Misconfigured, &"too long");
}

/// Each with a runtime, a client and connections of its own, as processes have.
#[tokio::test]
async fn of_many_writers_that_count_up_each_counts_once() {
    let Some(moto) = Moto::running() else { return };
    let bucket = moto.bucket().await;
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (client, bucket) = (moto.s3(), bucket.clone());
            thread::spawn(move || {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(count_up(AwsS3Object::new(client, bucket, KEY), writer, 5));
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    // Every change is there: none was overwritten by one that had not seen it.
    let (text, _) = AwsS3Object::new(moto.s3(), bucket, KEY).read().await.unwrap().unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    let expected: Vec<_> = (0..4)
        .flat_map(|writer| (0..5).map(move |time| format!("writer {writer}, {time}")))
        .collect();
    assert_eq!(lines, expected);
}

/// Adds a line at a time.
async fn count_up(document: AwsS3Object, writer: u32, times: u32) {
    let mut counted = 0;
    while counted < times {
        let (text, version) = document.read().await.unwrap().unzip();
        let text = format!("{}writer {writer}, {counted}\n", text.unwrap_or_default());
        if document.replace(version.as_ref(), text).await.unwrap() {
            counted += 1;
        }
    }
}

#[tokio::test]
async fn forgetting_history_deletes_all_versions_but_the_current_one() {
    let Some(moto) = Moto::running() else { return };
    let bucket = moto.bucket().await;
    let document = AwsS3Object::new(moto.s3(), &bucket, KEY);
    let other = AwsS3Object::new(moto.s3(), &bucket, format!("{KEY}-of-others"));
    document.forget_history().await.expect("nothing to forget");
    write(&document, 1..=3).await;
    write(&other, 1..=2).await;
    assert_eq!(
        versions(&moto, &bucket).await,
        [KEY, KEY, KEY, "app/keys-of-others", "app/keys-of-others"]
    );
    document.forget_history().await.unwrap();
    assert_eq!(versions(&moto, &bucket).await, [KEY, "app/keys-of-others", "app/keys-of-others"]);
    assert_eq!(document.read().await.unwrap().unwrap().0, "3");
    document.forget_history().await.expect("once more");

    let unversioned = AwsS3Object::new(moto.s3(), moto.bucket_without_versioning().await, KEY);
    write(&unversioned, 1..=2).await;
    unversioned.forget_history().await.expect("there are no older versions");
    assert_eq!(unversioned.read().await.unwrap().unwrap().0, "2");
}

async fn versions(moto: &Moto, bucket: &str) -> Vec<String> {
    let listed = moto.s3().list_object_versions().bucket(bucket).send().await.unwrap();
    listed.versions.unwrap().into_iter().map(|version| version.key.unwrap()).collect()
}
