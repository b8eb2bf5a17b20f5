//! The statements in which the databases hardly differ.

use super::connection::{Connection, Row};
use super::dialect::Dialect;
use super::shape::{Column, Key, Table};
use super::sql::Sql;
use crate::decide::Bytes;
use crate::spec::Form;

/// Where values are read and written.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) table: Table,
    pub(crate) source: Column,
    pub(crate) target: Column,
    /// Whether these are two.
    pub(crate) is_between: bool,
    /// The form of what is written.
    pub(crate) form: Form,
    /// Holds the scope of each row.
    pub(crate) scope: Option<Column>,
}

/// A row as it was read.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) key: Key,
    pub(crate) stored: Option<Bytes>,
    /// What stands in the column that is written, if that is another one.
    #[allow(clippy::option_option, reason = "no such column, and NULL in it")]
    pub(crate) target: Option<Option<Bytes>>,
    pub(crate) scope: Option<String>,
}

/// A value that is to take the place of another one.
#[derive(Debug)]
pub(crate) struct Swap {
    pub(crate) key: Key,
    pub(crate) old: Bytes,
    pub(crate) new: Bytes,
}

impl Place {
    /// The rows after `after`, up to and including `until`, in the order of the key.
    pub(crate) async fn read(
        &self,
        connection: &mut Connection,
        after: Option<&Key>,
        until: Option<&Key>,
        rows: usize,
        bytes: usize,
    ) -> sqlx::Result<Vec<Found>> {
        let dialect = connection.dialect;
        let mut sql = connection.sql(self.select(dialect));
        self.between(dialect, &mut sql, after, until);
        sql.push(&format!(" ORDER BY {} LIMIT ", self.order()));
        sql.value(i64::try_from(rows).unwrap_or(i64::MAX));
        let found = connection.fetch_up_to(sql, bytes).await?;
        let found: Vec<Found> = found.into_iter().map(|row| self.found(row)).collect();
        // Else it would go on for ever.
        if after.is_some() && found.last().map(|row| &row.key) == after {
            return Err(sqlx::Error::InvalidArgument(
                "the text of a key does not come back as the same key; name another unique key"
                    .into(),
            ));
        }
        Ok(found)
    }

    /// The rows with these keys that are still there.
    pub(crate) async fn read_again(
        &self,
        connection: &mut Connection,
        keys: &[&Key],
    ) -> sqlx::Result<Vec<Found>> {
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(100) {
            let dialect = connection.dialect;
            let mut sql = connection.sql(self.select(dialect)).once();
            sql.push(" WHERE ");
            self.is_one_of(dialect, &mut sql, keys);
            let rows = connection.fetch(sql).await?;
            found.extend(rows.into_iter().map(|row| self.found(row)));
        }
        Ok(found)
    }

    /// The key of the row `rows` rows after `after`.
    pub(crate) async fn bound(
        &self,
        connection: &mut Connection,
        after: Option<&Key>,
        rows: u64,
    ) -> sqlx::Result<Option<Key>> {
        let dialect = connection.dialect;
        let keys = self.keys("t.");
        let mut sql = connection.sql(format!("SELECT {keys} FROM {} AS t", self.table.sql));
        self.between(dialect, &mut sql, after, None);
        sql.push(&format!(" ORDER BY {} LIMIT 1 OFFSET ", self.order()));
        sql.value(i64::try_from(rows.saturating_sub(1)).unwrap_or(i64::MAX));
        let row = connection.fetch_optional(sql).await?;
        Ok(row.map(|row| self.key(&row)))
    }

    /// The parts of the key as texts.
    pub(crate) fn keys(&self, qualifier: &str) -> String {
        let parts = self.table.key.iter().map(|part| part.give(qualifier));
        parts.collect::<Vec<_>>().join(", ")
    }

    /// Of the table, by its alias: by itself, the name of a column would be that of its text, which
    /// is sorted otherwise.
    fn order(&self) -> String {
        let parts = self.table.key.iter().map(|part| format!("t.{}", part.sql));
        parts.collect::<Vec<_>>().join(", ")
    }

    fn select(&self, dialect: &dyn Dialect) -> String {
        let columns = [Some(&self.source), self.is_between.then_some(&self.target)];
        let columns = columns.into_iter().chain([self.scope.as_ref()]).flatten();
        let values = columns.map(|column| dialect.bytes_of(column, "t."));
        let all: Vec<String> = std::iter::once(self.keys("t.")).chain(values).collect();
        format!("SELECT {} FROM {} AS t", all.join(", "), self.table.sql)
    }

    fn between(
        &self,
        dialect: &dyn Dialect,
        sql: &mut Sql,
        after: Option<&Key>,
        until: Option<&Key>,
    ) {
        let mut word = " WHERE ";
        for (key, is_after) in [(after, true), (until, false)] {
            let Some(key) = key else { continue };
            let condition = dialect.is_beyond(sql, &self.table, key, is_after);
            sql.push(word).push(&condition);
            word = " AND ";
        }
    }

    /// The condition that a row has one of these keys.
    pub(crate) fn is_one_of(&self, dialect: &dyn Dialect, sql: &mut Sql, keys: &[&Key]) {
        let columns = &self.table.key;
        let take = |sql: &mut Sql, at: usize, key: &Key| {
            let place = sql.bind(dialect.key_value(&key[at]));
            columns[at].take(&place)
        };
        if let [column] = &columns[..] {
            let places: Vec<String> = keys.iter().map(|key| take(sql, 0, key)).collect();
            sql.push(&format!("{} IN ({})", column.sql, places.join(", ")));
            return;
        }
        let of_row = |key: &&Key| {
            let parts: Vec<String> = (0..columns.len())
                .map(|at| format!("{} = {}", columns[at].sql, take(sql, at, key)))
                .collect();
            format!("({})", parts.join(" AND "))
        };
        let rows: Vec<String> = keys.iter().map(of_row).collect();
        sql.push(&format!("({})", rows.join(" OR ")));
    }

    pub(crate) fn key(&self, row: &Row) -> Key {
        (0..self.table.key.len()).map(|at| row.text(at)).collect()
    }

    fn found(&self, mut row: Row) -> Found {
        let key = self.key(&row);
        let mut at = key.len();
        let stored = row.bytes(at);
        let target = self.is_between.then(|| {
            at += 1;
            row.bytes(at)
        });
        let scope = self.scope.is_some().then(|| row.text(at + 1));
        Found { key, stored, target, scope }
    }
}

/// As people know it.
pub(crate) fn show(dialect: &dyn Dialect, key: &Key) -> String {
    key.iter().map(|part| dialect.show_key(part)).collect::<Vec<_>>().join(",")
}

/// `(a, b) > (x, y)`, as PostgreSQL and SQLite find it in an index.
pub(super) fn row_is_beyond(
    dialect: &dyn Dialect,
    sql: &mut Sql,
    table: &Table,
    key: &Key,
    is_after: bool,
) -> String {
    let columns: Vec<&str> = table.key.iter().map(|column| column.sql.as_str()).collect();
    let places: Vec<String> = table
        .key
        .iter()
        .zip(key)
        .map(|(column, part)| {
            let place = sql.bind(dialect.key_value(part));
            column.take(&place)
        })
        .collect();
    let operator = if is_after { ">" } else { "<=" };
    match (&columns[..], &places[..]) {
        ([column], [place]) => format!("{column} {operator} {place}"),
        _ => format!("({}) {operator} ({})", columns.join(", "), places.join(", ")),
    }
}
