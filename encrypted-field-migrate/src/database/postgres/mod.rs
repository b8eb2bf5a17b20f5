//! PostgreSQL.

mod describe;

use crate::database::connection::{Connection, Row};
use crate::database::dialect::{Asked, Dialect, Reached, Replicas};
use crate::database::shape::{Column, Holds, Key, Table};
use crate::database::sql::{Sql, Value};
use crate::database::statements::{Place, Swap, row_is_beyond};
use crate::database::trouble::Trouble;
use crate::preflight::Finding;
use crate::spec::{Description, Form};

#[derive(Debug)]
pub(crate) struct Postgres;

impl Dialect for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn is_numbered(&self) -> bool {
        true
    }

    fn on_connect(&self) -> &'static [&'static str] {
        // The texts of keys must be read as they were written. The application comes first: this
        // one waits for a lock for a moment only.
        &[
            "SET application_name = 'encrypted-field-migrate'; SET lock_timeout = '200ms'; SET DateStyle = 'ISO, YMD'; \
           SET IntervalStyle = 'postgres'; SET extra_float_digits = 3; SET bytea_output = 'hex'; SET TimeZone = 'UTC'; \
           SET default_transaction_isolation = 'read committed'; SET client_encoding = 'UTF8'",
        ]
    }

    fn integer(&self) -> &'static str {
        "bigint"
    }

    fn begin(&self) -> &'static str {
        "BEGIN"
    }

    fn now(&self) -> &'static str {
        "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    }

    fn ledger(&self) -> &'static [&'static str] {
        &[include_str!("../ledger/postgres.sql")]
    }

    fn bytes_of(&self, column: &Column, qualifier: &str) -> String {
        let name = format!("{qualifier}{}", column.sql);
        match column.holds {
            Holds::Bytes => name,
            _ => format!("convert_to({name}::text, 'UTF8')"),
        }
    }

    fn value_of(&self, column: &Column, _: Form, bytes: &str) -> String {
        match column.holds {
            Holds::Bytes => bytes.to_owned(),
            // Assigned, and not cast to the type: a cast to `varchar(n)` would cut it.
            _ => format!("convert_from({bytes}, 'UTF8')"),
        }
    }

    fn is_beyond(&self, sql: &mut Sql, table: &Table, key: &Key, is_after: bool) -> String {
        row_is_beyond(self, sql, table, key, is_after)
    }

    fn describe<'a>(
        &'a self,
        connection: &'a mut Connection,
        description: &'a Description,
    ) -> Asked<'a, Option<Table>> {
        Box::pin(describe::describe(self, connection, description))
    }

    fn swap<'a>(
        &'a self,
        connection: &'a mut Connection,
        place: &'a Place,
        rows: &'a [Swap],
        patient: bool,
    ) -> Asked<'a, Vec<bool>> {
        Box::pin(async move {
            let sql = swap(self, place, rows, patient);
            let mut done = vec![false; rows.len()];
            for row in connection.fetch(sql).await? {
                let at = usize::try_from(row.integer(0) - 1).unwrap_or(usize::MAX);
                if let Some(done) = done.get_mut(at) {
                    *done = true;
                }
            }
            Ok(done)
        })
    }

    fn preflight<'a>(
        &'a self,
        connection: &'a mut Connection,
        place: &'a Place,
    ) -> Asked<'a, Vec<Finding>> {
        Box::pin(preflight(connection, place))
    }

    fn census(&self, table: &Table, column: &Column, form: Form, more: &str) -> String {
        let (name, place) = (&column.sql, &table.sql);
        let label = match (column.holds, form) {
            (Holds::Bytes, Form::Binary) => format!(
                "CASE WHEN {name} IS NULL THEN 'null'
                 WHEN {name} = '\\xef663100000000'::bytea THEN 'pending'
                 WHEN substr({name}, 1, 3) = '\\xef6631'::bytea THEN
                     CASE WHEN octet_length({name}) > 7 THEN 'x' || encode(substr({name}, 4, 4), 'hex') ELSE 'malformed' END
                 WHEN substr({name}, 1, 2) = '\\xef66'::bytea AND octet_length({name}) > 5
                     AND substr({name}, 1, 3) = substr({name}, 4, 3) THEN 'malformed'
                 ELSE 'other' END"
            ),
            (Holds::Bytes, Form::Text) => text_label(&format!("encode({name}, 'escape')")),
            _ => text_label(&format!("{name}::text")),
        };
        format!("SELECT {label} COLLATE \"C\" AS label, count(*){more} FROM {place} GROUP BY 1")
    }

    fn replicas<'a>(&'a self, connection: &'a mut Connection) -> Asked<'a, Replicas> {
        Box::pin(async move {
            let sql = connection.sql("SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint");
            let end = connection.fetch_one(sql).await?.integer(0);
            // A replica that has everything keeps its last lag until something is written again.
            // What replays nothing, such as a backup, is no replica.
            let sql = connection.sql(
                "SELECT COALESCE(NULLIF(application_name, ''), client_addr::text, 'unnamed'), (state IS NULL)::int,
                     CASE WHEN replay_lsn >= pg_current_wal_flush_lsn() THEN 0
                     ELSE COALESCE((extract(epoch FROM replay_lag) * 1000)::bigint, 0) END,
                     (replay_lsn - '0/0')::bigint
                 FROM pg_stat_replication
                 WHERE state IS NULL OR (state IN ('streaming', 'catchup') AND replay_lsn IS NOT NULL)",
            );
            let rows = connection.fetch(sql).await?;
            let is_hidden = |row: &Row| row.integer(1) != 0;
            let known = rows.iter().filter(|row| !is_hidden(row));
            Ok(Replicas {
                end: Some(end),
                known: known.map(|row| (row.text(0), reached(row))).collect(),
                are_hidden: rows.iter().any(is_hidden),
            })
        })
    }

    fn reached<'a>(&'a self, connection: &'a mut Connection) -> Asked<'a, Option<Reached>> {
        Box::pin(async move {
            // Without anything to replay, the last transaction may be as old as it likes.
            let sql = connection.sql(
                "SELECT '', pg_is_in_recovery()::int,
                     CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
                     ELSE COALESCE((extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::bigint, 0) END,
                     (pg_last_wal_replay_lsn() - '0/0')::bigint",
            );
            let row = connection.fetch_one(sql).await?;
            Ok((row.integer(1) != 0).then(|| reached(&row)))
        })
    }

    fn trouble(&self, error: &sqlx::Error) -> Trouble {
        if let Some(trouble) = Trouble::of_driver(error) {
            return trouble;
        }
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        let code = code.as_deref().unwrap_or_default();
        match code {
            // The server has no code for a quota and for a limit on the size of files.
            "XX000" if fails_to_grow(error) => Trouble::Full,
            "57P01" | "57P02" | "57P03" | "57P04" | "53300" => Trouble::Lost,
            "55P03" | "40P01" | "40001" | "55006" => Trouble::Busy,
            "53100" | "53200" | "53400" => Trouble::Full,
            "42501" | "25006" => Trouble::Denied,
            "57014" | "25P03" | "25P04" => Trouble::Timeout,
            _ if code.starts_with("08") => Trouble::Lost,
            _ if code.starts_with("42") || code.starts_with("3F") || code.starts_with("3D") => {
                Trouble::Wrong
            }
            _ => Trouble::Refused,
        }
    }

    fn say(&self, error: &sqlx::Error) -> String {
        let Some(found) = error.as_database_error() else {
            return crate::database::trouble::say(error);
        };
        let code = found.code().unwrap_or_default().into_owned();
        let constraint = found.constraint().map(|name| format!(" \"{name}\"")).unwrap_or_default();
        let known = match code.as_str() {
            "22001" => "the column is too narrow for the new value",
            "23514" => "a CHECK refuses the new value",
            "23505" => "a unique index refuses the new value",
            "23502" => "a NOT NULL refuses the new value",
            "P0001" => {
                "a trigger or a function raised it; its words are in the log of the server, and not here, because they may hold \
                 the value"
            }
            "57014" => "the statement was cancelled: by a statement timeout, or by somebody",
            // The text names the file, and says why.
            "XX000" if fails_to_grow(error) => {
                return format!("{} (SQLSTATE {code})", found.message());
            }
            "22P05" | "22021" => "the encoding of the database has no such character",
            // Of these classes the texts name what is in the catalogue, and never a value.
            _ if ["08", "28", "3D", "3F", "42", "53", "55", "57", "58", "25", "40"]
                .iter()
                .any(|class| code.starts_with(class)) =>
            {
                return format!("{} (SQLSTATE {code})", found.message());
            }
            _ => "the log of the server has the words, which may hold the value",
        };
        format!("{known}{constraint} (SQLSTATE {code})")
    }
}

