//! Destroys the KMS key of one scope.

use aws_sdk_kms::types::{KeyMetadata, KeyState};
use encrypted_field::envelope::{BackendError, BackendErrorKind};

use super::{AwsKms, error, garbled};

pub(super) async fn scope(kms: &AwsKms, scope: &str, _others: &[String]) -> Result<(), BackendError> {
    if scope.is_empty() || kms.key_of_scope.is_none() {
        return Err(shared("the default scope has the key that others use, too"));
    }
    // An alias can't be scheduled, and two of them may name one key.
    let key = describe(kms, &kms.key_of(Some(scope))).await?;
    if key.key_id == describe(kms, &kms.key).await?.key_id {
        return Err(shared("the key of the scope is the default key, which other scopes use"));
    }
    if matches!(key.key_state, Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion)) {
        return Ok(());
    }
    let days = i32::try_from(kms.waiting_period).unwrap_or(30);
    let call = kms.client.schedule_key_deletion().key_id(&key.key_id).pending_window_in_days(days);
    call.customize().config_override(kms.calls()).send().await.map_err(error::of_kms)?;
    Ok(())
}

async fn describe(kms: &AwsKms, key: &str) -> Result<KeyMetadata, BackendError> {
    let call = kms.client.describe_key().key_id(key).customize().config_override(kms.calls());
    let described = call.send().await.map_err(error::of_kms)?;
    described.key_metadata.ok_or_else(|| garbled("it did not describe the key"))
}

fn shared(what: &'static str) -> BackendError {
    BackendError::new(BackendErrorKind::Misconfigured, what)
}
