//! The memory of a worker does not grow with the table.

use std::io::{BufRead as _, BufReader};

use crate::killed::start;
use crate::support::{Db, block_on};

/// The most memory that this process ever had, in KiB.
pub(crate) fn high_water_mark() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0)
}

fn with_rows(rows: u64) -> Option<u64> {
    let db = Db::postgres()?;
    block_on(db.run(&format!(
        "CREATE TABLE users (id BIGINT PRIMARY KEY, token text);
         INSERT INTO users SELECT n, 'CANARY-' || repeat(md5(n::text), 2) FROM generate_series(1, {rows}) AS n;
         ANALYZE users"
    )));
    let mut child = start(&db.url, "2");
    let output = BufReader::new(child.stdout.take().unwrap()).lines();
    let lines: Vec<String> = output.map_while(Result::ok).collect();
    child.wait().unwrap();
    assert!(lines.iter().any(|line| line == "finished"));
    lines.iter().find_map(|line| line.strip_prefix("VmHWM ")?.parse().ok())
}

#[test]
#[ignore = "takes minutes"]
fn a_million_rows_take_as_much_as_a_hundred_thousand() {
    let (Some(few), Some(many)) = (with_rows(100_000), with_rows(1_000_000)) else { return };
    println!("VmHWM: {few} KiB with 100,000 rows, {many} KiB with 1,000,000");
    assert!(many * 10 <= few * 11);
}
