//! The table on standard output, the same as JSON, and as a page for people.

mod page;
mod plot;

use std::fs;
use std::path::{Path, PathBuf};

use measure::{Goal, Summary};
use serde::{Deserialize, Serialize};

/// The goals of one part.
#[derive(Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    pub title: String,
    pub goals: Vec<Goal>,
}

/// The same goals, measured before with another C library.
pub struct Beside {
    libc: String,
    groups: Vec<Group>,
}

impl Beside {
    /// What `ratios.json` of that run holds, if `EF_BENCH_BESIDE` names it.
    fn read() -> Option<Self> {
        let path = std::env::var_os("EF_BENCH_BESIDE")?;
        let groups = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        Some(Self { libc: std::env::var("EF_BENCH_BESIDE_LIBC").unwrap(), groups })
    }

    fn goal(&self, name: &str) -> Option<&Goal> {
        self.groups.iter().flat_map(|group| &group.goals).find(|goal| goal.name == name)
    }
}

pub fn print(goals: &[Goal]) {
    println!();
    println!(
        "{:<84} {:>7} {:>7} {:>16}  {:>11} {:>11}",
        "goal", "limit", "ratio", "middle half", "ours", "other"
    );
    for goal in goals {
        let Summary { median, lower, upper } = goal.ratio;
        let spread = format!("{lower:.3} to {upper:.3}");
        let [ours, other] = [goal.ours, goal.other].map(|summary| time(summary, &goal.unit));
        let verdict = if goal.is_met() { "" } else { "  MISSED" };
        println!(
            "{:<84} {:>7} {median:>7.3} {spread:>16}  {ours:>11} {other:>11}{verdict}",
            goal.name, goal.limit
        );
    }
    println!();
}

/// A time in the unit in which it is short.
fn time(summary: Option<Summary>, unit: &str) -> String {
    match summary.map(|summary| summary.median) {
        None => String::new(),
        Some(ns) if unit == "ns" && ns >= 10_000.0 => format!("{:.1} µs", ns / 1000.0),
        Some(time) => format!("{time:.1} {unit}"),
    }
}

/// To `ratios.json` in the folder that `EF_BENCH_OUT` names, or in `target`.
pub fn write_json(groups: &[Group]) {
    let folder = std::env::var_os("EF_BENCH_OUT").map_or_else(|| "target".into(), PathBuf::from);
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("ratios.json");
    let mut json = serde_json::to_value(groups).unwrap();
    for (at, group) in groups.iter().enumerate() {
        for (goal, measured) in group.goals.iter().enumerate() {
            json[at]["goals"][goal]["met"] = measured.is_met().into();
        }
    }
    fs::write(&path, serde_json::to_vec_pretty(&json).unwrap()).unwrap();
    println!("written: {}", path.display());
}

/// `RESULTS.md` and its plot.
pub fn write_page(groups: &[Group]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = Beside::read();
    fs::write(folder.join("RESULTS.md"), page::page(groups, beside.as_ref())).unwrap();
    fs::write(folder.join("results.svg"), plot::plot(groups)).unwrap();
    println!("written: {0}/RESULTS.md, {0}/results.svg", folder.display());
}
