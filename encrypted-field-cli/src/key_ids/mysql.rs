//! MySQL and MariaDB.

use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, MySqlConnection};

use super::{Census, failed, reading, unread};
use crate::failure::{Failure, Result};

/// Tables that hold rows, with the columns that may hold a value. A versioned table of MariaDB
/// keeps rows of before.
const COLUMNS: &str = "
    SELECT CAST(c.TABLE_NAME AS CHAR), CAST(c.COLUMN_NAME AS CHAR), CAST(LOWER(c.DATA_TYPE) AS CHAR),
        CAST(t.TABLE_TYPE AS CHAR)
    FROM information_schema.COLUMNS c
    JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
    WHERE c.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')
      AND (c.DATA_TYPE LIKE '%char' OR c.DATA_TYPE LIKE '%text' OR c.DATA_TYPE LIKE '%binary'
           OR c.DATA_TYPE LIKE '%blob' OR c.DATA_TYPE = 'json')";

/// Every column of the database that the connection is for.
pub(crate) async fn in_mysql(connection: &mut MySqlConnection) -> Result<Census> {
    let database: Option<String> = sqlx::query_scalar("SELECT CAST(DATABASE() AS CHAR)")
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| failed("the database can't be asked", &error))?;
    if database.is_none() {
        return Err(Failure::new(
            "the URL names no database: one such as mysql://app@host/database does",
        ));
    }
    reading(connection, "START TRANSACTION READ ONLY", all).await
}

async fn all(connection: &mut MySqlConnection) -> Result<Census> {
    let columns: Vec<(String, String, String, String)> = sqlx::query_as(COLUMNS)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| failed("the columns can't be listed", &error))?;
    let mut census = Census::default();
    for (table, column, kind, of_table) in columns {
        let (mut place, name) = (quoted(&table), quoted(&column));
        if of_table == "SYSTEM VERSIONED" {
            place.push_str(" FOR SYSTEM_TIME ALL");
        }
        let is_binary = kind.ends_with("binary") || kind.ends_with("blob");
        let labels = if is_binary { binary(&place, &name) } else { text(&place, &name) };
        // Safe: the names are those of the database, and quoted.
        let labels: sqlx::Result<Vec<(String, i64)>> =
            sqlx::query_as(AssertSqlSafe(labels)).fetch_all(&mut *connection).await;
        for (label, values) in labels.map_err(|error| unread(&table, &column, &error))? {
            census.add(&table, &column, &label, values.unsigned_abs());
        }
        if !is_binary {
            inside(connection, &place, &name, |label| census.add(&table, &column, label, 1))
                .await
                .map_err(|error| unread(&table, &column, &error))?;
        }
    }
    Ok(census)
}

/// As UTF-8 first: a column may have any character set. Bytes are compared, and not by a collation.
fn text(place: &str, name: &str) -> String {
    of_bytes(place, &format!("CAST(CONVERT({name} USING utf8mb4) AS BINARY)"))
}

/// Text in a binary column, too: whoever looks for ids must not miss one.
fn binary(place: &str, name: &str) -> String {
    format!(
        "{} UNION ALL SELECT CAST(CONCAT('x', HEX(SUBSTR({name}, 4, 4))) AS CHAR), COUNT(*) FROM {place}
         WHERE SUBSTR({name}, 1, 3) = x'EF6631' GROUP BY 1",
        of_bytes(place, &format!("CAST({name} AS BINARY)"))
    )
}

/// The bytes of the id are given in hexadecimal, so that no collation takes two for one.
fn of_bytes(place: &str, bytes: &str) -> String {
    format!(
        "SELECT CAST(CONCAT('h', HEX(SUBSTR({bytes}, 5, LOCATE(':', {bytes}, 5) - 5))) AS CHAR), COUNT(*) FROM {place}
         WHERE SUBSTR({bytes}, 1, 4) = 'ef1:' AND LOCATE(':', {bytes}, 5) BETWEEN 6 AND 15 GROUP BY 1"
    )
}

/// Values in quotes, as JSON documents have them: MariaDB calls JSON longtext, and a document may
/// stand in any text. The databases find no second match in a text, so the texts that have one come
/// here, one after the other.
async fn inside(
    connection: &mut MySqlConnection,
    place: &str,
    name: &str,
    mut found: impl FnMut(&str),
) -> sqlx::Result<()> {
    let text = format!("CONVERT({name} USING utf8mb4)");
    let sql =
        format!("SELECT {text} FROM {place} WHERE INSTR(CAST({text} AS BINARY), '\"ef1:') > 0");
    let mut texts = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql)).fetch(connection);
    while let Some(text) = texts.try_next().await? {
        for rest in text.split("\"ef1:").skip(1) {
            if let Some((id, _)) = rest.split_once(':') {
                found(&format!("d{id}"));
            }
        }
    }
    Ok(())
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
