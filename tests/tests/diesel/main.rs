//! Diesel, on SQLite, PostgreSQL and MariaDB.
//!
//! `suite` holds the behaviours that all databases share. It is written once, against the names
//! that a module of `databases` gives, and compiled once for each of them. The modules `on_…` do
//! that, and have the tests of what only that database does.
#![allow(clippy::duplicate_mod, reason = "that is how one suite runs on three databases")]

mod asynchronous;
mod databases;
mod derive;
mod errors;
mod keys;
mod models;
mod multi;
mod names_taken;
mod on_mariadb;
mod on_postgres;
mod on_sqlite;
mod raw;
mod schema;
mod values;
