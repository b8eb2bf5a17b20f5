//! `keys …`: what is done to single keys.

use encrypted_field::{
    KeyId,
    key::{KeyState, Purpose},
};

use super::needed::Needed;
use super::{keys_list, wait};
use crate::args::{
    Activate, Change, Common, Compromised, Destroy, Keys, OneKey, Place, Retire, Rotate,
};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;
use crate::session::Session;

pub(super) async fn run(common: &Common, command: &Keys, context: &mut Context<'_>) -> Result<u8> {
    match command {
        Keys::List(args) => keys_list::list(common, args, context).await,
        Keys::Show(args) => keys_list::show(common, args, context).await,
        Keys::Create(args) => create(common, args, context).await,
        Keys::Publish(args) => publish(common, args, context).await,
        Keys::Rotate(args) => rotate(common, args, context).await,
        Keys::Activate(args) => activate(common, args, context).await,
        Keys::Retire(args) => retire(common, args, context).await,
        Keys::Disable(args) => disable(common, args, context).await,
        Keys::Enable(args) => enable(common, args, context).await,
        Keys::Destroy(args) => destroy(common, args, context).await,
        Keys::Compromised(args) => compromised(common, args, context).await,
    }
}

async fn create(common: &Common, args: &Place, context: &mut Context<'_>) -> Result<u8> {
    let mut session = Session::to_change(common, &args.change, context).await?;
    let id = session.keys.create(&args.scope, args.purpose.into()).await?;
    session.done(format!("made key {id}, the first one of {}", place(args)))
}

async fn publish(common: &Common, args: &Place, context: &mut Context<'_>) -> Result<u8> {
    let mut session = Session::to_change(common, &args.change, context).await?;
    let id = session.keys.publish(&args.scope, args.purpose.into()).await?;
    session.done(format!(
        "published key {id} of {}; `keys activate {id}` makes it active",
        place(args)
    ))
}

async fn rotate(common: &Common, args: &Rotate, context: &mut Context<'_>) -> Result<u8> {
    let place_args = &args.place;
    let mut session = Session::to_change(common, &place_args.change, context).await?;
    session.keys.load().await?;
    let purpose: Purpose = place_args.purpose.into();
    // So that it can be stopped while it waits, and run again.
    let pending = keys_list::loaded(&session)?.into_iter().find(|key| {
        key.state == KeyState::Pending && key.scope == place_args.scope && key.purpose == purpose
    });
    let id = match &pending {
        Some(key) => key.id,
        None => session.keys.publish(&place_args.scope, purpose).await?,
    };
    let published = if pending.is_some() { "was published already" } else { "is published" };
    if args.wait && !session.is_dry_run() {
        // That it can't be told is no reason to stop here.
        let _ = session.say(format!("key {id} of {} {published}", place(place_args)));
        wait::until_allowed(&mut session, wait::Step::Activate(id)).await?;
        return session.done(format!("activated key {id}; the one before it is retired"));
    }
    session.done(format!(
        "key {id} of {} {published}; `keys activate {id}` makes it active",
        place(place_args)
    ))
}

async fn activate(common: &Common, args: &Activate, context: &mut Context<'_>) -> Result<u8> {
    let mut session = Session::to_change(common, &args.change, context).await?;
    session.keys.load().await?;
    if args.at_once {
        session.keys.activate_at_once(args.id).await?;
    } else if args.wait {
        wait::until_allowed(&mut session, wait::Step::Activate(args.id)).await?;
    } else {
        session.keys.activate(args.id).await?;
    }
    session.done(format!("activated key {}; the one before it is retired", args.id))
}

/// The library has no such call, on purpose: a scope without an active key can't seal.
async fn retire(common: &Common, args: &Retire, context: &mut Context<'_>) -> Result<u8> {
    let session = Session::to_read(common, context).await?;
    session.keys.load().await?;
    let Some(key) = keys_list::find(&session, args.id).await? else {
        return Err(Failure::new(format!("there is no key {}", args.id)));
    };
    if key.state != KeyState::Active {
        return Err(Failure::new(format!(
            "key {} is {}, and not active",
            key.id,
            key.state.name()
        )));
    }
    let scope = if key.scope.is_empty() {
        String::new()
    } else {
        format!(" --scope {}", quoted(&key.scope))
    };
    Err(Failure::new(format!(
        "a key is retired when the next one of its scope becomes active: \
         `encrypted-field keys rotate{scope} --purpose {} --wait`",
        key.purpose.name()
    )))
}

/// For a shell: the name may be a tenant's.
fn quoted(name: &str) -> String {
    format!("'{}'", name.replace('\'', r"'\''"))
}

async fn disable(common: &Common, args: &OneKey, context: &mut Context<'_>) -> Result<u8> {
    let mut session = of_one_key(common, &args.change, args.id, context).await?;
    session.keys.disable(args.id).await?;
    session.done(format!("disabled key {}; `keys enable {0}` takes it back", args.id))
}

async fn enable(common: &Common, args: &OneKey, context: &mut Context<'_>) -> Result<u8> {
    let mut session = of_one_key(common, &args.change, args.id, context).await?;
    session.keys.enable(args.id).await?;
    session.done(format!("enabled key {}", args.id))
}

async fn destroy(common: &Common, args: &Destroy, context: &mut Context<'_>) -> Result<u8> {
    let needed = Needed::ask(common, context).await?;
    needed.refuse(&[args.id], args.rows_are_lost)?;
    let mut session = of_one_key(common, &args.change, args.id, context).await?;
    let text = format!("destroy key {} of {}", args.id, session.keys.name());
    let confirmation = session.confirmed(&text, args.confirm.confirm.as_deref())?;
    if args.wait {
        wait::until_allowed(&mut session, wait::Step::Destroy(args.id, confirmation)).await?;
    } else {
        session.keys.destroy(args.id, &confirmation).await?;
    }
    session.done(format!(
        "destroyed key {}; copies of the store from before still have it, wrapped",
        args.id
    ))
}

async fn compromised(common: &Common, args: &Compromised, context: &mut Context<'_>) -> Result<u8> {
    let mut session = of_one_key(common, &args.change, args.id, context).await?;
    let text = format!("mark key {} of {} compromised", args.id, session.keys.name());
    session.confirmed(&text, args.confirm.confirm.as_deref())?;
    session.keys.mark_compromised(args.id).await?;
    session.done(format!("marked key {} compromised; re-encrypt the rows under it", args.id))
}

/// Loaded, so that what the key is now can be told from what it was.
async fn of_one_key<'s, 'c>(
    common: &Common,
    change: &Change,
    id: KeyId,
    context: &'s mut Context<'c>,
) -> Result<Session<'s, 'c>> {
    let session = Session::to_change(common, change, context).await?;
    session.keys.load().await?;
    match keys_list::find(&session, id).await? {
        Some(_) => Ok(session),
        None => Err(Failure::new(format!(
            "there is no key {id}; `keys list` shows those that each process loads, and \
                                          `keys list --on-demand` those of tenants"
        ))),
    }
}

fn place(args: &Place) -> String {
    format!(
        "scope {} for purpose {}",
        output::scope(&args.scope),
        Purpose::from(args.purpose).name()
    )
}
