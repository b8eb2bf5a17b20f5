//! `rewrap`, `leave-out-kek`, `repair`: under which KEKs the keys are.

use encrypted_field::envelope::RewrapReport;

use super::maintain::ids;
use super::{consistency, keys_list};
use crate::args::{Common, LeaveOutKek, Maintain};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::session::Session;

pub(super) async fn rewrap(
    common: &Common,
    args: &Maintain,
    context: &mut Context<'_>,
) -> Result<u8> {
    let mut session = Session::to_change(common, &args.change, context).await?;
    let done = session.keys.rewrap().await?;
    report(&mut session, &done, "rewrapped")
}

pub(super) async fn repair(
    common: &Common,
    args: &Maintain,
    context: &mut Context<'_>,
) -> Result<u8> {
    let mut session = Session::to_change(common, &args.change, context).await?;
    let done = session.keys.repair().await?;
    report(&mut session, &done, "mended")
}

pub(super) async fn leave_out(
    common: &Common,
    args: &LeaveOutKek,
    context: &mut Context<'_>,
) -> Result<u8> {
    let mut session = Session::to_change(common, &args.change, context).await?;
    let text = format!("leave out KEK {} of {}", args.name, session.keys.name());
    session.keys.load().await?;
    let there = keys_list::keks(&session).await?;
    // A name that was mistyped would leave nothing out, and look as if it had.
    if !there.contains(&args.name) {
        let there: Vec<String> = there.into_iter().collect();
        let text = format!(
            "nothing is wrapped under a KEK \"{}\"; there are: {}",
            args.name,
            there.join(", ")
        );
        return Err(Failure::new(text));
    }
    let confirmation = session.confirmed(&text, args.confirm.confirm.as_deref())?;
    let done = session.keys.leave_out_kek(&args.name, &confirmation).await?;
    report(&mut session, &done, &format!("left out KEK \"{}\";", args.name))
}

/// 1 where something stayed as it was.
fn report(session: &mut Session<'_, '_>, done: &RewrapReport, what: &str) -> Result<u8> {
    let keys = if done.keys == 1 { "1 key".to_owned() } else { format!("{} keys", done.keys) };
    let dates = if done.redated.is_empty() {
        String::new()
    } else {
        format!("; set the dates right of {}", ids(&done.redated))
    };
    let code = session.done(format!("{what} {keys}{dates}"))?;
    if done.failed.is_empty() {
        return Ok(code);
    }
    for line in consistency::lines(&done.failed) {
        writeln!(session.context.errors, "not mended: {line}")?;
    }
    Ok(1)
}
