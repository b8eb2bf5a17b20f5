//! The jobs in the ledger of a database: paused, resumed, made slower, looked into, forgotten.

use super::target;
use crate::args::{Common, Failures, Job, Rate};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;

/// Rows of failures that are read at a time.
const PAGE: u32 = 1000;

pub(super) async fn pause(common: &Common, args: &Job, context: &mut Context<'_>) -> Result<u8> {
    let (_, migration) = target::open(common, context).await?;
    let done = migration.pause(&args.job).await?;
    told(done, &args.job, "paused: each worker waits after the batch at which it is", context)
}

pub(super) async fn resume(common: &Common, args: &Job, context: &mut Context<'_>) -> Result<u8> {
    let (_, migration) = target::open(common, context).await?;
    let done = migration.resume(&args.job).await?;
    told(
        done,
        &args.job,
        "resumed; if no process works on it any more, run its command again",
        context,
    )
}

pub(super) async fn rate(common: &Common, args: &Rate, context: &mut Context<'_>) -> Result<u8> {
    let (_, migration) = target::open(common, context).await?;
    let done = migration.set_rate(&args.job, args.rate).await?;
    let text = match args.rate {
        0 => "as fast as it may, from the next batch on".to_owned(),
        rate => format!("at most {rate} rows per second in each process, from the next batch on"),
    };
    told(done, &args.job, &text, context)
}

pub(super) async fn forget(common: &Common, args: &Job, context: &mut Context<'_>) -> Result<u8> {
    let (_, migration) = target::open(common, context).await?;
    let done = migration.forget(&args.job).await?;
    told(done, &args.job, "forgotten; no row has changed", context)
}

fn told(done: bool, job: &str, what: &str, context: &mut Context<'_>) -> Result<u8> {
    if !done {
        return Err(Failure::new(format!(
            "there is no job \"{job}\"; `encrypted-field data status` shows those that there are"
        )));
    }
    writeln!(context.output, "{job}: {what}")?;
    Ok(0)
}

pub(super) async fn failures(
    common: &Common,
    args: &Failures,
    context: &mut Context<'_>,
) -> Result<u8> {
    let (_, migration) = target::open(common, context).await?;
    if migration.status(&args.job).await?.is_none() {
        return told(false, &args.job, "", context);
    }
    let mut after = 0;
    loop {
        let page = migration.failures(&args.job, after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(0) };
        after = *last;
        for (_, failure) in &page {
            if args.json.json {
                writeln!(context.output, "{}", serde_json::to_string(failure)?)?;
            } else {
                writeln!(context.output, "{}", output::plain(&failure.to_string()))?;
            }
        }
    }
}
