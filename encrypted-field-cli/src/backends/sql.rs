//! Stores in a table, through SQLx.

use encrypted_field::envelope::sql::{Dialect, SqlxBackend, SqlxStore};
use sqlx::Pool;
use sqlx::pool::PoolOptions;

use super::StoreHandle;
use crate::config::{Database, Server, Table, Url};
use crate::context::Context;
use crate::failure::{Failure, Result};

pub(super) fn store(table: &Table, context: &mut Context<'_>) -> Result<StoreHandle> {
    match &table.database {
        #[cfg(feature = "postgres")]
        Database::Postgres(server) => {
            handle(pool::<sqlx::Postgres>(postgres(server, context)?), table)
        }
        #[cfg(feature = "mysql")]
        Database::MySql(server) => handle(pool::<sqlx::MySql>(mysql(server, context)?), table),
        #[cfg(feature = "sqlite")]
        Database::Sqlite(path) => handle(pool::<sqlx::Sqlite>(sqlite(path)), table),
        #[allow(unreachable_patterns, reason = "only where a feature is off")]
        other => Err(without(other)),
    }
}

pub(super) fn schema(table: &Table) -> Result<&'static str> {
    if table.name.is_some() {
        return Err(Failure::new(
            "the library's SQL makes the table encrypted_field_keys, and the configuration names another one; leave out `table` to \
             see it, and write it for your name",
        ));
    }
    Ok(match &table.database {
        Database::Postgres(_) => Dialect::Postgres,
        Database::MySql(_) => Dialect::MySql,
        Database::Sqlite(_) => Dialect::Sqlite,
    }
    .up())
}

pub(super) async fn apply(table: &Table, context: &mut Context<'_>) -> Result<()> {
    let sql = schema(table)?;
    let done = match &table.database {
        #[cfg(feature = "postgres")]
        Database::Postgres(server) => sqlx::raw_sql(sql)
            .execute(&pool::<sqlx::Postgres>(postgres(server, context)?))
            .await
            .map(drop),
        #[cfg(feature = "mysql")]
        Database::MySql(server) => sqlx::raw_sql(sql)
            .execute(&pool::<sqlx::MySql>(mysql(server, context)?))
            .await
            .map(drop),
        #[cfg(feature = "sqlite")]
        Database::Sqlite(path) => sqlx::raw_sql(sql)
            .execute(&pool::<sqlx::Sqlite>(sqlite(path).create_if_missing(true)))
            .await
            .map(drop),
        #[allow(unreachable_patterns, reason = "only where a feature is off")]
        other => return Err(without(other)),
    };
    // What the database answers has the statement at most, which has no secret.
    done.map_err(|error| Failure::new(format!("the table could not be made: {error}")))
}

fn handle<DB: SqlxBackend>(pool: Pool<DB>, table: &Table) -> Result<StoreHandle> {
    let store = SqlxStore::new(pool);
    Ok(StoreHandle::new(match &table.name {
        Some(name) => store.table(name)?,
        None => store,
    }))
}

/// For how long it tries to connect: as long as the library waits for an answer, by default.
const CONNECT: std::time::Duration = std::time::Duration::from_secs(5);

/// One command makes one call at a time, and a load beside it at most.
fn pool<DB: sqlx::Database>(options: <DB::Connection as sqlx::Connection>::Options) -> Pool<DB> {
    PoolOptions::new().max_connections(2).acquire_timeout(CONNECT).connect_lazy_with(options)
}

#[cfg(feature = "postgres")]
pub(crate) fn postgres(
    server: &Server,
    context: &mut Context<'_>,
) -> Result<sqlx::postgres::PgConnectOptions> {
    let (options, password) =
        parts::<sqlx::postgres::PgConnectOptions>(server, "postgres://app@host/database", context)?;
    Ok(match password {
        Some(password) => options.password(&password),
        None => options,
    })
}

#[cfg(feature = "mysql")]
pub(crate) fn mysql(
    server: &Server,
    context: &mut Context<'_>,
) -> Result<sqlx::mysql::MySqlConnectOptions> {
    let (options, password) =
        parts::<sqlx::mysql::MySqlConnectOptions>(server, "mysql://app@host/database", context)?;
    Ok(match password {
        Some(password) => options.password(&password),
        None => options,
    })
}

#[cfg(feature = "sqlite")]
pub(crate) fn sqlite(path: &std::path::Path) -> sqlx::sqlite::SqliteConnectOptions {
    // A file that is not there is a wrong path, and not an empty store.
    sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(false)
}

type Password = Option<encrypted_field::plaintext::Zeroizing<String>>;

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn parts<O: std::str::FromStr>(
    server: &Server,
    example: &str,
    context: &mut Context<'_>,
) -> Result<(O, Password)> {
    let url = match &server.url {
        Url::Plain(url) => encrypted_field::plaintext::Zeroizing::new(url.clone()),
        Url::Secret(source) => source.read(context, "the URL of the database")?,
    };
    // Without the error: it may quote the URL.
    let options = url.parse();
    let options = options.map_err(|_| {
        Failure::new(format!("[store]: the URL of the database is not one such as {example}"))
    })?;
    let password = match &server.password {
        Some(source) => Some(source.read(context, "the password of the database")?),
        None => None,
    };
    Ok((options, password))
}

pub(crate) fn without(database: &Database) -> Failure {
    super::missing(match database {
        Database::Postgres(_) => "postgres",
        Database::MySql(_) => "mysql",
        Database::Sqlite(_) => "sqlite",
    })
}
