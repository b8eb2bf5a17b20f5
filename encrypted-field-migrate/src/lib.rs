//! Moves whole columns of [encrypted-field](encrypted_field) while the application runs: from
//! plaintext or a foreign format to stored values, from old keys to new ones, to another context,
//! from text to binary storage, and back to plaintext.
//!
//! ```no_run
//! # async fn example(ring: std::sync::Arc<encrypted_field::Keyring>) -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use encrypted_field_migrate::{Description, Job, Migration, Operation, Options, Stop};
//!
//! let migration = Migration::connect("postgres://app@localhost/app").await?;
//! let job = Job::new(Description::new("users", "bot_token"), Operation::Encrypt)?;
//! let stop = Stop::default(); // for a handler of signals
//! let report = migration
//!     .run(&job, Options::default(), Arc::new(ring.clone()), Arc::new(()), &stop)
//!     .await?;
//! let verified = migration.verify(&job, Arc::new(ring), Arc::new(()), &stop).await?;
//! assert!(verified.is_complete());
//! # Ok(())
//! # }
//! ```
//!
//! # How a row travels
//!
//! ```text
//! read     rows by their key, a batch at a time           nothing is locked
//! decide   keep it, replace it, or report it              a pure function; the new value is opened before it is used
//! write    UPDATE … WHERE the bytes are still the same    with the checkpoint, in one short transaction
//! ```
//!
//! A value that somebody has changed in between is read and decided anew. So nothing of what the
//! application writes is lost, whenever the engine is killed. What is in the target state is passed
//! over, so that a job can be run as often as one likes.
//!
//! A row that can't be moved is reported and left as it is: a wrong or a missing key, a damaged
//! value, one that the reader refuses, a row that somebody keeps locked, or one that a trigger or a
//! `CHECK` refuses. The rest goes on.
//!
//! # Parts
//!
//! | part | |
//! |---|---|
//! | [`Description`], [`Operation`], [`Job`] | what is moved, as data |
//! | [`Migration`] | runs, verifies, counts, pauses |
//! | [`Options`], [`Stop`] | how: workers, shards, rate, replicas, a load command |
//! | [`Keys`] | where the keys come from |
//! | [`Progress`], [`Report`], [`Failure`] | what it tells |
//! | [`Finding`] | what stands in the way, found before the first write |
//! | [`Census`], [`Verified`] | what is there |
//!
//! The engine keeps three tables in the database that it works on,
//! `encrypted_field_migration_jobs`, `…_ranges` and `…_failures`. Processes on many machines share
//! a job through them.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
// What only some of the databases need.
#![cfg_attr(
    not(all(feature = "mysql", feature = "postgres", feature = "sqlite")),
    allow(dead_code, unused_imports, irrefutable_let_patterns)
)]

#[cfg(not(any(feature = "mysql", feature = "postgres", feature = "sqlite")))]
compile_error!("enable one of the features `postgres`, `mysql` and `sqlite`");

mod batch;
mod census;
mod clock;
mod database;
mod decide;
mod describe;
mod error;
mod failure;
mod keys;
mod ledger;
mod migration;
mod options;
mod preflight;
mod report;
mod spec;
mod throttle;
mod verify;
mod worker;

pub use census::{Census, key_id_of};
pub use clock::{Clock, SystemClock};
pub use describe::{describe, describe_model, to_toml};
pub use error::{Error, ErrorKind, Result};
pub use keys::{Keys, RefreshFuture, RingFuture};
pub use ledger::Status;
pub use migration::Migration;
pub use options::{Lag, Options, Shard, Stop};
pub use preflight::{Finding, Severity};
pub use report::{Counts, Event, Failure, FailureKind, Outcome, Progress, Report, Waiting};
pub use spec::{Description, Form, Job, Operation, Reader};
pub use verify::Verified;

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
