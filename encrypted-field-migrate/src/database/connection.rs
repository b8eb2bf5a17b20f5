//! A connection to one of the databases: binds values, and reads rows.

use std::fmt;
use std::str::FromStr;

use encrypted_field::plaintext::Zeroizing;
use futures_util::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions, Connection as _, Database, Row as _, TypeInfo as _,
    ValueRef as _,
};

use super::dialect::Dialect;
use super::sql::{Sql, Value};
use crate::decide::Bytes;
use crate::error::{Error, ErrorKind, Result};

/// Where the database is. It may hold a password, and is never shown.
#[derive(Clone)]
pub(crate) struct Url {
    url: Zeroizing<String>,
    pub(crate) dialect: &'static dyn Dialect,
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Url(..)")
    }
}

impl Url {
    pub(crate) fn new(url: &str) -> Result<Self> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        let dialect: &'static dyn Dialect = match scheme {
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => &super::postgres::Postgres,
            #[cfg(feature = "mysql")]
            "mysql" | "mariadb" => &super::mysql::MySql,
            #[cfg(feature = "sqlite")]
            "sqlite" => &super::sqlite::Sqlite,
            _ => {
                return Err(Error::job(
                    "the URL of the database begins with postgres:, mysql: or sqlite:, and this build has the feature of \
                     that name",
                ));
            }
        };
        Ok(Self { url: Zeroizing::new(url.to_owned()), dialect })
    }

    pub(crate) async fn connect(&self) -> sqlx::Result<Connection> {
        let any = match self.dialect.name() {
            #[cfg(feature = "postgres")]
            "postgres" => Any::Postgres(open(&self.url).await?),
            #[cfg(feature = "mysql")]
            "mysql" => Any::MySql(open(&self.url).await?),
            #[cfg(feature = "sqlite")]
            "sqlite" => Any::Sqlite(open(&self.url).await?),
            _ => return Err(sqlx::Error::InvalidArgument("no such database".to_owned())),
        };
        let mut connection = Connection { any, dialect: self.dialect };
        for statement in self.dialect.on_connect() {
            connection.batch(statement).await?;
        }
        Ok(connection)
    }

    /// For the first connection, which nobody repeats.
    pub(crate) async fn connect_once(&self) -> Result<Connection> {
        self.connect().await.map_err(|error| match error {
            // It may quote the URL.
            sqlx::Error::Configuration(_) => {
                Error::job("the URL of the database can't be read; is it complete?")
            }
            error => Error::new(
                ErrorKind::Unreachable,
                format!("the database can't be reached: {}", self.dialect.say(&error)),
            ),
        })
    }
}

async fn open<C>(url: &str) -> sqlx::Result<C>
where
    C: sqlx::Connection,
    C::Options: ConnectOptions<Connection = C> + FromStr<Err = sqlx::Error>,
{
    // Long statements, and many of them: SQLx would log each.
    C::Options::from_str(url)?.disable_statement_logging().connect().await
}

/// A connection.
pub(crate) struct Connection {
    any: Any,
    pub(crate) dialect: &'static dyn Dialect,
}

enum Any {
    #[cfg(feature = "postgres")]
    Postgres(sqlx::PgConnection),
    #[cfg(feature = "mysql")]
    MySql(sqlx::MySqlConnection),
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::SqliteConnection),
}

/// Calls one function on whichever connection it is.
macro_rules! on_any {
    ($any:expr, $connection:ident => $call:expr) => {
        match $any {
            #[cfg(feature = "postgres")]
            Any::Postgres($connection) => $call,
            #[cfg(feature = "mysql")]
            Any::MySql($connection) => $call,
            #[cfg(feature = "sqlite")]
            Any::Sqlite($connection) => $call,
        }
    };
}

impl Connection {
    pub(crate) fn sql(&self, text: impl Into<String>) -> Sql {
        Sql::new(self.dialect.is_numbered(), text)
    }

    /// Statements without data, such as `BEGIN`.
    pub(crate) async fn batch(&mut self, text: &str) -> sqlx::Result<()> {
        let text = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
        on_any!(&mut self.any, connection => text.execute(connection).await.map(drop))
    }

    /// How many rows it changed.
    pub(crate) async fn execute(&mut self, sql: Sql) -> sqlx::Result<u64> {
        match &mut self.any {
            #[cfg(feature = "postgres")]
            Any::Postgres(connection) => {
                Ok(of_postgres(sql).execute(connection).await?.rows_affected())
            }
            #[cfg(feature = "mysql")]
            Any::MySql(connection) => {
                Ok(without_arrays::<sqlx::MySql>(sql)?.execute(connection).await?.rows_affected())
            }
            #[cfg(feature = "sqlite")]
            Any::Sqlite(connection) => {
                Ok(without_arrays::<sqlx::Sqlite>(sql)?.execute(connection).await?.rows_affected())
            }
        }
    }

