//! The guide `encrypted-field/docs/existing-column.md`, carried out: an application takes its
//! column of plaintext to ciphertext, phase by phase and back, with old instances beside new ones,
//! through Diesel and SQLx, in text and binary, on the three databases.
//!
//! The SQL that runs here is that of the guide, read from it. Its Rust code stands in `suite`, and
//! `chapter` compares the two.
#![allow(clippy::duplicate_mod, reason = "that is how one suite runs on three databases")]

mod chapter;
mod keys;
mod meanwhile;
mod on_mariadb;
mod on_postgres;
mod on_sqlite;

use std::sync::Mutex;

/// All columns of these tests have one context, and its switches are the process's. So each
/// scenario is alone.
static ALONE: Mutex<()> = Mutex::new(());
