//! Ratios of two things that are timed in turn, in one run: what else the machine does meanwhile
//! meets both.

mod goal;
mod subject;
mod summary;

pub use goal::{Goal, Limit};
pub use subject::{Child, Many, Subject, serve};
pub use summary::Summary;

use std::time::Duration;

/// Samples of each of the two.
const ROUNDS: usize = 101;

/// Two things timed in turn.
#[derive(Debug, Clone, Copy)]
pub struct Comparison {
    /// Nanoseconds of one call of the first.
    pub ours: Summary,
    /// Nanoseconds of one call of the second.
    pub other: Summary,
    /// The first divided by the second, round by round.
    pub ratio: Summary,
}

/// Times `ours` and `other` in turn.
pub fn compare(ours: &mut dyn Subject, other: &mut dyn Subject) -> Comparison {
    compare_rounds(ROUNDS, ours, other)
}

/// As [`compare`], with another number of rounds: for things that take long.
pub fn compare_rounds(
    rounds: usize,
    ours: &mut dyn Subject,
    other: &mut dyn Subject,
) -> Comparison {
    let sample = ours.sample().max(other.sample());
    let [ours_calls, other_calls] = [calibrate(ours, sample), calibrate(other, sample)];
    let (mut ours_times, mut other_times, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let (a, b) = in_turn(round, (ours, ours_calls), (other, other_calls));
        ours_times.push(a);
        other_times.push(b);
        ratios.push(a / b);
    }
    Comparison {
        ours: Summary::of(ours_times),
        other: Summary::of(other_times),
        ratio: Summary::of(ratios),
    }
}

/// What `ours` takes more than `other`, for each of the `rows` that a call of either handles, held
/// against one call of `unit`: all three in turn.
pub fn added(
    rounds: usize,
    rows: u32,
    ours: &mut dyn Subject,
    other: &mut dyn Subject,
    unit: &mut dyn Subject,
) -> Comparison {
    let sample = ours.sample().max(other.sample());
    let [ours_calls, other_calls, unit_calls] =
        [calibrate(ours, sample), calibrate(other, sample), calibrate(unit, sample)];
    let (mut added, mut units, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let (a, b) = in_turn(round, (ours, ours_calls), (other, other_calls));
        let (added_now, unit_now) = ((a - b) / f64::from(rows), per_call(unit, unit_calls));
        added.push(added_now);
        units.push(unit_now);
        ratios.push(added_now / unit_now);
    }
    Comparison { ours: Summary::of(added), other: Summary::of(units), ratio: Summary::of(ratios) }
}

/// A sample of each, first every other time, in nanoseconds of one call.
fn in_turn(
    round: usize,
    ours: (&mut dyn Subject, u64),
    other: (&mut dyn Subject, u64),
) -> (f64, f64) {
    let ((ours, ours_calls), (other, other_calls)) = (ours, other);
    if round.is_multiple_of(2) {
        let first = per_call(ours, ours_calls);
        (first, per_call(other, other_calls))
    } else {
        let first = per_call(other, other_calls);
        (per_call(ours, ours_calls), first)
    }
}

fn per_call(subject: &mut dyn Subject, calls: u64) -> f64 {
    nanoseconds(subject.run(calls)) / count(calls)
}

/// So many calls that they take about that long; warms up on the way.
fn calibrate(subject: &mut dyn Subject, sample: Duration) -> u64 {
    // The first call of all may be slow.
    subject.run(1);
    let mut calls = 1;
    loop {
        let took = subject.run(calls);
        if took >= sample / 2 || calls >= 1 << 30 {
            let wanted = count(calls) * nanoseconds(sample) / nanoseconds(took).max(1.0);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            return (wanted as u64).max(1);
        }
        calls *= 2;
    }
}

#[allow(clippy::cast_precision_loss)]
fn nanoseconds(time: Duration) -> f64 {
    time.as_nanos() as f64
}

#[allow(clippy::cast_precision_loss)]
fn count(n: u64) -> f64 {
    n as f64
}
