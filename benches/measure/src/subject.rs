//! What is timed: a closure, or one in another process that waits for its turn.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Something that can be called many times.
pub trait Subject {
    /// The time that so many calls take.
    fn run(&mut self, calls: u64) -> Duration;

    /// How long one sample should take: long against the clock and a change of context, short
    /// against what a noisy neighbour does.
    fn sample(&self) -> Duration {
        Duration::from_millis(2)
    }
}

impl<F: FnMut()> Subject for F {
    fn run(&mut self, calls: u64) -> Duration {
        let start = Instant::now();
        for _ in 0..calls {
            self();
        }
        start.elapsed()
    }
}

/// A closure that makes so many calls by itself, for instance in one future.
#[derive(Debug)]
pub struct Many<F>(pub F);

impl<F: FnMut(u64)> Subject for Many<F> {
    fn run(&mut self, calls: u64) -> Duration {
        let start = Instant::now();
        (self.0)(calls);
        start.elapsed()
    }
}

/// Answers, on standard input and output, each line `<name> <calls>` with the nanoseconds that they
/// took; until the end of the input.
///
/// # Errors
/// A line that is no such request, or names no subject.
pub fn serve(subjects: &mut [(&str, &mut dyn Subject)]) -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let request = line.split_once(' ').and_then(|(name, calls)| {
            let (_, subject) = subjects.iter_mut().find(|(known, _)| *known == name)?;
            Some((subject, calls.parse().ok()?))
        });
        let (subject, calls) =
            request.ok_or_else(|| io::Error::other(format!("no such request: {line}")))?;
        let mut out = io::stdout().lock();
        writeln!(out, "{}", subject.run(calls).as_nanos())?;
        out.flush()?;
    }
    Ok(())
}

/// One subject of a process that [serves](serve) some.
#[derive(Debug)]
pub struct Child {
    process: Process,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    name: String,
}

impl Child {
    /// Starts the process.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start(command: &mut Command, name: &str) -> io::Result<Self> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let requests = process.stdin.take();
        let answers =
            process.stdout.take().ok_or_else(|| io::Error::other("no standard output"))?;
        Ok(Self { process, requests, answers: BufReader::new(answers), name: name.to_owned() })
    }

    fn ask(&mut self, calls: u64) -> io::Result<Duration> {
        let requests =
            self.requests.as_mut().ok_or_else(|| io::Error::other("no standard input"))?;
        writeln!(requests, "{} {calls}", self.name)?;
        requests.flush()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        answer.trim().parse().map(Duration::from_nanos).map_err(io::Error::other)
    }
}

impl Subject for Child {
    fn run(&mut self, calls: u64) -> Duration {
        match self.ask(calls) {
            Ok(time) => time,
            Err(error) => panic!("`{}` in another process: {error}", self.name),
        }
    }

    /// Long against waking up: a process that has waited begins with cold caches.
    fn sample(&self) -> Duration {
        Duration::from_millis(30)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // The end of its input ends it.
        self.requests = None;
        let _ = self.process.wait();
    }
}
