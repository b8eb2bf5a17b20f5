//! What all databases run: an application in four builds, through each ORM in each storage, and the
//! scenarios that it goes through.

mod diesel_binary;
pub mod diesel_text;
mod scenarios;
mod sqlx_binary;
pub mod sqlx_text;

use std::error::Error;

use encrypted_field::ErrorKind;

use super::database::{self, Database};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// What an instance of the application was built from.
#[derive(Debug, Clone, Copy)]
pub enum Version {
    /// The code before this migration: plain structs.
    Old,
    /// It reads both forms, and writes as it is switched.
    New,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Value {
    pub bytes: Vec<u8>,
    pub is_legacy: bool,
}

/// One connection, and the code of each version.
pub trait Application: Send + Sized + 'static {
    /// What the guide calls the storage.
    const STORAGE: &'static str;

    fn connect(database: &Database) -> Self;

    fn read(&mut self, version: Version, id: i64) -> Result<Value>;

    /// Reads the row and writes all of it back, with another plan.
    fn set_plan(&mut self, version: Version, id: i64, plan: i64) -> Result<()>;

    fn write(&mut self, version: Version, id: i64, value: &[u8]) -> Result<()>;

    /// Gives how many rows were changed.
    fn move_rows(&mut self, next: &'static str, replace: &'static str) -> Result<u64>;

    fn set_write_mode(seals: bool) -> encrypted_field::Result<()>;

    fn close_the_door();

    fn reopen_the_door();

    /// The value as the column would get it.
    fn sealed(value: &[u8]) -> Vec<u8>;
}

/// A stored value or a plaintext, as the column of either storage has it.
trait Raw {
    const STORAGE: &'static str;

    fn of(bytes: &[u8]) -> Self;
    fn bytes(self) -> Vec<u8>;
}

impl Raw for String {
    const STORAGE: &'static str = "text";

    fn of(bytes: &[u8]) -> Self {
        String::from_utf8(bytes.to_vec()).expect("a text")
    }

    fn bytes(self) -> Vec<u8> {
        self.into_bytes()
    }
}

impl Raw for Vec<u8> {
    const STORAGE: &'static str = "binary";

    fn of(bytes: &[u8]) -> Self {
        bytes.to_vec()
    }

    fn bytes(self) -> Vec<u8> {
        self
    }
}

/// As the old version reads the column.
fn as_it_is(stored: impl Raw) -> Value {
    Value { bytes: stored.bytes(), is_legacy: false }
}

fn kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    encrypted_field::Error::find(error).map(encrypted_field::Error::kind)
}
