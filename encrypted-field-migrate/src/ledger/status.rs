//! What the ledger tells of jobs.

use serde::Serialize;

use super::{FAILURES, JOBS, RANGES, key};
use crate::database::{Connection, Row, show};
use crate::report::{Counts, Failure, FailureKind};

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// Its name.
    pub job: String,
    /// `schema.table.column`.
    pub place: String,
    /// What it is, as JSON.
    pub spec: String,
    /// Whether all of it is done.
    pub is_finished: bool,
    /// Whether somebody has paused it.
    pub is_paused: bool,
    /// Rows per second for each process, 0 without a limit.
    pub rate: u64,
    /// When this pass over the table began, in milliseconds since 1970 by the clock of the
    /// database.
    pub started: u64,
    /// When it ended, or 0.
    pub ended: u64,
    /// Ranges that were cut off so far.
    pub ranges: u64,
    /// Ranges that are done.
    pub ranges_done: u64,
    /// Ranges on which somebody works at this moment.
    pub ranges_leased: u64,
    /// Whether the ranges reach the end of the table.
    pub is_at_end: bool,
    /// What has become of the rows.
    pub counts: Counts,
}

/// All jobs, or the one of this name.
pub(crate) async fn status(
    connection: &mut Connection,
    job: Option<&str>,
) -> sqlx::Result<Vec<Status>> {
    let now = connection.dialect.now();
    // As an integer: PostgreSQL and MySQL give the sum of integers as a decimal.
    let integer = connection.dialect.integer();
    let sum = |column: &str| {
        format!(
            "(SELECT CAST(COALESCE(SUM({column}), 0) AS {integer}) FROM {RANGES} AS r WHERE r.job = j.name)"
        )
    };
    let mut sql = connection.sql(format!(
        "SELECT j.name, j.place, j.spec, j.state, j.paused, j.rate, j.started, j.ended, j.at_end,
             {}, {}, {}, {}, {}, {}, {}, {}, {},
             (SELECT COUNT(*) FROM {FAILURES} AS f WHERE f.job = j.name)
         FROM {JOBS} AS j",
        sum("1"),
        sum("done"),
        sum(&format!("CASE WHEN done = 0 AND lease_until >= {now} THEN 1 ELSE 0 END")),
        sum("row_count"),
        sum("replaced"),
        sum("kept"),
        sum("nulls"),
        sum("pending"),
        sum("gone"),
    ));
    if let Some(job) = job {
        sql.push(" WHERE j.name = ").value(job);
    }
    sql.push(" ORDER BY j.name");
    let rows = connection.fetch(sql).await?;
    let status = |row: &Row| Status {
        job: row.text(0),
        place: row.text(1),
        spec: row.text(2),
        is_finished: row.text(3) == "finished",
        is_paused: row.integer(4) != 0,
        rate: row.count(5),
        started: row.count(6),
        ended: row.count(7),
        is_at_end: row.integer(8) != 0,
        ranges: row.count(9),
        ranges_done: row.count(10),
        ranges_leased: row.count(11),
        counts: Counts {
            rows: row.count(12),
            replaced: row.count(13),
            kept: row.count(14),
            nulls: row.count(15),
            pending: row.count(16),
            gone: row.count(17),
            failed: row.count(18),
        },
    };
    Ok(rows.iter().map(status).collect())
}

/// The failures of a job after this id, with the id of each.
pub(crate) async fn failures(
    connection: &mut Connection,
    job: &str,
    after: i64,
    most: u32,
) -> sqlx::Result<Vec<(i64, Failure)>> {
    let mut sql = connection.sql(format!(
        "SELECT f.id, f.row_key, f.kind, f.reason, j.place FROM {FAILURES} AS f JOIN {JOBS} AS j ON j.name = f.job WHERE f.id > "
    ));
    sql.value(after).push(" AND f.job = ").value(job).push(" ORDER BY f.id LIMIT ");
    sql.value(i64::from(most));
    let dialect = connection.dialect;
    let rows = connection.fetch(sql).await?;
    let failure = |row: &Row| {
        let parts = key(&row.text(1)).unwrap_or_default();
        let place = row.text(4);
        let (table, column) = place.rsplit_once('.').unwrap_or(("", &place));
        let failure = Failure {
            table: table.to_owned(),
            column: column.to_owned(),
            key: show(dialect, &parts),
            kind: FailureKind::from_text(&row.text(2)),
            reason: row.text(3),
        };
        (row.integer(0), failure)
    };
    Ok(rows.iter().map(failure).collect())
}
