//! SQLite.

use super::connection::Connection;
use super::dialect::{Asked, Dialect, Reached};
use super::shape::{Column, Holds, Key, KeyColumn, Table, by_index, key_of};
use super::sql::{Sql, Value};
use super::statements::{Place, Swap, row_is_beyond};
use super::trouble::{self, Trouble};
use crate::decide::Bytes;
use crate::preflight::Finding;
use crate::spec::{Description, Form};

#[derive(Debug)]
pub(super) struct Sqlite;

/// A part of a key as text: its storage class in one character, and its value.
const GIVE: &str = "CASE typeof({}) WHEN 'integer' THEN 'i' || {} WHEN 'text' THEN 't' || {} \
                    WHEN 'blob' THEN 'x' || hex({}) ELSE {} END";

impl Dialect for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn on_connect(&self) -> &'static [&'static str] {
        // Foreign keys for the ledger; those of the application are not of columns with values.
        &["PRAGMA busy_timeout = 2000; PRAGMA foreign_keys = ON"]
    }

    fn integer(&self) -> &'static str {
        "INTEGER"
    }

    fn begin(&self) -> &'static str {
        // One that begins by reading could not become one that writes.
        "BEGIN IMMEDIATE"
    }

    fn now(&self) -> &'static str {
        "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
    }

    fn skip_locked(&self) -> &'static str {
        ""
    }

    fn ledger(&self) -> &'static [&'static str] {
        &[include_str!("ledger/sqlite.sql")]
    }

    fn bytes_of(&self, column: &Column, qualifier: &str) -> String {
        format!("CAST({qualifier}{} AS BLOB)", column.sql)
    }

    fn value_of(&self, _: &Column, form: Form, bytes: &str) -> String {
        match form {
            Form::Text => format!("CAST({bytes} AS TEXT)"),
            Form::Binary => bytes.to_owned(),
        }
    }

    fn key_value(&self, part: &str) -> Value {
        let (class, value) = part.split_at_checked(1).unwrap_or(("t", part));
        match (class, value.parse::<i64>(), value.parse::<f64>()) {
            ("i", Ok(number), _) => Value::Integer(number),
            ("r", _, Ok(number)) => Value::Real(number),
            ("x", ..) => Value::Bytes(Bytes::new(from_hex(value))),
            _ => Value::from(value),
        }
    }

    fn show_key(&self, part: &str) -> String {
        part.split_at_checked(1).map_or("", |(_, value)| value).to_owned()
    }

    fn is_beyond(&self, sql: &mut Sql, table: &Table, key: &Key, is_after: bool) -> String {
        row_is_beyond(self, sql, table, key, is_after)
    }

    fn has_many_writers(&self) -> bool {
        false
    }

    fn describe<'a>(
        &'a self,
        connection: &'a mut Connection,
        description: &'a Description,
    ) -> Asked<'a, Option<Table>> {
        Box::pin(describe(self, connection, description))
    }

    fn swap<'a>(
        &'a self,
        connection: &'a mut Connection,
        place: &'a Place,
        rows: &'a [Swap],
        _: bool,
    ) -> Asked<'a, Vec<bool>> {
        Box::pin(async move {
            let sql = swap(self, place, rows);
            let changed = connection.fetch(sql).await?;
            let changed: std::collections::HashSet<Key> =
                changed.iter().map(|row| place.key(row)).collect();
            Ok(rows.iter().map(|row| changed.contains(&row.key)).collect())
        })
    }

    fn preflight<'a>(
        &'a self,
        connection: &'a mut Connection,
        place: &'a Place,
    ) -> Asked<'a, Vec<Finding>> {
        Box::pin(preflight(connection, place))
    }

    fn length_of(&self, column: &Column) -> String {
        format!("length({})", self.bytes_of(column, ""))
    }

    fn census(&self, table: &Table, column: &Column, _: Form, more: &str) -> String {
        // A column holds whatever was written into it, so both forms are looked at. The `LIMIT`,
        // which is none, keeps the inner SELECT apart: it asks for what the index of
        // `census_index` has, and for nothing else of the table.
        let [kind, head] = looked_at(&column.sql);
        format!(
            "SELECT CASE WHEN kind = 'null' THEN 'null'
             WHEN kind = 'blob' AND head = x'EF663100000000' THEN 'pending'
             WHEN kind = 'blob' AND substr(head, 1, 3) = x'EF6631' THEN
                 CASE WHEN length(head) > 7 THEN 'x' || hex(substr(head, 4, 4)) ELSE 'malformed' END
             WHEN kind = 'blob' AND substr(head, 1, 2) = x'EF66' AND length(head) > 5
                 AND substr(head, 1, 3) = substr(head, 4, 3) THEN 'malformed'
             WHEN CAST(head AS BLOB) = CAST('ef1:0:' AS BLOB) THEN 'pending'
             WHEN substr(CAST(head AS TEXT), 1, 4) COLLATE BINARY = 'ef1:' THEN
                 CASE WHEN instr(substr(CAST(head AS TEXT), 5), ':') BETWEEN 2 AND 11
                 THEN 'd' || substr(CAST(head AS TEXT), 5, instr(substr(CAST(head AS TEXT), 5), ':') - 1) ELSE 'malformed' END
             WHEN CAST(head AS TEXT) GLOB 'ef[2-9]:*' THEN 'malformed'
             ELSE 'other' END AS label, count(*){more}
             FROM (SELECT {kind} AS kind, {head} AS head FROM {} LIMIT -1) GROUP BY 1",
            table.sql
        )
    }

    fn census_index(&self, table: &str, column: &str) -> Option<String> {
        Some(format!(
            "CREATE INDEX {} ON {} ({})",
            self.quote(&format!("{table}_{column}_census")),
            self.quote(table),
            looked_at(&self.quote(column)).join(", ")
        ))
    }

    fn reached<'a>(&'a self, _: &'a mut Connection) -> Asked<'a, Option<Reached>> {
        Box::pin(async { Ok(None) })
    }

    fn trouble(&self, error: &sqlx::Error) -> Trouble {
        if let Some(trouble) = Trouble::of_driver(error) {
            return trouble;
        }
        // A write that fails, or a file that can't grow: a quota, or a limit of the process.
        if matches!(code(error), 778 | 1034 | 1546 | 4874) {
            return Trouble::Full;
        }
        // The low byte of an extended result code is the primary one.
        match code(error) & 0xFF {
            5 | 6 => Trouble::Busy,
            7 | 13 => Trouble::Full,
            3 | 8 | 14 | 23 => Trouble::Denied,
            9 => Trouble::Timeout,
            10 | 11 | 26 => Trouble::Lost,
            1 if code(error) == 1 => Trouble::Wrong,
            _ => Trouble::Refused,
        }
    }

    fn say(&self, error: &sqlx::Error) -> String {
        let Some(found) = error.as_database_error() else { return trouble::say(error) };
        let code = code(error);
        match code {
            275 => "a CHECK refuses the new value".to_owned(),
            1811 => "a trigger raised it; its words may hold the value".to_owned(),
            1299 => "a NOT NULL refuses the new value".to_owned(),
            2067 | 1555 => "a unique index refuses the new value".to_owned(),
            3091 => "a STRICT table refuses the new value".to_owned(),
            // Of the other ones the texts name what is in the schema, and never a value.
            _ => format!("{} (SQLite error {code})", found.message()),
        }
    }
}

