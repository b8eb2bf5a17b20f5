//! Scopes that are entered: around closures and futures, on threads and runtimes, with Diesel and
//! SQLx.
//!
//! The ring is installed, once for all tests here: tasks run on threads that hold none.
#![allow(clippy::duplicate_mod, reason = "that is how one suite runs on two databases")]

mod fields;
mod futures;
mod keys;
mod migration;
mod models;
mod on_postgres;
mod on_sqlite;
mod properties;
mod threads;
