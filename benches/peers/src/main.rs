//! Round trips of one short value through this library and through others that encrypt values,
//! timed in turn.
//!
//! Prints each comparison as one line of JSON, a `measure::Goal`. Every library is called as its
//! own documentation does it, with keys made ready beforehand and with associated data where it
//! takes any; a peer whose result is text is compared with our text form, one whose result is bytes
//! with our binary form.
//!
//! Python's Fernet runs under the interpreter that `EF_BENCH_PYTHON` names, `python3` by default.

mod ours;
mod peers;
mod round_trip;

use std::error::Error;
use std::hint::black_box;
use std::io::{self, Write as _};

use measure::{Goal, Limit, Subject};
use peers::{encrypted_message, fernet, orion, python, tink, vitaminc};
use rand::RngCore as _;
use round_trip::{opening, round_trip};

/// What is encrypted: made up, of the length that access tokens have.
const TOKEN: &str = "bot-214748364700-4294967295123-q7RtZc9WmLx2VbNh5KdJ8sYpA";
/// What a value is bound to, by libraries that bind it to anything.
const CONTEXT: &str = "bench.token";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let binary = &mut round_trip(ours::Binary::new()?)?;
    let text = &mut round_trip(ours::Text::new()?)?;
    let twice = Limit::AtLeast(2.0);

    let tink = &mut round_trip(tink::Tink::new()?)?;
    compare("tink-aead 0.3, AES-256-GCM", Limit::AtLeast(1.5), binary, tink)?;

    // Why it is faster.
    let goal =
        measure::compare(&mut opening(ours::Binary::new()?)?, &mut opening(tink::Tink::new()?)?);
    print(&Goal::other_by_ours("opening alone: tink-aead 0.3", Limit::None, goal))?;
    let mut buffer = [0; 12];
    let mut from_process = [0; 12];
    let goal = measure::compare(
        &mut || assert!(getrandom::fill(black_box(&mut buffer)).is_ok()),
        &mut || {
            rand::thread_rng().fill_bytes(black_box(&mut from_process));
        },
    );
    print(&Goal::other_by_ours(
        "12 bytes of a generator in the process : of getrandom",
        Limit::None,
        goal,
    ))?;

    let vitaminc = &mut round_trip(vitaminc::VitaminC::new()?)?;
    compare("vitaminc-encrypt 0.8, AES-256-GCM", twice, binary, vitaminc)?;

    let orion = &mut round_trip(orion::Orion::new()?)?;
    compare("orion 0.18, XChaCha20-Poly1305", twice, binary, orion)?;

    let encrypted_message = &mut round_trip(encrypted_message::Message::new()?)?;
    compare("encrypted-message 0.3, AES-256-GCM, texts in memory", twice, text, encrypted_message)?;

    let stored_message = &mut round_trip(encrypted_message::Json::new()?)?;
    compare("encrypted-message 0.3, AES-256-GCM, JSON text", twice, text, stored_message)?;

    let fernet = &mut round_trip(fernet::Fernet::new()?)?;
    compare("fernet 0.2, AES-128-CBC with HMAC-SHA256, text", twice, text, fernet)?;

    let (version, python) = &mut python::start()?;
    let name = format!("{version}, Fernet: AES-128-CBC with HMAC-SHA256, text");
    compare(&name, Limit::AtLeast(20.0), text, python)
}

fn compare(
    peer: &str,
    limit: Limit,
    ours: &mut dyn Subject,
    other: &mut dyn Subject,
) -> Result<()> {
    writeln!(io::stderr(), "{peer}")?;
    let name = format!("round trip of a {} B token: {peer}", TOKEN.len());
    let goal = Goal::other_by_ours(&name, limit, measure::compare(ours, other));
    print(&goal)
}

fn print(goal: &Goal) -> Result<()> {
    writeln!(io::stdout(), "{}", serde_json::to_string(goal)?)?;
    Ok(())
}
