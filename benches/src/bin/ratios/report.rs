//! The table on standard output, and the same as JSON.

use std::fs;
use std::path::PathBuf;

use measure::{Goal, Summary};

pub fn print(goals: &[Goal]) {
    println!();
    println!(
        "{:<78} {:>8} {:>8} {:>17}  {:>12} {:>12}",
        "goal", "limit", "ratio", "middle half", "ours", "other"
    );
    for goal in goals {
        let Summary { median, lower, upper } = goal.ratio;
        let spread = format!("{lower:.3} to {upper:.3}");
        let [ours, other] = [goal.ours, goal.other].map(|summary| {
            summary.map_or(String::new(), |summary| format!("{:.1} {}", summary.median, goal.unit))
        });
        let verdict = if goal.is_met() { "" } else { "  MISSED" };
        println!(
            "{:<78} {:>8} {median:>8.3} {spread:>17}  {ours:>12} {other:>12}{verdict}",
            goal.name, goal.limit
        );
    }
    println!();
}

/// To `ratios.json` in the folder that `EF_BENCH_OUT` names, or in `target`.
pub fn write(goals: &[Goal]) {
    let folder = std::env::var_os("EF_BENCH_OUT").map_or_else(|| "target".into(), PathBuf::from);
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("ratios.json");
    fs::write(&path, serde_json::to_vec_pretty(goals).unwrap()).unwrap();
    println!("written: {}", path.display());
}
