//! Finds the secrets of [`crate::secrets`] in the output of a test run, in every form in which
//! bytes usually get printed.

use aho_corasick::AhoCorasick;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::secrets;

/// A key is looked for in pieces of this many bytes, so that a cut-off one is found too.
const PIECE: usize = 8;

/// What the control test `tests/capture.rs` prints to standard output and, from a panic, to
/// standard error. A log without both was not captured from a whole run, and a clean scan of it
/// means nothing.
pub const CAPTURED: [&str; 2] =
    ["captured: standard output", "captured: a panic on standard error"];

/// A secret in the output. Says which and where, never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    pub secret: String,
    pub form: &'static str,
    /// The first line is 1.
    pub line: usize,
}

/// All patterns, ready to search with.
#[derive(Debug)]
pub struct Scanner {
    search: AhoCorasick,
    /// Secret and form, by pattern.
    patterns: Vec<(String, &'static str)>,
}

impl Scanner {
    /// Looks for every secret the tests may use.
    pub fn new() -> Self {
        let mut patterns = Vec::new();
        let mut needles = Vec::new();
        for (secret, bytes) in wanted() {
            for (form, needle) in forms(&bytes) {
                patterns.push((secret.clone(), form));
                needles.push(without_whitespace(&needle).0);
            }
        }
        patterns.push(("canary".to_owned(), "decimal"));
        needles.push(secrets::CANARY_INTEGER.to_string().into_bytes());
        let search = AhoCorasick::new(needles).expect("the patterns are few and short");
        Self { search, patterns }
    }

    pub fn patterns(&self) -> usize {
        self.patterns.len()
    }

    /// Every leak in `output`, each at the line where it begins.
    pub fn scan(&self, output: &[u8]) -> Vec<Leak> {
        // Pretty-printed byte lists stand on many lines, and base64 gets wrapped.
        let (text, lines) = without_whitespace(output);
        let mut leaks: Vec<Leak> = self
            .search
            .find_iter(&text)
            .map(|found| {
                let (secret, form) = self.patterns[found.pattern().as_usize()].clone();
                Leak { secret, form, line: lines[found.start()] }
            })
            .collect();
        leaks.dedup();
        leaks
    }
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

fn wanted() -> Vec<(String, Vec<u8>)> {
    let mut wanted = vec![("canary".to_owned(), secrets::CANARY.as_bytes().to_vec())];
    for (number, key) in secrets::KEYS.iter().enumerate() {
        for (piece, bytes) in key.chunks(PIECE).enumerate() {
            let from = piece * PIECE;
            wanted.push((format!("key {number}, bytes {from}..{}", from + PIECE), bytes.to_vec()));
        }
    }
    wanted
}

/// Each way to print `bytes`, with the name under which it is reported.
fn forms(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let lower = hex::encode(bytes);
    let mut forms = vec![
        ("plain", bytes.to_vec()),
        ("escaped", bytes.escape_ascii().to_string().into_bytes()),
        ("hex", lower.clone().into_bytes()),
        ("hex", lower.to_uppercase().into_bytes()),
        ("UUID", uuid_dashes(&lower).into_bytes()),
        ("byte list", inside(&format!("{bytes:?}"))),
        ("hex byte list", inside(&format!("{bytes:x?}"))),
        ("hex byte list", inside(&format!("{bytes:02x?}"))),
        (
            "hex byte list",
            inside(&format!("{bytes:#x?}")).strip_suffix(b",").unwrap_or_default().to_vec(),
        ),
        (
            "hex byte list",
            inside(&format!("{bytes:#04x?}")).strip_suffix(b",").unwrap_or_default().to_vec(),
        ),
    ];
    if bytes.is_ascii() {
        let characters: Vec<char> = bytes.iter().copied().map(char::from).collect();
        forms.push(("character list", inside(&format!("{characters:?}"))));
    }
    for before in 0..3 {
        forms.push(("base64", base64_core(&STANDARD_NO_PAD, bytes, before)));
        forms.push(("base64url", base64_core(&URL_SAFE_NO_PAD, bytes, before)));
    }
    // An empty pattern would match everywhere; none of the above may ever become one.
    assert!(forms.iter().all(|(_, needle)| needle.len() >= bytes.len()));
    forms
}

/// The characters of a base64 text that depend on `bytes` alone when `before` other bytes precede
/// them (modulo 3) and any bytes follow.
fn base64_core(engine: &impl base64::Engine, bytes: &[u8], before: usize) -> Vec<u8> {
    let padded = [&vec![0; before][..], bytes].concat();
    let text = engine.encode(&padded).into_bytes();
    let first = (before * 8).div_ceil(6);
    let end = padded.len() * 8 / 6;
    text[first..end].to_vec()
}

/// The beginning of a UUID that begins with these bytes.
fn uuid_dashes(hex: &str) -> String {
    format!("{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..])
}

fn inside(list: &str) -> Vec<u8> {
    let list: String = list.split_whitespace().collect();
    list.trim_start_matches('[').trim_end_matches(']').as_bytes().to_vec()
}

/// The text without whitespace, and the line of each byte that is left.
fn without_whitespace(text: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let mut line = 1;
    let mut kept = (Vec::with_capacity(text.len()), Vec::with_capacity(text.len()));
    for &byte in text {
        if byte == b'\n' {
            line += 1;
        }
        if !byte.is_ascii_whitespace() {
            kept.0.push(byte);
            kept.1.push(line);
        }
    }
    kept
}
