//! For the tests of applications that write SQL as text: finds SQL that compares encrypted columns.
//!
//! Each write of a secret stores other bytes. So `WHERE bot_token = $1` finds no row, whatever you
//! bind, and the database reports nothing. `ORDER BY`, `GROUP BY`, `DISTINCT` and joins on such a
//! column are wrong in the same way. Diesel's `.filter(bot_token.eq(…))` does not compile. SQL that
//! is text compiles. A [`SqlCheck`] reads the statements that the application's tests run, and
//! names the column:
//!
//! ```should_panic
//! use encrypted_field::Encrypted;
//! use encrypted_field::sql_check::{Dialect, SqlCheck};
//!
//! #[derive(Encrypted)]
//! #[encrypted(table = "slack_connections")]
//! struct SlackConnection {
//!     #[encrypted(String)]
//!     bot_token: BotToken,
//! }
//!
//! let check = SqlCheck::new(Dialect::PostgreSql).model::<SlackConnection>();
//! check.assert("UPDATE slack_connections SET bot_token = $2 WHERE id = $1"); // a write is right
//! check.assert("SELECT id FROM slack_connections WHERE bot_token = $1"); // panics
//! ```
//!
//! # Every statement of a test
//!
//! Diesel gives them to its instrumentation. SQLx gives them to `tracing`, under the target
//! `sqlx::query` at the level `DEBUG`. They are in the field `db.statement`, or in `summary` if
//! that is empty.
//!
//! ```
//! # #[cfg(feature = "diesel-sqlite")] {
//! use diesel::connection::{InstrumentationEvent, set_default_instrumentation};
//! use diesel::prelude::*;
//! # use encrypted_field::Encrypted;
//! use encrypted_field::sql_check::{Dialect, SqlCheck};
//! # #[derive(Encrypted)]
//! # #[encrypted(table = "slack_connections")]
//! # struct SlackConnection { #[encrypted(String)] bot_token: BotToken }
//!
//! // Once, before the first connection of the tests.
//! set_default_instrumentation(|| {
//!     let check = SqlCheck::new(Dialect::Sqlite).model::<SlackConnection>();
//!     Some(Box::new(move |event: InstrumentationEvent<'_>| {
//!         if let InstrumentationEvent::StartQuery { query, .. } = event {
//!             check.assert(&query.to_string());
//!         }
//!     }))
//! })
//! .unwrap();
//!
//! let mut db = SqliteConnection::establish(":memory:").unwrap();
//! diesel::sql_query("CREATE TABLE slack_connections (bot_token TEXT)").execute(&mut db).unwrap();
//! let wrong = diesel::sql_query("SELECT * FROM slack_connections WHERE bot_token = 'xoxb-1'");
//! let run = std::panic::AssertUnwindSafe(|| wrong.execute(&mut db));
//! assert!(std::panic::catch_unwind(run).is_err());
//! # }
//! ```
//!
//! ```
//! # #[cfg(feature = "sqlx")] {
//! use std::fmt::Debug;
//! use std::sync::Mutex;
//!
//! # use encrypted_field::Encrypted;
//! use encrypted_field::sql_check::{Dialect, Misuse, SqlCheck};
//! use tracing::field::{Field, Visit};
//! use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
//! # #[derive(Encrypted)]
//! # #[encrypted(table = "slack_connections")]
//! # struct SlackConnection { #[encrypted(String)] bot_token: BotToken }
//!
//! // Not a panic: a driver may run statements on a thread of its own, which a panic would end.
//! static FOUND: Mutex<Vec<Misuse>> = Mutex::new(Vec::new());
//!
//! struct Statements(SqlCheck);
//!
//! impl<S: tracing::Subscriber> Layer<S> for Statements {
//!     fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
//!         if event.metadata().target() == "sqlx::query" {
//!             event.record(&mut Statement(&self.0));
//!         }
//!     }
//! }
//!
//! struct Statement<'a>(&'a SqlCheck);
//!
//! impl Visit for Statement<'_> {
//!     fn record_str(&mut self, field: &Field, value: &str) {
//!         // A long summary ends with `…`, and the statement is in the other field.
//!         if field.name() == "db.statement" || !value.ends_with('…') {
//!             FOUND.lock().unwrap().extend(self.0.find(value));
//!         }
//!     }
//!
//!     fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
//! }
//!
//! // Once, for all tests of a process.
//! let check = SqlCheck::new(Dialect::Sqlite).model::<SlackConnection>();
//! let subscriber = tracing_subscriber::registry().with(Statements(check));
//! tracing::subscriber::set_global_default(subscriber).unwrap();
//!
//! // At the end of each test.
//! assert_eq!(*FOUND.lock().unwrap(), []);
//! # }
//! ```
//!
//! # What it accepts
//!
//! - A comparison with a literal that begins as the stored form does. Queries that find the rows of
//!   a key do that: `bot_token COLLATE "C" >= 'ef1:7:'`.
//! - Tests for `NULL`, lengths, and what is inside of `substr` or `left`.
//!
//! It does not know views, `NATURAL JOIN`, and columns that a subquery has renamed. It finds
//! `ON CONFLICT (bot_token)`. It does not find what names no column: `ON CONFLICT ON CONSTRAINT`,
//! `ON DUPLICATE KEY` and `REPLACE` compare the columns of an index.

