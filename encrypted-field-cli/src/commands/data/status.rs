//! `status`: what each column holds, by key, and how far the jobs are.

use encrypted_field_migrate::{Census, Status};
use serde::Serialize;

use super::target;
use crate::args::{Common, DataStatus};
use crate::context::Context;
use crate::failure::Result;
use crate::output;

#[derive(Serialize)]
struct Report {
    columns: Vec<Census>,
    jobs: Vec<Status>,
}

pub(super) async fn run(
    common: &Common,
    args: &DataStatus,
    context: &mut Context<'_>,
) -> Result<u8> {
    let (config, migration) = target::open(common, context).await?;
    let columns = match &args.column {
        Some(name) => vec![config.column(name)?],
        None => config.columns.iter().collect(),
    };
    let mut report = Report { columns: Vec::new(), jobs: migration.jobs().await? };
    for column in &columns {
        report.columns.push(migration.census(&column.description).await?);
    }
    if args.column.is_some() {
        report.jobs.retain(|job| report.columns.iter().any(|column| job.place == column.place));
    }
    if args.json.json {
        writeln!(context.output, "{}", serde_json::to_string_pretty(&report)?)?;
        return Ok(0);
    }
    output::table(context.output, &census_table(&report.columns))?;
    if !report.jobs.is_empty() {
        writeln!(context.output)?;
        output::table(context.output, &job_table(&report.jobs))?;
    }
    Ok(0)
}

fn census_table(columns: &[Census]) -> Vec<Vec<String>> {
    let mut lines = vec![["COLUMN", "HOLDS", "ROWS"].map(str::to_owned).to_vec()];
    for census in columns {
        let by_key = census.by_key.iter().map(|(key, rows)| (format!("key {key}"), *rows));
        let others = [
            ("plaintext, or another program's", census.other),
            ("NULL", census.nulls),
            ("pending", census.pending),
            ("malformed", census.malformed),
        ];
        let others = others.into_iter().filter(|(_, rows)| *rows > 0);
        let all: Vec<_> =
            by_key.chain(others.map(|(what, rows)| (what.to_owned(), rows))).collect();
        if all.is_empty() {
            lines.push(vec![census.place.clone(), "no rows".into(), "0".into()]);
        }
        for (what, rows) in all {
            lines.push(vec![census.place.clone(), what, rows.to_string()]);
        }
    }
    lines
}

fn job_table(jobs: &[Status]) -> Vec<Vec<String>> {
    let title = ["JOB", "STATE", "ROWS", "WRITTEN", "FAILED", "RANGES"];
    let line = |job: &Status| {
        let state = match (job.is_finished, job.is_paused, job.ranges_leased) {
            (true, ..) => "finished".to_owned(),
            (_, true, _) => "paused".to_owned(),
            (.., 0) => "waits to be run again".to_owned(),
            (.., workers) => format!("running: {workers} workers"),
        };
        let end = if job.is_at_end { "" } else { " so far" };
        vec![
            job.job.clone(),
            state,
            job.counts.rows.to_string(),
            job.counts.replaced.to_string(),
            job.counts.failed.to_string(),
            format!("{} of {}{end}", job.ranges_done, job.ranges),
        ]
    };
    std::iter::once(title.map(str::to_owned).to_vec()).chain(jobs.iter().map(line)).collect()
}
