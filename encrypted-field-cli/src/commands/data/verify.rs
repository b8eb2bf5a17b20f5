//! `verify`: opens every value of a column, and certifies what is there.

use std::sync::Arc;

use encrypted_field_migrate::{Job, Operation, Stop, Verified};

use super::progress::{Meter, watch};
use super::{keys, target};
use crate::args::{Common, Verify};
use crate::commands::keygen::new_file;
use crate::context::Context;
use crate::failure::Result;
use crate::output;

pub(super) async fn run(common: &Common, args: &Verify, context: &mut Context<'_>) -> Result<u8> {
    let (config, migration) = target::open(common, context).await?;
    let column = config.column(&args.column)?;
    let description = column.description.clone();
    let job = if args.decrypted {
        // It is confirmed by being no decryption: nothing is written.
        let confirmation = Job::confirmation(&description);
        Job::decrypt(description, &confirmation)?
    } else {
        Job::new(description, Operation::Rotate)?
    };
    let keys = keys::of(&config.keys, context).await?;
    let (meter, stop) = (Arc::new(Meter::new(1)), Stop::default());
    let work = migration.verify(&job, keys, meter.clone(), &stop);
    let verified = watch(work, &meter, &stop, context).await?;

    let mut certificate = serde_json::to_string_pretty(&verified)?;
    certificate.push('\n');
    if let Some(path) = &args.out {
        new_file(&context.folder.join(path), certificate.as_bytes(), false)?;
    }
    if args.json.json {
        context.output.write_all(certificate.as_bytes())?;
    } else {
        print(&verified, context)?;
    }
    Ok(u8::from(!verified.is_complete()))
}

fn print(verified: &Verified, context: &mut Context<'_>) -> Result<()> {
    let title = match (verified.is_complete(), verified.is_whole) {
        (true, _) => "complete",
        (false, true) => "not complete",
        (false, false) => "stopped before the end",
    };
    writeln!(context.output, "{}: {title}", output::plain(&verified.place))?;
    let mut entries =
        vec![("rows", verified.rows.to_string()), ("NULL", verified.nulls.to_string())];
    let by_key: Vec<String> =
        verified.by_key.iter().map(|(key, rows)| format!("{rows} under key {key}")).collect();
    entries.push(("open", if by_key.is_empty() { "0".into() } else { by_key.join(", ") }));
    if verified.plain > 0 {
        entries.push(("plaintext", verified.plain.to_string()));
    }
    entries.push(("of these under keys, contexts or scopes of before", verified.stale.to_string()));
    entries.push(("not as they should be", verified.failed.to_string()));
    output::list(context.output, &entries)?;
    for failure in &verified.failures {
        writeln!(context.output, "{}", output::plain(&failure.to_string()))?;
    }
    if verified.failed > verified.failures.len() as u64 {
        writeln!(context.output, "… and others: these are the first {}", verified.failures.len())?;
    }
    Ok(())
}
