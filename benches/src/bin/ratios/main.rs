//! Measures every goal of speed, prints the table, and writes it as JSON. `./bench` runs it with
//! all that it needs.
//!
//! Arguments: the parts to be measured, all by default; `--write` also writes `RESULTS.md` and its
//! plot.

mod allocations;
mod backend;
mod builds;
mod cipher;
mod moving;
mod orm;
mod peers;
mod raw;
mod report;
mod threads;

use std::process::ExitCode;

use measure::Goal;
use report::Group;

/// Name, title, and what measures it.
type Part = (&'static str, &'static str, fn() -> Vec<Goal>);

const GROUPS: [Part; 8] = [
    ("cipher", "Sealing and opening, against the raw cipher", cipher::goals),
    ("threads", "Two threads", threads::goals),
    ("allocations", "Allocations", allocations::goals),
    ("backend", "The default cipher", backend::goals),
    ("peers", "Other libraries", peers::goals),
    ("orm", "Diesel and SQLx, against the plain column", orm::goals),
    ("moving", "Moving a table, against a bare UPDATE", moving::goals),
    ("builds", "What the default features bring", builds::goals),
];

fn main() -> ExitCode {
    let (options, chosen): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let unknown = options
        .iter()
        .filter(|option| *option != "--write")
        .chain(chosen.iter().filter(|chosen| !GROUPS.iter().any(|(name, ..)| name == chosen)))
        .next();
    if let Some(unknown) = unknown {
        eprintln!("no such part or option: {unknown}; see `./bench --help`");
        return ExitCode::FAILURE;
    }
    if !options.is_empty() && !chosen.is_empty() {
        eprintln!("--write is for all parts");
        return ExitCode::FAILURE;
    }
    assert_eq!(encrypted_field::CIPHER_BACKEND, "aws-lc-rs");
    let mut groups = Vec::new();
    for (name, title, measure) in GROUPS {
        if chosen.is_empty() || chosen.iter().any(|chosen| chosen == name) {
            eprintln!("measuring: {name}");
            let goals = measure();
            report::print(&goals);
            groups.push(Group { name: name.into(), title: title.into(), goals });
        }
    }
    report::write_json(&groups);
    if options.iter().any(|option| option == "--write") {
        report::write_page(&groups);
    }
    let goals = || groups.iter().flat_map(|group| &group.goals);
    let missed = goals().filter(|goal| !goal.is_met()).count();
    println!("{} ratios measured, {missed} outside of their limit", goals().count());
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
