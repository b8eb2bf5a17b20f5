//! MySQL and MariaDB.

mod describe;
mod swap;

use crate::database::connection::Connection;
use crate::database::dialect::{Asked, Dialect, Reached};
use crate::database::shape::{Column, Holds, Key, Table};
use crate::database::sql::Sql;
use crate::database::statements::{Place, Swap};
use crate::database::trouble::{self, Trouble};
use crate::preflight::Finding;
use crate::spec::{Description, Form};

#[derive(Debug)]
pub(crate) struct MySql;

impl Dialect for MySql {
    fn name(&self) -> &'static str {
        "mysql"
    }

    fn on_connect(&self) -> &'static [&'static str] {
        // Strict, so that nothing is cut that this engine writes. READ COMMITTED locks no gaps, in
        // which the application inserts.
        &[
            "SET sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', time_zone = '+00:00', \
               innodb_lock_wait_timeout = 2",
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        ]
    }

    fn integer(&self) -> &'static str {
        "SIGNED"
    }

    fn begin(&self) -> &'static str {
        "START TRANSACTION"
    }

    fn quote(&self, name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    fn now(&self) -> &'static str {
        "CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)"
    }

    fn ledger(&self) -> &'static [&'static str] {
        &[include_str!("../ledger/mysql.sql")]
    }

    fn bytes_of(&self, column: &Column, qualifier: &str) -> String {
        let name = format!("{qualifier}{}", column.sql);
        match column.holds {
            Holds::Bytes => name,
            Holds::Text => format!("CAST(CONVERT({name} USING utf8mb4) AS BINARY)"),
            _ => format!("CAST(CAST({name} AS CHAR CHARACTER SET utf8mb4) AS BINARY)"),
        }
    }

    fn value_of(&self, column: &Column, _: Form, bytes: &str) -> String {
        match column.holds {
            Holds::Bytes => bytes.to_owned(),
            _ => format!("CONVERT({bytes} USING utf8mb4)"),
        }
    }

    /// Row comparisons find no index here, so `(a, b) > (x, y)` is written out.
    fn is_beyond(&self, sql: &mut Sql, table: &Table, key: &Key, is_after: bool) -> String {
        let (operator, last) = if is_after { (">", ">") } else { ("<", "<=") };
        let mut take = |at: usize| {
            let place = sql.bind(self.key_value(&key[at]));
            format!("{} {{}} {}", table.key[at].sql, table.key[at].take(&place))
        };
        let end = table.key.len() - 1;
        let before = (0..end).map(|at| {
            // The first one is what the index is entered by.
            let bound = take(at).replace("{}", &format!("{operator}="));
            let beyond = take(at).replace("{}", operator);
            format!("({bound} AND ({beyond} OR ")
        });
        let mut text: String = before.collect();
        text.push_str(&take(end).replace("{}", last));
        text.push_str(&"))".repeat(end));
        text
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
        _: bool,
    ) -> Asked<'a, Vec<bool>> {
        Box::pin(swap::swap(self, connection, place, rows))
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
        // The beginning says it all, and is converted once for each place where it stands.
        let bytes = match column.holds {
            Holds::Bytes => format!("LEFT({name}, 16)"),
            Holds::Text => format!("CAST(CONVERT(LEFT({name}, 16) USING utf8mb4) AS BINARY)"),
            _ => self.bytes_of(column, ""),
        };
        let label = match (column.holds, form) {
            (Holds::Bytes, Form::Binary) => format!(
                "CASE WHEN {name} IS NULL THEN 'null'
                 WHEN {name} = x'EF663100000000' THEN 'pending'
                 WHEN SUBSTR({name}, 1, 3) = x'EF6631' THEN
                     CASE WHEN OCTET_LENGTH({name}) > 7 THEN CONCAT('x', HEX(SUBSTR({name}, 4, 4))) ELSE 'malformed' END
                 WHEN SUBSTR({name}, 1, 2) = x'EF66' AND OCTET_LENGTH({name}) > 5
                     AND SUBSTR({name}, 1, 3) = SUBSTR({name}, 4, 3) THEN 'malformed'
                 ELSE 'other' END"
            ),
            // The bytes of the id in hexadecimal, so that no collation takes two for one.
            _ => format!(
                "CASE WHEN {name} IS NULL THEN 'null'
                 WHEN {bytes} = CAST('ef1:0:' AS BINARY) THEN 'pending'
                 WHEN SUBSTR({bytes}, 1, 4) = CAST('ef1:' AS BINARY) THEN
                     CASE WHEN LOCATE(CAST(':' AS BINARY), {bytes}, 5) BETWEEN 6 AND 15
                     THEN CONCAT('h', HEX(SUBSTR({bytes}, 5, LOCATE(CAST(':' AS BINARY), {bytes}, 5) - 5)))
                     ELSE 'malformed' END
                 WHEN SUBSTR({bytes}, 1, 2) = CAST('ef' AS BINARY) AND SUBSTR({bytes}, 4, 1) = CAST(':' AS BINARY)
                     AND ORD(SUBSTR({bytes}, 3, 1)) BETWEEN 50 AND 57 THEN 'malformed'
                 ELSE 'other' END"
            ),
        };
        format!(
            "SELECT CAST({label} AS CHAR CHARACTER SET ascii) COLLATE ascii_bin AS label, COUNT(*){more}
             FROM {place} GROUP BY 1"
        )
    }

    fn reached<'a>(&'a self, connection: &'a mut Connection) -> Asked<'a, Option<Reached>> {
        Box::pin(reached(connection))
    }

    fn waiting_for_room(&self) -> Option<&'static str> {
        // MariaDB's words, and MySQL's.
        Some(
            "SELECT CAST(COUNT(*) AS SIGNED) FROM information_schema.PROCESSLIST
             WHERE STATE IN ('Waiting for someone to free space', 'Waiting for disk space')",
        )
    }

    fn trouble(&self, error: &sqlx::Error) -> Trouble {
        if let Some(trouble) = Trouble::of_driver(error) {
            return trouble;
        }
        match number(error) {
            // Shutting down, too many connections, killed, gone away.
            1040 | 1053 | 1152..=1161 | 1184 | 1203 | 1927 | 2006 | 2013 | 4031 => Trouble::Lost,
            // Lock wait, deadlock, `NOWAIT`, changed since it was read.
            1205 | 1213 | 3572 | 1020 => Trouble::Busy,
            // Any error of a file, of which the server says that its number is 28.
            1030 | 1180 if has_no_space(error) => Trouble::Full,
            3 | 1021 | 1026 | 1037 | 1038 | 1041 | 1114 => Trouble::Full,
            1044 | 1045 | 1142 | 1143 | 1227 | 1290 | 1792 | 1836 | 3100 => Trouble::Denied,
            1317 | 1969 | 3024 => Trouble::Timeout,
            1046 | 1049 | 1054 | 1064 | 1146 | 1295 | 1305 => Trouble::Wrong,
            _ => Trouble::Refused,
        }
    }

    fn say(&self, error: &sqlx::Error) -> String {
        let Some(found) = error.as_database_error() else { return trouble::say(error) };
        let number = number(error);
        let known = match number {
            1406 | 1265 => "the column is too narrow for the new value",
            3819 | 4025 => "a CHECK refuses the new value",
            1062 | 1169 | 1586 => "a unique index refuses the new value",
            1048 => "a NOT NULL refuses the new value",
            1366 | 3854 | 1977 => "the character set of the column has no such character",
            1644 => {
                "a trigger raised it; its words are in the log of the application that wrote it, and not here, because they may \
                 hold the value"
            }
            1030 | 1180 if has_no_space(error) => "no space is left on its disk",
            1317 | 1969 | 3024 => "the statement was cancelled: by its time limit, or by somebody",
            // Their texts name what is in the catalogue, and never a value.
            1020
            | 1021
            | 1026
            | 1040..=1049
            | 1053
            | 1054
            | 1064
            | 1114
            | 1142
            | 1143
            | 1146
            | 1205
            | 1213
            | 1227
            | 1290
            | 1305
            | 1419
            | 1665
            | 1792
            | 1927 => {
                return format!("{} (error {number})", found.message());
            }
            _ => "the text of the error may hold the value",
        };
        format!("{known} (error {number})")
    }
}

