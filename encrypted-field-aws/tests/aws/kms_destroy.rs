//! Destroying the key of a scope, and of no other.

use std::collections::HashMap;

use aws_sdk_kms::types::{KeyMetadata, KeyState};
use aws_tests::Moto;
use aws_tests::stub::{Answer, Stub};
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

/// All that KMS takes for one key: its id, its ARN, and two aliases with theirs.
async fn names(moto: &Moto, key: &str) -> Vec<String> {
    let arn = described(moto, key).await.arn.unwrap();
    let mut names = vec![key.to_owned(), arn.clone()];
    for alias in [moto.alias(key).await, moto.alias(key).await] {
        names.push(arn.replace(&format!("key/{key}"), &alias));
        names.push(alias);
    }
    for name in &names {
        assert_eq!(described(moto, name).await.key_id, key, "moto knows the key by {name}");
    }
    names
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
    let days = (destroyed.deletion_date.unwrap().secs() - destroyed.creation_date.unwrap().secs())
        / 86_400;
    assert!((11..=12).contains(&days), "{days} days");
}

#[tokio::test]
async fn a_key_that_another_scope_has_by_any_name_is_not_destroyed() {
    let Some(moto) = Moto::running() else { return };
    let (default, key) = (moto.key().await, moto.key().await);
    let names = names(&moto, &key).await;
    for own in &names {
        for shared in &names {
            let how = format!("acme has {own}, globex has {shared}");
            let kms = per_scope(moto.kms(), &default, &[("acme", own), ("globex", shared)]);
            let outcome = kms.destroy_scope("acme", &scopes(&["initech", "globex"])).await;
            let error = refused(outcome, Kind::Misconfigured, &how);
            assert!(error.contains("\"globex\"") && error.contains(shared), "{error}");
        }
    }
    assert_eq!(described(&moto, &key).await.key_state, Some(KeyState::Enabled));
}

#[tokio::test]
async fn the_key_of_the_default_scope_is_not_destroyed_by_any_name() {
    let Some(moto) = Moto::running() else { return };
    let key = moto.key().await;
    let names = names(&moto, &key).await;
    for default in &names {
        for own in &names {
            let how = format!("acme has {own}, the default scope has {default}");
            let kms = per_scope(moto.kms(), default, &[("acme", own)]);
            let error = refused(kms.destroy_scope("acme", &[]).await, Kind::Misconfigured, &how);
            assert!(error.contains("default scope") && error.contains(default), "{error}");
        }
    }
    assert_eq!(described(&moto, &key).await.key_state, Some(KeyState::Enabled));
}

/// Whoever shares it wants to know, for as long as it can be brought back.
#[tokio::test]
async fn a_shared_key_whose_deletion_is_scheduled_already_is_told() {
    let Some(moto) = Moto::running() else { return };
    let (default, key) = (moto.key().await, moto.key().await);
    let alias = moto.alias(&key).await;
    moto.kms().schedule_key_deletion().key_id(&key).send().await.unwrap();
    let kms = per_scope(moto.kms(), &default, &[("acme", &key), ("globex", &alias)]);
    refused(
        kms.destroy_scope("acme", &scopes(&["globex"])).await,
        Kind::Misconfigured,
        &"a shared key",
    );
    kms.destroy_scope("acme", &scopes(&["initech"])).await.expect("it is alone");
}

#[tokio::test]
async fn a_kms_key_for_all_scopes_is_not_destroyed_with_one() {
    let Some(moto) = Moto::running() else { return };
    let kms = AwsKms::new(moto.kms(), moto.key().await);
    assert!(!kms.is_per_scope());
    refused(kms.destroy_scope("acme", &[]).await, Kind::Misconfigured, &"one key for all scopes");
}

const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

/// On the stub, which gives one alias on each page.
fn with_aliases(count: usize) -> Stub {
    let stub = Stub::new();
    for number in 1..=count {
        stub.alias(&format!("alias/number-{number}"), KEY);
    }
    stub.alias("alias/of-another-key", "another");
    stub
}

