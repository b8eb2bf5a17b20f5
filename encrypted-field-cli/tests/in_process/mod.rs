//! Runs the command in the process of a test: in a folder of its own, by a clock that the test
//! sets, and without the environment of the process.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use encrypted_field::envelope::Clock;
use encrypted_field::plaintext::Zeroizing;
use encrypted_field_cli::{Context, Terminal};

/// 2026-01-01T00:00:00Z.
pub(crate) const BEGIN: Duration = Duration::from_hours(490_896);

/// Where commands run.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    pub(crate) clock: Clock,
    pub(crate) environment: HashMap<String, String>,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: u8,
    pub(crate) output: String,
    pub(crate) errors: String,
}

struct Typist(String);

impl Terminal for Typist {
    fn ask(&mut self, question: &str) -> io::Result<String> {
        Err(io::Error::other(format!("nobody answers: {question}")))
    }

    fn ask_secret(&mut self, _: &str) -> io::Result<Zeroizing<String>> {
        Ok(Zeroizing::new(self.0.clone()))
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Clock::manual(SystemTime::UNIX_EPOCH + BEGIN),
            environment: HashMap::new(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The arguments without the name of the program. What is asked for as a secret is in the file.
    pub(crate) fn run(&self, arguments: &[impl AsRef<str>], typed: Option<&Path>) -> Done {
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let environment = self.environment.clone();
        let typed = typed.map(|path| std::fs::read_to_string(path).unwrap());
        let mut typist = typed.map(Typist);
        let program = std::iter::once("encrypted-field");
        let arguments = program.chain(arguments.iter().map(AsRef::as_ref)).map(OsString::from);
        let code = encrypted_field_cli::run(
            arguments,
            &mut Context {
                environment: Arc::new(move |name| environment.get(name).map(OsString::from)),
                folder: self.folder().to_owned(),
                host: "host-1".to_owned(),
                clock: self.clock.clone(),
                output: &mut output,
                errors: &mut errors,
                input: &mut io::empty(),
                terminal: typist.as_mut().map(|typist| typist as &mut dyn Terminal),
                pause: &mut |time| self.clock.advance(time),
            },
        );
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Done { code, output: text(output), errors: text(errors) }
    }
}
