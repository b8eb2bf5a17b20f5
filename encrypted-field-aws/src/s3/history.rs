//! Older versions of the object.

use encrypted_field::envelope::BackendError;

use super::{AwsS3Object, error, garbled};

/// Deletes all versions but the current one, and older delete markers. Nothing is deleted where the
/// current version is itself a delete marker: the last text is among the older ones.
pub(super) async fn forget(object: &AwsS3Object) -> Result<(), BackendError> {
    let older = older(object).await?;
    for id in older {
        let call =
            object.client.delete_object().bucket(&object.bucket).key(&object.key).version_id(id);
        call.customize().config_override(object.calls()).send().await.map_err(error::of_s3)?;
    }
    Ok(())
}

/// The ids of all versions but the current one. What is written while they are listed is newer than
/// each of them.
async fn older(object: &AwsS3Object) -> Result<Vec<String>, BackendError> {
    let mut ids = Vec::new();
    let mut has_current = false;
    let (mut key, mut version) = (None, None);
    loop {
        let call = object.client.list_object_versions().bucket(&object.bucket).prefix(&object.key);
        let call = call.set_key_marker(key.take()).set_version_id_marker(version.take());
        let page =
            call.customize().config_override(object.calls()).send().await.map_err(error::of_s3)?;
        let versions = page.versions.unwrap_or_default().into_iter();
        let versions = versions.map(|found| (found.key, found.version_id, found.is_latest, false));
        let markers = page.delete_markers.unwrap_or_default().into_iter();
        let markers = markers.map(|found| (found.key, found.version_id, found.is_latest, true));
        let mut has_others = false;
        for (found, id, is_latest, is_marker) in versions.chain(markers) {
            // Others may begin with the same letters.
            if found.as_ref() != Some(&object.key) {
                has_others = true;
                continue;
            }
            match (is_latest, id) {
                (Some(true), _) if is_marker => return Err(error::deleted()),
                (Some(true), _) => has_current = true,
                (Some(false), Some(id)) if !id.is_empty() => ids.push(id),
                _ => {
                    return Err(garbled("it did not say which of its versions is the current one"));
                }
            }
        }
        // The shortest key of a prefix is listed first.
        if has_others || page.is_truncated != Some(true) {
            break;
        }
        (key, version) = (page.next_key_marker, page.next_version_id_marker);
        if key.is_none() {
            return Err(garbled("it did not say where its list of versions goes on"));
        }
    }
    if !has_current && !ids.is_empty() {
        return Err(garbled("it did not say which of its versions is the current one"));
    }
    Ok(ids)
}
