//! What S3 may answer, each as the right kind, in bounded time, and with recovery.

use std::time::Duration;

use aws_tests::stub::{Answer, Stub};
use encrypted_field::envelope::{BackendErrorKind as Kind, Document};
use encrypted_field_aws::AwsS3Object;

use super::{BODY, refused};

fn answers() -> Vec<(Answer, Kind)> {
    let error = Answer::Error;
    vec![
        (error(403, "AccessDenied", "User: arn:aws:sts is not authorized"), Kind::Denied),
        (error(403, "InvalidAccessKeyId", BODY), Kind::Denied),
        (error(400, "InvalidToken", BODY), Kind::Denied),
        (error(400, "ExpiredToken", BODY), Kind::Denied),
        (error(403, "SignatureDoesNotMatch", BODY), Kind::Denied),
        (error(403, "RequestTimeTooSkewed", BODY), Kind::Denied),
        (error(403, "AllAccessDisabled", "disabled"), Kind::Denied),
        (error(503, "SlowDown", "Please reduce your request rate."), Kind::Throttled),
        (error(400, "KMS.DisabledException", "arn:aws:kms is disabled"), Kind::KeyUnusable),
        (error(404, "NoSuchBucket", "no such bucket"), Kind::Misconfigured),
        (error(301, "PermanentRedirect", BODY), Kind::Misconfigured),
        (error(400, "AuthorizationHeaderMalformed", BODY), Kind::Misconfigured),
        (error(400, "InvalidBucketName", BODY), Kind::Misconfigured),
        (error(403, "InvalidObjectState", "archived"), Kind::Misconfigured),
        (error(400, "InvalidRequest", BODY), Kind::Misconfigured),
        (error(501, "NotImplemented", BODY), Kind::Misconfigured),
        (error(409, "OperationAborted", BODY), Kind::Unavailable),
        (error(500, "InternalError", BODY), Kind::Unavailable),
        (error(418, "Unheard.Of", BODY), Kind::Garbled),
        (Answer::Body(500, format!("<html>{BODY}</html>")), Kind::Unavailable),
        (Answer::Body(412, format!("<html>{BODY}</html>")), Kind::Garbled),
        (Answer::Body(404, format!("<html>{BODY}</html>")), Kind::Garbled),
        (Answer::Body(200, format!("<html>{BODY}</html>")), Kind::Garbled),
        (Answer::Hangs, Kind::Unavailable),
    ]
}

#[tokio::test]
async fn each_answer_of_s3_has_its_kind_and_the_same_object_recovers() {
    let stub = Stub::new();
    let mut document = AwsS3Object::new(aws_tests::s3(&stub.endpoint()), "bucket", "app");
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
        if !matches!(answer, Answer::Body(200, _)) {
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

#[tokio::test]
async fn the_error_of_a_missing_permission_names_it() {
    let stub = Stub::new();
    let document = AwsS3Object::new(aws_tests::s3(&stub.endpoint()), "bucket", "app");
    stub.answers(Answer::Error(403, "AccessDenied", "not authorized to perform: s3:GetObject"));
    let error = refused(document.read().await, Kind::Denied, &"no permission");
    assert!(error.contains("s3:ListBucket") && error.contains("s3:GetObject"), "{error}");
    stub.answers(Answer::Error(400, "KMS.DisabledException", ""));
    let error = refused(document.read().await, Kind::KeyUnusable, &"a disabled key");
    assert!(error.contains("(KMS.DisabledException, HTTP 400)"), "{error}");
}

#[tokio::test]
async fn a_name_that_can_not_be_sent_is_an_error() {
    let stub = Stub::new();
    for (bucket, key) in [("", "app"), ("bucket", "")] {
        let document = AwsS3Object::new(aws_tests::s3(&stub.endpoint()), bucket, key);
        refused(document.read().await, Kind::Misconfigured, &(bucket, key));
    }
}
