//! What the examples share: the application whose keys they manage, and what they print.
//!
//! `cargo run -p key-examples --example vault`, `aws_kms`, `two_phase_rotation`.

mod application;
mod clock;
mod print;

pub use application::{BotToken, SlackConnection, connect, insert, load, stored};
pub use clock::WithoutClock;
pub use print::{maintenance, status, title};

use std::time::{Duration, SystemTime};

/// Of a `main`.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

pub const MINUTE: Duration = Duration::from_mins(1);
pub const DAY: Duration = Duration::from_hours(24);

/// 2026-01-01, when the examples begin. They have a clock that is set by hand, so that 90 days take
/// no time. An application leaves
/// [`KeyManagerBuilder::clock`](encrypted_field::envelope::KeyManagerBuilder::clock) out.
pub fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}
