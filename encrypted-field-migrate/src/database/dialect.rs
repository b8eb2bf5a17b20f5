//! In what the databases differ.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use super::connection::Connection;
use super::shape::{Column, Key, Table};
use super::sql::{Sql, Value};
use super::statements::{Place, Swap};
use super::trouble::Trouble;
use crate::preflight::Finding;
use crate::spec::{Description, Form};

pub(crate) type Asked<'a, T> = Pin<Box<dyn Future<Output = sqlx::Result<T>> + Send + 'a>>;

/// What a primary knows of its replicas.
#[derive(Debug, Default)]
pub(crate) struct Replicas {
    /// Where its log ends, if the database has positions that can be compared.
    pub(crate) end: Option<i64>,
    /// Those that are connected, by name.
    pub(crate) known: Vec<(String, Reached)>,
    /// Some are connected, and this user may not see how far they are.
    pub(crate) are_hidden: bool,
}

/// How far a replica is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reached {
    /// How many seconds it is behind, as it says; infinite if it does not replicate.
    pub(crate) seconds: f64,
    /// What it has replayed of the log of its primary, if the database has such positions.
    pub(crate) position: Option<i64>,
}

/// One of the databases.
pub(crate) trait Dialect: Debug + Send + Sync {
    /// Such as `postgres`.
    fn name(&self) -> &'static str;

    /// Whether places for values are `$1`, and not `?`.
    fn is_numbered(&self) -> bool {
        false
    }

    /// What each connection of the engine is set to.
    fn on_connect(&self) -> &'static [&'static str];

    /// The type of integers in a cast.
    fn integer(&self) -> &'static str;

    /// Begins a transaction that writes.
    fn begin(&self) -> &'static str;

    /// A name, as SQL has it.
    fn quote(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// The time of the database, in milliseconds since 1970.
    fn now(&self) -> &'static str;

    /// Appended to a `SELECT` whose rows others may take as well.
    fn skip_locked(&self) -> &'static str {
        " FOR UPDATE SKIP LOCKED"
    }

    /// The tables of the ledger.
    fn ledger(&self) -> &'static [&'static str];

    /// The value of a column as bytes, to be read or compared.
    fn bytes_of(&self, column: &Column, qualifier: &str) -> String;

    /// Bytes as a value of the column.
    fn value_of(&self, column: &Column, form: Form, bytes: &str) -> String;

    /// A part of a key, as it is bound.
    fn key_value(&self, part: &str) -> Value {
        Value::Text(part.to_owned())
    }

    /// A part of a key, as people know it.
    fn show_key(&self, part: &str) -> String {
        part.to_owned()
    }

    /// The condition that the key of a row is after this one, or else that it is not after it.
    fn is_beyond(&self, sql: &mut Sql, table: &Table, key: &Key, is_after: bool) -> String;

    /// Whether many workers can share a job.
    fn has_many_writers(&self) -> bool {
        true
    }

    /// The table that the job names, or `None` if there is none.
    fn describe<'a>(
        &'a self,
        connection: &'a mut Connection,
        description: &'a Description,
    ) -> Asked<'a, Option<Table>>;

    /// Replaces values that are still what they were, within a transaction. Says for each row
    /// whether it did. With `patient` it waits for a locked row for a moment, and else passes it
    /// over.
    fn swap<'a>(
        &'a self,
        connection: &'a mut Connection,
        place: &'a Place,
        rows: &'a [Swap],
        patient: bool,
    ) -> Asked<'a, Vec<bool>>;

    /// What only this database can be wrong about.
    fn preflight<'a>(
        &'a self,
        connection: &'a mut Connection,
        place: &'a Place,
    ) -> Asked<'a, Vec<Finding>>;

    /// The length of a value, in bytes of UTF-8.
    fn length_of(&self, column: &Column) -> String {
        format!("OCTET_LENGTH({})", self.bytes_of(column, ""))
    }

    /// The census of a column: rows of a label and a count. The labels are those that `Census`
    /// reads: a letter and a key id, `pending`, `malformed`, `null` and `other`. `more` is appended
    /// to what is selected of each group.
    fn census(&self, table: &Table, column: &Column, form: Form, more: &str) -> String;

    /// The statement that makes an index from which the census reads, in place of the table. `None`
    /// if the database has none.
    fn census_index(&self, _table: &str, _column: &str) -> Option<String> {
        None
    }

    /// What this server knows of its replicas. By default that is nothing.
    fn replicas<'a>(&'a self, _: &'a mut Connection) -> Asked<'a, Replicas> {
        Box::pin(async { Ok(Replicas::default()) })
    }

    /// How far this server is, if it is a replica.
    fn reached<'a>(&'a self, connection: &'a mut Connection) -> Asked<'a, Option<Reached>>;

    /// How many statements wait because the disk is full, if the server lets them wait instead of
    /// failing them.
    fn waiting_for_room(&self) -> Option<&'static str> {
        None
    }

    /// What kind of error it is, and so what to do about it.
    fn trouble(&self, error: &sqlx::Error) -> Trouble;

    /// What an error says, without what may be the value of a row.
    fn say(&self, error: &sqlx::Error) -> String;
}
