//! What the default features cost to build.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use measure::{Goal, Limit, Subject, compare_rounds};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

pub fn goals() -> Vec<Goal> {
    let ours = format!("encrypted-field = {{ path = \"{ROOT}/encrypted-field\" }}");
    let mut ours = Crate::new(&ours);
    let mut alone = Crate::new("aes-gcm = \"0.11\"");
    let measured = compare_rounds(3, &mut ours, &mut alone);
    let mut time = Goal::ours_by_other(
        "cold release build, default features : aes-gcm alone",
        Limit::AtMost(3.0),
        measured,
    );
    let seconds = |summary: measure::Summary| summary.map(|ns| ns / 1e9);
    (time.ours, time.other, time.unit) =
        (time.ours.map(seconds), time.other.map(seconds), "s".into());
    vec![
        Goal::counted(
            "crates in the default tree, this one and the macro included",
            Limit::AtMost(35.0),
            crates(),
            "",
        ),
        time,
    ]
}

/// A crate that depends on one other, built from nothing each time.
struct Crate(tempfile::TempDir);

impl Crate {
    fn new(dependency: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let manifest = format!(
            "[package]\nname = \"cold\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[dependencies]\n{dependency}\n[workspace]\n"
        );
        fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/lib.rs"), "").unwrap();
        // The versions that are tested; cargo drops those that are not asked for.
        fs::copy(Path::new(ROOT).join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
        cargo(folder.path(), &["fetch"]);
        Self(folder)
    }
}

impl Subject for Crate {
    fn run(&mut self, calls: u64) -> Duration {
        let mut took = Duration::ZERO;
        for _ in 0..calls {
            let _ = fs::remove_dir_all(self.0.path().join("target"));
            let start = Instant::now();
            cargo(self.0.path(), &["build", "--release"]);
            took += start.elapsed();
        }
        took
    }
}

fn cargo(folder: &Path, arguments: &[&str]) {
    let status = Command::new("cargo")
        .args(arguments)
        .arg("--quiet")
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .status()
        .unwrap();
    assert!(status.success(), "cargo {arguments:?} failed");
}

#[allow(clippy::cast_precision_loss)]
fn crates() -> f64 {
    let output = Command::new("cargo")
        .args([
            "tree",
            "--locked",
            "-p",
            "encrypted-field",
            "-e",
            "normal,build",
            "--prefix",
            "none",
            "--no-dedupe",
        ])
        .args(["-f", "{p}"])
        .current_dir(ROOT)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo tree failed");
    let tree = String::from_utf8(output.stdout).unwrap();
    let mut crates: Vec<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    crates.sort_unstable();
    crates.dedup();
    crates.len() as f64
}
