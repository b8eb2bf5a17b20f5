//! KMS as moto has it.

use aws_tests::Moto;
use encrypted_field::envelope::{BackendErrorKind as Kind, KeyEncryptionKey, conformance};
use encrypted_field::generate_key;
use encrypted_field_aws::AwsKms;

use super::{of, refused};

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

/// The conformance suite proves nothing about contexts on a server that takes any. This asks moto
/// itself.
#[tokio::test]
async fn moto_checks_the_encryption_context() {
    let Some(moto) = Moto::running() else { return };
    let (kms, key) = (moto.kms(), moto.key().await);
    let secret = generate_key().unwrap();
    let context = of("acme");
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
    let context = of("");
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
    let context = of("");
    let error =
        refused(gone.wrap(&context, &generate_key().unwrap()).await, Kind::KeyUnusable, &"no key");
    assert!(error.contains("ef-test-not-there"), "{error}");
}
