//! Diesel, on SQLite, PostgreSQL and MariaDB.
//!
//! Each test stands once, as a plain function in `suite/`. The modules `sqlite`, `postgres` and `mariadb` each say
//! what a connection is and compile the whole of `suite/` for it.

// Once per backend, see above.
#![allow(clippy::duplicate_mod)]

mod asynchronous;
mod derive;
mod errors;
mod keys;
mod mariadb;
mod models;
mod multi;
mod names_taken;
mod postgres;
mod raw;
mod schema;
mod sqlite;
mod values;
