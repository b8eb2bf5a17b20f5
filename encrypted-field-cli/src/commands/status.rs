//! `status`: whether the store is healthy, and what it has. All that depends on the library's
//! status is here.

use std::time::Duration;

use encrypted_field::envelope::{Health, KekStatus, KeyManager, Status, StoreStatus};

use super::keys_list;
use crate::args::{Common, Json};
use crate::context::Context;
use crate::failure::{Failure, Result, in_commands};
use crate::output;
use crate::session::Session;

/// What the store says, after it was loaded.
pub(super) fn store(keys: &KeyManager) -> Result<StoreStatus> {
    keys.status().store.ok_or_else(|| Failure::new("nothing was loaded of the store"))
}

pub(super) async fn run(common: &Common, args: Json, context: &mut Context<'_>) -> Result<u8> {
    // Whatever is wrong is the answer, and not a failure of this command.
    let session = match Session::to_read(common, context).await {
        Ok(session) => session,
        Err(failure) => return without_manager(&failure, args, context),
    };
    // An error is in the status.
    let _ = session.keys.load().await;
    let status = session.keys.status();
    if args.json {
        writeln!(session.context.output, "{}", serde_json::to_string_pretty(&status)?)?;
    } else {
        print(&status, session.context)?;
    }
    Ok(match status.health {
        Health::Healthy => 0,
        Health::Degraded => 1,
        _ => 2,
    })
}

/// Where the configuration can't be read, or what it names can't be opened.
fn without_manager(failure: &Failure, args: Json, context: &mut Context<'_>) -> Result<u8> {
    let text = failure.to_string();
    if args.json {
        let report = serde_json::json!({ "health": "failing", "problems": [{ "health": "failing", "text": text }] });
        writeln!(context.output, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        writeln!(context.output, "failing\nproblem: {text}")?;
    }
    Ok(2)
}

fn print(status: &Status, context: &mut Context<'_>) -> Result<()> {
    let health = match status.health {
        Health::Healthy => "healthy",
        Health::Degraded => "degraded",
        _ => "failing",
    };
    writeln!(context.output, "{health}")?;
    for problem in &status.problems {
        writeln!(context.output, "problem: {}", output::plain(&in_commands(&problem.to_string())))?;
    }
    for missing in &status.missing_wraps {
        let is_offline = |kek: &&KekStatus| kek.name == missing.kek && kek.is_offline;
        if status.keks.iter().any(|kek| is_offline(&kek)) {
            let mut what = Vec::new();
            // Without it, that KEK opens nothing at all.
            if missing.store_key {
                what.push("the store key".to_owned());
            }
            if !missing.keys.is_empty() {
                let ids: Vec<String> = missing.keys.iter().map(ToString::to_string).collect();
                what.push(format!("keys {}", ids.join(", ")));
            }
            writeln!(
                context.output,
                "note: not wrapped under the offline KEK \"{}\": {}; `encrypted-field rewrap` with it adds that",
                missing.kek,
                what.join(", ")
            )?;
        }
    }
    if let Some(refused) = &status.refused {
        let number = |number: Option<u64>| {
            number.map_or_else(|| "none".to_owned(), |number| number.to_string())
        };
        let entries = [
            ("refused", in_commands(&refused.why)),
            ("its revision", number(refused.revision)),
            ("its epoch", number(refused.epoch)),
            ("least next id", number(refused.next_id)),
        ];
        output::list(context.output, &entries)?;
    }
    let Some(store) = &status.store else { return Ok(()) };
    let signed_by = store.signed_by.as_ref().map_or_else(String::new, |by| format!(" by {by}"));
    let heartbeat = match store.heartbeat {
        Duration::ZERO => "off".to_owned(),
        time => output::duration(time),
    };
    let entries = [
        ("anchor", store.anchor.clone()),
        ("revision", store.revision.to_string()),
        ("epoch", store.epoch.to_string()),
        ("next id", store.next_id.to_string()),
        ("signed", format!("{}{signed_by}", output::date(store.signed))),
        ("heartbeat", heartbeat),
        ("propagation", output::duration(store.propagation)),
        ("KEKs", store.keks.join(", ")),
        ("scopes on demand", store.scopes_on_demand.to_string()),
    ];
    output::list(context.output, &entries)?;
    writeln!(context.output)?;
    Ok(output::table(context.output, &keys_list::table(&store.keys))?)
}
