//! Secrets Manager as moto has it.

use std::thread;

use aws_sdk_secretsmanager::types::SecretVersionsListEntry;
use aws_tests::Moto;
use encrypted_field::envelope::{AwsSecretsManager, BackendErrorKind as Kind, KeyStore, Record, conformance};

use super::refused;

fn record(id: u32, revision: u64, text: &str) -> Record {
    Record { id, revision, body: format!(r#"{{"text":"{text}"}}"#) }
}

#[tokio::test]
async fn a_secret_passes_the_conformance_suite() {
    let Some(moto) = Moto::running() else { return };
    conformance::key_store(&AwsSecretsManager::new(moto.secrets_manager(), moto.secret().await)).await;
}

#[tokio::test]
async fn a_secret_without_a_value_is_an_empty_store() {
    let Some(moto) = Moto::running() else { return };
    let store = AwsSecretsManager::new(moto.secrets_manager(), moto.secret().await);
    assert_eq!(store.load(0).await.unwrap(), []);
    let head = record(0, 1, "head");
    assert!(store.compare_and_swap(0, std::slice::from_ref(&head)).await.unwrap());
    assert_eq!(store.load(0).await.unwrap(), [head]);
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_no_empty_store() {
    let Some(moto) = Moto::running() else { return };
    let store = AwsSecretsManager::new(moto.secrets_manager(), "ef-test-not-there");
    let error = refused(store.load(0).await, Kind::Misconfigured, &"no secret");
    assert!(error.contains("create-secret"), "{error}");
    let swap = store.compare_and_swap(0, &[record(0, 1, "head")]).await;
    refused(swap, Kind::Misconfigured, &"no secret");
}

#[tokio::test]
async fn a_secret_that_is_scheduled_for_deletion_says_so() {
    let Some(moto) = Moto::running() else { return };
    let name = moto.secret().await;
    let store = AwsSecretsManager::new(moto.secrets_manager(), &name);
    assert!(store.compare_and_swap(0, &[record(0, 1, "head")]).await.unwrap());
    moto.secrets_manager().delete_secret().secret_id(&name).send().await.unwrap();
    let error = refused(store.load(0).await, Kind::Misconfigured, &"a deleted secret");
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
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(count_up(AwsSecretsManager::new(client, name), writer, 5))
            })
        })
        .collect();
    let counted: usize = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
    assert_eq!(counted, 20);
    let store = AwsSecretsManager::new(moto.secrets_manager(), name);
    let records = store.load(0).await.unwrap();
    assert_eq!(records.iter().find(|record| record.id == 0).unwrap().revision, 20);
    // Every change is there: none was overwritten by one that had not seen it.
    assert_eq!(records.len(), 21);
}

async fn count_up(store: AwsSecretsManager, writer: u32, times: u32) -> usize {
    let mut counted = 0;
    while counted < times {
        let head = store.load(0).await.unwrap().into_iter().find(|record| record.id == 0);
        let revision = head.map_or(0, |head| head.revision);
        let body = format!("writer {writer}");
        let id = 1 + writer * times + counted;
        let changed = [record(0, revision + 1, &body), record(id, revision + 1, &body)];
        if store.compare_and_swap(revision, &changed).await.is_ok_and(|swapped| swapped) {
            counted += 1;
        }
    }
    counted as usize
}

#[tokio::test]
async fn forgetting_history_takes_the_label_from_the_previous_version() {
    let Some(moto) = Moto::running() else { return };
    let name = moto.secret().await;
    let store = AwsSecretsManager::new(moto.secrets_manager(), &name);
    for revision in 1..=3 {
        assert!(store.compare_and_swap(revision - 1, &[record(0, revision, "head")]).await.unwrap());
    }
    assert_eq!(labels(&moto, &name).await, ["AWSCURRENT", "AWSPREVIOUS"]);
    store.forget_history().await.unwrap();
    assert_eq!(labels(&moto, &name).await, ["AWSCURRENT"]);
    assert_eq!(store.load(0).await.unwrap(), [record(0, 3, "head")]);
    store.forget_history().await.expect("once more");
}

#[tokio::test]
async fn forgetting_history_says_which_versions_others_keep() {
    let Some(moto) = Moto::running() else { return };
    let name = moto.secret().await;
    let store = AwsSecretsManager::new(moto.secrets_manager(), &name);
    assert!(store.compare_and_swap(0, &[record(0, 1, "head")]).await.unwrap());
    let first = versions(&moto, &name).await[0].version_id.clone().unwrap();
    assert!(store.compare_and_swap(1, &[record(0, 2, "head")]).await.unwrap());
    let label = moto.secrets_manager().update_secret_version_stage().secret_id(&name);
    label.version_stage("kept-by-hand").move_to_version_id(&first).send().await.unwrap();

    let error = refused(store.forget_history().await, Kind::Misconfigured, &"a label of somebody");
    assert!(error.contains("kept-by-hand") && error.contains(&first), "{error}");
    assert_eq!(labels(&moto, &name).await, ["AWSCURRENT", "kept-by-hand"]);
}

async fn versions(moto: &Moto, name: &str) -> Vec<SecretVersionsListEntry> {
    let listed = moto.secrets_manager().list_secret_version_ids().secret_id(name).send().await.unwrap();
    listed.versions.unwrap()
}

async fn labels(moto: &Moto, name: &str) -> Vec<String> {
    let versions = versions(moto, name).await;
    let mut labels: Vec<_> =
        versions.into_iter().flat_map(|version| version.version_stages.unwrap_or_default()).collect();
    labels.sort();
    labels
}
