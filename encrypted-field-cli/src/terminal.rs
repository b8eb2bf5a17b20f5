//! The terminal of this process.

use std::io::{self, Write as _};

use encrypted_field::plaintext::Zeroizing;

use crate::context::Terminal;

/// The terminal of this process: questions go to standard error, answers come from standard input.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessTerminal;

impl Terminal for ProcessTerminal {
    fn ask(&mut self, question: &str) -> io::Result<String> {
        let mut errors = io::stderr();
        write!(errors, "{question}")?;
        errors.flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(answer.trim().to_owned())
    }

    fn ask_secret(&mut self, question: &str) -> io::Result<Zeroizing<String>> {
        rpassword::prompt_password(question).map(Zeroizing::new)
    }
}
