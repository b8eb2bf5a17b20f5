//! The default cipher against aws-lc-rs: two builds, so two processes that take turns.

use std::hint::black_box;
use std::process::Command;

use benches::{Bytes, ring, round_trip, secret};
use measure::{Child, Goal, Limit, compare};

/// The program that `./bench` built with the default cipher.
const SAMPLER: &str = "EF_BENCH_SAMPLER";

pub fn goals() -> Vec<Goal> {
    let sampler =
        std::env::var_os(SAMPLER).unwrap_or_else(|| panic!("{SAMPLER} is not set: run `./bench`"));
    let mut child = Child::start(&mut Command::new(sampler), "round-trip").unwrap();
    let (ring, value) = (ring(), Bytes::from(secret(64).into_bytes()));
    let measured = compare(&mut child, &mut || {
        black_box(round_trip(&ring, &value));
    });
    vec![Goal::ours_by_other(
        "64 B round trip, aes-gcm (default) : aws-lc-rs",
        Limit::AtMost(1.3),
        measured,
    )]
}
