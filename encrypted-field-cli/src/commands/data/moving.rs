//! `encrypt`, `rotate`, `rename`, `import`, `storage`, `decrypt`: the moves, which differ in the
//! operation alone.

use std::sync::Arc;

use encrypted_field_migrate::{
    Job, Lag, Migration, Operation, Options, Outcome, Report, Shard, Stop,
};

use super::progress::{Meter, watch};
use super::{keys, target};
use crate::args::{Common, Decrypt, Move};
use crate::config::Column;
use crate::confirm::confirmed;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::secret::SecretSource;

pub(super) async fn run(
    common: &Common,
    args: &Move,
    operation: impl FnOnce(&Column, &mut Context<'_>) -> Result<Operation>,
    context: &mut Context<'_>,
) -> Result<u8> {
    let (config, migration) = target::open(common, context).await?;
    let column = config.column(&args.column)?;
    let operation = operation(column, context)?;
    let job = Job::new(column.description.clone(), operation)?;
    let keys = keys::of(&config.keys, context).await?;
    moved(&migration, &job, args, keys, context).await
}

pub(super) async fn decrypt(
    common: &Common,
    args: &Decrypt,
    context: &mut Context<'_>,
) -> Result<u8> {
    let (config, migration) = target::open(common, context).await?;
    let description = &config.column(&args.job.column)?.description;
    let mut text = Job::confirmation(description);
    if !args.job.dry_run {
        text = confirmed(context, &text, args.confirm.confirm.as_deref())?;
    }
    let job = Job::decrypt(description.clone(), &text)?;
    let keys = keys::of(&config.keys, context).await?;
    moved(&migration, &job, &args.job, keys, context).await
}

async fn moved(
    migration: &Migration,
    job: &Job,
    args: &Move,
    keys: Arc<dyn encrypted_field_migrate::Keys>,
    context: &mut Context<'_>,
) -> Result<u8> {
    let options = options(args, context)?;
    let total = migration.census(job.description()).await?.rows();
    let (meter, stop) = (Arc::new(Meter::new(total)), Stop::default());
    let work = migration.run(job, options, keys, meter.clone(), &stop);
    let report = watch(work, &meter, &stop, context).await?;
    told(&report, job.operation(), args, context)?;
    Ok(match (report.outcome, report.counts.failed) {
        (Outcome::Finished, 0) => 0,
        _ => 1,
    })
}

fn options(args: &Move, context: &mut Context<'_>) -> Result<Options> {
    let mut replicas = Vec::new();
    for name in &args.replica_env {
        let source = SecretSource::Environment(name.clone());
        replicas.push(source.read(context, "the URL of a replica")?.to_string());
    }
    let load_command = match &args.load_command {
        Some(command) if command.trim().is_empty() => {
            return Err(Failure::new("--load-command names no command"));
        }
        Some(command) => Some(command.split_whitespace().map(str::to_owned).collect()),
        None => None,
    };
    Ok(Options {
        workers: args.workers as usize,
        shard: args.shard.map(|shard| Shard { index: shard.index, count: shard.count }),
        rate: args.rate,
        batch: args.batch as usize,
        batch_time: args.batch_time,
        dry_run: args.dry_run,
        lag: args.max_lag.map(|most| Lag { most, replicas }),
        load_command,
        ..Options::default()
    })
}

fn told(
    report: &Report,
    operation: &Operation,
    args: &Move,
    context: &mut Context<'_>,
) -> Result<()> {
    if args.json.json {
        writeln!(context.output, "{}", serde_json::to_string_pretty(report)?)?;
        return Ok(());
    }
    let counts = report.counts;
    let did = if args.dry_run { "would write" } else { "wrote" };
    writeln!(
        context.output,
        "{}: {} rows, {did} {}; {} were done already, {} are NULL, {} are pending, {} were deleted meanwhile",
        report.job,
        counts.rows,
        counts.replaced,
        counts.kept,
        counts.nulls,
        counts.pending,
        counts.gone
    )?;
    if counts.failed > 0 {
        writeln!(context.output, "{} rows were left as they are:", counts.failed)?;
        for (kind, count) in &report.failures {
            writeln!(context.output, "  {kind}: {count}")?;
        }
        if !args.dry_run {
            writeln!(
                context.output,
                "`encrypted-field data failures \"{}\"` lists them",
                report.job
            )?;
        }
    }
    match report.outcome {
        Outcome::Stopped => writeln!(context.output, "stopped; run the same command to go on")?,
        Outcome::Finished if args.dry_run => {}
        Outcome::Finished => {
            let (expects, does) = match operation {
                Operation::Decrypt => (" --decrypted", "reads every value as plaintext"),
                _ => ("", "opens every value"),
            };
            writeln!(
                context.output,
                "finished; `encrypted-field data verify {}{expects}` {does}",
                args.column
            )?;
        }
    }
    Ok(())
}