/// What the census looks at, and what its index is over: the kind of a value, and as much of it as
/// marker and key id have at most, and one more. The kind tells NULL from an empty value.
fn looked_at(column: &str) -> [String; 2] {
    [format!("typeof({column})"), format!("substr({column}, 1, 16)")]
}

fn code(error: &sqlx::Error) -> i32 {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse().ok()).unwrap_or(0)
}

fn from_hex(text: &str) -> Vec<u8> {
    let byte = |at| text.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    (0..text.len()).step_by(2).map_while(byte).collect()
}

async fn describe(
    dialect: &Sqlite,
    connection: &mut Connection,
    description: &Description,
) -> sqlx::Result<Option<Table>> {
    let mut sql = connection
        .sql("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND lower(name) = lower(");
    sql.value(&description.table).push(")");
    let Some(found) = connection.fetch_optional(sql).await? else { return Ok(None) };
    let name = found.text(0);
    let mut sql = connection.sql(
        "SELECT name, type, \"notnull\", dflt_value IS NOT NULL, pk, hidden FROM pragma_table_xinfo(",
    );
    sql.value(&name).push(")");
    let (mut columns, mut primary, mut never_null) = (Vec::new(), Vec::new(), Vec::new());
    for row in connection.fetch(sql).await? {
        let name = row.text(0);
        if row.integer(4) > 0 {
            primary.push((row.integer(4), name.clone()));
        }
        if row.integer(2) != 0 {
            never_null.push(name.clone());
        }
        columns.push(Column {
            sql: dialect.quote(&name),
            name,
            type_name: row.text(1),
            holds: Holds::Anything,
            limit: None,
            pads: false,
            is_generated: row.integer(5) >= 2,
            has_default: row.integer(3) != 0,
            charset: String::new(),
        });
    }
    primary.sort();
    let mut unique = unique(connection, &name, &never_null).await?;
    if !primary.is_empty() {
        unique.insert(0, primary.into_iter().map(|(_, name)| name).collect());
    }
    let key = key_of(&description.key, &unique);
    let part = |name: &String| KeyColumn {
        sql: dialect.quote(name),
        take: "{}".to_owned(),
        give: GIVE.to_owned(),
    };
    let alien = (found.text(1) != "table").then(|| "a view".to_owned());
    let (sql, key) = (dialect.quote(&name), key.iter().map(part).collect());
    Ok(Some(Table { sql, key, columns, unique, alien }))
}

