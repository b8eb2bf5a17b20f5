//! The command `encrypted-field`: an operator makes, rotates, watches, backs up and restores the
//! keys of [`encrypted_field`] with it, and moves the data under them, without writing Rust.
//!
//! ```text
//! arguments ──> args       what was asked for
//! file ───────> config     parse, check: which store, which KEKs, which anchor, which columns
//!               backends   builds them; in a dry run, with an overlay that keeps what is written
//!               commands   calls the `KeyManager` of the library; for data, the bulk engine
//!               output ──> tables and JSON
//! ```
//!
//! The command uses the public interfaces of the library, of the engine and of the readers of
//! foreign formats, and nothing else. Whatever it needs of the
//! process that it runs in is in a [`Context`]: so tests and other programs can run it in a process
//! of their own, by their own clock.

#![forbid(unsafe_code)]

mod args;
mod backends;
mod commands;
mod config;
mod confirm;
mod context;
mod failure;
#[cfg(feature = "sql")]
#[cfg_attr(
    not(any(feature = "mysql", feature = "postgres", feature = "sqlite")),
    allow(dead_code, reason = "only where a feature is off")
)]
mod key_ids;
mod output;
mod secret;
mod session;
mod terminal;

pub use context::{Context, Environment, Terminal};
pub use terminal::ProcessTerminal;

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser as _};

/// All commands with their arguments, for what is made of them: manual pages, completions, tests.
pub fn command() -> clap::Command {
    args::Cli::command()
}

/// Runs the command with these arguments, the name of the program first, and gives its exit code:
/// 0, or 1 where it failed, or 2 where it was called in a wrong way. `status` has codes of its own.
pub fn run(arguments: impl IntoIterator<Item = OsString>, context: &mut Context<'_>) -> u8 {
    let asked = match args::Cli::try_parse_from(arguments) {
        Ok(asked) => asked,
        Err(refused) => {
            let text = refused.render().to_string();
            let to = if refused.use_stderr() { &mut *context.errors } else { &mut *context.output };
            let _ = to.write_all(text.as_bytes());
            return u8::try_from(refused.exit_code()).unwrap_or(2);
        }
    };
    let done = failure::runtime().and_then(|runtime| {
        let done = runtime.block_on(commands::run(asked, context));
        // A call that hangs must not keep the command from ending.
        runtime.shutdown_background();
        done
    });
    done.unwrap_or_else(|failure| {
        let _ = writeln!(context.errors, "error: {failure}");
        1
    })
}
