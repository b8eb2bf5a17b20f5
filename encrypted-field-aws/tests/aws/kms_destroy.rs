//! Destroying the key of a scope, and of no other.

use std::collections::HashMap;

use aws_sdk_kms::types::{KeyMetadata, KeyState};
use aws_tests::Moto;
use encrypted_field::envelope::{BackendErrorKind as Kind, KeyEncryptionKey};
use encrypted_field::generate_key;
use encrypted_field_aws::AwsKms;

use super::{of, refused};

/// The key of each scope is named by its name, but for those that are given.
fn per_scope(client: aws_sdk_kms::Client, default: &str, names: &[(&str, &str)]) -> AwsKms {
    let names: HashMap<String, String> =
        names.iter().map(|(scope, name)| ((*scope).to_owned(), (*name).to_owned())).collect();
    AwsKms::key_per_scope(client, default, move |scope| {
        names.get(scope).cloned().unwrap_or_else(|| format!("alias/of-{scope}"))
    })
}

fn scopes(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

async fn described(moto: &Moto, key: &str) -> KeyMetadata {
    moto.kms().describe_key().key_id(key).send().await.unwrap().key_metadata.unwrap()
}

#[tokio::test]
async fn destroying_a_scope_schedules_the_deletion_of_its_key_alone() {
    let Some(moto) = Moto::running() else { return };
    let (default, tenant, other) = (moto.key().await, moto.key().await, moto.key().await);
    let (tenant_alias, other_alias) = (moto.alias(&tenant).await, moto.alias(&other).await);
    let kms = per_scope(moto.kms(), &default, &[("acme", &tenant_alias), ("globex", &other_alias)]);
    let kms = kms.waiting_period(12);
    assert!(kms.is_per_scope());

    // Each is wrapped under its own key.
    for (scope, own, foreign) in [("acme", &tenant, &default), ("", &default, &tenant)] {
        let context = of(scope);
        let secret = generate_key().unwrap();
        let wrapped = kms.wrap(&context, &secret).await.unwrap();
        assert_eq!(*AwsKms::new(moto.kms(), own).unwrap(&context, &wrapped).await.unwrap(), secret);
        assert!(AwsKms::new(moto.kms(), foreign).unwrap(&context, &wrapped).await.is_err());
    }

    let others = scopes(&["globex", "initech"]);
    refused(kms.destroy_scope("", &others).await, Kind::Misconfigured, &"the default scope");
    kms.destroy_scope("acme", &others).await.unwrap();
    kms.destroy_scope("acme", &others).await.expect("once more, after a lost answer");

    for key in [&default, &other] {
        assert_eq!(described(&moto, key).await.key_state, Some(KeyState::Enabled));
    }
    let destroyed = described(&moto, &tenant).await;
    assert_eq!(destroyed.key_state, Some(KeyState::PendingDeletion));
    let days = (destroyed.deletion_date.unwrap().secs() - destroyed.creation_date.unwrap().secs()) / 86_400;
    assert!((11..=12).contains(&days), "{days} days");
}

#[tokio::test]
async fn a_kms_key_for_all_scopes_is_not_destroyed_with_one() {
    let Some(moto) = Moto::running() else { return };
    let kms = AwsKms::new(moto.kms(), moto.key().await);
    assert!(!kms.is_per_scope());
    refused(kms.destroy_scope("acme", &[]).await, Kind::Misconfigured, &"one key for all scopes");
}
