//! `keys list` and `keys show`.

use std::collections::BTreeSet;
use std::time::SystemTime;

use encrypted_field::envelope::{KeyPage, KeyStatus};
use encrypted_field::{KeyId, key::KeyState};
use serde::Serialize;

use crate::args::{Common, List, Show};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;
use crate::session::Session;

/// The keys that each process loads, as they were loaded last.
pub(super) fn loaded(session: &Session<'_, '_>) -> Result<Vec<KeyStatus>> {
    Ok(super::status::store(&session.keys)?.keys)
}

/// One key, wherever it is.
pub(super) async fn find(session: &Session<'_, '_>, id: KeyId) -> Result<Option<KeyStatus>> {
    if let Some(key) = loaded(session)?.into_iter().find(|key| key.id == id) {
        return Ok(Some(key));
    }
    let mut page = Some(0);
    while let Some(number) = page {
        let found = session.keys.keys_on_demand(number).await?;
        if let Some(key) = found.keys.into_iter().find(|key| key.id == id) {
            return Ok(Some(key));
        }
        page = found.next;
    }
    Ok(None)
}

/// The ids of a scope's keys, wherever they are.
pub(super) async fn of_scope(session: &Session<'_, '_>, scope: &str) -> Result<Vec<KeyId>> {
    let ids = |keys: Vec<KeyStatus>| {
        keys.into_iter().filter(|key| key.scope == scope).map(|key| key.id).collect::<Vec<_>>()
    };
    let mut found = ids(loaded(session)?);
    let mut page = Some(0);
    while let Some(number) = page {
        let next = session.keys.keys_on_demand(number).await?;
        found.extend(ids(next.keys));
        page = next.next;
    }
    Ok(found)
}

/// The names of all KEKs that the store or a key is wrapped under.
pub(super) async fn keks(session: &Session<'_, '_>) -> Result<BTreeSet<String>> {
    let status = super::status::store(&session.keys)?;
    let mut names: BTreeSet<String> = status.keks.into_iter().collect();
    names.extend(status.keys.into_iter().flat_map(|key| key.keks));
    let mut page = Some(0);
    while let Some(number) = page {
        let found = session.keys.keys_on_demand(number).await?;
        names.extend(found.keys.into_iter().flat_map(|key| key.keks));
        page = found.next;
    }
    Ok(names)
}

pub(super) async fn list(common: &Common, args: &List, context: &mut Context<'_>) -> Result<u8> {
    let session = Session::to_read(common, context).await?;
    session.keys.load().await?;
    if !args.on_demand {
        let keys = loaded(&session)?.into_iter().filter(|key| !key.on_demand).collect();
        let page = Page { keys, next: None };
        return page.print(args.json.json, session.context);
    }
    if let Some(number) = args.page {
        let found = session.keys.keys_on_demand(number).await?;
        return Page::of(found).print(args.json.json, session.context);
    }
    // A page at a time: there may be millions.
    let mut page = Some(0);
    while let Some(number) = page {
        let found = session.keys.keys_on_demand(number).await?;
        page = found.next;
        let found = Page { next: None, ..Page::of(found) };
        found.print(args.json.json, session.context)?;
    }
    Ok(0)
}

pub(super) async fn show(common: &Common, args: &Show, context: &mut Context<'_>) -> Result<u8> {
    let session = Session::to_read(common, context).await?;
    session.keys.load().await?;
    let Some(key) = find(&session, args.id).await? else {
        return Err(Failure::new(format!("there is no key {}", args.id)));
    };
    let row = Row::of(&key);
    if args.json.json {
        writeln!(session.context.output, "{}", serde_json::to_string_pretty(&row)?)?;
        return Ok(0);
    }
    let mut entries = vec![
        ("id", key.id.to_string()),
        ("scope", output::scope(&key.scope)),
        ("purpose", key.purpose.name().to_owned()),
        ("version", key.version.to_string()),
        ("state", key.state.name().to_owned()),
        ("loaded", if key.on_demand { "on demand" } else { "with the process" }.to_owned()),
        ("check value", row.check_value.clone()),
        ("under KEKs", key.keks.join(", ")),
    ];
    let dates = [
        ("created", Some(key.created)),
        ("activate after", key.activate_after),
        ("activated", key.activated),
        ("seals until", key.seal_until),
        ("retired", key.retired),
        ("compromised", key.compromised),
        ("disabled", key.disabled),
        ("destroyed", key.destroyed),
        ("changed", Some(key.changed)),
    ];
    entries.extend(dates.into_iter().filter_map(|(name, at)| Some((name, output::date(at?)))));
    entries.extend(key.changed_by.map(|by| ("changed by", by)));
    entries.extend(key.changed_why.map(|why| ("reason", why)));
    output::list(session.context.output, &entries)?;
    Ok(0)
}

