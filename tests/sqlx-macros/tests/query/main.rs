//! SQLx's query macros over encrypted columns. They ask the database while this compiles, so
//! without one there is nothing to compile.

#[cfg(macros_database)]
mod by_config;
#[cfg(macros_database)]
mod by_query;
#[cfg(macros_database)]
mod parameters;

/// Says that nothing here was compiled, or fails, as for any missing server.
#[cfg(not(macros_database))]
#[test]
fn without_a_database() {
    assert_eq!(tests_sqlx_macros::url(), None, "set since this was compiled: run ./test");
}

/// A connection to the database that this was compiled against. All tests share it, so each one
/// works in a transaction that it does not commit.
#[cfg(macros_database)]
async fn connect() -> Option<sqlx::PgConnection> {
    let url = tests_sqlx_macros::url()?;
    Some(<sqlx::PgConnection as sqlx::Connection>::connect(&url).await.unwrap())
}
