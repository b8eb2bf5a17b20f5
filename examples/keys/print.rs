//! What the examples print. No plaintext, no key, no token.

use std::time::SystemTime;

use encrypted_field::envelope::StoreStatus;
use time::OffsetDateTime;

pub fn title(text: &str) {
    println!("\n== {text}");
}

/// Which key is where: all of it may be shown to anybody.
pub fn status(status: &StoreStatus) {
    println!("   revision {}, next id {}, last changed {}", status.revision, status.next_id, date(status.changed));
    println!("   key  state    created           active from       retired           seals until       KEKs");
    for key in &status.keys {
        let dates = [Some(key.created), key.activated, key.retired, key.seal_until];
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

/// To the minute, UTC.
fn date(at: SystemTime) -> String {
    let at = OffsetDateTime::from(at);
    format!("{} {:02}:{:02}", at.date(), at.hour(), at.minute())
}
