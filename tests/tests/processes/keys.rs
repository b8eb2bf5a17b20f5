//! The managers of these tests.

use std::time::Duration;

use encrypted_field::envelope::{CachePolicy, Clock, KeyManager, LocalKek, RotationPolicy};
use encrypted_field::{Encrypted, Secret};
use tests::secrets;

use crate::places::Place;

/// How long keys are used without a refresh, and from publishing one to its use: minutes and hours
/// in life, seconds here.
const MAX_AGE: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(1);
pub const PROPAGATION: Duration = Duration::from_secs(3);
pub const INTERVAL: Duration = Duration::from_secs(8);

#[derive(Encrypted)]
#[encrypted(context = "connections.token")]
pub struct Token(Secret<String>);

pub fn kek(number: usize) -> LocalKek {
    LocalKek::new(secrets::KEYS[number]).unwrap()
}

/// One that rotates by itself.
pub fn rotating(place: &Place) -> KeyManager {
    place
        .builder()
        .kek("eu", kek(0))
        .kek("us", kek(1))
        .rotation(RotationPolicy::every(INTERVAL).grace(Duration::from_mins(5)))
        .cache(
            CachePolicy::default()
                .refresh(Duration::from_millis(400))
                .max_age(MAX_AGE, GRACE)
                .call_timeout(Duration::from_millis(750)),
        )
        .propagation(PROPAGATION)
        // It allows ten minutes for clocks, which is more than the propagation time here.
        .heartbeat(Duration::ZERO)
        .build()
        .unwrap()
}

/// One that does as it is told.
pub fn by_hand(place: &Place, keks: &[(&str, usize)]) -> KeyManager {
    let builder = place.builder().rotation(RotationPolicy::by_hand());
    keks.iter()
        .fold(builder, |builder, (name, number)| builder.kek(*name, kek(*number)))
        .build()
        .unwrap()
}

/// As [`by_hand`], with a clock of its own, which no other clock contradicts.
pub fn place_by_hand(place: &Place, keks: &[(&str, usize)], clock: &Clock) -> KeyManager {
    let builder =
        place.builder_without_clock().rotation(RotationPolicy::by_hand()).clock(clock.clone());
    keks.iter()
        .fold(builder, |builder, (name, number)| builder.kek(*name, kek(*number)))
        .build()
        .unwrap()
}
