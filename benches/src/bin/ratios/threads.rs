//! What two threads gain over one, against the raw cipher, whose threads share nothing but the
//! machine. A loss would mean that threads share memory that one of them writes.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use benches::{Bytes, ring, secret};
use encrypted_field::EncryptedFieldExt as _;
use measure::{Goal, Limit, Subject, Summary, compare_rounds};

use crate::raw::Raw;

pub fn goals() -> Vec<Goal> {
    let (raw, value) = (Raw::new(), Bytes::from(secret(64).into_bytes()));
    let (sealed, nonce) = raw.seal(&value);
    let raw_seal = two_threads("raw seal and an OS nonce", |_| {
        black_box(raw.seal(black_box(&value)));
    });
    let raw_open = two_threads("raw open", |_| {
        black_box(raw.open(black_box(&sealed), nonce));
    });

    let rings = [ring(), ring()];
    // Opened before, so that the prefix is known.
    let stored = rings.each_ref().map(|ring| value.to_stored_with(ring).unwrap());
    let open = |key: usize| {
        black_box(Bytes::from_stored_with(&rings[key], black_box(&stored[key]).clone()).unwrap());
    };
    let seal = |key: usize| {
        black_box(value.to_stored_with(&rings[key]).unwrap());
    };
    (0..2).for_each(|key| (0..3).for_each(|_| open(key)));
    let mut goals = Vec::new();
    for (name, ours, control) in [
        ("seal 64 B, one key", two_threads("seal 64 B, one key", |_| seal(0)), &raw_seal),
        ("seal 64 B, a key each", two_threads("seal 64 B, a key each", seal), &raw_seal),
        ("open 64 B, one key", two_threads("open 64 B, one key", |_| open(0)), &raw_open),
        ("open 64 B, a key each", two_threads("open 64 B, a key each", open), &raw_open),
    ] {
        goals.push(judged(name, &ours, control));
        goals.push(ours);
    }
    goals.extend([raw_seal, raw_open]);
    goals
}

/// So many thousand calls in each of so many threads, which are told their number.
struct Threads<F>(usize, F);

impl<F: Fn(usize) + Sync> Subject for Threads<F> {
    fn run(&mut self, calls: u64) -> Duration {
        let start = Instant::now();
        thread::scope(|scope| {
            for thread in 0..self.0 {
                let call = &self.1;
                scope.spawn(move || {
                    for _ in 0..calls * 1_000 {
                        call(thread);
                    }
                });
            }
        });
        start.elapsed()
    }

    /// Long against starting threads.
    fn sample(&self) -> Duration {
        Duration::from_millis(100)
    }
}

/// What two threads do in the time in which one does one call.
fn two_threads(name: &str, call: impl Fn(usize) + Sync) -> Goal {
    let measured = compare_rounds(21, &mut Threads(1, &call), &mut Threads(2, &call));
    let mut goal = Goal::ours_by_other(
        &format!("{name}: values a second of two threads : of one"),
        Limit::None,
        measured,
    );
    goal.ratio = goal.ratio.map(|ratio| 2.0 * ratio);
    let per_call = |summary: Summary| summary.map(|ns| ns / 1_000.0);
    (goal.ours, goal.other) = (goal.ours.map(per_call), goal.other.map(per_call));
    goal
}

/// What two threads of ours gain, by what those of the control do.
fn judged(name: &str, ours: &Goal, control: &Goal) -> Goal {
    let ratio = Summary {
        median: ours.ratio.median / control.ratio.median,
        lower: ours.ratio.lower / control.ratio.upper,
        upper: ours.ratio.upper / control.ratio.lower,
    };
    let name = format!(
        "what two threads gain: {name} : {}",
        control.name.split(':').next().unwrap_or_default()
    );
    let limit = Limit::AtLeast(0.98);
    Goal { name, limit, ratio, ours: None, other: None, unit: String::new() }
}
