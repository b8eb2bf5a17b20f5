//! `scan-output [--whole-run] FILE`: fails if the captured test output holds a secret of the tests,
//! or, with `--whole-run`, if it was not captured from a whole run.

use std::error::Error;
use std::process::ExitCode;

use tests::leaks::{CAPTURED, Scanner};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let whole_run = arguments.iter().any(|argument| argument == "--whole-run");
    arguments.retain(|argument| argument != "--whole-run");
    let [file] = &arguments[..] else { return Err("usage: scan-output [--whole-run] FILE".into()) };

    let output = std::fs::read(file)?;
    let text = String::from_utf8_lossy(&output);
    if whole_run && let Some(missing) = CAPTURED.iter().find(|marker| !text.contains(**marker)) {
        return Err(format!("the output lacks {missing:?}: it is not that of a whole run").into());
    }

    let scanner = Scanner::new();
    let leaks = scanner.scan(&output);
    for leak in leaks.iter().take(50) {
        println!("LEAK: {} as {} in line {} of {file}", leak.secret, leak.form, leak.line);
    }
    println!(
        "scan: {} lines of test output searched for {} patterns of the test secrets: {} found",
        text.lines().count(),
        scanner.patterns(),
        leaks.len()
    );
    Ok(if leaks.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
