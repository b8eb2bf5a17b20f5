//! How the program talks with the processes that it starts: lines, over their standard input and
//! output.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use key_examples::Result;

/// Names the key file; set in the processes that are started.
pub const FILE: &str = "KEY_EXAMPLES_FILE";
/// Holds the key-encryption key. In the environment, because everybody on a host sees the arguments
/// of its processes.
pub const KEK: &str = "KEY_ENCRYPTION_KEY";

/// A process that was started.
pub struct Peer {
    name: &'static str,
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// A and B, with one key-encryption key.
pub fn start_two(file: &Path) -> Result<(Peer, Peer)> {
    let kek = match std::env::var(KEK) {
        Ok(kek) => kek,
        Err(_) => STANDARD.encode(encrypted_field::generate_key()?),
    };
    Ok((Peer::start("A", file, &kek)?, Peer::start("B", file, &kek)?))
}

impl Peer {
    fn start(name: &'static str, file: &Path, kek: &str) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .env(FILE, file)
            .env(KEK, kek)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let commands = process.stdin.take().ok_or("it has no input")?;
        let answers = BufReader::new(process.stdout.take().ok_or("it has no output")?);
        Ok(Self { name, process, commands, answers })
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it answers, or why it refuses.
    pub fn ask(&mut self, minute: u64, command: &str) -> Result<String> {
        writeln!(self.commands, "{minute} {command}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        match line.trim_end().split_once(' ') {
            Some(("done", answer)) => Ok(answer.to_owned()),
            Some(("refused", why)) => Err(why.into()),
            _ => Err(format!("{} has ended", self.name).into()),
        }
    }

    /// It ends where its input does.
    pub fn end(self) -> Result {
        let Self { name, mut process, commands, .. } = self;
        drop(commands);
        let status = process.wait()?;
        if status.success() { Ok(()) } else { Err(format!("{name} ended with {status}").into()) }
    }
}

/// The other end of [`Peer::ask`].
pub fn answer(answer: Result<String>) {
    match answer {
        Ok(done) => println!("done {done}"),
        Err(why) => println!("refused {why}"),
    }
}
