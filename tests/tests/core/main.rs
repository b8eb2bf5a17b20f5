//! The library without a database: what goes in comes out, and nothing else does. Everything here
//! is seen through the public API; `encrypted-field/src/field/vectors.rs` looks at the parts below
//! it.

mod binding;
mod columns;
mod contexts;
mod dates;
mod dates_across;
mod decimals;
mod double_encryption;
mod epochs;
mod equality;
mod fields;
mod freshness;
mod integers;
mod json;
mod legacy;
mod legacy_dates;
mod many;
mod messages;
mod plain_forms;
mod properties;
mod redaction;
mod reference;
mod sizes;
mod spelling;
mod states;
mod tampering;
mod values;
