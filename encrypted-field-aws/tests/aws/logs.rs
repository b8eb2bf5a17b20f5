//! What the SDK logs of a data key and of the credentials, at its lowest level.

use aws_sdk_kms::config::StalledStreamProtectionConfig;
use aws_tests::logs::Logs;
use aws_tests::stub::Stub;
use encrypted_field::envelope::KeyEncryptionKey;
use encrypted_field::generate_key;
use encrypted_field_aws::AwsKms;
use tracing::{Level, trace};

use super::of;

#[test]
fn a_logged_key_is_found_in_each_form() {
    let key = generate_key().unwrap();
    let list = |logged: &dyn Fn()| {
        let logs = Logs::collect(Level::TRACE);
        logged();
        logs.show(&key)
    };
    let json = serde_json::json!({ "Plaintext": aws_tests::base64(&key) }).to_string();
    assert!(list(&|| trace!("{key:?}")));
    assert!(list(&|| trace!(body = ?aws_sdk_kms::primitives::Blob::new(key))));
    assert!(list(&|| trace!(request = ?json.as_bytes().escape_ascii().to_string())));
    assert!(list(&|| trace!("{}", key.escape_ascii())));
    assert!(!list(&|| trace!("nothing of it")));
}

#[tokio::test]
async fn no_level_shows_a_data_key_or_a_session_token() {
    let stub = Stub::new();
    let client = aws_tests::kms(&stub.endpoint());
    // Watching uploads wraps the bodies, and so hides them.
    let bare = StalledStreamProtectionConfig::disabled();
    let bare = client.config().to_builder().stalled_stream_protection(bare).build();
    for client in [client, aws_sdk_kms::Client::from_conf(bare)] {
        let kms = AwsKms::new(client, "alias/app");
        let logs = Logs::collect(Level::TRACE);
        let key = generate_key().unwrap();
        let context = of("acme");
        let wrapped = kms.wrap(&context, &key).await.unwrap();
        assert_eq!(*kms.unwrap(&context, &wrapped).await.unwrap(), key);

        let text = logs.text();
        assert!(
            text.contains("TRACE") && text.contains("TrentService.Decrypt"),
            "nothing was collected"
        );
        assert!(!logs.show(&key), "the log shows a data key");
        assert!(!text.contains(aws_tests::SESSION_TOKEN), "the log shows the session token");
    }
}
