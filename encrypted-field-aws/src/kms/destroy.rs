//! Destroys the KMS key of one scope, unless another one has it, too.

use aws_sdk_kms::types::{AliasListEntry, KeyMetadata, KeyState};
use encrypted_field::envelope::{BackendError, BackendErrorKind};

use super::{AwsKms, error, garbled};

/// A key has 50 aliases by KMS' quota, of which KMS may give fewer than asked for on a page. An
/// answer without an end ends here.
const MOST_PAGES: usize = 100;

pub(super) async fn scope(
    kms: &AwsKms,
    scope: &str,
    others: &[String],
) -> Result<(), BackendError> {
    if scope.is_empty() || kms.key_of_scope.is_none() {
        return Err(misconfigured("the default scope has the key that others use, too".into()));
    }
    let name = kms.key_of(Some(scope));
    let used = Used::by(kms, others.iter().filter(|other| *other != scope));
    used.refuse(|other| other == name)?;

    // An alias can't be scheduled, and KMS takes many names for one key.
    let key = describe(kms, &name).await?;
    let aliases = aliases(kms, &key.key_id).await?;
    used.refuse(|other| is_id(other, &key.key_id) || aliases.iter().any(|alias| alias == other))?;

    if matches!(key.key_state, Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion)) {
        return Ok(());
    }
    let days = i32::try_from(kms.waiting_period).unwrap_or(30);
    let call = kms.client.schedule_key_deletion().key_id(&key.key_id).pending_window_in_days(days);
    call.customize().config_override(kms.calls()).send().await.map_err(error::of_kms)?;
    Ok(())
}

/// The names of the keys that stay, with the scope that has each; `None` for the default scope.
struct Used<'a>(Vec<(Option<&'a str>, String)>);

impl<'a> Used<'a> {
    fn by(kms: &AwsKms, others: impl Iterator<Item = &'a String>) -> Self {
        let scopes = std::iter::once(None).chain(others.map(|other| Some(other.as_str())));
        Self(scopes.map(|scope| (scope, kms.key_of(scope))).collect())
    }

    /// An error where one of them names the key that is to go.
    fn refuse(&self, names_it: impl Fn(&str) -> bool) -> Result<(), BackendError> {
        let Some((scope, name)) = self.0.iter().find(|(_, name)| names_it(name)) else {
            return Ok(());
        };
        let who =
            scope.map_or("the default scope".to_owned(), |scope| format!("the scope \"{scope}\""));
        Err(misconfigured(format!(
            "{who} has the same KMS key, by the name {name}: nothing was destroyed. Give each scope a key of its own, and the data \
             keys of one of the two new wraps under it"
        )))
    }
}

/// Whether a name is this id or an ARN with it. In any region and case: the multi-Region keys of
/// one id belong together, and who refuses too much destroys nothing.
fn is_id(name: &str, id: &str) -> bool {
    let resource =
        if name.starts_with("arn:") { name.splitn(6, ':').last().unwrap_or(name) } else { name };
    resource.strip_prefix("key/").unwrap_or(resource).eq_ignore_ascii_case(id)
}

async fn describe(kms: &AwsKms, key: &str) -> Result<KeyMetadata, BackendError> {
    let call = kms.client.describe_key().key_id(key).customize().config_override(kms.calls());
    let described = call.send().await.map_err(error::of_kms)?;
    let key = described.key_metadata.filter(|key| !key.key_id.is_empty());
    key.ok_or_else(|| garbled("it did not describe the key"))
}

/// The names of all aliases of a key, and their ARNs.
async fn aliases(kms: &AwsKms, id: &str) -> Result<Vec<String>, BackendError> {
    let mut names = Vec::new();
    let mut marker = None;
    for _ in 0..MOST_PAGES {
        let call = kms.client.list_aliases().key_id(id).set_marker(marker);
        let page =
            call.customize().config_override(kms.calls()).send().await.map_err(error::of_kms)?;
        let aliases =
            page.aliases.ok_or_else(|| garbled("it did not list the aliases of the key"))?;
        for AliasListEntry { alias_name, alias_arn, .. } in aliases {
            let (Some(name), Some(arn)) = (alias_name, alias_arn) else {
                return Err(garbled("it lists an alias without its name or ARN"));
            };
            names.extend([name, arn]);
        }
        marker = match (page.truncated, page.next_marker) {
            (false, _) => return Ok(names),
            (true, Some(marker)) if !marker.is_empty() => Some(marker),
            _ => return Err(garbled("it did not say where the list of aliases goes on")),
        };
    }
    Err(garbled("its list of aliases has no end"))
}

fn misconfigured(what: String) -> BackendError {
    BackendError::new(BackendErrorKind::Misconfigured, what)
}
