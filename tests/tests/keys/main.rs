//! Keys: every way to give them, and every way to give them wrongly. The environment is passed in,
//! so no test sets a real variable; `tests/install.rs` has the global ring and the real
//! environment.

mod access;
mod builder;
mod concurrency;
mod damage;
mod env_list;
mod env_sources;
mod file;
mod held;
mod mistyped;
mod passphrase;
mod secret_files;
mod support;
mod weak;