/// Whether the server could not make a file of a table longer. Its text may be translated, and the
/// name of its function is not.
fn fails_to_grow(error: &sqlx::Error) -> bool {
    let found = error.as_database_error();
    let found = found.and_then(|found| found.try_downcast_ref::<sqlx::postgres::PgDatabaseError>());
    let routine = found.and_then(sqlx::postgres::PgDatabaseError::routine);
    matches!(routine, Some("mdextend" | "mdzeroextend"))
}

/// The milliseconds and the position in the last two columns.
fn reached(row: &Row) -> Reached {
    #[allow(clippy::cast_precision_loss, reason = "a lag of 285,000 years")]
    let milliseconds = row.integer(2) as f64;
    Reached { seconds: milliseconds / 1000.0, position: Some(row.integer(3)) }
}

/// Under a byte-wise collation: nothing of it depends on the locale. Without a regular expression,
/// which takes ten times as long.
fn text_label(text: &str) -> String {
    let digits = format!("strpos(substr({text}, 5, 11), ':')");
    format!(
        "CASE WHEN {text} IS NULL THEN 'null'
         WHEN {text} COLLATE \"C\" = 'ef1:0:' THEN 'pending'
         WHEN left({text}, 4) COLLATE \"C\" = 'ef1:' THEN
             CASE WHEN {digits} > 1 THEN 'd' || substr({text}, 5, {digits} - 1) ELSE 'malformed' END
         WHEN left({text}, 2) COLLATE \"C\" = 'ef' AND substr({text}, 4, 1) COLLATE \"C\" = ':'
             AND substr({text}, 3, 1) COLLATE \"C\" BETWEEN '2' AND '9' THEN 'malformed'
         ELSE 'other' END"
    )
}