/// `ENOSPC`, or a quota.
fn has_no_space(error: &sqlx::Error) -> bool {
    let said = error.as_database_error().map_or("", sqlx::error::DatabaseError::message);
    said.contains("error 28 ") || said.contains("error 122 ")
}

fn number(error: &sqlx::Error) -> u16 {
    let found = error.as_database_error();
    let found = found.and_then(|found| found.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>());
    found.map_or(0, sqlx::mysql::MySqlDatabaseError::number)
}

async fn reached(connection: &mut Connection) -> sqlx::Result<Option<Reached>> {
    let mut sources = Vec::new();
    // MariaDB has the first, which also tells of connections with a name.
    for statement in ["SHOW ALL SLAVES STATUS", "SHOW REPLICA STATUS", "SHOW SLAVE STATUS"] {
        match connection.named(statement).await {
            Ok(found) => {
                sources = found;
                break;
            }
            Err(error) if matches!(number(&error), 1064) => {}
            Err(error) => return Err(error),
        }
    }
    let seconds = |source: Vec<(String, Option<String>)>| {
        let lag = source
            .into_iter()
            .find(|(name, _)| name == "Seconds_Behind_Master" || name == "Seconds_Behind_Source");
        // NULL: it does not replicate.
        lag.and_then(|(_, value)| value?.parse().ok()).unwrap_or(f64::INFINITY)
    };
    let worst = sources.into_iter().map(seconds).max_by(f64::total_cmp);
    Ok(worst.map(|seconds| Reached { seconds, position: None }))
}

