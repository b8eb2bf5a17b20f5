//! What the integration tests share: the secrets they may use, the database servers they run on,
//! and the scan that proves no secret reached their output.
//!
//! A test that needs a server starts like this and runs in a database of its own, so tests run in
//! parallel:
//!
//! ```no_run
//! let Some(database) = tests::Database::postgres() else { return };
//! let url = database.url();
//! ```
//!
//! `None` means there is no such server; that has then been reported as skipped, loudly. With
//! `CI=true` it is a panic instead. `./test` starts the servers.

pub mod leaks;
pub mod logging;
mod refused;
pub mod secrets;
mod servers;

pub use refused::{assert_no_secret, assert_redacted, refused};
pub use servers::{Database, cavp_dir, mariadb_url, missing, part, postgres_url, skipped};

/// The README's examples compile. Here, because this package has the features of both ORMs.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
