//! The statements of a compare-and-swap.

use super::statement::{self, Statement};
use super::table::Table;
use super::{Dialect, failure};
use crate::envelope::{BackendError, Record};

/// Three parameters each. This is below the 999 that older SQLite libraries take (32,766 today; the
/// others take 65,535).
const MOST_ROWS: usize = 300;
/// The most bytes of records in one statement: as many as one record may have. MariaDB takes
/// packets of 16 MiB by default, older servers of 4 MiB.
const MOST_BYTES: usize = Record::MAX_BODY;

/// In one transaction.
pub(super) struct Swap {
    /// Changes one row. If it changes none, or the inserted head violates a unique constraint, the
    /// change must not be made.
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
        changed.iter().try_for_each(check)?;
        let (heads, rest): (Vec<_>, Vec<_>) = changed.iter().partition(|record| record.is_head());
        let [head] = heads[..] else { return Err(failure::misuse("a change has one head")) };
        let head = if expected == 0 {
            insert(dialect, table, &[head])?
        } else {
            update_head(dialect, table, expected, head)?
        };
        let rest = batches(&rest).map(|batch| {
            let mut statement = insert(dialect, table, batch)?;
            statement.push(" ");
            statement.push(dialect.or_update());
            Ok(statement)
        });
        Ok(Self { head, rest: rest.collect::<Result<_, BackendError>>()? })
    }
}

/// A database that is not strict would cut a name off, and write another record.
fn check(record: &Record) -> Result<(), BackendError> {
    if !statement::is_name(&record.name) {
        return Err(failure::misuse(
            "a record's name is 1 to 100 bytes of `a` to `z`, `0` to `9` and `/`",
        ));
    }
    if record.body.len() > Record::MAX_BODY {
        return Err(failure::misuse("a record has at most 1 MiB"));
    }
    Ok(())
}

/// The revision changes in any case, so that MySQL counts the row whether it counts rows found or
/// rows changed.
fn update_head(
    dialect: Dialect,
    table: &Table,
    expected: u64,
    head: &Record,
) -> Result<Statement, BackendError> {
    let mut statement = Statement::default();
    statement.push(&format!("UPDATE {} SET revision = ", table.quoted(dialect)));
    statement.integer(dialect, integer(head.revision)?);
    statement.push(", record = ");
    statement.text(dialect, &*head.body);
    statement.push(" WHERE name = ");
    statement.text(dialect, Record::HEAD);
    statement.push(" AND revision = ");
    statement.integer(dialect, integer(expected)?);
    Ok(statement)
}

fn insert(dialect: Dialect, table: &Table, records: &[&Record]) -> Result<Statement, BackendError> {
    let mut statement = Statement::default();
    statement
        .push(&format!("INSERT INTO {} (name, revision, record) VALUES ", table.quoted(dialect)));
    for (row, record) in records.iter().enumerate() {
        statement.push(if row == 0 { "(" } else { ", (" });
        statement.text(dialect, &*record.name);
        statement.push(", ");
        statement.integer(dialect, integer(record.revision)?);
        statement.push(", ");
        statement.text(dialect, &*record.body);
        statement.push(")");
    }
    Ok(statement)
}

fn integer(revision: u64) -> Result<i64, BackendError> {
    revision.try_into().map_err(|_| failure::misuse("a revision is at most 2^63 - 1"))
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
    use super::super::statement::Bind;
    use super::*;

    fn record(name: &str, len: usize) -> Record {
        Record { name: name.to_owned(), revision: 1, body: "x".repeat(len) }
    }

    #[test]
    fn statements_stay_within_their_limits() {
        let name = |number: usize| format!("demand/{number:04x}");
        let mut records = vec![record("head", 10)];
        records.extend((1..=2_000).map(|number| record(&name(number), 10)));
        records.extend((2_001..=2_100).map(|number| record(&name(number), 60_000)));
        records.push(record(&name(2_101), Record::MAX_BODY));
        records.push(record(&name(2_102), 10));
        for dialect in [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite] {
            let swap = Swap::new(dialect, &Table::default(), 0, &records).unwrap();
            let mut names = Vec::new();
            for statement in &swap.rest {
                let rows: Vec<_> = statement.binds.chunks(3).collect();
                let bytes: usize = rows.iter().map(|row| text(&row[2]).len()).sum();
                assert!(
                    rows.len() <= MOST_ROWS && (bytes <= MOST_BYTES || rows.len() == 1),
                    "{bytes} bytes"
                );
                names.extend(rows.iter().map(|row| text(&row[0]).to_owned()));
            }
            assert_eq!(names, (1..=2_102).map(name).collect::<Vec<_>>(), "each record once");
            assert!(swap.rest.len() < 20, "{} statements", swap.rest.len());
        }
    }

    #[test]
    fn the_statements() {
        let changed = [record("a", 1), record("head", 2), record("b/1", 3)];
        let swap =
            |expected| Swap::new(Dialect::Postgres, &Table::default(), expected, &changed).unwrap();
        assert_eq!(
            swap(0).head.sql,
            "INSERT INTO \"encrypted_field_keys\" (name, revision, record) VALUES ($1, $2, $3)"
        );
        let swap = swap(4);
        assert_eq!(
            swap.head.sql,
            "UPDATE \"encrypted_field_keys\" SET revision = $1, record = $2 WHERE name = $3 AND revision = $4"
        );
        assert_eq!(swap.rest.len(), 1);
        assert_eq!(
            swap.rest[0].sql,
            "INSERT INTO \"encrypted_field_keys\" (name, revision, record) VALUES ($1, $2, $3), ($4, $5, $6) \
             ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, record = excluded.record"
        );
    }

    fn text(bind: &Bind) -> &str {
        let Bind::Text(text) = bind else { panic!("no text") };
        text
    }
}
