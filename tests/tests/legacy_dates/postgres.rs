//! PostgreSQL, whose `timestamptz` is printed in the time zone of the session.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};

use crate::{
    JULIAN_DAY_0, YEAR_294277, moments, reads_date, reads_instant, reads_naive, reads_time, refuses,
};

#[derive(QueryableByName)]
struct Printed {
    #[diesel(sql_type = BigInt)]
    second: i64,
    #[diesel(sql_type = Integer)]
    micros: i32,
    #[diesel(sql_type = Text)]
    at: String,
    #[diesel(sql_type = Text)]
    shown: String,
    #[diesel(sql_type = Text)]
    day: String,
    #[diesel(sql_type = Text)]
    clock: String,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// A table of moments, each in four types.
fn with_moments(random: usize) -> Option<(tests::Database, PgConnection)> {
    let database = tests::Database::postgres()?;
    let mut connection = PgConnection::establish(&database.url()).unwrap();
    // A bit after the beginning of `timestamp`, since local times have to be in its range too.
    let moments = moments(JULIAN_DAY_0 + 86_400..YEAR_294277 - 86_400, random);
    let rows: Vec<String> = moments.iter().map(|(s, m)| format!("({s}::bigint, {m})")).collect();
    connection
        .batch_execute(&format!(
            "SET TIME ZONE 'UTC';
             CREATE TABLE moments AS
             SELECT second, micros, at, at AT TIME ZONE 'UTC' AS shown, (at AT TIME ZONE 'UTC')::date AS day,
                    (at AT TIME ZONE 'UTC')::time AS clock
             FROM (VALUES {}) AS given (second, micros), LATERAL (SELECT timestamptz '1970-01-01 00:00:00+00'
                    + (second / 86400 || ' days')::interval + (second % 86400 || ' seconds')::interval
                    + (micros || ' microseconds')::interval) AS made (at)",
            rows.join(", ")
        ))
        .unwrap();
    // Near its end PostgreSQL gives the epoch as a double.
    let wrong = diesel::sql_query(
        "SELECT second::text AS name FROM moments
         WHERE abs(extract(epoch FROM at) - second - micros / 1000000.0) > 0.0001",
    );
    assert!(wrong.load::<Name>(&mut connection).unwrap().is_empty());
    Some((database, connection))
}

fn printed(connection: &mut PgConnection) -> Vec<Printed> {
    let rows = "SELECT second, micros, at::text, shown::text, day::text, clock::text FROM moments";
    let rows: Vec<Printed> = diesel::sql_query(rows).load(connection).unwrap();
    assert!(!rows.is_empty());
    rows
}

fn check(rows: &[Printed]) {
    for row in rows {
        let moment = (row.second, u32::try_from(row.micros).unwrap());
        reads_instant(&row.at, moment);
        reads_naive(&row.shown, moment);
        reads_date(&row.day, moment);
        reads_time(&row.clock, moment);
    }
}

#[test]
fn every_time_zone() {
    let Some((_database, mut connection)) = with_moments(40) else { return };
    let zones: Vec<Name> =
        diesel::sql_query("SELECT name FROM pg_timezone_names").load(&mut connection).unwrap();
    assert!(zones.len() > 400, "{}", zones.len());
    for zone in &zones {
        connection.batch_execute(&format!("SET TIME ZONE '{}'", zone.name)).unwrap();
        check(&printed(&mut connection));
    }
}

#[test]
fn any_moment() {
    let Some((_database, mut connection)) = with_moments(20_000) else { return };
    for zone in ["UTC", "Asia/Kathmandu", "America/New_York", "<X>-15:59"] {
        connection.batch_execute(&format!("SET TIME ZONE '{zone}'")).unwrap();
        check(&printed(&mut connection));
    }
}

#[test]
fn a_column_that_was_altered() {
    let Some((_database, mut connection)) = with_moments(200) else { return };
    connection
        .batch_execute(
            "SET TIME ZONE 'Africa/Monrovia';
             ALTER TABLE moments ALTER at TYPE text, ALTER shown TYPE text, ALTER day TYPE text, ALTER clock TYPE text",
        )
        .unwrap();
    check(&printed(&mut connection));
}

/// The reason is that of the type, wherever it can't hold what the database can.
#[test]
fn beyond_the_types() {
    let Some(database) = tests::Database::postgres() else { return };
    let mut connection = PgConnection::establish(&database.url()).unwrap();
    let mut text = |sql: &str| {
        let name: Name = diesel::sql_query(format!("SELECT ({sql})::text AS name"))
            .get_result(&mut connection)
            .unwrap();
        name.name
    };
    for infinite in ["infinity", "-infinity"] {
        refuses::<NaiveDate>(&text(&format!("date '{infinite}'")), "`infinity`");
        refuses::<NaiveDateTime>(&text(&format!("timestamp '{infinite}'")), "`infinity`");
        refuses::<DateTime<Utc>>(&text(&format!("timestamptz '{infinite}'")), "`infinity`");
    }
    refuses::<NaiveDate>(&text("date '5874897-12-31'"), "out of the range");
    refuses::<NaiveTime>(&text("time '24:00:00'"), "the end of a day");
    refuses::<NaiveTime>(&text("timetz '01:02:03+05:30'"), "would lose");
    refuses::<DateTime<Utc>>(&text("timestamp '2024-02-29 01:02:03'"), "without an offset");
    // Of the other styles, none is taken for what it is not.
    for style in ["SQL, DMY", "SQL, MDY", "Postgres, DMY", "German"] {
        let mut connection = PgConnection::establish(&database.url()).unwrap();
        connection.batch_execute(&format!("SET DateStyle TO '{style}'")).unwrap();
        let sql = "SELECT (timestamp '2024-03-02 01:02:03')::date::text AS name";
        let day: Name = diesel::sql_query(sql).get_result(&mut connection).unwrap();
        refuses::<NaiveDate>(&day.name, "year of four digits");
    }
}
