//! Vault as a key service and as a place for documents: on the stand-in, and on a real one where
//! there is one.

// Helpers panic where a test is to fail, too.
#![allow(clippy::unwrap_used)]

mod auth;
mod failures;
mod kv;
mod place;
mod time;
mod tls;
mod transit;
