//! What the command needs of the process that it runs in.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use encrypted_field::envelope::Clock;
use encrypted_field::plaintext::Zeroizing;

/// Reads a variable of the environment.
pub type Environment = Arc<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// What the command needs of the process that it runs in. Nothing else of it is read, with one
/// exception: the SDK of AWS looks for credentials where all of AWS's tools do, unless
/// `AWS_ACCESS_KEY_ID` is set here.
pub struct Context<'a> {
    /// The environment.
    pub environment: Environment,
    /// The current folder: relative paths in arguments start there.
    pub folder: PathBuf,
    /// The name of this host, for the records of who changed what.
    pub host: String,
    /// By which dates are written and compared.
    pub clock: Clock,
    /// Where results go.
    pub output: &'a mut dyn Write,
    /// Where errors, warnings and progress go.
    pub errors: &'a mut dyn Write,
    /// What `-` stands for as a file.
    pub input: &'a mut dyn Read,
    /// Who answers questions; `None` where nobody is there.
    pub terminal: Option<&'a mut dyn Terminal>,
    /// Lets time pass, for `--wait`.
    pub pause: &'a mut dyn FnMut(Duration),
}

impl Context<'_> {
    /// A variable of the environment that is set and not empty, as text.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name)
            .and_then(|value| value.into_string().ok())
            .filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Somebody who answers questions.
pub trait Terminal {
    /// Asks for a line of text.
    fn ask(&mut self, question: &str) -> io::Result<String>;

    /// Asks for a secret, and does not show what is typed.
    fn ask_secret(&mut self, question: &str) -> io::Result<Zeroizing<String>>;
}
