//! Which keys the rows of a column need: by how their values begin (`FORMAT.md` section 11).

use std::collections::BTreeMap;

use serde::Serialize;

use crate::database::{Column, Connection, Row, Table};
use crate::error::{Error, Result};
use crate::failure;
use crate::spec::{Description, Form};

/// How many rows of a column hold what. Nothing was decrypted, so nothing is authenticated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Census {
    /// The table, with its schema if the description names one, and the column.
    pub place: String,
    /// Rows by the id of the key that their value names.
    pub by_key: BTreeMap<u32, u64>,
    /// Rows whose value is NULL.
    pub nulls: u64,
    /// Rows that wait for their first value.
    pub pending: u64,
    /// Rows whose value begins as ours, and names no key.
    pub malformed: u64,
    /// Rows with anything else: plaintext, or a foreign format.
    pub other: u64,
}

impl Census {
    /// The rows that can't be read without this key. A key may be destroyed when no column needs
    /// it. (Backups are another matter.)
    pub fn needs(&self, key: u32) -> u64 {
        self.by_key.get(&key).copied().unwrap_or(0)
    }

    /// All rows.
    pub fn rows(&self) -> u64 {
        self.by_key.values().sum::<u64>() + self.nulls + self.pending + self.malformed + self.other
    }

    fn add(&mut self, label: &str, rows: u64) {
        let place = match label {
            "null" => &mut self.nulls,
            "pending" => &mut self.pending,
            "other" => &mut self.other,
            // Id 0 is no key's: a value that waits to be written has nothing after it.
            label => match key_id_of(label).filter(|id| *id != 0) {
                Some(id) => self.by_key.entry(id).or_default(),
                None => &mut self.malformed,
            },
        };
        *place += rows;
    }
}

/// The key id that a label names. Queries that count values by their key give such labels:
///
/// - `d` and the decimal digits of the text form,
/// - `x` and the four bytes of the binary form in hexadecimal,
/// - `h` and the decimal digits, each in hexadecimal, so that no collation takes two for one.
///
/// An id has one spelling. 0 is the id of a value that is not written yet.
pub fn key_id_of(label: &str) -> Option<u32> {
    let (form, id) = label.split_at_checked(1)?;
    match form {
        "d" => decimal(id),
        "x" if id.len() == 8 => hexadecimal(id),
        "h" => {
            let digit = |at| hexadecimal(id.get(at..at + 2)?).and_then(char::from_u32);
            decimal(&(0..id.len()).step_by(2).map(digit).collect::<Option<String>>()?)
        }
        _ => None,
    }
}

fn decimal(id: &str) -> Option<u32> {
    let is_plain =
        id.bytes().all(|byte| byte.is_ascii_digit()) && (id == "0" || !id.starts_with('0'));
    id.parse().ok().filter(|_| is_plain)
}

fn hexadecimal(digits: &str) -> Option<u32> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| is_plain)
}

/// Of the column that the description writes.
pub(crate) async fn take(connection: &mut Connection, description: &Description) -> Result<Census> {
    let dialect = connection.dialect;
    let described = dialect.describe(connection, description).await;
    let table = described
        .map_err(|error| failure::of_job(dialect, &error))?
        .ok_or_else(|| Error::job(format!("there is no table {}", description.table)))?;
    let name = description.target();
    let column = table
        .column(name)
        .ok_or_else(|| Error::job(format!("table {} has no column {name}", description.table)))?;
    let mut census = Census { place: description.place(), ..Census::default() };
    let form = description.storage;
    for row in scan(connection, &table, column, form, "").await? {
        census.add(&row.text(0), row.count(1));
    }
    Ok(census)
}

/// The census of a column, and the length of its longest value if that is asked for, from one scan.
pub(crate) async fn with_longest(
    connection: &mut Connection,
    table: &Table,
    column: &Column,
    form: Form,
    is_asked: bool,
) -> Result<(Census, u64)> {
    let dialect = connection.dialect;
    let (length, integer) = (dialect.length_of(column), dialect.integer());
    let longest = format!(", CAST(COALESCE(MAX({length}), 0) AS {integer})");
    let more = if is_asked { longest.as_str() } else { "" };
    let (mut census, mut longest) = (Census::default(), 0);
    for row in scan(connection, table, column, form, more).await? {
        census.add(&row.text(0), row.count(1));
        longest = longest.max(row.count(2));
    }
    Ok((census, longest))
}

async fn scan(
    connection: &mut Connection,
    table: &Table,
    column: &Column,
    form: Form,
    more: &str,
) -> Result<Vec<Row>> {
    let dialect = connection.dialect;
    let sql = connection.sql(dialect.census(table, column, form, more));
    connection.fetch(sql).await.map_err(|error| failure::of_job(dialect, &error))
}

#[cfg(test)]
mod tests;
