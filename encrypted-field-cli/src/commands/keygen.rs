//! `keygen`: a key for a local KEK.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encrypted_field::plaintext::Zeroizing;

use crate::args::Keygen;
use crate::context::Context;
use crate::failure::{Failure, Result};

pub(super) fn run(args: &Keygen, context: &mut Context<'_>) -> Result<u8> {
    let key = Zeroizing::new(encrypted_field::generate_key()?);
    let mut text = Zeroizing::new(STANDARD.encode(*key));
    text.push('\n');
    match &args.out {
        None => context.output.write_all(text.as_bytes())?,
        Some(path) => {
            let path = context.folder.join(path);
            new_file(&path, text.as_bytes(), true)?;
            writeln!(
                context.errors,
                "wrote {}: whoever has it and the store has the keys",
                path.display()
            )?;
        }
    }
    Ok(0)
}

/// A file that was not there before. What it holds is on disk when this returns.
pub(super) fn new_file(path: &Path, text: &[u8], is_secret: bool) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if is_secret { 0o600 } else { 0o644 });
    let mut file = options.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::new(format!("{} is there already, and is never overwritten", path.display()))
        }
        _ => Failure::of_file(path, "it can't be made", &error),
    })?;
    let written = file.write_all(text).and_then(|()| file.sync_all());
    written.map_err(|error| {
        let _ = std::fs::remove_file(path);
        Failure::of_file(path, "it can't be written", &error)
    })
}
