//! What KMS may answer, each as the right kind, in bounded time, and with recovery.

use std::time::Duration;

use aws_tests::stub::{Answer, Stub};
use encrypted_field::envelope::{BackendErrorKind as Kind, KeyEncryptionKey, conformance};
use encrypted_field::generate_key;
use encrypted_field_aws::AwsKms;

use super::{BODY, of, refused};

/// A second call of the SDK is one more than the first.
const ONCE: usize = 1;
const TWICE: usize = 2;

fn answers() -> Vec<(Answer, Kind, usize)> {
    let error = Answer::Error;
    vec![
        (error(400, "DisabledException", "arn:aws:kms:key is disabled."), Kind::KeyUnusable, ONCE),
        (
            error(400, "KMSInvalidStateException", "arn:aws:kms:key is pending deletion."),
            Kind::KeyUnusable,
            ONCE,
        ),
        (
            error(400, "NotFoundException", "Key 'arn:aws:kms:key' does not exist"),
            Kind::KeyUnusable,
            ONCE,
        ),
        (error(400, "InvalidKeyUsageException", ""), Kind::KeyUnusable, ONCE),
        (
            error(400, "AccessDeniedException", "User: arn:aws:sts is not authorized"),
            Kind::Denied,
            ONCE,
        ),
        (error(400, "ExpiredTokenException", BODY), Kind::Denied, ONCE),
        (error(400, "UnrecognizedClientException", BODY), Kind::Denied, ONCE),
        // The words of these can hold the canonical request, with its session token.
        (error(400, "InvalidSignatureException", BODY), Kind::Denied, ONCE),
        (error(400, "SignatureDoesNotMatch", BODY), Kind::Denied, ONCE),
        (error(400, "RequestExpired", BODY), Kind::Denied, ONCE),
        (error(403, "RequestTimeTooSkewed", BODY), Kind::Denied, ONCE),
        (error(400, "ValidationException", BODY), Kind::Misconfigured, ONCE),
        (error(400, "IncorrectKeyException", ""), Kind::OtherKek, ONCE),
        (error(400, "InvalidCiphertextException", BODY), Kind::Rejected, ONCE),
        (error(400, "ThrottlingException", "Rate exceeded"), Kind::Throttled, TWICE),
        (error(400, "LimitExceededException", "quota"), Kind::Throttled, TWICE),
        (error(500, "KeyUnavailableException", ""), Kind::Unavailable, TWICE),
        (error(500, "KMSInternalException", ""), Kind::Unavailable, TWICE),
        (error(503, "DependencyTimeoutException", ""), Kind::Unavailable, TWICE),
        (error(400, "AnErrorOfTheFuture", BODY), Kind::Garbled, ONCE),
        (error(400, "CANARY-body <b>", BODY), Kind::Garbled, ONCE),
        (Answer::Body(429, String::new()), Kind::Throttled, ONCE),
        (Answer::Body(403, format!("<html>{BODY}</html>")), Kind::Denied, ONCE),
        (Answer::Body(500, format!("<html>{BODY}</html>")), Kind::Unavailable, TWICE),
        (Answer::Body(503, String::new()), Kind::Unavailable, TWICE),
        (Answer::Body(404, format!("<html>{BODY}</html>")), Kind::Garbled, ONCE),
        (Answer::Body(200, format!("<html>{BODY}</html>")), Kind::Garbled, ONCE),
        (Answer::Body(200, "{}".into()), Kind::Garbled, ONCE),
        (
            Answer::Body(200, format!(r#"{{"Plaintext":7,"CiphertextBlob":{{"{BODY}":1}}}}"#)),
            Kind::Garbled,
            ONCE,
        ),
        // "short", and nothing at all.
        (
            Answer::Body(200, r#"{"Plaintext":"c2hvcnQ=","CiphertextBlob":""}"#.into()),
            Kind::Garbled,
            ONCE,
        ),
        (Answer::Hangs, Kind::Unavailable, ONCE),
    ]
}

#[tokio::test]
async fn each_answer_of_kms_has_its_kind_and_the_same_object_recovers() {
    let stub = Stub::new();
    let kms = AwsKms::new(aws_tests::kms(&stub.endpoint()), "alias/app");
    let context = of("acme");
    let key = generate_key().unwrap();
    let mut wrapped = kms.wrap(&context, &key).await.unwrap();
    let mut kms = kms;
    for (answer, kind, most) in answers() {
        // Ends the call that nobody answers; the others are not held up by it.
        let limit = if matches!(answer, Answer::Hangs) {
            Duration::from_millis(200)
        } else {
            Duration::from_secs(20)
        };
        kms = kms.timeout(limit);
        stub.answers(answer.clone());
        let before = (stub.calls("Encrypt"), stub.calls("Decrypt"));
        refused(kms.wrap(&context, &key).await, kind, &answer);
        refused(kms.unwrap(&context, &wrapped).await, kind, &answer);
        let made = (stub.calls("Encrypt") - before.0, stub.calls("Decrypt") - before.1);
        assert!(made.0 >= ONCE && made.0 <= most, "{answer:?}: {made:?} calls");
        assert!(made.1 >= ONCE && made.1 <= most, "{answer:?}: {made:?} calls");

        stub.answers(Answer::Works);
        kms = kms.timeout(Duration::from_secs(20));
        assert_eq!(
            *kms.unwrap(&context, &wrapped).await.expect("it recovers"),
            key,
            "after {answer:?}"
        );
        wrapped = kms.wrap(&context, &key).await.expect("it recovers");
    }
}

#[tokio::test]
async fn an_error_says_what_to_do() {
    let stub = Stub::new();
    let kms = AwsKms::new(aws_tests::kms(&stub.endpoint()), "alias/app");
    let context = of("acme");
    for (answer, expected) in [
        (Answer::Error(400, "RequestExpired", ""), "clock"),
        (Answer::Error(400, "InvalidSignatureException", ""), "clock"),
        (Answer::Error(400, "ExpiredTokenException", ""), "renewed"),
        (Answer::Error(400, "DisabledException", "the very key"), "the very key"),
        (Answer::Error(400, "AccessDeniedException", "User: somebody"), "User: somebody"),
        (Answer::Error(400, "KMSInvalidStateException", ""), "cancel-key-deletion"),
        (Answer::Error(400, "AccessDeniedException", "a line\nbreak"), "a linebreak"),
    ] {
        stub.answers(answer.clone());
        let error = kms.wrap(&context, &generate_key().unwrap()).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{answer:?}: {error}");
    }
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_is_made_again() {
    let stub = Stub::new();
    let kms = AwsKms::new(aws_tests::kms(&stub.endpoint()), "alias/app");
    let context = of("acme");
    let key = generate_key().unwrap();
    let wrapped = kms.wrap(&context, &key).await.unwrap();
    stub.answers(Answer::LosesOne("Decrypt"));
    assert_eq!(*kms.unwrap(&context, &wrapped).await.unwrap(), key);
    assert_eq!(stub.calls("Decrypt"), 2);
}

#[tokio::test]
async fn a_service_out_of_reach_is_unavailable() {
    let stub = Stub::new();
    let kms = AwsKms::new(aws_tests::kms(&stub.endpoint()), "alias/app");
    drop(stub);
    let context = of("acme");
    refused(kms.wrap(&context, &generate_key().unwrap()).await, Kind::Unavailable, &"nobody there");
}

/// With a key for each scope, the wrap of another scope is one under another key.
#[tokio::test]
async fn the_stub_passes_the_conformance_suite_with_a_key_for_each_scope() {
    let stub = Stub::new();
    let client = aws_tests::kms(&stub.endpoint());
    let kms = AwsKms::key_per_scope(client, "alias/app", |scope| format!("alias/app-{scope}"));
    conformance::key_encryption_key(&kms).await;
}

#[tokio::test]
async fn what_kms_can_not_have_wrapped_is_refused_without_a_call() {
    let stub = Stub::new();
    let kms = AwsKms::new(aws_tests::kms(&stub.endpoint()), "alias/app");
    let context = of("acme");
    refused(kms.unwrap(&context, b"").await, Kind::Rejected, &"nothing");
    refused(kms.unwrap(&context, &[1; 6145]).await, Kind::Rejected, &"too much");
    assert_eq!(stub.calls("Decrypt"), 0);
}