async fn preflight(connection: &mut Connection, place: &Place) -> sqlx::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let sql = connection.sql(
        "SELECT CAST(VERSION() AS CHAR), CAST(@@SESSION.sql_mode AS CHAR), CAST(@@GLOBAL.log_bin AS SIGNED),
             CAST(@@SESSION.binlog_format AS CHAR), CAST(@@GLOBAL.read_only AS SIGNED), CAST(@@GLOBAL.sql_mode AS CHAR)",
    );
    let row = connection.fetch_one(sql).await?;
    if !can_skip_locked(&row.text(0)) {
        findings.push(Finding::old_server(&row.text(0)));
    }
    findings.extend(mode_finding(&row.text(1), &row.text(5)));
    if row.integer(2) != 0 {
        if row.text(3) == "STATEMENT" {
            findings.push(Finding::statement_log());
        }
        findings.push(Finding::has_replicas());
    }
    if row.integer(4) != 0 {
        findings.push(Finding::is_replica());
    }
    let (schema, table) = place.table.sql.split_once("`.`").unwrap_or_default();
    let name = |part: &str| part.trim_matches('`').replace("``", "`");
    let (schema, table) = (name(schema), name(table));
    let mut sql = connection.sql(
        "SELECT CAST(INDEX_NAME AS CHAR), CAST(NON_UNIQUE AS SIGNED) FROM information_schema.STATISTICS
         WHERE TABLE_SCHEMA = ",
    );
    sql.value(&schema).push(" AND TABLE_NAME = ").value(&table);
    sql.push(" AND COLUMN_NAME = ").value(&place.target.name);
    for row in connection.fetch(sql).await? {
        findings.push(Finding::index(&row.text(0), row.integer(1) == 0));
    }
    let mut sql = connection.sql(
        "SELECT CAST(TRIGGER_NAME AS CHAR) FROM information_schema.TRIGGERS
         WHERE EVENT_MANIPULATION = 'UPDATE' AND EVENT_OBJECT_SCHEMA = ",
    );
    sql.value(&schema).push(" AND EVENT_OBJECT_TABLE = ").value(&table);
    for row in connection.fetch(sql).await? {
        findings.push(Finding::trigger(&row.text(0)));
    }
    Ok(findings)
}

/// The engine writes under the mode of its own session, which [`MySql::on_connect`] sets, unless a
/// proxy keeps it from that. What the sessions of the application are set to can't be known. They
/// begin with the global mode.
fn mode_finding(own: &str, global: &str) -> Option<Finding> {
    let is_strict = |mode: &str| {
        mode.split(',').any(|mode| matches!(mode, "STRICT_TRANS_TABLES" | "STRICT_ALL_TABLES"))
    };
    match (is_strict(own), is_strict(global)) {
        (false, _) => Some(Finding::not_strict()),
        (true, false) => Some(Finding::application_not_strict()),
        (true, true) => None,
    }
}

/// MySQL since 8.0.1, MariaDB since 10.6.
fn can_skip_locked(version: &str) -> bool {
    let mut numbers = version.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version.to_ascii_lowercase().contains("mariadb") {
        (major, minor) >= (10, 6)
    } else {
        major >= 8
    }
}

#[cfg(test)]
mod tests {
    use crate::preflight::Severity;

    #[test]
    fn a_mode_that_cuts_is_found() {
        let of = |own, global| {
            super::mode_finding(own, global).map(|found| (found.code, found.severity))
        };
        let strict = "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION";
        assert_eq!(of("STRICT_ALL_TABLES", strict), None);
        assert_eq!(
            of(strict, "NO_ENGINE_SUBSTITUTION"),
            Some(("application-not-strict", Severity::Warning))
        );
        for own in ["", "NO_ENGINE_SUBSTITUTION"] {
            assert_eq!(of(own, strict), Some(("not-strict", Severity::Error)));
        }
    }

    #[test]
    fn servers_that_pass_over_locked_rows_are_known() {
        for version in
            ["8.0.36", "8.4.0-log", "10.6.1-MariaDB", "10.11.6-MariaDB-0+deb12u1", "11.4.2-MariaDB"]
        {
            assert!(super::can_skip_locked(version), "{version}");
        }
        for version in ["5.7.44-log", "10.5.9-MariaDB", "10.3.39-MariaDB-log", ""] {
            assert!(!super::can_skip_locked(version), "{version}");
        }
    }
}
