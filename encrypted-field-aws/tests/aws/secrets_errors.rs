//! What Secrets Manager may answer, each as the right kind, in bounded time, and with recovery.

use std::time::Duration;

use aws_tests::stub::{Answer, Stub};
use encrypted_field::envelope::{BackendErrorKind as Kind, Document};
use encrypted_field_aws::AwsSecretsManager;

use super::{BODY, refused};

fn answers() -> Vec<(Answer, Kind)> {
    let error = Answer::Error;
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
        (Answer::Hangs, Kind::Unavailable),
    ]
}

#[tokio::test]
async fn each_answer_of_secrets_manager_has_its_kind_and_the_same_object_recovers() {
    let stub = Stub::new();
    let mut document =
        AwsSecretsManager::new(aws_tests::secrets_manager(&stub.endpoint()), "app/keys");
    let mut version = None;
    for (number, (answer, kind)) in answers().into_iter().enumerate() {
        let limit = if matches!(answer, Answer::Hangs) {
            Duration::from_millis(200)
        } else {
            Duration::from_secs(20)
        };
        document = document.timeout(limit);
        let text = format!("text {number}");
        stub.answers(answer.clone());
        refused(document.read().await, kind, &answer);
        refused(document.replace(version.as_ref(), text.clone()).await, kind, &answer);
        if !matches!(answer, Answer::Body(..)) {
            refused(document.forget_history().await, kind, &answer);
        }

        stub.answers(Answer::Works);
        document = document.timeout(Duration::from_secs(20));
        let replaced = document.replace(version.as_ref(), text.clone()).await;
        assert!(replaced.expect("it recovers"), "after {answer:?}");
        let (read, now) = document.read().await.expect("it recovers").expect("it was written");
        assert_eq!(read, text);
        version = Some(now);
    }
}
