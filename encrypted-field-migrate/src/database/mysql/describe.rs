//! What the catalogue says of a table.

use super::MySql;
use crate::database::connection::{Connection, Row};
use crate::database::dialect::Dialect as _;
use crate::database::shape::{Column, Holds, KeyColumn, Table, by_index, key_of};
use crate::database::sql::{Sql, Value};
use crate::spec::Description;

/// Of each column: its name, its type in short and in full, its limits in characters and in bytes,
/// its character set and collation, what the database does with it, its default, its digits.
const COLUMNS: &str = "
    SELECT CAST(COLUMN_NAME AS CHAR), CAST(LOWER(DATA_TYPE) AS CHAR), CAST(LOWER(COLUMN_TYPE) AS CHAR),
        CAST(COALESCE(CHARACTER_MAXIMUM_LENGTH, 0) AS SIGNED), CAST(COALESCE(CHARACTER_OCTET_LENGTH, 0) AS SIGNED),
        CAST(COALESCE(CHARACTER_SET_NAME, '') AS CHAR), CAST(COALESCE(COLLATION_NAME, '') AS CHAR),
        CAST(UPPER(EXTRA) AS CHAR), CAST(COLUMN_DEFAULT IS NOT NULL AND COLUMN_DEFAULT <> 'NULL' AS SIGNED),
        CAST(COALESCE(NUMERIC_PRECISION, 0) AS SIGNED), CAST(COALESCE(NUMERIC_SCALE, 0) AS SIGNED)
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION";

/// The columns of each unique index of whole columns that are never NULL, the primary key first.
const KEYS: &str = "
    SELECT CAST(s.INDEX_NAME AS CHAR), CAST(s.COLUMN_NAME AS CHAR) FROM information_schema.STATISTICS s
    WHERE s.TABLE_SCHEMA = ? AND s.TABLE_NAME = ? AND s.NON_UNIQUE = 0 AND NOT EXISTS (
        SELECT 1 FROM information_schema.STATISTICS o WHERE o.TABLE_SCHEMA = s.TABLE_SCHEMA
          AND o.TABLE_NAME = s.TABLE_NAME AND o.INDEX_NAME = s.INDEX_NAME
          AND (o.NULLABLE = 'YES' OR o.SUB_PART IS NOT NULL OR o.COLUMN_NAME IS NULL))
    ORDER BY s.INDEX_NAME <> 'PRIMARY', s.INDEX_NAME, s.SEQ_IN_INDEX";

pub(super) async fn describe(
    dialect: &MySql,
    connection: &mut Connection,
    description: &Description,
) -> sqlx::Result<Option<Table>> {
    let schema = if let Some(schema) = &description.schema {
        schema.clone()
    } else {
        let sql = connection.sql("SELECT CAST(DATABASE() AS CHAR)");
        connection.fetch_one(sql).await?.text(0)
    };
    let mut sql = connection.sql(
        "SELECT CAST(TABLE_TYPE AS CHAR), CAST(COALESCE(ENGINE, '') AS CHAR) FROM information_schema.TABLES
         WHERE TABLE_SCHEMA = ",
    );
    sql.value(&schema).push(" AND TABLE_NAME = ").value(&description.table);
    let Some(found) = connection.fetch_optional(sql).await? else { return Ok(None) };
    let named = |text: &str| {
        let mut sql = Sql::new(false, text);
        sql.values = vec![Value::from(&schema), Value::from(&description.table)];
        sql
    };
    let (mut columns, mut parts) = (Vec::new(), Vec::new());
    for row in connection.fetch(named(COLUMNS)).await? {
        let column = column(dialect, &row);
        parts.push((column.name.clone(), part(&column, &row)));
        columns.push(column);
    }
    let indexes = connection.fetch(named(KEYS)).await?;
    let unique = by_index(indexes.iter().map(|row| (row.text(0), row.text(1))));
    let key = key_of(&description.key, &unique)
        .iter()
        .map(|name| {
            let found = parts.iter().find(|(part, _)| part.eq_ignore_ascii_case(name));
            found.map_or_else(
                || KeyColumn {
                    sql: dialect.quote(name),
                    take: "{}".to_owned(),
                    give: "CAST({} AS CHAR)".to_owned(),
                },
                |(_, part)| part.clone(),
            )
        })
        .collect();
    let alien = match (found.text(0).as_str(), found.text(1).as_str()) {
        ("BASE TABLE" | "SYSTEM VERSIONED", "InnoDB") => None,
        ("BASE TABLE" | "SYSTEM VERSIONED", engine) => {
            Some(format!("a table of the engine {engine}, which has no transactions"))
        }
        ("VIEW" | "SYSTEM VIEW", _) => Some("a view".to_owned()),
        (other, _) => Some(other.to_lowercase()),
    };
    let sql = format!("{}.{}", dialect.quote(&schema), dialect.quote(&description.table));
    Ok(Some(Table { sql, key, columns, unique, alien }))
}

