//! Other libraries, which live in a workspace of their own: a program measures them beside ours and
//! prints its goals.

use std::process::{Command, Stdio};

use measure::Goal;

/// The program that `./bench` built of `benches/peers`.
const PEERS: &str = "EF_BENCH_PEERS";

pub fn goals() -> Vec<Goal> {
    let peers =
        std::env::var_os(PEERS).unwrap_or_else(|| panic!("{PEERS} is not set: run `./bench`"));
    let output = Command::new(peers).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "the peers failed");
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
