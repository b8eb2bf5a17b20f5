//! The key manager in real processes: many at once, and ones that are killed. The long runs are
//! `#[ignore]`d, for `./test --slow`.
//!
//! A worker is this very program, started again with [`worker::ROLE`] set.

mod at_once;
mod board;
mod keys;
mod killed;
mod places;
mod worker;