    pub(crate) async fn fetch(&mut self, sql: Sql) -> sqlx::Result<Vec<Row>> {
        self.fetch_up_to(sql, usize::MAX).await
    }

    /// Stops after the row with which this many bytes are there, so that a batch of long values
    /// takes no more memory than one of short values.
    pub(crate) async fn fetch_up_to(&mut self, sql: Sql, most: usize) -> sqlx::Result<Vec<Row>> {
        match &mut self.any {
            #[cfg(feature = "postgres")]
            Any::Postgres(connection) => {
                read(of_postgres(sql).fetch(connection), most, cell_of_postgres).await
            }
            #[cfg(feature = "mysql")]
            Any::MySql(connection) => {
                read(without_arrays::<sqlx::MySql>(sql)?.fetch(connection), most, cell_of_mysql)
                    .await
            }
            #[cfg(feature = "sqlite")]
            Any::Sqlite(connection) => {
                read(without_arrays::<sqlx::Sqlite>(sql)?.fetch(connection), most, cell_of_sqlite)
                    .await
            }
        }
    }

    pub(crate) async fn fetch_optional(&mut self, sql: Sql) -> sqlx::Result<Option<Row>> {
        Ok(self.fetch(sql).await?.into_iter().next())
    }

    pub(crate) async fn fetch_one(&mut self, sql: Sql) -> sqlx::Result<Row> {
        self.fetch_optional(sql).await?.ok_or(sqlx::Error::RowNotFound)
    }

    /// The first row of a statement such as `SHOW SLAVE STATUS`, whose columns have no fixed
    /// places.
    #[cfg(feature = "mysql")]
    pub(super) async fn named(
        &mut self,
        text: &'static str,
    ) -> sqlx::Result<Vec<(String, Option<String>)>> {
        let Any::MySql(connection) = &mut self.any else { return Ok(Vec::new()) };
        let Some(row) = sqlx::raw_sql(text).fetch_optional(connection).await? else {
            return Ok(Vec::new());
        };
        let value = |at: usize| {
            let value = row.try_get_unchecked::<Option<Vec<u8>>, _>(at).ok().flatten();
            value.map(|value| String::from_utf8_lossy(&value).into_owned())
        };
        Ok(row
            .columns()
            .iter()
            .enumerate()
            .map(|(at, c)| (c.name().to_owned(), value(at)))
            .collect())
    }

    pub(crate) async fn begin(&mut self) -> sqlx::Result<()> {
        self.batch(self.dialect.begin()).await
    }

    pub(crate) async fn commit(&mut self) -> sqlx::Result<()> {
        self.batch("COMMIT").await
    }

    /// What can't be rolled back is a connection that is gone, and that is rolled back by the
    /// database.
    pub(crate) async fn rollback(&mut self) {
        let _ = self.batch("ROLLBACK").await;
    }

    pub(crate) async fn close(self) {
        let _ = on_any!(self.any, connection => connection.close().await);
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({})", self.dialect.name())
    }
}

/// What a statement gave for one row. Each statement of this crate casts its columns to what is
/// read here.
#[derive(Debug)]
pub(crate) struct Row(Vec<Option<Cell>>);

enum Cell {
    Integer(i64),
    Bytes(Bytes),
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Bytes(bytes) => write!(f, "[{} bytes]", bytes.len()),
        }
    }
}

