//! What time it is at KMS.

use std::time::{Duration, SystemTime};

use aws_tests::Moto;
use aws_tests::stub::{Answer, Stub};
use encrypted_field::envelope::{Clock, KeyEncryptionKey};
use encrypted_field::generate_key;
use encrypted_field_aws::AwsKms;

use super::of;

const HOUR: Duration = Duration::from_hours(1);

/// 2026-01-01, in whole seconds as a header has it.
fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + 490_896 * HOUR
}

#[tokio::test]
async fn the_date_of_the_last_answer_and_the_time_since() {
    let stub = Stub::new();
    // The clock of this host is an hour behind the service's.
    let (ours, theirs) = (Clock::manual(start() - HOUR), Clock::manual(start()));
    stub.date_by(&theirs);
    let kms = AwsKms::new(aws_tests::kms(&stub.endpoint()), "alias/app").clock(ours.clone());
    let key = generate_key().unwrap();
    assert_eq!(kms.time(), None, "there was no answer yet");

    let wrapped = kms.wrap(&of(""), &key).await.unwrap();
    assert_eq!(kms.time(), Some(start()));
    ours.advance(HOUR / 2);
    assert_eq!(kms.time(), Some(start() + HOUR / 2), "it goes on between calls");
    ours.set_wall(start() + 1000 * HOUR);
    assert_eq!(
        kms.time(),
        Some(start() + HOUR / 2),
        "whoever sets the clock of this host changes nothing"
    );

    theirs.advance(HOUR);
    // A setting that is changed keeps what is known.
    let kms = kms.timeout(Duration::from_secs(20));
    kms.unwrap(&of(""), &wrapped).await.unwrap();
    assert_eq!(kms.time(), Some(start() + HOUR), "the last answer counts");
    theirs.advance(HOUR);
    for answer in [
        Answer::Error(400, "AccessDeniedException", ""),
        Answer::Error(500, "KMSInternalException", ""),
        Answer::Body(502, "<html></html>".into()),
        Answer::Body(200, "<html></html>".into()),
    ] {
        stub.answers(answer);
        kms.unwrap(&of(""), &wrapped).await.unwrap_err();
        assert_eq!(kms.time(), Some(start() + HOUR), "an error may be of anything on the way");
    }
}

#[tokio::test]
async fn without_a_date_it_has_no_time() {
    let stub = Stub::new();
    let kms = AwsKms::new(aws_tests::kms(&stub.endpoint()), "alias/app");
    kms.wrap(&of(""), &generate_key().unwrap()).await.unwrap();
    assert_eq!(kms.time(), None);
}

#[tokio::test]
async fn moto_is_of_this_host() {
    let Some(moto) = Moto::running() else { return };
    let kms = AwsKms::new(moto.kms(), moto.key().await);
    let before = SystemTime::now();
    kms.wrap(&of(""), &generate_key().unwrap()).await.unwrap();
    let time = kms.time().expect("moto sends a date");
    // Cut to the second.
    assert!(
        time + Duration::from_secs(1) >= before && time <= SystemTime::now(),
        "{time:?} is not now"
    );
}
