//! `provision` and `destroy-scope`: scopes that are loaded on demand, such as tenants.

use std::path::Path;

use encrypted_field::envelope::DestroyedScope;

use super::keys_list;
use super::needed::Needed;
use crate::args::{Common, DestroyScope, Provision};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::session::Session;

pub(super) async fn provision(
    common: &Common,
    args: &Provision,
    context: &mut Context<'_>,
) -> Result<u8> {
    let scopes = match &args.from {
        Some(path) => from(path, context)?,
        None => args.scopes.clone(),
    };
    let mut session = Session::to_change(common, &args.change, context).await?;
    // One that was named is a mistake where it has a key; many are passed over.
    if let [scope] = &scopes[..]
        && args.from.is_none()
    {
        let id = session.keys.provision(scope).await?;
        return session.done(format!("made key {id}, the first one of scope {scope}"));
    }
    let all = scopes.len();
    let made = session.keys.provision_all(scopes).await?;
    session.done(format!("made the first keys of {made} scopes of {all}; the others have one"))
}

/// A name on each line; empty lines don't count.
fn from(path: &Path, context: &mut Context<'_>) -> Result<Vec<String>> {
    let mut text = String::new();
    if path == Path::new("-") {
        context
            .input
            .read_to_string(&mut text)
            .map_err(|error| Failure::of_file(path, "it can't be read", &error))?;
    } else {
        let path = context.folder.join(path);
        text = std::fs::read_to_string(&path)
            .map_err(|error| Failure::of_file(&path, "it can't be read", &error))?;
    }
    let scopes: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if scopes.is_empty() {
        return Err(Failure::new(format!("{}: there is no scope in it", path.display())));
    }
    Ok(scopes)
}

pub(super) async fn destroy(
    common: &Common,
    args: &DestroyScope,
    context: &mut Context<'_>,
) -> Result<u8> {
    let needed = Needed::ask(common, context).await?;
    let mut session = Session::to_change(common, &args.change, context).await?;
    if !args.rows_are_lost {
        session.keys.load().await?;
        needed.refuse(&keys_list::of_scope(&session, &args.scope).await?, false)?;
    }
    let text = format!("destroy scope {} of {}", args.scope, session.keys.name());
    let confirmation = session.confirmed(&text, args.confirm.confirm.as_deref())?;
    let done = session.keys.destroy_scope(&args.scope, &confirmation).await?;
    let copies = match done {
        DestroyedScope::WithKeks => {
            "its KEKs are destroyed, too: no copy of its keys opens any more"
        }
        DestroyedScope::OutsideOfDatabaseBackups => {
            "backups of the database have no keys of it; copies of the store have, and open while the KEK is there"
        }
        DestroyedScope::ExceptInBackups => {
            "backups of the database from before have its wrapped keys, and open while the KEK is there"
        }
        _ => "what is true of copies, a later release of the library knows",
    };
    session.done(format!("destroyed scope {}: {copies}", args.scope))
}
