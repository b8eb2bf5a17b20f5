//! The readers, on the vectors of `tests/vectors/foreign`.

// Helpers panic where a test is to fail, too.
#![allow(clippy::unwrap_used)]

mod legacy;
mod refusals;
mod settings;
mod tampering;
mod vectors;
