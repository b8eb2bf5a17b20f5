//! Clients as an application makes them, for an endpoint on this host.

use aws_credential_types::Credentials;

/// Something to look for in logs.
pub const SESSION_TOKEN: &str = "CANARY-session-token";

fn credentials() -> Credentials {
    Credentials::new("test", "test", Some(SESSION_TOKEN.into()), None, "tests")
}

/// A client of KMS at `endpoint`, such as `http://127.0.0.1:5000`.
pub fn kms(endpoint: &str) -> aws_sdk_kms::Client {
    let config = aws_sdk_kms::Config::builder()
        .region(aws_sdk_kms::config::Region::new("eu-central-1"))
        .endpoint_url(endpoint)
        .credentials_provider(credentials());
    aws_sdk_kms::Client::from_conf(config.build())
}

/// A client of Secrets Manager at `endpoint`.
pub fn secrets_manager(endpoint: &str) -> aws_sdk_secretsmanager::Client {
    let config = aws_sdk_secretsmanager::Config::builder()
        .region(aws_sdk_secretsmanager::config::Region::new("eu-central-1"))
        .endpoint_url(endpoint)
        .credentials_provider(credentials());
    aws_sdk_secretsmanager::Client::from_conf(config.build())
}

/// A client of S3 at `endpoint`.
pub fn s3(endpoint: &str) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .region(aws_sdk_s3::config::Region::new("eu-central-1"))
        .endpoint_url(endpoint)
        // The name of a bucket is none of a host here.
        .force_path_style(true)
        .credentials_provider(credentials());
    aws_sdk_s3::Client::from_conf(config.build())
}
