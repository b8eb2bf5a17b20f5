//! Measures every goal of speed, prints the table, and writes it as JSON. `./bench` runs it with all that it needs.

mod allocations;
mod backend;
mod builds;
mod cipher;
mod orm;
mod peers;
mod raw;
mod report;

use std::process::ExitCode;

use measure::Goal;

/// Groups of goals by the name that an argument may choose them by.
const GROUPS: [(&str, fn() -> Vec<Goal>); 6] = [
    ("cipher", cipher::goals),
    ("allocations", allocations::goals),
    ("backend", backend::goals),
    ("peers", peers::goals),
    ("orm", orm::goals),
    ("builds", builds::goals),
];

fn main() -> ExitCode {
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    let mut goals = Vec::new();
    for (name, group) in GROUPS {
        if chosen.is_empty() || chosen.iter().any(|chosen| chosen == name) {
            eprintln!("measuring: {name}");
            let measured = group();
            report::print(&measured);
            goals.extend(measured);
        }
    }
    report::write(&goals);
    let missed = goals.iter().filter(|goal| !goal.is_met()).count();
    println!("{} goals measured, {missed} missed", goals.len());
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
