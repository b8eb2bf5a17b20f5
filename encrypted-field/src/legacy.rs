//! For columns that hold values from before the encryption. `#[encrypted(String, legacy = …)]`
//! reads them. This module closes that reader at run time, and writes plaintext as long as old
//! instances of the application run.
//!
//! # What a reader gets
//!
//! `legacy = plaintext` reads what the column held before. `legacy = path::to::function` reads what
//! other software has encrypted, such as by the crate `encrypted-field-foreign`.
//!
//! A reader gets values that can't be a stored value of any version (`FORMAT.md` section 3.4). It
//! gets the bytes that the database has. They need not be UTF-8, even in a text column. In SQLite a
//! number comes as its text. If a column of PostgreSQL or MySQL has another type than text or
//! bytes, the driver refuses its values. Then cast it in the statement: `SELECT CAST(pin AS TEXT)`,
//! in MySQL `CAST(pin AS CHAR)`.
//!
//! # The open door
//!
//! A legacy reader is an open door: whoever can write to the database can plant a value that no key
//! has authenticated. After you have migrated a column, close it. Call [`close`] at run time, and
//! remove `legacy` from the field in a later release.
//!
//! # While old instances run
//!
//! Old instances of the application know plaintext only. As long as they run, new ones read both
//! forms and write plaintext: see [`write_plaintext`]. The
//! [guide for an existing column](existing_column) has every step.

pub use crate::field::{
    LegacyReader, close, is_closed, reopen, write_plaintext, write_sealed, writes_plaintext,
};

// Not a doctest: `tests/tests/existing_column` runs its code and SQL on databases.
#[cfg(all(doc, not(doctest)))]
#[doc = include_str!("../docs/existing-column.md")]
pub mod existing_column {}