/// One statement for all rows. Where it is not patient, it first locks what nobody else has locked.
fn swap(dialect: &Postgres, place: &Place, rows: &[Swap], patient: bool) -> Sql {
    let Place { table, source, target, .. } = place;
    let parts: Vec<String> = (0..table.key.len()).map(|at| format!("k{at}")).collect();
    let mut sql = Sql::new(true, "");
    let mut arrays = Vec::new();
    for at in 0..table.key.len() {
        let texts = rows.iter().map(|row| row.key[at].clone()).collect();
        arrays.push(format!("{}::text[]", sql.bind(Value::Texts(texts))));
    }
    let old = rows.iter().map(|row| row.old.clone()).collect();
    let new = rows.iter().map(|row| row.new.clone()).collect();
    arrays.push(format!("{}::bytea[]", sql.bind(Value::Blobs(old))));
    arrays.push(format!("{}::bytea[]", sql.bind(Value::Blobs(new))));
    let given = format!(
        "unnest({}) WITH ORDINALITY AS v({}, old, new, position)",
        arrays.join(", "),
        parts.join(", ")
    );
    let mut same: Vec<String> = table
        .key
        .iter()
        .zip(&parts)
        .map(|(column, part)| format!("t.{} = {}", column.sql, column.take(&format!("v.{part}"))))
        .collect();
    same.push(format!("{} = v.old", dialect.bytes_of(source, "t.")));
    if place.is_between {
        same.push(format!("t.{} IS NULL", target.sql));
    }
    let same = same.join(" AND ");
    let name = &table.sql;
    let set = format!("{} = {}", target.sql, dialect.value_of(target, place.form, "v.new"));
    sql.text = if patient {
        format!("UPDATE {name} AS t SET {set} FROM {given} WHERE {same} RETURNING v.position")
    } else {
        format!(
            "WITH v AS MATERIALIZED (
                 SELECT v.* FROM {name} AS t, {given} WHERE {same} FOR NO KEY UPDATE OF t SKIP LOCKED)
             UPDATE {name} AS t SET {set} FROM v WHERE {same} RETURNING v.position"
        )
    };
    sql
}

async fn preflight(connection: &mut Connection, place: &Place) -> sqlx::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut sql = connection.sql(
        "SELECT i.indexrelid::regclass::text, i.indisunique::int FROM pg_index i
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[])
         WHERE i.indrelid = to_regclass(",
    );
    sql.value(&place.table.sql).push(") AND a.attname = ").value(&place.target.name);
    for row in connection.fetch(sql).await? {
        findings.push(Finding::index(&row.text(0), row.integer(1) != 0));
    }
    let mut sql = connection.sql(
        "SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D' AND (tgtype & 16) <> 0 AND tgrelid = to_regclass(",
    );
    sql.value(&place.table.sql).push(")");
    for row in connection.fetch(sql).await? {
        findings.push(Finding::trigger(&row.text(0)));
    }
    let sql = connection.sql(
        "SELECT pg_is_in_recovery()::int, (SELECT count(*) FROM pg_publication)::bigint,
             (SELECT count(*) FROM pg_stat_replication)::bigint",
    );
    let row = connection.fetch_one(sql).await?;
    if row.integer(0) != 0 {
        findings.push(Finding::is_replica());
    }
    if row.integer(1) + row.integer(2) > 0 {
        findings.push(Finding::has_replicas());
    }
    Ok(findings)
}
