//! Fernet of Python's `cryptography`, in a process of its own: `fernet.py`, which measures itself.

use std::env;
use std::process::{Command, Stdio};

use measure::Child;

use crate::{Result, TOKEN};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/peers/fernet.py");

/// What runs, and the process.
///
/// # Errors
/// There is no such interpreter, or it has no `cryptography`, or the script's own checks fail.
pub(crate) fn start() -> Result<(String, Child)> {
    // What is wrong it says itself.
    let version = python().arg("--version").stderr(Stdio::inherit()).output()?;
    if !version.status.success() {
        return Err(format!("{SCRIPT}: {}", version.status).into());
    }
    let version = String::from_utf8(version.stdout)?.trim().to_owned();
    Ok((version, Child::start(python().arg(TOKEN), "fernet")?))
}

fn python() -> Command {
    let mut command =
        Command::new(env::var_os("EF_BENCH_PYTHON").unwrap_or_else(|| "python3".into()));
    command.arg(SCRIPT);
    command
}
