//! The statements, and the rows they give.

use std::fmt::Write as _;

use super::table::Table;
use super::{Dialect, failure};
use crate::envelope::{BackendError, BackendErrorKind, Record};

/// Three parameters each: below the 999 that older SQLite libraries take (32,766 today; PostgreSQL takes 65,535).
const MOST_ROWS: usize = 300;
/// Of records in one statement, in bytes; a single record may be longer. MariaDB takes packets of 16 MiB by default, older
/// servers of 4 MiB.
const MOST_BYTES: usize = 1 << 20;

// Public as far as the compiler goes: the traits that seal the drivers name them, and the traits are public.

/// SQL, with what is bound to its parameters in their order.
#[derive(Debug)]
pub struct Statement {
    pub sql: String,
    pub binds: Vec<Bind>,
}

#[derive(Debug)]
pub enum Bind {
    Integer(i64),
    Text(String),
}

/// A row as the database gives it.
#[derive(Debug)]
pub struct Row {
    pub id: i64,
    pub revision: i64,
    pub record: String,
}

impl TryFrom<Row> for Record {
    type Error = BackendError;

    fn try_from(row: Row) -> Result<Self, BackendError> {
        let number = |what: &str| {
            BackendError::new(
                BackendErrorKind::Garbled,
                format!("the table holds a row with {what} out of range"),
            )
        };
        Ok(Self {
            id: row.id.try_into().map_err(|_| number("an id"))?,
            revision: row.revision.try_into().map_err(|_| number("a revision"))?,
            body: row.record,
        })
    }
}

/// One statement, so that all its rows are of one moment.
pub(super) fn load(dialect: Dialect, table: &Table, after: u64) -> Statement {
    let sql = format!(
        "SELECT id, revision, record FROM {} WHERE revision > {} OR id = 0",
        table.quoted(dialect),
        dialect.parameter(1)
    );
    // No revision is above the last.
    Statement { sql, binds: vec![Bind::Integer(i64::try_from(after).unwrap_or(i64::MAX))] }
}

/// What a compare-and-swap executes, in one transaction.
pub(super) struct Swap {
    /// Changes one row, or the change is not to be made: none, or a unique violation where the head is inserted.
    pub(super) head: Statement,
    /// The other records.
    pub(super) rest: Vec<Statement>,
}

impl Swap {
    pub(super) fn new(
        dialect: Dialect,
        table: &Table,
        expected: u64,
        changed: &[Record],
    ) -> Result<Self, BackendError> {
        let (heads, rest): (Vec<_>, Vec<_>) = changed.iter().partition(|record| record.id == 0);
        let [head] = heads[..] else { return Err(failure::misuse("a change has one head, with id 0")) };
        let head = if expected == 0 {
            insert(dialect, table, &[head])?
        } else {
            update_head(dialect, table, expected, head)?
        };
        let rest = batches(&rest).map(|batch| {
            let mut statement = insert(dialect, table, batch)?;
            statement.sql.push(' ');
            statement.sql.push_str(dialect.or_update());
            Ok(statement)
        });
        Ok(Self { head, rest: rest.collect::<Result<_, BackendError>>()? })
    }
}

/// The revision changes in any case, so that MySQL counts the row whether it counts rows found or rows changed.
fn update_head(
    dialect: Dialect,
    table: &Table,
    expected: u64,
    head: &Record,
) -> Result<Statement, BackendError> {
    let [first, second, third] = [1, 2, 3].map(|number| dialect.parameter(number));
    let table = table.quoted(dialect);
    let sql = format!(
        "UPDATE {table} SET revision = {first}, record = {second} WHERE id = 0 AND revision = {third}"
    );
    let binds = vec![integer(head.revision)?, Bind::Text(head.body.clone()), integer(expected)?];
    Ok(Statement { sql, binds })
}

fn insert(dialect: Dialect, table: &Table, records: &[&Record]) -> Result<Statement, BackendError> {
    let mut sql = format!("INSERT INTO {} (id, revision, record) VALUES ", table.quoted(dialect));
    let mut binds = Vec::with_capacity(3 * records.len());
    for (row, record) in records.iter().enumerate() {
        let [id, revision, text] = [1, 2, 3].map(|number| dialect.parameter(3 * row + number));
        let comma = if row == 0 { "" } else { ", " };
        // Into a string it can't fail.
        let _ = write!(sql, "{comma}({id}, {revision}, {text})");
        binds.extend([
            Bind::Integer(record.id.into()),
            integer(record.revision)?,
            Bind::Text(record.body.clone()),
        ]);
    }
    Ok(Statement { sql, binds })
}

fn integer(revision: u64) -> Result<Bind, BackendError> {
    let number = revision.try_into().map_err(|_| failure::misuse("a revision is at most 2^63 - 1"))?;
    Ok(Bind::Integer(number))
}

/// The records in as many statements as they need.
fn batches<'a, 'r>(mut records: &'a [&'r Record]) -> impl Iterator<Item = &'a [&'r Record]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fitting = records.iter().take(MOST_ROWS).take_while(|record| {
            bytes += record.body.len();
            bytes <= MOST_BYTES
        });
        let count = fitting.count().max(1).min(records.len());
        let (batch, rest) = records.split_at(count);
        records = rest;
        (!batch.is_empty()).then_some(batch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_stay_within_their_limits() {
        let record = |id: u32, len: usize| Record { id, revision: 1, body: "x".repeat(len) };
        let mut records: Vec<_> = (0..=2_000).map(|id| record(id, 10)).collect();
        records.extend((2_001..=2_100).map(|id| record(id, 60_000)));
        records.push(record(2_101, 2 * MOST_BYTES));
        records.push(record(2_102, 10));
        for dialect in [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite] {
            let swap = Swap::new(dialect, &Table::default(), 0, &records).unwrap();
            let mut ids = Vec::new();
            for statement in &swap.rest {
                let rows: Vec<_> = statement.binds.chunks(3).collect();
                let bytes: usize = rows.iter().map(|row| text(&row[2]).len()).sum();
                assert!(rows.len() <= MOST_ROWS && (bytes <= MOST_BYTES || rows.len() == 1), "{bytes} bytes");
                ids.extend(rows.iter().map(|row| id(&row[0])));
            }
            assert_eq!(ids, (1..=2_102).collect::<Vec<i64>>(), "each record once");
            assert!(swap.rest.len() < 20, "{} statements", swap.rest.len());
        }
    }

    fn id(bind: &Bind) -> i64 {
        let Bind::Integer(id) = bind else { panic!("no id") };
        *id
    }

    fn text(bind: &Bind) -> &str {
        let Bind::Text(text) = bind else { panic!("no text") };
        text
    }
}
