//! Which keys the rows of a column need: by how their values begin (`FORMAT.md` section 11).

use std::collections::BTreeMap;

use serde::Serialize;

use crate::database::Connection;
use crate::error::{Error, Result};
use crate::failure;
use crate::spec::Description;

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
            label => match key(label) {
                Some(id) => self.by_key.entry(id).or_default(),
                None => &mut self.malformed,
            },
        };
        *place += rows;
    }
}

/// The id that a label names: `d` and decimal digits, `x` and the four bytes in hexadecimal, `h`
/// and the decimal digits, each in hexadecimal.
fn key(label: &str) -> Option<u32> {
    let (form, id) = label.split_at_checked(1)?;
    match form {
        "d" => decimal(id),
        "x" if id.len() == 8 => u32::from_str_radix(id, 16).ok().filter(|id| *id != 0),
        "h" => {
            let byte = |at: usize| u8::from_str_radix(id.get(at..at + 2)?, 16).ok().map(char::from);
            decimal(&(0..id.len()).step_by(2).map(byte).collect::<Option<String>>()?)
        }
        _ => None,
    }
}

/// In its one spelling.
fn decimal(id: &str) -> Option<u32> {
    let is_plain = id.bytes().all(|byte| byte.is_ascii_digit()) && !id.starts_with('0');
    id.parse().ok().filter(|_| is_plain)
}

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
    let sql = connection.sql(dialect.census(&table, column, description.storage));
    let rows = connection.fetch(sql).await.map_err(|error| failure::of_job(dialect, &error))?;
    let mut census = Census { place: description.place(), ..Census::default() };
    for row in &rows {
        census.add(&row.text(0), row.count(1));
    }
    Ok(census)
}

#[cfg(test)]
mod tests {
    use super::{Census, key};

    #[test]
    fn ids_are_read_in_their_one_spelling() {
        assert_eq!((key("d7"), key("d4294967295")), (Some(7), Some(u32::MAX)));
        assert_eq!((key("x0000002a"), key("h3432")), (Some(42), Some(42)));
        for label in
            ["", "d", "d0", "d07", "d4294967296", "x2a", "x00000000", "h", "h30", "h3", "k7"]
        {
            assert_eq!(key(label), None, "{label}");
        }
    }

    #[test]
    fn what_names_no_key_is_malformed() {
        let mut census = Census::default();
        for (label, rows) in [("d7", 2), ("d8", 1), ("d4294967296", 4), ("null", 8), ("other", 16)]
        {
            census.add(label, rows);
        }
        assert_eq!((census.needs(7), census.needs(8), census.needs(9)), (2, 1, 0));
        assert_eq!((census.malformed, census.nulls, census.other, census.rows()), (4, 8, 16, 31));
    }
}
