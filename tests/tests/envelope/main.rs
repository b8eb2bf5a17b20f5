//! The key manager, on stores and key-encryption keys that fail on request. Time is an argument: nothing sleeps.

mod calls;
mod clocks;
mod costs;
mod failures;
mod forward;
mod frozen;
mod history;
mod keks;
mod lease;
mod lost;
mod notes;
mod restore;
mod rotation;
mod scopes;
mod signer;
mod start;
mod states;
mod store_key;
mod support;
mod tamper;
mod unknown;
mod vectors;