impl Row {
    /// 0 for NULL.
    pub(crate) fn integer(&self, at: usize) -> i64 {
        match self.0.get(at) {
            Some(Some(Cell::Integer(number))) => *number,
            Some(Some(Cell::Bytes(bytes))) => {
                std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// For counts, which are never negative.
    pub(crate) fn count(&self, at: usize) -> u64 {
        u64::try_from(self.integer(at)).unwrap_or(0)
    }

    /// Empty for NULL.
    pub(crate) fn text(&self, at: usize) -> String {
        match self.0.get(at) {
            Some(Some(Cell::Integer(number))) => number.to_string(),
            Some(Some(Cell::Bytes(bytes))) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        }
    }

    pub(crate) fn bytes(&mut self, at: usize) -> Option<Bytes> {
        match self.0.get_mut(at)?.take()? {
            Cell::Bytes(bytes) => Some(bytes),
            Cell::Integer(number) => Some(Bytes::new(number.to_string().into_bytes())),
        }
    }

    fn len(&self) -> usize {
        let len = |cell: &Cell| match cell {
            Cell::Integer(_) => 8,
            Cell::Bytes(bytes) => bytes.len(),
        };
        self.0.iter().flatten().map(len).sum()
    }
}

async fn read<R: sqlx::Row>(
    mut rows: impl futures_util::Stream<Item = sqlx::Result<R>> + Unpin,
    most: usize,
    cell: fn(&R, usize) -> sqlx::Result<Option<Cell>>,
) -> sqlx::Result<Vec<Row>> {
    let (mut found, mut len) = (Vec::new(), 0_usize);
    while len < most
        && let Some(row) = rows.try_next().await?
    {
        let cells = (0..row.len()).map(|at| cell(&row, at)).collect::<sqlx::Result<_>>()?;
        let row = Row(cells);
        len = len.saturating_add(row.len());
        found.push(row);
    }
    Ok(found)
}

fn bytes(found: Option<Vec<u8>>) -> Option<Cell> {
    found.map(|bytes| Cell::Bytes(Bytes::new(bytes)))
}

type Query<DB> = sqlx::query::Query<'static, DB, <DB as Database>::Arguments>;

#[cfg(feature = "postgres")]
fn of_postgres(sql: Sql) -> Query<sqlx::Postgres> {
    let query = sqlx::query(AssertSqlSafe(sql.text)).persistent(sql.again);
    sql.values.into_iter().fold(query, |query, value| match value {
        Value::Integer(number) => query.bind(number),
        Value::Real(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
        Value::Bytes(bytes) => query.bind(bytes.to_vec()),
        Value::Texts(texts) => query.bind(texts),
        Value::Blobs(blobs) => {
            query.bind(blobs.into_iter().map(|bytes| bytes.to_vec()).collect::<Vec<_>>())
        }
    })
}

#[cfg(feature = "postgres")]
fn cell_of_postgres(row: &sqlx::postgres::PgRow, at: usize) -> sqlx::Result<Option<Cell>> {
    let integer = |number: Option<i64>| number.map(Cell::Integer);
    Ok(match row.column(at).type_info().name() {
        "INT8" => integer(row.try_get(at)?),
        "INT4" => integer(row.try_get::<Option<i32>, _>(at)?.map(i64::from)),
        "BOOL" => integer(row.try_get::<Option<bool>, _>(at)?.map(i64::from)),
        "BYTEA" => bytes(row.try_get(at)?),
        _ => bytes(row.try_get_unchecked::<Option<String>, _>(at)?.map(String::into_bytes)),
    })
}

/// For a database without arrays.
#[cfg(any(feature = "mysql", feature = "sqlite"))]
fn without_arrays<DB: Database + sqlx::database::HasStatementCache>(
    sql: Sql,
) -> sqlx::Result<Query<DB>>
where
    i64: sqlx::Encode<'static, DB> + sqlx::Type<DB>,
    f64: sqlx::Encode<'static, DB> + sqlx::Type<DB>,
    String: sqlx::Encode<'static, DB> + sqlx::Type<DB>,
    Vec<u8>: sqlx::Encode<'static, DB> + sqlx::Type<DB>,
{
    let query = sqlx::query(AssertSqlSafe(sql.text)).persistent(sql.again);
    sql.values.into_iter().try_fold(query, |query, value| match value {
        Value::Integer(number) => Ok(query.bind(number)),
        Value::Real(number) => Ok(query.bind(number)),
        Value::Text(text) => Ok(query.bind(text)),
        Value::Bytes(bytes) => Ok(query.bind(bytes.to_vec())),
        Value::Texts(_) | Value::Blobs(_) => {
            Err(sqlx::Error::InvalidArgument("this database has no arrays".to_owned()))
        }
    })
}

#[cfg(feature = "mysql")]
fn cell_of_mysql(row: &sqlx::mysql::MySqlRow, at: usize) -> sqlx::Result<Option<Cell>> {
    Ok(match row.column(at).type_info().name() {
        name if name.contains("INT") && !name.contains("POINT") => {
            row.try_get_unchecked::<Option<i64>, _>(at)?.map(Cell::Integer)
        }
        _ => bytes(row.try_get_unchecked(at)?),
    })
}

#[cfg(feature = "sqlite")]
fn cell_of_sqlite(row: &sqlx::sqlite::SqliteRow, at: usize) -> sqlx::Result<Option<Cell>> {
    // What is there, and not what was declared: a column of SQLite holds anything.
    let kind = row.try_get_raw(at)?.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "NULL" => None,
        "INTEGER" | "BOOLEAN" => Some(Cell::Integer(row.try_get_unchecked(at)?)),
        // A part of a key: the text of Rust comes back to the same bits, which that of SQLite does
        // not.
        "REAL" => {
            let number: f64 = row.try_get_unchecked(at)?;
            bytes(Some(format!("r{number:?}").into_bytes()))
        }
        _ => bytes(row.try_get_unchecked(at)?),
    })
}
