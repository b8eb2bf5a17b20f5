//! Statements, and the rows that they give.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use super::Dialect;
use crate::envelope::{BackendError, BackendErrorKind, Loaded, Record};

// Public only for the compiler: the traits that seal the drivers name them, and the traits are
// public.

/// SQL, with what is bound to its parameters in their order.
#[derive(Debug, Default)]
pub struct Statement {
    pub sql: String,
    pub binds: Vec<Bind>,
}

#[derive(Debug)]
pub enum Bind {
    Integer(i64),
    Text(String),
}

impl Statement {
    pub(super) fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// A parameter, for an integer.
    pub(super) fn integer(&mut self, dialect: Dialect, value: i64) {
        self.bind(dialect, Bind::Integer(value));
    }

    /// A parameter, for a text.
    pub(super) fn text(&mut self, dialect: Dialect, value: impl Into<String>) {
        self.bind(dialect, Bind::Text(value.into()));
    }

    fn bind(&mut self, dialect: Dialect, value: Bind) {
        self.binds.push(value);
        // Into a string it can't fail.
        let _ = match dialect {
            Dialect::Postgres => write!(self.sql, "${}", self.binds.len()),
            Dialect::MySql | Dialect::Sqlite => self.sql.write_char('?'),
        };
    }
}

/// A row as the database gives it.
#[derive(Debug)]
pub struct Row {
    pub name: String,
    pub revision: i64,
    pub record: String,
    /// Microseconds since 1970 by the clock of the server, if it has one of its own.
    pub server_time: Option<i64>,
}

/// The content of the rows of a load.
pub(super) fn loaded(rows: impl IntoIterator<Item = Row>) -> Result<Loaded, BackendError> {
    let mut newest = None;
    let mut records = Vec::new();
    for row in rows {
        newest = newest.max(row.server_time);
        records.push(Record::try_from(row)?);
    }
    let loaded = Loaded::new(records);
    let Some(newest) = newest else { return Ok(loaded) };
    let since_1970 = u64::try_from(newest).ok().map(Duration::from_micros);
    let time = since_1970.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
    time.map(|time| loaded.at(time)).ok_or_else(|| {
        BackendError::new(
            BackendErrorKind::Garbled,
            "the clock of the database's server is out of range; set it right",
        )
    })
}

impl TryFrom<Row> for Record {
    type Error = BackendError;

    fn try_from(row: Row) -> Result<Self, BackendError> {
        let refused = |what: &str| {
            let detail = format!("the table holds a row with {what}; restore it from a backup");
            BackendError::new(BackendErrorKind::Garbled, detail)
        };
        if !is_name(&row.name) {
            return Err(refused("a name that no record has"));
        }
        let revision = row.revision.try_into().map_err(|_| refused("a revision out of range"))?;
        if row.record.len() > Self::MAX_BODY {
            return Err(refused("a record of more than 1 MiB"));
        }
        Ok(Self { name: row.name, revision, body: row.record })
    }
}

/// Whether a record can have this name.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && is_prefix(name)
}

/// Whether the name of a record can begin like this.
pub(super) fn is_prefix(text: &str) -> bool {
    text.len() <= Record::MAX_NAME
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, revision: i64, record: &str, server_time: Option<i64>) -> Row {
        Row { name: name.to_owned(), revision, record: record.to_owned(), server_time }
    }

    #[test]
    fn rows_become_records() {
        let rows = [row("head", 5, "{}", Some(1_000_000)), row("tree/0", 3, "[]", Some(2_500_000))];
        let loaded = loaded(rows).unwrap();
        assert_eq!(
            loaded.records,
            [("head", 5, "{}"), ("tree/0", 3, "[]")].map(|(name, revision, body)| Record {
                name: name.to_owned(),
                revision,
                body: body.to_owned()
            })
        );
        assert_eq!(loaded.time, Some(SystemTime::UNIX_EPOCH + Duration::from_millis(2_500)));
    }

    #[test]
    fn rows_that_are_no_records() {
        let longest = "x".repeat(Record::MAX_BODY);
        assert!(loaded([row(&"a".repeat(100), i64::MAX, &longest, None)]).is_ok());
        for bad in [
            row("", 1, "{}", None),
            row("Head", 1, "{}", None),
            row("head ", 1, "{}", None),
            row(&"a".repeat(101), 1, "{}", None),
            row("head", -1, "{}", None),
            row("head", 1, &format!("{longest}x"), None),
            row("head", 1, "{}", Some(-1)),
        ] {
            assert_eq!(loaded([bad]).unwrap_err().kind(), BackendErrorKind::Garbled);
        }
    }
}
