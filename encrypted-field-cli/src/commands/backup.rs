//! `backup`, `verify-backup` and `restore`: all records of a store in one file.
//!
//! A backup is the document of `KEY-STORE.md`, section 4, of whatever store: a `FileStore` reads
//! it, too. It holds wrapped keys, and nothing that opens without a KEK.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use encrypted_field::envelope::{Consistency, KeyStore as _, Query, StoreStatus};
use serde::Serialize;

use super::consistency::{self, Report};
use crate::args::{self, Change, Common};
use crate::backends::{Bounds, StoreHandle, text};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;
use crate::session::Session;

pub(super) async fn write(
    common: &Common,
    args: &args::Backup,
    context: &mut Context<'_>,
) -> Result<u8> {
    let out = context.folder.join(&args.out);
    refuse_existing(&out)?;
    let mut session = Session::to_read(common, context).await?;
    // By the anchor and the minimums of the configuration: of a store that was set back, no backup
    // is made that looks like one.
    session.keys.load().await?;
    let least = super::status::store(&session.keys)?;
    // One call, and so one moment.
    let records = session.backends.store.load(&Query::all()).await?.records;
    let document = text::of(&records).await?;
    let store = text::store("the backup", document.clone());
    let verified = verified(&session, store, Bounds::Configured).await?;
    if (verified.status.epoch, verified.status.revision) < (least.epoch, least.revision) {
        return Err(Failure::new("the store was set back while it was read; nothing was written"));
    }
    let problems = &verified.found.problems;
    for line in consistency::lines(problems) {
        writeln!(session.context.errors, "problem: {line}")?;
    }
    for id in &verified.found.of_later_release {
        writeln!(
            session.context.errors,
            "not verified: key {id}, which a later release has written; upgrade"
        )?;
    }
    if !problems.is_empty() && !args.with_problems {
        return Err(Failure::new(
            "not each key unwraps under each KEK, and nothing was written; where a KEK is out of reach, take the backup as it is \
             with --with-problems; what does not unwrap `encrypted-field repair` mends",
        ));
    }
    write_new(&out, document.as_bytes())?;
    session.say(format!(
        "wrote {}: revision {}, epoch {}, {} records, {} wraps verified, {} problems",
        args.out.display(),
        verified.status.revision,
        verified.status.epoch,
        records.len(),
        verified.found.checked,
        problems.len()
    ))?;
    Ok(0)
}

pub(super) async fn verify(
    common: &Common,
    args: &args::VerifyBackup,
    context: &mut Context<'_>,
) -> Result<u8> {
    let document = read(&args.file, context)?;
    let session = Session::to_read(common, context).await?;
    let store = text::store(args.file.display().to_string(), document);
    let verified = verified(&session, store, Bounds::None).await?;
    let summary = Summary::of(&verified);
    let output = &mut *session.context.output;
    if args.json.json {
        writeln!(output, "{}", serde_json::to_string_pretty(&summary)?)?;
        return Ok(u8::from(!summary.consistency.problems.is_empty()));
    }
    let entries = [
        ("store", summary.store.clone()),
        ("revision", summary.revision.to_string()),
        ("epoch", summary.epoch.to_string()),
        ("next id", summary.next_id.to_string()),
        ("signed", summary.signed.clone()),
        ("wraps verified", summary.consistency.checked.to_string()),
        ("problems", summary.consistency.problems.len().to_string()),
    ];
    output::list(output, &entries)?;
    for line in consistency::lines(&verified.found.problems) {
        writeln!(output, "problem: {line}")?;
    }
    for id in &verified.found.of_later_release {
        writeln!(output, "not verified: key {id}, which a later release has written; upgrade")?;
    }
    writeln!(
        output,
        "\nAfter a restore, with an ID above every id that a row may use, and at least {}:\n\
         encrypted-field key-ids --json --out key-ids.json\n\
         encrypted-field accept-restored --revision {} --next-id ID --key-ids key-ids.json",
        summary.next_id, summary.revision
    )?;
    Ok(u8::from(!summary.consistency.problems.is_empty()))
}

