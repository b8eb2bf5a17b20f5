//! What the catalogue says of a table.

use super::Postgres;
use crate::database::connection::Connection;
use crate::database::dialect::Dialect as _;
use crate::database::shape::{Column, Holds, KeyColumn, Table, by_index, key_of};
use crate::database::sql::Sql;
use crate::spec::Description;

/// Of each column: its name, its type, the type below its domain, what limits it, whether it is
/// generated, whether it has a default.
const COLUMNS: &str = "
    WITH RECURSIVE base(attnum, oid, typmod) AS (
        SELECT attnum, atttypid, atttypmod FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped
        UNION ALL
        SELECT b.attnum, t.typbasetype, t.typtypmod FROM base b JOIN pg_type t ON t.oid = b.oid WHERE t.typtype = 'd')
    SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), t.typname::text, b.typmod::bigint,
        (a.attgenerated <> '' OR a.attidentity = 'a')::int, a.atthasdef::int
    FROM pg_attribute a
    JOIN base b ON b.attnum = a.attnum JOIN pg_type t ON t.oid = b.oid AND t.typtype <> 'd'
    WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

/// The columns of each unique index of columns that are never NULL, the primary key first.
const KEYS: &str = "
    SELECT i.indexrelid::bigint, a.attname::text
    FROM pg_index i, LATERAL unnest(i.indkey) WITH ORDINALITY AS k(n, position)
    JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum = k.n
    WHERE i.indrelid = $1 AND k.position <= i.indnkeyatts
      AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indisunique
      AND NOT EXISTS (
        SELECT FROM unnest(i.indkey) WITH ORDINALITY AS k(n, position)
        JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum = k.n
        WHERE k.position <= i.indnkeyatts AND NOT a.attnotnull)
    ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid, k.position";

pub(super) async fn describe(
    dialect: &Postgres,
    connection: &mut Connection,
    description: &Description,
) -> sqlx::Result<Option<Table>> {
    let name = match &description.schema {
        Some(schema) => {
            format!("{}.{}", dialect.quote(schema), dialect.quote(&description.table))
        }
        None => dialect.quote(&description.table),
    };
    let mut sql = connection.sql(
        "SELECT c.oid::bigint, c.relkind::text, n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = to_regclass(",
    );
    sql.value(&name).push(")");
    let Some(found) = connection.fetch_optional(sql).await? else { return Ok(None) };
    let oid = found.integer(0);
    // As a number and not as a name: it must not change between the questions.
    let with_oid = |text: &str| {
        let mut sql = Sql::new(true, text.replace("$1", &format!("{oid}::oid")));
        sql.again = false;
        sql
    };
    let mut columns = Vec::new();
    for row in connection.fetch(with_oid(COLUMNS)).await? {
        columns.push(column(
            dialect,
            &row.text(0),
            &row.text(1),
            &row.text(2),
            row.integer(3),
            row.integer(4) != 0,
            row.integer(5) != 0,
        ));
    }
    let indexes = connection.fetch(with_oid(KEYS)).await?;
    let unique = by_index(indexes.iter().map(|row| (row.text(0), row.text(1))));
    let key = key_of(&description.key, &unique)
        .iter()
        .map(|name| {
            let type_name = columns.iter().find(|column| column.name == *name);
            let type_name = type_name.map_or("text", |column| column.type_name.as_str());
            KeyColumn {
                sql: dialect.quote(name),
                take: format!("{{}}::text::{type_name}"),
                give: "{}::text".to_owned(),
            }
        })
        .collect();
    let alien = match found.text(1).as_str() {
        "r" | "p" => None,
        "v" => Some("a view"),
        "m" => Some("a materialized view"),
        "f" => Some("a foreign table"),
        _ => Some("no table"),
    };
    let sql = format!("{}.{}", dialect.quote(&found.text(2)), dialect.quote(&description.table));
    Ok(Some(Table { sql, key, columns, unique, alien: alien.map(str::to_owned) }))
}

fn column(
    dialect: &Postgres,
    name: &str,
    type_name: &str,
    base: &str,
    typmod: i64,
    is_generated: bool,
    has_default: bool,
) -> Column {
    let holds = match base {
        "text" | "varchar" | "citext" | "bpchar" => Holds::Text,
        "bytea" => Holds::Bytes,
        _ => Holds::Other,
    };
    // The modifier of a text is its limit and 4 bytes for a header.
    let limit = (holds == Holds::Text && typmod > 4).then(|| u64::try_from(typmod - 4).ok());
    Column {
        name: name.to_owned(),
        sql: dialect.quote(name),
        type_name: type_name.to_owned(),
        holds,
        limit: limit.flatten(),
        pads: base == "bpchar",
        is_generated,
        has_default,
        charset: String::new(),
    }
}