struct Page {
    keys: Vec<KeyStatus>,
    next: Option<u64>,
}

impl Page {
    fn of(page: KeyPage) -> Self {
        Self { keys: page.keys, next: page.next }
    }

    /// A table, or with `--json` one object a line, so that pages can follow each other.
    fn print(mut self, is_json: bool, context: &mut Context<'_>) -> Result<u8> {
        self.keys.sort_by_key(|key| key.id);
        if is_json {
            for key in &self.keys {
                writeln!(context.output, "{}", serde_json::to_string(&Row::of(key))?)?;
            }
        } else {
            output::table(context.output, &table(&self.keys))?;
        }
        if let Some(next) = self.next {
            writeln!(context.errors, "there is more: --page {next}")?;
        }
        Ok(0)
    }
}

/// A line for each key, with titles.
pub(super) fn table(keys: &[KeyStatus]) -> Vec<Vec<String>> {
    let titles =
        ["ID", "SCOPE", "PURPOSE", "STATE", "SINCE", "DUE", "KEKS"].map(str::to_owned).to_vec();
    let line = |key: &KeyStatus| {
        let due = match key.state {
            KeyState::Pending => {
                key.activate_after.map(|at| format!("active from {}", output::date(at)))
            }
            KeyState::Active => {
                key.seal_until.map(|at| format!("seals until {}", output::date(at)))
            }
            _ => None,
        };
        vec![
            key.id.to_string(),
            output::scope(&key.scope),
            key.purpose.name().to_owned(),
            key.state.name().to_owned(),
            output::date(since(key)),
            due.unwrap_or_else(|| "-".to_owned()),
            if key.keks.is_empty() { "-".to_owned() } else { key.keks.join(", ") },
        ]
    };
    std::iter::once(titles).chain(keys.iter().map(line)).collect()
}

/// When it came into its state.
fn since(key: &KeyStatus) -> SystemTime {
    let at = match key.state {
        KeyState::Active => key.activated,
        KeyState::Retired => key.retired,
        KeyState::Compromised => key.compromised,
        KeyState::Disabled => key.disabled,
        KeyState::Destroyed => key.destroyed,
        _ => None,
    };
    at.unwrap_or(key.created)
}

/// A key as JSON.
#[derive(Serialize)]
pub(super) struct Row {
    id: u32,
    scope: String,
    purpose: &'static str,
    version: u32,
    state: &'static str,
    on_demand: bool,
    created: String,
    activate_after: Option<String>,
    activated: Option<String>,
    seal_until: Option<String>,
    retired: Option<String>,
    compromised: Option<String>,
    disabled: Option<String>,
    destroyed: Option<String>,
    changed: String,
    changed_by: Option<String>,
    changed_why: Option<String>,
    check_value: String,
    keks: Vec<String>,
}

impl Row {
    pub(super) fn of(key: &KeyStatus) -> Self {
        let date = |at: Option<SystemTime>| at.map(output::date);
        Self {
            id: key.id.get(),
            scope: key.scope.clone(),
            purpose: key.purpose.name(),
            version: key.version,
            state: key.state.name(),
            on_demand: key.on_demand,
            created: output::date(key.created),
            activate_after: date(key.activate_after),
            activated: date(key.activated),
            seal_until: date(key.seal_until),
            retired: date(key.retired),
            compromised: date(key.compromised),
            disabled: date(key.disabled),
            destroyed: date(key.destroyed),
            changed: output::date(key.changed),
            changed_by: key.changed_by.clone(),
            changed_why: key.changed_why.clone(),
            check_value: output::hex(&key.check_value),
            keks: key.keks.clone(),
        }
    }
}
