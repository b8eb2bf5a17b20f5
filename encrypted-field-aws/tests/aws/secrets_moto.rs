//! Secrets Manager as moto has it.

use std::thread;

use aws_sdk_secretsmanager::types::SecretVersionsListEntry;
use aws_tests::Moto;
use encrypted_field::envelope::{BackendErrorKind as Kind, Document, conformance};
use encrypted_field_aws::AwsSecretsManager;

use super::refused;

/// The texts `1`, `2` …, each a version.
async fn write(document: &AwsSecretsManager, texts: std::ops::RangeInclusive<u32>) {
    for text in texts {
        let before = document.read().await.unwrap().map(|(_, version)| version);
        assert!(document.replace(before.as_ref(), text.to_string()).await.unwrap());
    }
}

async fn text(document: &AwsSecretsManager) -> Option<String> {
    document.read().await.unwrap().map(|(text, _)| text)
}

#[tokio::test]
async fn a_secret_passes_the_conformance_suite() {
    let Some(moto) = Moto::running() else { return };
    conformance::document(&AwsSecretsManager::new(moto.secrets_manager(), moto.secret().await))
        .await;
}

#[tokio::test]
async fn the_version_is_that_of_the_secret() {
    let Some(moto) = Moto::running() else { return };
    let name = moto.secret().await;
    let document = AwsSecretsManager::new(moto.secrets_manager(), &name);
    assert!(!document.is_in_database_backups());
    assert_eq!(document.describe(), format!("AWS Secrets Manager {name}"));
    write(&document, 1..=2).await;
    let (text, version) = document.read().await.unwrap().unwrap();
    assert_eq!(text, "2");
    let value = moto.secrets_manager().get_secret_value().secret_id(&name).version_id(version);
    assert_eq!(value.send().await.unwrap().secret_string.unwrap(), "2");
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_no_empty_document() {
    let Some(moto) = Moto::running() else { return };
    let document = AwsSecretsManager::new(moto.secrets_manager(), "ef-test-not-there");
    let error = refused(document.read().await, Kind::Misconfigured, &"no secret");
    assert!(error.contains("create-secret"), "{error}");
    refused(document.replace(None, "first".into()).await, Kind::Misconfigured, &"no secret");
}

#[tokio::test]
async fn a_secret_that_is_scheduled_for_deletion_says_so() {
    let Some(moto) = Moto::running() else { return };
    let name = moto.secret().await;
    let document = AwsSecretsManager::new(moto.secrets_manager(), &name);
    write(&document, 1..=1).await;
    moto.secrets_manager().delete_secret().secret_id(&name).send().await.unwrap();
    let error = refused(document.read().await, Kind::Misconfigured, &"a deleted secret");
    assert!(error.contains("restore-secret"), "{error}");
}

/// Each with a runtime, a client and connections of its own, as processes have.
#[tokio::test]
async fn of_many_writers_that_count_up_each_counts_once() {
    let Some(moto) = Moto::running() else { return };
    let name = moto.secret().await;
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (client, name) = (moto.secrets_manager(), name.clone());
            thread::spawn(move || {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(count_up(AwsSecretsManager::new(client, name), writer, 5));
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    // Every change is there: none was overwritten by one that had not seen it.
    let document = AwsSecretsManager::new(moto.secrets_manager(), name);
    let text = text(&document).await.unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    let expected: Vec<_> = (0..4)
        .flat_map(|writer| (0..5).map(move |time| format!("writer {writer}, {time}")))
        .collect();
    assert_eq!(lines, expected);
}

/// Adds a line at a time.
async fn count_up(document: AwsSecretsManager, writer: u32, times: u32) {
    let mut counted = 0;
    while counted < times {
        let (text, version) = document.read().await.unwrap().unzip();
        let text = format!("{}writer {writer}, {counted}\n", text.unwrap_or_default());
        if document.replace(version.as_ref(), text).await.is_ok_and(|replaced| replaced) {
            counted += 1;
        }
    }
}

#[tokio::test]
async fn forgetting_history_takes_the_label_from_the_previous_version() {
    let Some(moto) = Moto::running() else { return };
    let name = moto.secret().await;
    let document = AwsSecretsManager::new(moto.secrets_manager(), &name);
    write(&document, 1..=3).await;
    assert_eq!(labels(&moto, &name).await, ["AWSCURRENT", "AWSPREVIOUS"]);
    document.forget_history().await.unwrap();
    assert_eq!(labels(&moto, &name).await, ["AWSCURRENT"]);
    assert_eq!(text(&document).await.unwrap(), "3");
    document.forget_history().await.expect("once more");
}

#[tokio::test]
async fn forgetting_history_says_which_versions_others_keep() {
    let Some(moto) = Moto::running() else { return };
    let name = moto.secret().await;
    let document = AwsSecretsManager::new(moto.secrets_manager(), &name);
    write(&document, 1..=1).await;
    let first = versions(&moto, &name).await[0].version_id.clone().unwrap();
    write(&document, 2..=2).await;
    let label = moto.secrets_manager().update_secret_version_stage().secret_id(&name);
    label.version_stage("kept-by-hand").move_to_version_id(&first).send().await.unwrap();

    let error =
        refused(document.forget_history().await, Kind::Misconfigured, &"a label of somebody");
    assert!(error.contains("kept-by-hand") && error.contains(&first), "{error}");
    assert_eq!(labels(&moto, &name).await, ["AWSCURRENT", "kept-by-hand"]);
}

async fn versions(moto: &Moto, name: &str) -> Vec<SecretVersionsListEntry> {
    let listed =
        moto.secrets_manager().list_secret_version_ids().secret_id(name).send().await.unwrap();
    listed.versions.unwrap()
}

async fn labels(moto: &Moto, name: &str) -> Vec<String> {
    let versions = versions(moto, name).await;
    let mut labels: Vec<_> = versions
        .into_iter()
        .flat_map(|version| version.version_stages.unwrap_or_default())
        .collect();
    labels.sort();
    labels
}
