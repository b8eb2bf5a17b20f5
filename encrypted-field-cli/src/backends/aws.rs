//! AWS: KMS, Secrets Manager, S3.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use encrypted_field_aws::{AwsKms, AwsS3Object, AwsSecretsManager};

use crate::config::{Aws, Object, Secret};
use crate::context::Context;

/// Credentials are found as all of AWS's tools find them: variables, profiles, single sign-on, the
/// role of a container or a machine. Variables are read through the context.
async fn settings(aws: &Aws, context: &Context<'_>) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    let region = aws.region.clone().or_else(|| context.variable("AWS_REGION"));
    if let Some(region) = region.or_else(|| context.variable("AWS_DEFAULT_REGION")) {
        loader = loader.region(Region::new(region));
    }
    if let Some(endpoint) = &aws.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(profile) = &aws.profile {
        loader = loader.profile_name(profile);
    } else if let (Some(id), Some(secret)) =
        (context.variable("AWS_ACCESS_KEY_ID"), context.variable("AWS_SECRET_ACCESS_KEY"))
    {
        let token = context.variable("AWS_SESSION_TOKEN");
        loader =
            loader.credentials_provider(Credentials::new(id, secret, token, None, "environment"));
    }
    loader.load().await
}

pub(super) async fn kek(
    aws: &Aws,
    key: &str,
    key_per_scope: Option<&str>,
    waiting_period: Option<u32>,
    context: &Context<'_>,
) -> AwsKms {
    let client = aws_sdk_kms::Client::new(&settings(aws, context).await);
    let kek = match key_per_scope.map(str::to_owned) {
        Some(template) => {
            AwsKms::key_per_scope(client, key, move |scope| template.replace("{scope}", scope))
        }
        None => AwsKms::new(client, key),
    };
    let kek = kek.clock(context.clock.clone());
    match waiting_period {
        Some(days) => kek.waiting_period(days),
        None => kek,
    }
}

pub(super) async fn secret(secret: &Secret, context: &Context<'_>) -> AwsSecretsManager {
    let client = aws_sdk_secretsmanager::Client::new(&settings(&secret.aws, context).await);
    AwsSecretsManager::new(client, &secret.name)
}

pub(super) async fn object(object: &Object, context: &Context<'_>) -> AwsS3Object {
    let settings = settings(&object.aws, context).await;
    let settings =
        aws_sdk_s3::config::Builder::from(&settings).force_path_style(object.path_style).build();
    AwsS3Object::new(aws_sdk_s3::Client::from_conf(settings), &object.bucket, &object.key)
}
