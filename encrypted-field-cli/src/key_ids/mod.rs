//! Which key ids values in a database name: in every column of every table, also inside of arrays
//! and JSON documents. Each column is read in full, and nothing is written.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[cfg(feature = "mysql")]
pub(crate) use mysql::in_mysql;
#[cfg(feature = "postgres")]
pub(crate) use postgres::in_postgres;
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::in_sqlite;

use crate::failure::{Failure, Result};

/// Values under one key in one column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Found {
    /// With its schema, where that is not the usual one.
    pub(crate) table: String,
    pub(crate) column: String,
    /// As it is in the stored form; 0 for a row whose value is yet to be written.
    pub(crate) id: u32,
    pub(crate) values: u64,
}

/// Values by table, column and id.
#[derive(Debug, Default)]
pub(crate) struct Census(BTreeMap<(String, String, u32), u64>);

impl Census {
    /// `id` is `None` for what only looks like a value.
    fn add(&mut self, table: &str, column: &str, id: Option<u32>, values: u64) {
        if let Some(id) = id {
            *self.0.entry((table.to_owned(), column.to_owned(), id)).or_default() += values;
        }
    }

    pub(crate) fn found(self) -> Vec<Found> {
        let found = self.0.into_iter();
        found.map(|((table, column, id), values)| Found { table, column, id, values }).collect()
    }
}

/// An id of the text form: decimal, without a leading zero.
fn decimal(text: &str) -> Option<u32> {
    let is_plain =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}

/// An id of the binary form, as the databases give it: 8 hexadecimal digits.
fn hexadecimal(text: &str) -> Option<u32> {
    let is_plain = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(text, 16).ok().filter(|_| is_plain)
}

/// What a query for a column gives: `d` and an id of the text form, or `x` and one of the binary
/// form, and how many values have it.
fn labelled(label: &str) -> Option<u32> {
    match label.split_at_checked(1)? {
        ("d", id) => decimal(id),
        ("x", id) => hexadecimal(id),
        _ => None,
    }
}

/// A column that can't be read: whoever looks for ids must not miss one.
fn unread(table: &str, column: &str, error: &sqlx::Error) -> Failure {
    Failure::new(format!("column {column} of table {table} can't be read: {error}"))
}

fn failed(what: &str, error: &sqlx::Error) -> Failure {
    Failure::new(format!("{what}: {error}"))
}

/// In a transaction that only reads, which ends in any case.
async fn reading<C, T>(
    connection: &mut C,
    begin: &'static str,
    work: impl AsyncFnOnce(&mut C) -> Result<T>,
) -> Result<T>
where
    C: sqlx::Connection,
    for<'c> &'c mut C: sqlx::Executor<'c, Database = C::Database>,
{
    use sqlx::Executor as _;

    let done = connection.execute(sqlx::raw_sql(begin)).await;
    done.map_err(|error| failed("no transaction can be begun", &error))?;
    let done = work(connection).await;
    let _ = connection.execute(sqlx::raw_sql("ROLLBACK")).await;
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_id_is_left_out() {
        assert_eq!(decimal("7"), Some(7));
        assert_eq!(decimal("4294967295"), Some(u32::MAX));
        assert_eq!(decimal("0"), Some(0));
        for text in ["", "07", "+7", "4294967296", "7a", " 7"] {
            assert_eq!(decimal(text), None, "{text:?}");
        }
        assert_eq!(hexadecimal("0000002A"), Some(42));
        for text in ["", "2A", "0000002G", "+000002A"] {
            assert_eq!(hexadecimal(text), None, "{text:?}");
        }
        assert_eq!((labelled("d42"), labelled("x0000002a")), (Some(42), Some(42)));
        for text in ["", "42", "d", "x42", "größe"] {
            assert_eq!(labelled(text), None, "{text:?}");
        }
    }
}