mod columns;
mod find;
#[cfg(test)]
mod tests;

use std::fmt;

use sqlparser::dialect::{MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use crate::field::EncryptedModel;
use columns::{Columns, Tables};

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// PostgreSQL.
    PostgreSql,
    /// MySQL and MariaDB.
    MySql,
    /// SQLite.
    Sqlite,
}

/// Finds comparisons of encrypted columns in SQL. See [the module](self).
#[derive(Debug, Clone)]
pub struct SqlCheck {
    dialect: Dialect,
    columns: Columns,
}

impl SqlCheck {
    /// A check of SQL in this dialect. It knows no columns yet: see [`model`](Self::model).
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, columns: Columns::default() }
    }

    /// Adds the encrypted columns of a model.
    #[must_use]
    pub fn model<M: EncryptedModel>(mut self) -> Self {
        for field in M::FIELDS {
            self.columns.add(field.table, field.column);
        }
        self
    }

    /// Adds one encrypted column, for instance one whose table has another name in the database.
    #[must_use]
    pub fn column(mut self, table: &str, column: &str) -> Self {
        self.columns.add(table, column);
        self
    }

    /// Finds every place in `sql` that compares or orders an encrypted column. `sql` is one
    /// statement or several, with its placeholders.
    ///
    /// If a statement names such a column and can't be parsed, that is one finding, so that nothing
    /// passes unread.
    pub fn find(&self, sql: &str) -> Vec<Misuse> {
        let parsed = match self.dialect {
            Dialect::PostgreSql => Parser::parse_sql(&PostgreSqlDialect {}, sql),
            Dialect::MySql => Parser::parse_sql(&MySqlDialect {}, sql),
            Dialect::Sqlite => Parser::parse_sql(&SQLiteDialect {}, sql),
        };
        let Ok(statements) = parsed else {
            let named = self.columns.first_named_in(sql);
            return named.map(Misuse::unread).into_iter().collect();
        };
        let mut found = Vec::new();
        for statement in &statements {
            let tables = Tables::of(statement);
            find::comparisons(statement, &self.columns, &tables, &mut found);
        }
        found
    }

    /// Panics if [`find`](Self::find) finds something.
    ///
    /// # Panics
    /// The message has the columns, how each is compared, and where. It does not have the text of
    /// the statement, because that may hold a secret.
    #[track_caller]
    pub fn assert(&self, sql: &str) {
        let found: Vec<_> = self.find(sql).iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

/// A place that compares the value of an encrypted column.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Misuse {
    /// The column as the model names it: `table.column`.
    pub column: String,
    /// What compares it, such as `=` or `ORDER BY`. `None` if the statement can't be parsed.
    pub by: Option<String>,
    /// The line in the SQL, from 1. It is 0 if that is not known.
    pub line: u64,
    /// The character in the line, from 1. It is 0 if that is not known.
    pub character: u64,
}

impl Misuse {
    fn unread(column: String) -> Self {
        Self { column, by: None, line: 0, character: 0 }
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, by, line, character } = self;
        let Some(by) = by else {
            return write!(
                f,
                "{column} is encrypted, and this statement that names it can't be parsed: check it \
                 by hand"
            );
        };
        write!(f, "{column} is encrypted, and `{by}` compares it")?;
        if *line > 0 {
            write!(f, " (line {line}, character {character})")?;
        }
        f.write_str(
            ": each write stores other bytes, so this finds nothing or sorts by chance; find the \
             row by another column",
        )
    }
}
