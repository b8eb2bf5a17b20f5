//! One process of the application. It reads commands, a line each with the time in minutes, and
//! answers each with a line.

use std::io::{BufRead as _, stdin};
use std::path::Path;
use std::time::Duration;

use encrypted_field::envelope::{Clock, FileStore, KeyManager, LocalKek, RotationPolicy};
use encrypted_field::{Encrypted, KeyId, Secret, key::Purpose};
use key_examples::{MINUTE, Result};

use crate::pipe;

#[derive(Encrypted)]
#[encrypted(context = "slack_connections.bot_token")]
struct BotToken(Secret<String>);

pub fn run(file: &Path) -> Result {
    let kek = LocalKek::from_env(pipe::KEK, |name| std::env::var_os(name))?;
    let clock = Clock::manual(key_examples::start());
    let keys = KeyManager::builder("production", FileStore::new(file))
        .kek("local", kek)
        // So that the story decides. With `RotationPolicy::every` the keys rotate like this by
        // themselves.
        .rotation(RotationPolicy::by_hand())
        .clock(clock.clone())
        .build()?;
    let mut now = Duration::ZERO;
    for line in stdin().lock().lines() {
        let line = line?;
        let (minute, command) = line.split_once(' ').ok_or("a command has a time")?;
        let then = minute.parse::<u32>()? * MINUTE;
        clock.advance(then - now);
        now = then;
        pipe::answer(obey(&keys, command));
    }
    Ok(())
}

/// Does what is asked for, without async: each call of the manager is waited for.
fn obey(keys: &KeyManager, command: &str) -> Result<String> {
    match command.split_once(' ').unwrap_or((command, "")) {
        ("initialize", _) => Ok(format!("made key {}", keys.initialize().wait()?)),
        ("install", _) => keys.install().wait().map(|()| "installed".into()).map_err(Into::into),
        // What the thread does: it loads, and then signs the store anew where nobody has of late.
        ("refresh", _) => {
            keys.load().wait()?;
            keys.maintain().wait()?;
            Ok("refreshed".into())
        }
        ("publish", _) => Ok(format!("published key {}", keys.publish("", Purpose::Field).wait()?)),
        ("activate", id) => {
            let id = KeyId::new(id.parse()?).ok_or("ids begin at 1")?;
            keys.activate(id).wait()?;
            Ok(format!("key {id} is active, and the one before it retired"))
        }
        ("keys", _) => Ok(states(keys)?),
        // What an INSERT does with a field, and a SELECT.
        ("seal", _) => Ok(BotToken::from("xoxb-acme-token").to_stored_text()?.to_string()),
        ("open", row) => {
            let token = BotToken::from_stored_text(row.to_owned())?;
            Ok(format!("key {}", token.key_id().ok_or("a row names its key")?))
        }
        (other, _) => Err(format!("{other} is no command").into()),
    }
}

fn states(keys: &KeyManager) -> Result<String> {
    let keys = keys.status().store.ok_or("nothing is loaded")?.keys;
    let states: Vec<_> =
        keys.iter().map(|key| format!("key {} {}", key.id, key.state.name())).collect();
    Ok(states.join(", "))
}
