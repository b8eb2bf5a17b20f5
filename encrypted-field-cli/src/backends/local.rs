//! Key-encryption keys in the memory of this process.

use encrypted_field::envelope::LocalKek;

use crate::config::Local;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::secret::SecretSource;

/// The one place where a [`LocalKek`] is made.
pub(super) fn kek(name: &str, local: &Local, context: &mut Context<'_>) -> Result<LocalKek> {
    let made = match local {
        // Through the library, which looks at the owner and the mode of the file.
        Local::Key(SecretSource::File(path)) => LocalKek::from_file(path),
        Local::GroupReadable(path) => LocalKek::from_group_readable_file(path),
        Local::Key(SecretSource::Environment(variable)) => {
            LocalKek::from_env(variable, |name| (context.environment)(name))
        }
        Local::Key(SecretSource::Prompt) => {
            let text = SecretSource::Prompt
                .read(context, &format!("KEK \"{name}\", 32 bytes in base64"))?;
            LocalKek::from_env("what was typed", |_| Some(text.as_str().into()))
        }
        Local::Passphrase { passphrase, salt } => {
            if let SecretSource::File(path) = passphrase {
                refuse_open_to_others(path)?;
            }
            let text = passphrase.read(context, &format!("the passphrase of KEK \"{name}\""))?;
            LocalKek::from_passphrase(&text, salt.as_bytes())
        }
    };
    made.map_err(|error| Failure::new(format!("KEK \"{name}\": {error}")))
}

/// A passphrase is a KEK: nobody but its owner and its group may read it, as the library asks of a
/// file with a key.
#[cfg(unix)]
fn refuse_open_to_others(path: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let Ok(found) = std::fs::metadata(path) else { return Ok(()) };
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o027 == 0 {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{}: it has mode {mode:04o}, so others may read or change the passphrase; `chmod 600` it",
        path.display()
    )))
}

#[cfg(not(unix))]
fn refuse_open_to_others(_: &std::path::Path) -> Result<()> {
    Ok(())
}
