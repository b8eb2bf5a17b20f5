//! The engine on real databases.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod census;
mod collations;
mod failures;
mod full_disk;
mod imported;
mod key_store;
mod key_types;
mod killed;
mod memory;
mod moves;
mod preflight;
mod races;
mod replicas;
mod servers;
mod support;
mod throttle;
mod workers;