#[tokio::test]
async fn every_page_of_aliases_is_compared() {
    let stub = with_aliases(4);
    for number in 1..=4 {
        let shared = format!("alias/number-{number}");
        for shared in [&shared, &format!("arn:aws:kms:eu-central-1:111122223333:{shared}")] {
            let kms = per_scope(
                aws_tests::kms(&stub.endpoint()),
                "alias/app",
                &[("acme", KEY), ("globex", shared)],
            );
            refused(
                kms.destroy_scope("acme", &scopes(&["globex"])).await,
                Kind::Misconfigured,
                shared,
            );
        }
    }
    assert_eq!(stub.scheduled_deletions(), [""; 0]);
    let kms = per_scope(
        aws_tests::kms(&stub.endpoint()),
        "alias/app",
        &[("acme", KEY), ("globex", "alias/of-another-key"), ("initech", "alias/number-5")],
    );
    kms.destroy_scope("acme", &scopes(&["globex", "initech"])).await.unwrap();
    assert_eq!(stub.scheduled_deletions(), [KEY]);
}

/// KMS may know a key by more than it lists: in capital letters, and as the same multi-Region key
/// of another region.
#[tokio::test]
async fn other_forms_of_its_id_are_its_id() {
    let stub = with_aliases(1);
    for shared in [
        KEY.to_uppercase(),
        format!("arn:aws:kms:eu-central-1:111122223333:key/{}", KEY.to_uppercase()),
        format!("arn:aws:kms:us-east-1:111122223333:key/{KEY}"),
    ] {
        let names = [("acme", "alias/number-1"), ("globex", &shared)];
        let kms = per_scope(aws_tests::kms(&stub.endpoint()), "alias/app", &names);
        refused(
            kms.destroy_scope("acme", &scopes(&["globex"])).await,
            Kind::Misconfigured,
            &shared,
        );
    }
    // The alias of this name in another account is of another key.
    let names = [
        ("acme", "alias/number-1"),
        ("globex", "arn:aws:kms:eu-central-1:444455556666:alias/number-1"),
    ];
    let kms = per_scope(aws_tests::kms(&stub.endpoint()), "alias/app", &names);
    kms.destroy_scope("acme", &scopes(&["globex"])).await.unwrap();
}

#[tokio::test]
async fn two_scopes_with_one_name_are_refused_without_a_call() {
    let stub = with_aliases(1);
    let names = [("acme", "alias/number-1"), ("globex", "alias/number-1")];
    let kms = per_scope(aws_tests::kms(&stub.endpoint()), "alias/app", &names);
    refused(
        kms.destroy_scope("acme", &scopes(&["globex"])).await,
        Kind::Misconfigured,
        &"one name",
    );
    assert_eq!(
        stub.calls("DescribeKey") + stub.calls("ListAliases") + stub.calls("ScheduleKeyDeletion"),
        0
    );
    // The scope itself is no other.
    kms.destroy_scope("acme", &scopes(&["acme", "initech"])).await.unwrap();
    let calls = ["DescribeKey", "ListAliases", "ScheduleKeyDeletion"]
        .map(|operation| stub.calls(operation));
    assert_eq!(calls, [1, 1, 1], "as documented");
}

#[tokio::test]
async fn a_key_whose_aliases_are_not_known_is_not_destroyed() {
    let stub = with_aliases(1);
    let kms =
        per_scope(aws_tests::kms(&stub.endpoint()), "alias/app", &[("acme", "alias/number-1")]);
    let denied = r#"{"__type":"AccessDeniedException","message":"kms:ListAliases"}"#;
    for (status, body, kind) in [
        (400, denied, Kind::Denied),
        (500, r#"{"__type":"KMSInternalException"}"#, Kind::Unavailable),
        (200, "{}", Kind::Garbled),
        (200, r#"{"Aliases":[],"Truncated":true}"#, Kind::Garbled),
        (200, r#"{"Aliases":[{"AliasName":"alias/number-1"}]}"#, Kind::Garbled),
        // Without an end.
        (200, r#"{"Aliases":[],"Truncated":true,"NextMarker":"again"}"#, Kind::Garbled),
    ] {
        stub.answers(Answer::BodyTo("ListAliases", status, body.into()));
        refused(kms.destroy_scope("acme", &[]).await, kind, &body);
    }
    stub.answers(Answer::BodyTo("DescribeKey", 200, r#"{"KeyMetadata":{"KeyId":""}}"#.into()));
    refused(kms.destroy_scope("acme", &[]).await, Kind::Garbled, &"no id");
    assert_eq!(stub.scheduled_deletions(), [""; 0]);
    stub.answers(Answer::Works);
    kms.destroy_scope("acme", &[]).await.unwrap();
    assert_eq!(stub.scheduled_deletions(), [KEY]);
}
