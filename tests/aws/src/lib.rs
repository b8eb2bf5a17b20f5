//! Where the tests of `encrypted-field-aws` and the examples run: on moto, and on a stub for what
//! moto does not do.
//!
//! moto checks neither signatures nor permissions, lets disabled keys decrypt, never throttles, and
//! does not say of an object of S3 that it was deleted.
//! A test that needs it starts like this; without moto it is reported as skipped, and with
//! `CI=true` it fails. `./test` starts moto.
//!
//! ```no_run
//! let Some(moto) = aws_tests::Moto::running() else { return };
//! let kms = moto.kms();
//! ```

mod client;
pub mod logs;
mod moto;
pub mod stub;

pub use client::{SESSION_TOKEN, kms, s3, secrets_manager};
pub use logs::base64;
pub use moto::Moto;
