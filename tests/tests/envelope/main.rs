//! The key manager, on stores and key-encryption keys that fail on request. Time is an argument:
//! nothing sleeps.

mod blocking;
mod calls;
mod clocks;
mod costs;
mod damage;
mod failures;
mod files;
mod forward;
mod frozen;
mod health;
mod history;
mod keks;
mod lease;
mod lost;
mod notes;
mod outages;
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
