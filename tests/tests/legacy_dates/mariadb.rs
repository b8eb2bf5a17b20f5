//! MariaDB; MySQL prints the same.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};

use crate::{
    YEAR_1, YEAR_10000, moments, reads, reads_date, reads_naive, reads_time, refuses, utc,
};

#[derive(QueryableByName)]
struct Printed {
    #[diesel(sql_type = BigInt)]
    second: i64,
    #[diesel(sql_type = Integer)]
    micros: i32,
    #[diesel(sql_type = Text)]
    shown: String,
    #[diesel(sql_type = Text)]
    day: String,
    #[diesel(sql_type = Text)]
    clock: String,
}

#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = Text)]
    value: String,
}

fn connect() -> Option<(tests::Database, MysqlConnection)> {
    let database = tests::Database::mariadb()?;
    let mut connection = MysqlConnection::establish(&database.url()).unwrap();
    // So that zero dates can be written, as by old servers.
    connection.batch_execute("SET sql_mode = ''; SET time_zone = '+05:30'").unwrap();
    Some((database, connection))
}

#[test]
fn a_column_that_was_altered() {
    let Some((_database, mut connection)) = connect() else { return };
    let moments = moments(YEAR_1..YEAR_10000, 5000);
    let rows: Vec<String> = moments
        .iter()
        .map(|(s, m)| {
            let at = format!(
                "TIMESTAMP('1970-01-01 00:00:00') + INTERVAL {s} SECOND + INTERVAL {m} MICROSECOND"
            );
            format!("({s}, {m}, {at}, DATE({at}), TIME({at}))")
        })
        .collect();
    connection
        .batch_execute(
            "CREATE TABLE moments (second BIGINT, micros INT, shown DATETIME(6), day DATE, clock TIME(6))",
        )
        .unwrap();
    for rows in rows.chunks(500) {
        let insert = format!("INSERT INTO moments VALUES {}", rows.join(", "));
        connection.batch_execute(&insert).unwrap();
    }
    connection
        .batch_execute("ALTER TABLE moments MODIFY shown TEXT, MODIFY day TEXT, MODIFY clock TEXT")
        .unwrap();
    let printed: Vec<Printed> =
        diesel::sql_query("SELECT * FROM moments").load(&mut connection).unwrap();
    assert_eq!(printed.len(), moments.len());
    for row in printed {
        let moment = (row.second, u32::try_from(row.micros).unwrap());
        reads_naive(&row.shown, moment);
        reads_date(&row.day, moment);
        reads_time(&row.clock, moment);
    }
}

/// A `TIMESTAMP` is printed as the session's clock shows it, without saying so: its instant is
/// known to whoever altered it.
#[test]
fn a_timestamp_has_no_offset() {
    let Some((_database, mut connection)) = connect() else { return };
    connection
        .batch_execute(
            "CREATE TABLE moments (second BIGINT, value TIMESTAMP(6) NULL);
             INSERT INTO moments VALUES (1709168523, FROM_UNIXTIME(1709168523.45));
             SET time_zone = '+00:00';
             ALTER TABLE moments MODIFY value TEXT",
        )
        .unwrap();
    let Value { value } =
        diesel::sql_query("SELECT value FROM moments").get_result(&mut connection).unwrap();
    refuses::<DateTime<Utc>>(&value, "without an offset");
    reads(&value, utc((1_709_168_523, 450_000)).map(|utc| utc.naive_utc()));
}

/// The reason is that of the type, wherever it can't hold what the database can.
#[test]
fn beyond_the_types() {
    let Some((_database, mut connection)) = connect() else { return };
    let mut altered = |sql_type: &str, value: &str| {
        connection
            .batch_execute(&format!(
                "CREATE OR REPLACE TABLE one (value {sql_type} NULL); INSERT INTO one VALUES ('{value}');
                 ALTER TABLE one MODIFY value TEXT"
            ))
            .unwrap();
        let row: Value =
            diesel::sql_query("SELECT value FROM one").get_result(&mut connection).unwrap();
        row.value
    };
    for zero in ["0000-00-00", "2024-00-00", "2024-02-00"] {
        refuses::<NaiveDate>(&altered("DATE", zero), "month or day 00");
        refuses::<NaiveDateTime>(&altered("DATETIME(6)", zero), "month or day 00");
    }
    for duration in ["838:59:59", "-838:59:59", "-00:00:00.5", "24:00:00.000001"] {
        refuses::<NaiveTime>(&altered("TIME(6)", duration), "a duration");
    }
    refuses::<NaiveTime>(&altered("TIME(3)", "24:00:00"), "the end of a day");
    reads(&altered("DATE", "0000-01-01"), NaiveDate::from_ymd_opt(0, 1, 1));
}