/// The columns of each unique index of columns that are never NULL.
async fn unique(
    connection: &mut Connection,
    table: &str,
    never_null: &[String],
) -> sqlx::Result<Vec<Vec<String>>> {
    let mut sql = connection.sql("SELECT l.name, i.name FROM pragma_index_list(");
    sql.value(table).push(
        ") AS l, pragma_index_info(l.name) AS i WHERE l.\"unique\" AND NOT l.partial ORDER BY l.seq, i.seqno",
    );
    let rows = connection.fetch(sql).await?;
    let mut indexes = by_index(rows.iter().map(|row| (row.text(0), row.text(1))));
    indexes.retain(|columns| columns.iter().all(|column| never_null.contains(column)));
    Ok(indexes)
}

fn swap(dialect: &Sqlite, place: &Place, rows: &[Swap]) -> Sql {
    let Place { table, source, target, .. } = place;
    let parts = table.key.len();
    let (old, new) = (format!("v.column{}", parts + 1), format!("v.column{}", parts + 2));
    let mut sql = Sql::new(
        false,
        format!(
            "UPDATE {} AS t SET {} = {} FROM (VALUES ",
            table.sql,
            target.sql,
            dialect.value_of(target, place.form, &new)
        ),
    )
    .once();
    for (position, row) in rows.iter().enumerate() {
        sql.push(if position == 0 { "(" } else { ", (" });
        for part in &row.key {
            sql.value(dialect.key_value(part)).push(", ");
        }
        sql.value(Value::Bytes(row.old.clone())).push(", ");
        sql.value(Value::Bytes(row.new.clone())).push(")");
    }
    sql.push(&format!(") AS v WHERE {} = {old}", dialect.bytes_of(source, "t.")));
    for (at, column) in table.key.iter().enumerate() {
        sql.push(&format!(" AND t.{} = v.column{}", column.sql, at + 1));
    }
    if place.is_between {
        sql.push(&format!(" AND t.{} IS NULL", target.sql));
    }
    sql.push(&format!(" RETURNING {}", place.keys("")));
    sql
}

async fn preflight(connection: &mut Connection, place: &Place) -> sqlx::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let table = place.table.sql.trim_matches('"').replace("\"\"", "\"");
    // Outside of an INTEGER PRIMARY KEY, SQLite lets parts of a primary key be NULL.
    let nulls: Vec<String> =
        place.table.key.iter().map(|column| format!("{} IS NULL", column.sql)).collect();
    let sql = connection.sql(format!(
        "SELECT count(*) FROM {} WHERE {}",
        place.table.sql,
        nulls.join(" OR ")
    ));
    let rows = connection.fetch_one(sql).await?.count(0);
    if rows > 0 {
        findings.push(Finding::null_keys(rows));
    }
    let mut sql = connection.sql("SELECT l.name, l.\"unique\" FROM pragma_index_list(");
    sql.value(&table).push(") AS l, pragma_index_info(l.name) AS i WHERE lower(i.name) = lower(");
    sql.value(&place.target.name).push(")");
    for row in connection.fetch(sql).await? {
        findings.push(Finding::index(&row.text(0), row.integer(1) != 0));
    }
    let mut sql = connection.sql(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%UPDATE%' AND lower(tbl_name) = lower(",
    );
    sql.value(&table).push(")");
    for row in connection.fetch(sql).await? {
        findings.push(Finding::trigger(&row.text(0)));
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_keys_are_bound_as_they_were() {
        let of = |part| Sqlite.key_value(part);
        assert!(matches!(of("i-9223372036854775808"), Value::Integer(i64::MIN)));
        assert!(matches!(of("r0.5"), Value::Real(number) if number.to_bits() == 0.5_f64.to_bits()));
        assert!(matches!(of("x00FF"), Value::Bytes(bytes) if **bytes == [0, 0xFF]));
        assert!(matches!(of("ti1"), Value::Text(text) if text == "i1"));
        assert!(matches!(of("t"), Value::Text(text) if text.is_empty()));
        assert_eq!(Sqlite.show_key("ti1"), "i1");
    }
}
