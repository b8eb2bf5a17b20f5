//! Encrypted fields through SQLx, on SQLite, PostgreSQL and MariaDB.
//!
//! `suite` holds the behaviours that all databases share. It is written once, against the names
//! that a module of `databases` gives, and compiled once for each of them: generic functions would
//! spell SQLx's bounds where a user writes none. The other modules test what is special to one
//! driver.
//!
//! Every test keeps to a database and a key ring of its own. The ring is held by the test's thread,
//! on which tokio's test runtime also runs the tasks that a test spawns.
#![allow(clippy::duplicate_mod, reason = "that is how one suite runs on three databases")]

mod any;
mod databases;
mod errors;
mod generic;
mod keys;
mod legacy_switch;
mod mariadb_only;
mod models;
mod names;
mod on_mariadb;
mod on_postgres;
mod on_sqlite;
mod pg_array;
mod pg_only;
mod sqlite_only;
mod values;
