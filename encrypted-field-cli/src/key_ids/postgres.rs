//! PostgreSQL.

use sqlx::{AssertSqlSafe, PgConnection};

use super::{Census, failed, reading, unread};
use crate::failure::Result;

/// The texts of byte strings are hexadecimal then, and a policy that hides rows is an error.
const BEGIN: &str = "
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SET LOCAL bytea_output = 'hex';
    SET LOCAL row_security = off";

/// Tables, partitions and materialized views, with the columns that may hold a value. A partitioned
/// table has no rows of its own. A domain is taken for what it is made of.
const COLUMNS: &str = "
    WITH RECURSIVE based AS (
        SELECT oid, oid AS base FROM pg_type
        UNION ALL
        SELECT based.oid, t.typbasetype FROM based JOIN pg_type t ON t.oid = based.base WHERE t.typtype = 'd'
    )
    SELECT n.nspname::text, c.relname::text, a.attname::text, t.typcategory::text, t.typname::text
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN based ON based.oid = a.atttypid
    JOIN pg_type t ON t.oid = based.base AND t.typtype <> 'd'
    WHERE c.relkind IN ('r', 'm') AND c.relispopulated AND a.attnum > 0 AND NOT a.attisdropped
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND t.typcategory NOT IN ('B', 'D', 'E', 'G', 'I', 'N', 'T', 'V') AND t.typname <> 'uuid'";

/// Every column of the database that the connection is for.
pub(crate) async fn in_postgres(connection: &mut PgConnection) -> Result<Census> {
    reading(connection, BEGIN, all).await
}

async fn all(connection: &mut PgConnection) -> Result<Census> {
    let columns: Vec<(String, String, String, String, String)> = sqlx::query_as(COLUMNS)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| failed("the columns can't be listed", &error))?;
    let mut census = Census::default();
    for (schema, table, column, category, kind) in columns {
        // `ONLY`: the rows of tables that inherit from this one are found there.
        let place = format!("ONLY {}.{} AS ours", quoted(&schema), quoted(&table));
        let name = format!("ours.{}", quoted(&column));
        let table = if schema == "public" { table } else { format!("{schema}.{table}") };
        let sql = match (&*category, &*kind) {
            ("S", _) => text(&place, &name),
            (_, "bytea") => binary(&place, &name),
            _ => inside(&place, &name),
        };
        // Safe: the names are those of the database, and quoted.
        let labels: sqlx::Result<Vec<(String, i64)>> =
            sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut *connection).await;
        for (label, values) in labels.map_err(|error| unread(&table, &column, &error))? {
            census.add(&table, &column, &label, values.unsigned_abs());
        }
    }
    Ok(census)
}

/// A value, or a document with values. By bytes: a collation may take other texts for ours.
fn text(place: &str, name: &str) -> String {
    let text = format!("({name}::text COLLATE \"C\")");
    format!(
        "SELECT 'd' || substring({text} FROM '^ef1:([0-9]{{1,10}}):'), count(*) FROM {place}
         WHERE {text} ~ '^ef1:[0-9]{{1,10}}:' GROUP BY 1
         UNION ALL
         SELECT 'd' || found.parts[1], count(*) FROM {place}, regexp_matches({text}, '\"ef1:([0-9]+):', 'g') AS found(parts)
         WHERE {text} ~ '^\\s*[\\[{{]' GROUP BY 1"
    )
}

/// Text in a binary column, too: whoever looks for ids must not miss one.
fn binary(place: &str, name: &str) -> String {
    format!(
        "SELECT 'x' || encode(substr({name}, 4, 4), 'hex'), count(*) FROM {place}
         WHERE substr({name}, 1, 3) = '\\xef6631'::bytea GROUP BY 1
         UNION ALL
         SELECT 'd' || substring(encode(substr({name}, 1, 15), 'escape') FROM '^ef1:([0-9]{{1,10}}):'), count(*)
         FROM {place} WHERE encode(substr({name}, 1, 15), 'escape') ~ '^ef1:[0-9]{{1,10}}:' GROUP BY 1"
    )
}

/// Arrays, documents and whatever else shows itself as a text in which a value stands anywhere.
fn inside(place: &str, name: &str) -> String {
    let text = format!("({name}::text COLLATE \"C\")");
    format!(
        "SELECT 'd' || found.parts[1], count(*) FROM {place}, regexp_matches({text}, '\\mef1:([0-9]+):', 'g') AS found(parts) GROUP BY 1
         UNION ALL
         SELECT 'x' || found.parts[1], count(*) FROM {place}, regexp_matches({text}, '\\\\xef6631([0-9a-f]{{8}})', 'g') AS found(parts)
         GROUP BY 1"
    )
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
