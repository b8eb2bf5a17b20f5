//! Versions of the secret: the current one, and its successor.

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueError;
use encrypted_field::envelope::{BackendError, BackendErrorKind};
use sha2::{Digest as _, Sha256};

use super::{AwsSecretsManager, CURRENT, error, garbled};

/// A text, and the id of its version.
type Version = (String, String);

/// The version labelled `AWSCURRENT`, or `None` for a secret that never had a value.
pub(super) async fn current(store: &AwsSecretsManager) -> Result<Option<Version>, BackendError> {
    if let Some(version) = labelled_current(store).await? {
        return Ok(Some(version));
    }
    // "Not found" is said of a secret that is not there, too, of which this makes an error.
    let versions = describe(store).await?.version_ids_to_stages.unwrap_or_default();
    if versions.is_empty() {
        return Ok(None);
    }
    // Written in between, or without that label.
    let detail =
        "it has versions, but none is AWSCURRENT: put the value of the right one as a new version";
    let version = labelled_current(store).await?;
    version.map(Some).ok_or_else(|| BackendError::new(BackendErrorKind::Misconfigured, detail))
}

async fn labelled_current(store: &AwsSecretsManager) -> Result<Option<Version>, BackendError> {
    let call = store.client.get_secret_value().secret_id(&store.secret_id).version_stage(CURRENT);
    let value = match call.customize().config_override(store.calls()).send().await {
        Ok(value) => value,
        Err(e)
            if e.as_service_error()
                .is_some_and(GetSecretValueError::is_resource_not_found_exception) =>
        {
            return Ok(None);
        }
        Err(e) => return Err(error::of_secrets_manager(e)),
    };
    match (value.version_id, value.secret_string) {
        (Some(id), Some(text)) if !id.is_empty() => Ok(Some((text, id))),
        (_, None) => Err(garbled("its value is not text: it was not written by this library")),
        _ => Err(garbled("it did not say which version it answered with")),
    }
}

/// Creates the version that follows `id`. `Ok(false)` where another writer was first.
pub(super) async fn succeed(
    store: &AwsSecretsManager,
    id: &str,
    text: String,
) -> Result<bool, BackendError> {
    let next = successor(id);
    let call = store
        .client
        .put_secret_value()
        .secret_id(&store.secret_id)
        .client_request_token(&next)
        .secret_string(text);
    match call.customize().config_override(store.calls()).send().await {
        Ok(put) if put.version_id.as_deref() == Some(&next) => Ok(true),
        Ok(_) => Err(garbled("it did not say which version it created")),
        Err(e)
            if e.as_service_error()
                .is_some_and(PutSecretValueError::is_resource_exists_exception) =>
        {
            lost(store, id).await
        }
        Err(e) => Err(error::of_secrets_manager(e)),
    }
}

/// The other writer's version is the current one or was; unless somebody moved the label back.
async fn lost(store: &AwsSecretsManager, id: &str) -> Result<bool, BackendError> {
    let secret = describe(store).await?;
    let stages = secret.version_ids_to_stages.unwrap_or_default();
    if !stages.get(id).is_some_and(|stages| stages.iter().any(|stage| stage == CURRENT)) {
        return Ok(false);
    }
    // Not final: right after the other's write a part of the service may not know of it yet.
    let detail = format!(
        "version {id} is current, although it has a successor: another process writes at this moment, or AWSCURRENT was moved back \
         to it; in that case put its value again, as a new version"
    );
    Err(BackendError::new(BackendErrorKind::Unavailable, detail))
}

pub(super) async fn describe(
    store: &AwsSecretsManager,
) -> Result<DescribeSecretOutput, BackendError> {
    let call = store.client.describe_secret().secret_id(&store.secret_id);
    call.customize().config_override(store.calls()).send().await.map_err(error::of_secrets_manager)
}

/// The id of the only version that may follow `id`, which is empty where there is none yet. An id
/// has 32 to 64 characters.
fn successor(id: &str) -> String {
    let hash = Sha256::new()
        .chain_update(b"encrypted-field/v1/next version\0")
        .chain_update(id)
        .finalize();
    hash.iter().fold(String::with_capacity(64), |hex, byte| hex + &format!("{byte:02x}"))
}
