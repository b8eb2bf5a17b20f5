//! `RESULTS.md`.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use measure::{Goal, Summary};

use super::{Beside, Group, time};

/// What the numbers can't say: why goals are missed.
const NOTES: &str = include_str!("notes.md");

pub fn page(groups: &[Group], beside: Option<&Beside>) -> String {
    let goals: Vec<&Goal> = groups.iter().flat_map(|group| &group.goals).collect();
    let limited = goals.iter().filter(|goal| goal.limit != measure::Limit::None).count();
    let missed = goals.iter().filter(|goal| !goal.is_met()).count();
    let mut page = format!(
        "# What encryption costs\n\n\
         Written by `./bench --write`. Every ratio is of two things timed in turn in one run, the\n\
         median of 21 to 301 rounds (three for builds); \"middle half\" is from the lower to the upper\n\
         quartile. Where the limit lies within it, another run may find otherwise: that is marked\n\
         with ±. SQLite: a file in WAL mode, synchronous NORMAL. PostgreSQL: on loopback, without TLS\n\
         and fsync.\n\n\
         ![Round trips of a token, and statements on an encrypted column](results.svg)\n\n\
         {} of {limited} goals met, {missed} missed.\n\n| | |\n|---|---|\n",
        limited - missed
    );
    for (what, is) in machine() {
        writeln!(page, "| {what} | {is} |").unwrap();
    }
    for group in groups {
        write!(page, "\n## {}\n\n", group.title).unwrap();
        let (title, line) = beside
            .map_or_else(Default::default, |beside| (format!(" glibc {} |", beside.libc), "---:|"));
        writeln!(
            page,
            "| goal | limit | ratio | middle half | ours | other | |{title}\n\
             |---|---:|---:|---:|---:|---:|---|{line}"
        )
        .unwrap();
        group.goals.iter().for_each(|goal| row(&mut page, goal, beside));
    }
    page.push('\n');
    page.push_str(NOTES);
    page
}

fn row(page: &mut String, goal: &Goal, beside: Option<&Beside>) {
    let Summary { median, lower, upper } = goal.ratio;
    let [ours, other] = [goal.ours, goal.other].map(|summary| time(summary, &goal.unit));
    let verdict = match goal.limit {
        measure::Limit::None => "",
        // Another run may find otherwise.
        measure::Limit::AtMost(limit) | measure::Limit::AtLeast(limit)
            if lower < limit && limit < upper =>
        {
            if goal.is_met() {
                "met ±"
            } else {
                "**missed** ±"
            }
        }
        _ if goal.is_met() => "met",
        _ => "**missed**",
    };
    let (name, limit) = (&goal.name, goal.limit);
    let beside = beside.map_or_else(String::new, |beside| {
        let ratio = beside.goal(name).map(|goal| format!("{:.2}", goal.ratio.median));
        format!(" {} |", ratio.unwrap_or_default())
    });
    writeln!(
        page,
        "| {name} | {limit} | {median:.2} | {lower:.2} to {upper:.2} | {ours} | {other} | {verdict} |{beside}"
    )
    .unwrap();
}

fn machine() -> Vec<(&'static str, String)> {
    let output = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok()?;
        String::from_utf8(output.stdout).ok()?.lines().next().map(|line| line.trim().to_owned())
    };
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|info| {
        let name = info
            .lines()
            .find_map(|line| line.strip_prefix("model name"))?
            .trim_start_matches([' ', '\t', ':']);
        Some(format!("{name}, {} processors", std::thread::available_parallelism().ok()?))
    });
    let facts = [
        ("processor", cpu),
        ("kernel", output("uname", &["-sr"])),
        ("C library", std::env::var("EF_BENCH_LIBC").ok().map(|libc| format!("glibc {libc}"))),
        ("Rust", output("rustc", &["--version"])),
        ("commit", output("git", &["describe", "--always", "--dirty"])),
    ];
    facts.into_iter().filter_map(|(what, is)| Some((what, is?))).collect()
}
