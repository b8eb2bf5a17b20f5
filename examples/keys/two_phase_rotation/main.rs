//! How a new key reaches every process before the first one seals with it, with two real processes
//! on one key file: `cargo run -p key-examples --example two_phase_rotation`
//!
//! This program tells the story and starts itself twice more, as the processes A and B of an
//! application; `process.rs` is what those do. The key-encryption key is that of the environment
//! variable `KEY_ENCRYPTION_KEY` (`openssl rand -base64 32`), or a new one. In an application
//! nobody sends such commands: the thread that `install` starts refreshes, publishes and activates.

mod pipe;
mod process;

use std::path::Path;

use key_examples::{Result, title};
use pipe::Peer;

fn main() -> Result {
    if let Some(file) = std::env::var_os(pipe::FILE) {
        return process::run(Path::new(&file));
    }
    let folder = tempfile::tempdir()?;
    let (mut a, mut b) = pipe::start_two(&folder.path().join("keys.json"))?;
    let mut rows = Vec::new();

    title("00:00  A makes the first key; both start with it");
    a.ask(0, "initialize")?;
    for process in [&mut a, &mut b] {
        process.ask(0, "install")?;
    }
    show(&mut a, &mut b, 0, &mut rows)?;

    title(
        "00:01  A publishes the next key. B has not refreshed since: if A sealed with it, B could not open",
    );
    println!("   A: {}", a.ask(1, "publish")?);
    show(&mut a, &mut b, 1, &mut rows)?;

    title("00:02  Activating it now is refused, because nobody knows who has it");
    println!("   A: {}", refusal(a.ask(2, "activate 2"))?);

    title(
        "00:05  B refreshes, as it does every 5 minutes. Both have the key, neither seals with it",
    );
    b.ask(5, "refresh")?;
    show(&mut a, &mut b, 5, &mut rows)?;

    title(
        "01:09  Still refused: a process may go on for 60 minutes without a refresh, and two clocks may be 5 off each",
    );
    // What every process does all the time, or its keys expire.
    for minute in [30, 55] {
        for process in [&mut a, &mut b] {
            process.ask(minute, "refresh")?;
        }
    }
    println!("   A: {}", refusal(a.ask(69, "activate 2"))?);

    title("01:12  Any process that still seals and opens has it by now: A activates it");
    println!("   A: {}", a.ask(72, "activate 2")?);

    title(
        "01:13  A seals under the new key, B under the old one for as long as it has not refreshed, and each opens both",
    );
    show(&mut a, &mut b, 73, &mut rows)?;

    title("01:15  B refreshes: both seal under the new key");
    b.ask(75, "refresh")?;
    show(&mut a, &mut b, 75, &mut rows)?;

    title("01:16  Every row that was written on the way opens in both");
    for process in [&mut a, &mut b] {
        for row in &rows {
            process.ask(76, &format!("open {row}"))?;
        }
        println!("   {}: {} rows", process.name(), rows.len());
    }
    a.end()?;
    b.end()
}

/// Each says which keys it has, seals a row, and opens that of the other.
fn show(a: &mut Peer, b: &mut Peer, minute: u64, rows: &mut Vec<String>) -> Result {
    let by_a = a.ask(minute, "seal")?;
    let by_b = b.ask(minute, "seal")?;
    for (process, own, other) in [(a, &by_a, &by_b), (b, &by_b, &by_a)] {
        println!(
            "   {} has {}; seals under {}; opens the other's row, under {}",
            process.name(),
            process.ask(minute, "keys")?,
            process.ask(minute, &format!("open {own}"))?,
            process.ask(minute, &format!("open {other}"))?
        );
    }
    rows.extend([by_a, by_b]);
    Ok(())
}

fn refusal(answer: Result<String>) -> Result<String> {
    match answer {
        Ok(_) => Err("it was done, and should have been refused".into()),
        Err(refused) => Ok(refused.to_string()),
    }
}
