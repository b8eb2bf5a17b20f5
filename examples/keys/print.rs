//! What the examples print. No plaintext, no key, no token.

use std::time::SystemTime;

use encrypted_field::envelope::{KeyManager, Maintenance};
use encrypted_field::{KeyId, key::KeyState};
use time::OffsetDateTime;

pub fn title(text: &str) {
    println!("\n== {text}");
}

/// Which key is where: all of it may be shown to anybody.
pub fn status(keys: &KeyManager) {
    let status = keys.status();
    for problem in &status.problems {
        println!("   {problem}");
    }
    let Some(status) = status.store else { return };
    println!(
        "   revision {}, next id {}, last signed {}",
        status.revision,
        status.next_id,
        date(status.signed)
    );
    println!(
        "   key  state    created           active from       retired           seals until       KEKs"
    );
    for key in &status.keys {
        // The store keeps this date for keys that seal no more, too.
        let seals_until = key.seal_until.filter(|_| key.state == KeyState::Active);
        let dates = [Some(key.created), key.activated, key.retired, seals_until];
        let dates = dates.map(|at| at.map_or("-".into(), date));
        println!(
            "   {:<3}  {:<7}  {:<16}  {:<16}  {:<16}  {:<16}  {}",
            key.id,
            key.state.name(),
            dates[0],
            dates[1],
            dates[2],
            dates[3],
            key.keks.join(", ")
        );
    }
}

/// What a rotation did.
pub fn maintenance(done: &Maintenance) {
    println!("   published: {}; activated: {}", ids(&done.published), ids(&done.activated));
}

fn ids(keys: &[KeyId]) -> String {
    let ids: Vec<_> = keys.iter().map(|id| format!("key {id}")).collect();
    if ids.is_empty() { "none".into() } else { ids.join(", ") }
}

/// To the minute, UTC.
fn date(at: SystemTime) -> String {
    let at = OffsetDateTime::from(at);
    format!("{} {:02}:{:02}", at.date(), at.hour(), at.minute())
}
