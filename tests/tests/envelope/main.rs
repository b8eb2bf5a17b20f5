//! The key manager, on stores and key-encryption keys that fail on request. Time is an argument: nothing sleeps.

mod calls;
mod costs;
mod failures;
mod keks;
mod lease;
mod restore;
mod rotation;
mod scopes;
mod start;
mod states;
mod support;
mod unknown;
mod vectors;
