//! The command `encrypted-field`: [`encrypted_field_cli`] in a process of its own.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use encrypted_field::envelope::Clock;
use encrypted_field::event::{self, Event};
use encrypted_field_cli::{Context, ProcessTerminal, Terminal, run};

fn main() -> ExitCode {
    event::set_hook(|event| {
        // What goes on nevertheless, and somebody has to know.
        let text = match event {
            Event::AnchorFailed { error, .. } => format!("warning: {error}\n"),
            Event::KekFailed { kek, key_id, error, .. } => {
                let key =
                    key_id.map_or_else(|| "the store key".to_owned(), |id| format!("key {id}"));
                format!("warning: KEK \"{kek}\", {key}: {error}\n")
            }
            _ => return,
        };
        let _ = io::stderr().write_all(text.as_bytes());
    });
    let mut terminal = ProcessTerminal;
    let is_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    let folder = match std::env::current_dir() {
        Ok(folder) => folder,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: the current folder is not there: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (mut output, mut errors, mut input) = (io::stdout(), io::stderr(), io::stdin());
    let mut context = Context {
        environment: Arc::new(|name| std::env::var_os(name)),
        folder,
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        clock: Clock::system(),
        output: &mut output,
        errors: &mut errors,
        input: &mut input,
        terminal: is_terminal.then_some(&mut terminal as &mut dyn Terminal),
        pause: &mut std::thread::sleep,
    };
    ExitCode::from(run(std::env::args_os(), &mut context))
}