/// Only into a store without a single record. Over one that has keys it could undo the destruction
/// of a key, or take away keys that rows need; and what processes have seen would not match. An
/// operator who means that empties the store by hand, after a backup of what is there.
pub(super) async fn restore(
    common: &Common,
    args: &args::Restore,
    context: &mut Context<'_>,
) -> Result<u8> {
    let document = read(&args.file, context)?;
    let change = Change { dry_run: args.dry_run, ..Change::default() };
    let mut session = Session::to_change(common, &change, context).await?;
    let backup = text::store(args.file.display().to_string(), document);
    // Before anything is written: it is authentic, and one KEK of the configuration opens it.
    let Verified { status, found } = verified(&session, backup.clone(), Bounds::None).await?;
    // What is damaged in the only backup there is may be all that there is of it.
    for line in consistency::lines(&found.problems) {
        writeln!(session.context.errors, "problem: {line}")?;
    }
    let records = backup.load(&Query::all()).await?.records;
    refuse_another(&mut session, backup.clone()).await?;
    let name = session.backends.store.describe();
    let there = session.backends.store.load(&Query::all()).await.map_err(|error| {
        Failure::new(format!(
            "{name} can't be read: {error}; a backup is only written into an empty store: {AWAY}"
        ))
    })?;
    if !there.records.is_empty() {
        return Err(Failure::new(format!(
            "{name} is not empty, and a backup is only written into an empty store; it has {} records: {AWAY}",
            there.records.len()
        )));
    }
    if !session.backends.store.compare_and_swap(0, &records).await? {
        return Err(Failure::new(
            "somebody else has made a store there meanwhile; nothing was written",
        ));
    }
    session.done(format!(
        "restored revision {} of epoch {}; processes that have seen a newer one refuse it until it is accepted,\n\
         with an ID above every id that a row may use, and at least {}:\n\
         encrypted-field key-ids --json --out key-ids.json\n\
         encrypted-field accept-restored --revision {} --next-id ID --key-ids key-ids.json",
        status.revision, status.epoch, status.next_id, status.revision
    ))
}

/// How a store is emptied, where what is in it is not wanted, or is of no use.
const AWAY: &str = "if it is of no use, keep it under another name (move the file; `ALTER TABLE … RENAME TO …` and \
                    `encrypted-field schema --apply`), and restore then";

/// That the anchor is not of another store: nothing that is restored would be accepted then.
async fn refuse_another(session: &mut Session<'_, '_>, backup: StoreHandle) -> Result<()> {
    let keys = session.backends.manager_by_anchor(&session.config, session.context, backup).await?;
    let Err(error) = keys.load().await else { return Ok(()) };
    match keys.status().refused {
        // As old as a backup is.
        Some(refused) if !refused.is_another => Ok(()),
        _ => Err(error.into()),
    }
}

struct Verified {
    status: StoreStatus,
    found: Consistency,
}

/// Opens a backup by the configured KEKs, and unwraps each key.
async fn verified(
    session: &Session<'_, '_>,
    store: StoreHandle,
    bounds: Bounds,
) -> Result<Verified> {
    let keys = session.backends.manager_of(&session.config, session.context, store, bounds)?;
    keys.load().await?;
    let found = keys.check_consistency().await?;
    Ok(Verified { status: super::status::store(&keys)?, found })
}

#[derive(Serialize)]
struct Summary {
    store: String,
    revision: u64,
    epoch: u64,
    next_id: u64,
    anchor: String,
    signed: String,
    keks: Vec<String>,
    scopes_on_demand: u64,
    consistency: Report,
}

impl Summary {
    fn of(verified: &Verified) -> Self {
        let status = &verified.status;
        Self {
            store: status.store.to_string(),
            revision: status.revision,
            epoch: status.epoch,
            next_id: status.next_id,
            anchor: status.anchor.clone(),
            signed: output::date(status.signed),
            keks: status.keks.clone(),
            scopes_on_demand: status.scopes_on_demand,
            consistency: Report::of(&verified.found),
        }
    }
}

fn read(path: &Path, context: &Context<'_>) -> Result<String> {
    let path = context.folder.join(path);
    fs::read_to_string(&path).map_err(|error| Failure::of_file(&path, "it can't be read", &error))
}

fn refuse_existing(path: &Path) -> Result<()> {
    match path.symlink_metadata() {
        Ok(_) => Err(Failure::new(format!(
            "{} is there already, and is never overwritten",
            path.display()
        ))),
        Err(_) => Ok(()),
    }
}

/// By a temporary file in the same folder, of mode 0600, flushed, and renamed to a name that nobody
/// has: whoever finds the file finds all of it.
fn write_new(path: &Path, text: &[u8]) -> Result<()> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |error: std::io::Error| Failure::of_file(path, "it can't be written", &error);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist_noclobber(path).map_err(|error| failed(error.error))?;
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}
