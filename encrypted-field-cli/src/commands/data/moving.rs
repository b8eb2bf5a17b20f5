//! `encrypt`, `rotate`, `rename`, `import`, `storage`, `decrypt`: the moves, which differ in the
//! operation alone. `run` is one of them with the options that the configuration has.

use std::sync::Arc;

use encrypted_field_migrate::{
    Job, Lag, Migration, Operation, Options, Outcome, Report, Shard, Stop,
};

use super::progress::{Meter, watch};
use super::{keys, legacy, target};
use crate::args::{Common, Decrypt, How, Move as Args, Run, Work};
use crate::config::{Column, DataConfig, Move};
use crate::confirm::confirmed;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::secret::SecretSource;

pub(super) async fn run(
    common: &Common,
    args: &Args,
    operation: Move,
    context: &mut Context<'_>,
) -> Result<u8> {
    let (config, migration) = target::open(common, context).await?;
    let job = job(config.column(&args.column)?, operation, &args.work, None, context)?;
    moved(&config, &migration, &job, &args.work, &args.work.how, context).await
}

pub(super) async fn decrypt(
    common: &Common,
    args: &Decrypt,
    context: &mut Context<'_>,
) -> Result<u8> {
    let (config, migration) = target::open(common, context).await?;
    let (column, work) = (config.column(&args.job.column)?, &args.job.work);
    let job = job(column, Move::Decrypt, work, args.confirm.confirm.as_deref(), context)?;
    moved(&config, &migration, &job, work, &work.how, context).await
}

/// A job of the configuration.
pub(super) async fn configured(
    common: &Common,
    args: &Run,
    context: &mut Context<'_>,
) -> Result<u8> {
    let (config, migration) = target::open(common, context).await?;
    let described = config.job(&args.job)?;
    let column = config.column(&described.column)?;
    let confirm = args.confirm.confirm.as_deref();
    let job = job(column, described.operation, &args.work, confirm, context)?;
    let how = args.work.how.or(&described.how);
    moved(&config, &migration, &job.named(&described.name), &args.work, &how, context).await
}

fn job(
    column: &Column,
    operation: Move,
    work: &Work,
    confirm: Option<&str>,
    context: &mut Context<'_>,
) -> Result<Job> {
    let description = column.description.clone();
    let operation = match operation {
        Move::Encrypt => Operation::Encrypt,
        Move::Rotate => Operation::Rotate,
        Move::Rename => Operation::Rename,
        Move::Import => legacy::operation(column, context)?,
        Move::Storage => Operation::Restore,
        Move::Decrypt => {
            let mut text = Job::confirmation(&description);
            if !work.dry_run {
                text = confirmed(context, &text, confirm)?;
            }
            return Ok(Job::decrypt(description, &text)?);
        }
    };
    Ok(Job::new(description, operation)?)
}

async fn moved(
    config: &DataConfig,
    migration: &Migration,
    job: &Job,
    work: &Work,
    how: &How,
    context: &mut Context<'_>,
) -> Result<u8> {
    let options = options(how, work.dry_run, context)?;
    let keys = keys::of(&config.keys, context).await?;
    let parts = how.shard.map_or(1, |shard| shard.count);
    let (meter, stop) = (Arc::new(Meter::new(parts)), Stop::default());
    let running = migration.run(job, options, keys, meter.clone(), &stop);
    let report = watch(running, &meter, &stop, context).await?;
    told(&report, job, work, context)?;
    Ok(match (report.outcome, report.counts.failed) {
        (Outcome::Finished, 0) => 0,
        _ => 1,
    })
}

fn options(how: &How, dry_run: bool, context: &mut Context<'_>) -> Result<Options> {
    if how.max_lag.is_none() && !how.replica_env.is_empty() {
        return Err(Failure::new(
            "--replica-env names a replica, and nothing says how far it may be behind; add --max-lag, or `max_lag` to the job",
        ));
    }
    let mut replicas = Vec::new();
    for name in &how.replica_env {
        let source = SecretSource::Environment(name.clone());
        replicas.push(source.read(context, "the URL of a replica")?.to_string());
    }
    let load_command = match &how.load_command {
        Some(command) if command.trim().is_empty() => {
            return Err(Failure::new(
                "the load command is empty; name a program that ends with code 0 while the load allows more",
            ));
        }
        Some(command) => Some(command.split_whitespace().map(str::to_owned).collect()),
        None => None,
    };
    let default = Options::default();
    Ok(Options {
        workers: how.workers.map_or(default.workers, |workers| workers as usize),
        shard: how.shard.map(|shard| Shard { index: shard.index, count: shard.count }),
        rate: how.rate,
        batch: how.batch.map_or(default.batch, |rows| rows as usize),
        batch_time: how.batch_time.unwrap_or(default.batch_time),
        dry_run,
        lag: how.max_lag.map(|most| Lag { most, replicas }),
        load_command,
        ..default
    })
}

fn told(report: &Report, job: &Job, work: &Work, context: &mut Context<'_>) -> Result<()> {
    if work.json.json {
        writeln!(context.output, "{}", serde_json::to_string_pretty(report)?)?;
        return Ok(());
    }
    let counts = report.counts;
    let did = if work.dry_run { "would write" } else { "wrote" };
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
        if !work.dry_run {
            writeln!(
                context.output,
                "`encrypted-field data failures \"{}\"` lists them",
                report.job
            )?;
        }
    }
    match report.outcome {
        Outcome::Stopped => writeln!(context.output, "stopped; run the same command to go on")?,
        Outcome::Finished if work.dry_run => {}
        Outcome::Finished => {
            let (expects, does) = match job.operation() {
                Operation::Decrypt => (" --decrypted", "reads every value as plaintext"),
                _ => ("", "opens every value"),
            };
            writeln!(
                context.output,
                "finished; `encrypted-field data verify {}{expects}` {does}",
                job.description().place()
            )?;
        }
    }
    Ok(())
}
