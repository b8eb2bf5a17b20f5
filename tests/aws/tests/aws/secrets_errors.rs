//! What Secrets Manager may answer, each as the right kind, in bounded time, and with recovery.

use std::time::Duration;

use aws_tests::stub::{Answer, Stub};
use encrypted_field::envelope::{AwsSecretsManager, BackendErrorKind as Kind, KeyStore, Record};

use super::{BODY, refused};

fn answers() -> Vec<(Answer, Kind)> {
    let error = Answer::Error;
    let value = |text: &str| {
        Answer::Body(200, serde_json::json!({ "VersionId": "v", "SecretString": text }).to_string())
    };
    vec![
        (error(400, "AccessDeniedException", "User: arn:aws:sts is not authorized"), Kind::Denied),
        (error(400, "ExpiredTokenException", BODY), Kind::Denied),
        (error(400, "InvalidSignatureException", BODY), Kind::Denied),
        (error(403, "RequestTimeTooSkewed", BODY), Kind::Denied),
        (error(400, "ThrottlingException", "Rate exceeded"), Kind::Throttled),
        (error(400, "LimitExceededException", "versions"), Kind::Throttled),
        (error(400, "DecryptionFailure", "the KMS key is disabled"), Kind::KeyUnusable),
        (error(400, "EncryptionFailure", "the KMS key is disabled"), Kind::KeyUnusable),
        (error(400, "ResourceNotFoundException", "no such secret"), Kind::Misconfigured),
        (error(400, "InvalidRequestException", "marked for deletion"), Kind::Misconfigured),
        (error(400, "InvalidParameterException", BODY), Kind::Misconfigured),
        (error(500, "InternalServiceError", ""), Kind::Unavailable),
        (Answer::Body(500, format!("<html>{BODY}</html>")), Kind::Unavailable),
        (Answer::Body(200, format!("<html>{BODY}</html>")), Kind::Garbled),
        (Answer::Body(200, "{}".into()), Kind::Garbled),
        (Answer::Body(200, r#"{"VersionId":"v","SecretBinary":"c2hvcnQ="}"#.into()), Kind::Garbled),
        (Answer::Body(200, r#"{"SecretString":"{}"}"#.into()), Kind::Garbled),
        (value(""), Kind::Garbled),
        (value(BODY), Kind::Garbled),
        (value(&format!(r#"{{"format":"{BODY}","version":1,"records":[]}}"#)), Kind::Garbled),
        (Answer::Hangs, Kind::Unavailable),
    ]
}

#[tokio::test]
async fn each_answer_of_secrets_manager_has_its_kind_and_the_same_object_recovers() {
    let stub = Stub::new();
    let mut store = AwsSecretsManager::new(aws_tests::secrets_manager(&stub.endpoint()), "app/keys");
    for (revision, (answer, kind)) in (0..).zip(answers()) {
        let limit = if matches!(answer, Answer::Hangs) {
            Duration::from_millis(200)
        } else {
            Duration::from_secs(20)
        };
        store = store.timeout(limit);
        let changed = [Record { id: 0, revision: revision + 1, body: "{}".into() }];
        stub.answers(answer.clone());
        refused(store.load(0).await, kind, &answer);
        refused(store.compare_and_swap(revision, &changed).await, kind, &answer);
        if !matches!(answer, Answer::Body(..)) {
            refused(store.forget_history().await, kind, &answer);
        }

        stub.answers(Answer::Works);
        store = store.timeout(Duration::from_secs(20));
        assert!(store.compare_and_swap(revision, &changed).await.expect("it recovers"), "after {answer:?}");
        assert_eq!(store.load(0).await.expect("it recovers"), changed);
    }
}
