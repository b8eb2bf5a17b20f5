//! KMS as moto has it.

use aws_sdk_kms::types::KeyState;
use aws_tests::Moto;
use encrypted_field::envelope::{
    AwsKms, BackendErrorKind as Kind, KeyEncryptionKey, WrapContext, conformance,
};
use encrypted_field::generate_key;

use super::refused;

#[tokio::test]
async fn a_key_of_kms_passes_the_conformance_suite() {
    let Some(moto) = Moto::running() else { return };
    let key = moto.key().await;
    conformance::key_encryption_key(&AwsKms::new(moto.kms(), key)).await;
}

#[tokio::test]
async fn an_alias_wraps_and_unwraps() {
    let Some(moto) = Moto::running() else { return };
    let alias = moto.alias(&moto.key().await).await;
    conformance::key_encryption_key(&AwsKms::new(moto.kms(), alias)).await;
}

/// The conformance suite proves nothing about contexts on a server that takes any. This asks moto itself.
#[tokio::test]
async fn moto_checks_the_encryption_context() {
    let Some(moto) = Moto::running() else { return };
    let (kms, key) = (moto.kms(), moto.key().await);
    let secret = generate_key().unwrap();
    let context = WrapContext::new("set", 1, "acme", "field");
    let wrapped = AwsKms::new(moto.kms(), &key).wrap(&context, &secret).await.unwrap();

    let decrypt = |pairs: Vec<(&'static str, String)>| {
        let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let call = kms.decrypt().key_id(&key).ciphertext_blob(wrapped.clone().into());
        call.set_encryption_context(Some(pairs)).send()
    };
    assert_eq!(decrypt(context.pairs()).await.unwrap().plaintext.unwrap().as_ref(), secret);
    for pair in 0..context.pairs().len() {
        let mut other = context.pairs();
        other[pair].1.push('x');
        assert!(decrypt(other).await.is_err(), "moto takes another {}", context.pairs()[pair].0);
        let mut fewer = context.pairs();
        fewer.remove(pair);
        assert!(decrypt(fewer).await.is_err(), "moto does without {}", context.pairs()[pair].0);
    }
}

#[tokio::test]
async fn a_key_wrapped_under_another_kms_key_is_refused() {
    let Some(moto) = Moto::running() else { return };
    let context = WrapContext::new("set", 1, "", "field");
    let one = AwsKms::new(moto.kms(), moto.key().await);
    let other = AwsKms::new(moto.kms(), moto.key().await);
    let wrapped = one.wrap(&context, &generate_key().unwrap()).await.unwrap();
    // Where KMS says `IncorrectKeyException`, as the stub does, moto says `AccessDeniedException`.
    refused(other.unwrap(&context, &wrapped).await, Kind::Denied, &"a wrap under another key");
}

#[tokio::test]
async fn a_key_that_is_not_there_is_unusable() {
    let Some(moto) = Moto::running() else { return };
    let gone = AwsKms::new(moto.kms(), "alias/ef-test-not-there");
    let context = WrapContext::new("set", 1, "", "field");
    let error = refused(gone.wrap(&context, &generate_key().unwrap()).await, Kind::KeyUnusable, &"no key");
    assert!(error.contains("ef-test-not-there"), "{error}");
}

#[tokio::test]
async fn destroying_a_scope_schedules_the_deletion_of_its_key_alone() {
    let Some(moto) = Moto::running() else { return };
    let (default, tenant) = (moto.key().await, moto.key().await);
    let (default_alias, tenant_alias) = (moto.alias(&default).await, moto.alias(&tenant).await);
    let of_scope = tenant_alias.clone();
    // A second name of the default key is still the default key.
    let shared = default_alias.clone();
    let kms = AwsKms::key_per_scope(moto.kms(), &default, move |scope| {
        if scope == "acme" { of_scope.clone() } else { shared.clone() }
    })
    .waiting_period(12);
    assert!(kms.is_per_scope());

    // Each is wrapped under its own key.
    for (scope, own, foreign) in [("acme", &tenant, &default), ("", &default, &tenant)] {
        let context = WrapContext::new("set", 1, scope, "field");
        let secret = generate_key().unwrap();
        let wrapped = kms.wrap(&context, &secret).await.unwrap();
        assert_eq!(*AwsKms::new(moto.kms(), own).unwrap(&context, &wrapped).await.unwrap(), secret);
        assert!(AwsKms::new(moto.kms(), foreign).unwrap(&context, &wrapped).await.is_err());
    }

    refused(kms.destroy_scope("").await, Kind::Misconfigured, &"the default scope");
    refused(kms.destroy_scope("globex").await, Kind::Misconfigured, &"a scope with the default key");
    kms.destroy_scope("acme").await.unwrap();
    kms.destroy_scope("acme").await.expect("once more, after a lost answer");

    let state = async |key: &str| {
        let described = moto.kms().describe_key().key_id(key).send().await.unwrap();
        described.key_metadata.unwrap()
    };
    assert_eq!(state(&default).await.key_state, Some(KeyState::Enabled));
    let destroyed = state(&tenant).await;
    assert_eq!(destroyed.key_state, Some(KeyState::PendingDeletion));
    let days = (destroyed.deletion_date.unwrap().secs() - destroyed.creation_date.unwrap().secs()) / 86_400;
    assert!((11..=12).contains(&days), "{days} days");
}

#[tokio::test]
async fn a_kms_key_for_all_scopes_is_not_destroyed_with_one() {
    let Some(moto) = Moto::running() else { return };
    let kms = AwsKms::new(moto.kms(), moto.key().await);
    assert!(!kms.is_per_scope());
    refused(kms.destroy_scope("acme").await, Kind::Misconfigured, &"one key for all scopes");
}
