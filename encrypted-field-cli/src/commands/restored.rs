//! `accept-restored`: after a backup of the store was restored.

use std::path::Path;

use encrypted_field::KeyId;
use encrypted_field::envelope::RestoredStore;

use crate::args::{AcceptRestored, Common};
use crate::context::Context;
use crate::failure::Result;
use crate::session::Session;

pub(super) async fn accept(
    common: &Common,
    args: &AcceptRestored,
    context: &mut Context<'_>,
) -> Result<u8> {
    // Before anything is opened: a file that is missing is the first thing to be told.
    let mut in_use = Vec::new();
    for path in &args.key_ids {
        let found = key_ids(path, context)?;
        if found.is_empty() {
            writeln!(
                context.errors,
                "warning: {} names no key: was it the right database?",
                path.display()
            )?;
        }
        in_use.extend(found);
    }
    let mut session = Session::to_change(common, &args.change, context).await?;
    let text = format!("accept revision {} of {}", args.revision, session.keys.name());
    session.confirmed(&text, args.confirm.confirm.as_deref())?;
    let restored = RestoredStore::new(args.revision, args.next_id).in_use(in_use);
    session.keys.accept_restored(restored).await?;
    session
        .done("accepted the restored store, and began a new epoch; do again what was done after the backup")
}

#[cfg(feature = "sql")]
fn key_ids(path: &Path, context: &Context<'_>) -> Result<Vec<KeyId>> {
    super::key_ids::read(path, context)
}

#[cfg(not(feature = "sql"))]
fn key_ids(_: &Path, _: &Context<'_>) -> Result<Vec<KeyId>> {
    Err(crate::backends::missing("postgres, mysql or sqlite"))
}
