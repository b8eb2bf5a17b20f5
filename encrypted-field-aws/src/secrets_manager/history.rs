//! Older versions of the secret.

use encrypted_field::envelope::{BackendError, BackendErrorKind};

use super::{AwsSecretsManager, CURRENT, PREVIOUS, error, version};

/// Takes the label from the previous version. Other labels are somebody else's; what they keep is
/// said.
pub(super) async fn forget(store: &AwsSecretsManager) -> Result<(), BackendError> {
    let secret = version::describe(store).await?;
    let mut kept = Vec::new();
    for (id, stages) in secret.version_ids_to_stages.unwrap_or_default() {
        if stages.iter().any(|stage| stage == CURRENT) {
            continue;
        }
        for stage in stages {
            if stage == PREVIOUS {
                remove(store, &id, &stage).await?;
            } else {
                kept.push(format!("{stage} ({id})"));
            }
        }
    }
    if kept.is_empty() {
        return Ok(());
    }
    kept.sort();
    let detail = format!(
        "older versions are kept by labels of others: {}; remove them with `update-secret-version-stage`",
        kept.join(", ")
    );
    Err(BackendError::new(BackendErrorKind::Misconfigured, detail))
}

async fn remove(store: &AwsSecretsManager, id: &str, stage: &str) -> Result<(), BackendError> {
    let call = store.client.update_secret_version_stage().secret_id(&store.secret_id);
    let call = call.version_stage(stage).remove_from_version_id(id);
    call.customize()
        .config_override(store.calls())
        .send()
        .await
        .map_err(error::of_secrets_manager)?;
    Ok(())
}