fn column(dialect: &MySql, row: &Row) -> Column {
    let (name, kind, extra) = (row.text(0), row.text(1), row.text(7));
    let holds = match kind.as_str() {
        "varchar" | "char" | "tinytext" | "text" | "mediumtext" | "longtext" => Holds::Text,
        "varbinary" | "binary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Holds::Bytes,
        _ => Holds::Other,
    };
    // The limit of a TEXT is in bytes, that of a VARCHAR in characters. Stored values are ASCII.
    let limit = if kind.ends_with("char") { row.count(3) } else { row.count(4) };
    Column {
        sql: dialect.quote(&name),
        name,
        type_name: row.text(2),
        holds,
        limit: (holds != Holds::Other && limit < u64::from(u32::MAX)).then_some(limit),
        pads: matches!(kind.as_str(), "char" | "binary"),
        is_generated: extra.contains("GENERATED") && !extra.contains("DEFAULT_GENERATED")
            || extra.contains("VIRTUAL")
            || extra.contains("PERSISTENT"),
        has_default: row.integer(8) != 0,
        charset: row.text(5),
    }
}

/// A part of a key. A number that is compared with a text would be compared as a double, and a text
/// under another collation would find no index.
fn part(column: &Column, row: &Row) -> KeyColumn {
    let kind = row.text(1);
    let as_text = "CAST({} AS CHAR)".to_owned();
    let (take, give) = match kind.as_str() {
        _ if kind.ends_with("int") && row.text(2).contains("unsigned") => {
            ("CAST({} AS UNSIGNED)".to_owned(), as_text)
        }
        _ if kind.ends_with("int") || kind == "year" => ("CAST({} AS SIGNED)".to_owned(), as_text),
        "bit" | "enum" | "set" => {
            ("CAST({} AS UNSIGNED)".to_owned(), "CAST({} + 0 AS CHAR)".to_owned())
        }
        "decimal" => {
            (format!("CAST({{}} AS DECIMAL({}, {}))", row.integer(9), row.integer(10)), as_text)
        }
        "date" => ("CAST({} AS DATE)".to_owned(), as_text),
        "time" => ("CAST({} AS TIME(6))".to_owned(), as_text),
        "datetime" | "timestamp" => ("CAST({} AS DATETIME(6))".to_owned(), as_text),
        "uuid" | "inet6" | "inet4" => (format!("CAST({{}} AS {})", kind.to_uppercase()), as_text),
        _ if column.holds == Holds::Bytes => ("UNHEX({})".to_owned(), "HEX({})".to_owned()),
        _ if column.holds == Holds::Text => (
            format!("CONVERT({{}} USING {}) COLLATE {}", column.charset, row.text(6)),
            "CONVERT({} USING utf8mb4)".to_owned(),
        ),
        _ => ("{}".to_owned(), as_text),
    };
    KeyColumn { sql: column.sql.clone(), take, give }
}
