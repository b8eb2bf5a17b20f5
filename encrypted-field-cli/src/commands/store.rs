//! Commands about the store as a whole: its table, its making, its key, its heartbeat.

use encrypted_field::key::{EnvKeys, KeyFile};

use crate::args::{Common, CreateStore, Maintain, Schema, SetHeartbeat};
use crate::config;
use crate::context::Context;
use crate::failure::Result;
use crate::output;
use crate::session::Session;

#[cfg(feature = "sql")]
pub(super) async fn schema(
    common: &Common,
    args: &Schema,
    context: &mut Context<'_>,
) -> Result<u8> {
    let config = config::read(context, common.config.as_deref())?;
    if args.apply {
        crate::backends::apply_schema(&config, context).await?;
        writeln!(context.output, "the table encrypted_field_keys is there")?;
    } else {
        write!(context.output, "{}", crate::backends::schema(&config)?)?;
    }
    Ok(0)
}

#[cfg(not(feature = "sql"))]
#[allow(clippy::unused_async, reason = "as the one that asks a database")]
pub(super) async fn schema(common: &Common, _: &Schema, context: &mut Context<'_>) -> Result<u8> {
    config::read(context, common.config.as_deref())?;
    Err(crate::backends::missing("postgres, mysql or sqlite"))
}

pub(super) async fn create(
    common: &Common,
    args: &CreateStore,
    context: &mut Context<'_>,
) -> Result<u8> {
    // Before anything is opened: a file that is missing is the first thing to be told.
    let keys_so_far = if args.from_env {
        Some(EnvKeys::new().keys(|name| (context.environment)(name))?)
    } else if let Some(path) = &args.from_key_file {
        Some(KeyFile::new(context.folder.join(path)).keys()?)
    } else {
        None
    };
    let mut session = Session::to_create(common, &args.change, args.first_key_id, context).await?;
    let text = if let Some(keys) = keys_so_far {
        let count = keys.len();
        session.keys.initialize_with(keys).await?;
        format!(
            "made the store of {} with {count} keys; rotate the active ones soon",
            session.keys.name()
        )
    } else {
        let id = session.keys.initialize().await?;
        format!("made the store of {} with key {id}", session.keys.name())
    };
    session.done(text)
}

pub(super) async fn rotate_key(
    common: &Common,
    args: &Maintain,
    context: &mut Context<'_>,
) -> Result<u8> {
    let mut session = Session::to_change(common, &args.change, context).await?;
    session.keys.renew_store_key().await?;
    session
        .done("gave the store a new key, and began a new epoch; raise min_epoch where you use it")
}

pub(super) async fn set_heartbeat(
    common: &Common,
    args: &SetHeartbeat,
    context: &mut Context<'_>,
) -> Result<u8> {
    let mut session = Session::to_change(common, &args.change, context).await?;
    session.keys.set_heartbeat(args.time).await?;
    let text = if args.time.is_zero() {
        "turned the heartbeat off: a process that is shown an old state of the store seals on"
            .to_owned()
    } else {
        format!("the store is signed every {} at least", output::duration(args.time))
    };
    session.done(text)
}
