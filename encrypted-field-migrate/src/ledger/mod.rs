//! What the engine keeps in the database that it works on: jobs, ranges of keys, and rows that
//! failed. A checkpoint is written in the transaction that writes the rows.
//!
//! A job is cut into ranges from its *frontier* on, while it runs. A range has a number, bounds,
//! and a lease: who works on it, and until when by the clock of the database. Whoever finds a lease
//! that has run out takes the range over.

mod status;

pub use status::Status;
pub(crate) use status::{failures, status};

use crate::database::{Connection, Key, Sql, Trouble};
use crate::error::{Error, ErrorKind, Result};
use crate::failure;
use crate::report::{Counts, FailureKind};
use crate::spec::Job;

const JOBS: &str = "encrypted_field_migration_jobs";
const RANGES: &str = "encrypted_field_migration_ranges";
const FAILURES: &str = "encrypted_field_migration_failures";

/// A range of keys that this worker has leased.
#[derive(Debug, Clone)]
pub(crate) struct Range {
    pub(crate) number: u64,
    /// The last key that is done, or the one before the first. Also the checkpoint.
    pub(crate) after: Option<Key>,
    /// The last key of the range; `None` is the end of the table.
    pub(crate) until: Option<Key>,
    /// Somebody else had it before.
    pub(crate) is_taken_over: bool,
}

/// What a worker is told between two batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Orders {
    pub(crate) is_paused: bool,
    /// Rows per second; `None` is without a limit.
    pub(crate) rate: Option<u64>,
}

/// The ledger as one worker sees it.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    job: String,
    owner: String,
    lease: i64,
}

/// What claiming gave.
#[derive(Debug)]
pub(crate) enum Claim {
    Range(Range),
    /// Others have leased what is left.
    Others,
    Nothing,
}

impl Ledger {
    pub(crate) fn new(job: &Job, owner: String, lease: std::time::Duration) -> Self {
        let lease = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX / 4);
        Self { job: job.name().to_owned(), owner, lease }
    }

    /// Makes the tables where they are not there.
    pub(crate) async fn create(connection: &mut Connection) -> sqlx::Result<()> {
        if Self::is_there(connection).await {
            return Ok(());
        }
        for statement in connection.dialect.ledger() {
            if let Err(error) = connection.batch(statement).await {
                // `IF NOT EXISTS` does not keep two processes from making one table at once.
                if !Self::is_there(connection).await {
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    pub(crate) async fn is_there(connection: &mut Connection) -> bool {
        let sql = connection.sql(format!("SELECT COUNT(*) FROM {FAILURES} WHERE id = 0"));
        connection.fetch(sql).await.is_ok()
    }

    /// Enters the job, or goes on with the one of this name. A finished one begins anew.
    pub(crate) async fn enter(connection: &mut Connection, job: &Job) -> Result<()> {
        let dialect = connection.dialect;
        let mut tries = 0;
        loop {
            tries += 1;
            let entered = try_to_enter(connection, job).await;
            if !matches!(entered, Ok(Ok(()))) {
                connection.rollback().await;
            }
            match entered {
                Ok(entered) => return entered,
                // Another process has entered it at the same moment.
                Err(error)
                    if tries < 5
                        && matches!(dialect.trouble(&error), Trouble::Refused | Trouble::Busy) => {}
                Err(error) => return Err(failure::of_job(dialect, &error)),
            }
        }
    }

    /// A range that nobody works on, of those with a number that is `index` modulo `count`.
    pub(crate) async fn claim(
        &self,
        connection: &mut Connection,
        index: u64,
        count: u64,
    ) -> sqlx::Result<Claim> {
        let (now, skip) = (connection.dialect.now(), connection.dialect.skip_locked());
        let mine = |sql: &mut Sql| {
            sql.push(" WHERE job = ").value(&self.job).push(" AND done = 0 AND number % ");
            sql.value(signed(count)).push(" = ").value(signed(index));
        };
        let mut sql =
            connection.sql(format!("SELECT number, lower_key, upper_key, owner FROM {RANGES}"));
        mine(&mut sql);
        sql.push(&format!(" AND lease_until < {now} ORDER BY number LIMIT 1{skip}"));
        let Some(row) = connection.fetch_optional(sql).await? else {
            let mut sql = connection.sql(format!("SELECT COUNT(*) FROM {RANGES}"));
            mine(&mut sql);
            let left = connection.fetch_one(sql).await?.count(0);
            return Ok(if left > 0 { Claim::Others } else { Claim::Nothing });
        };
        let range = Range {
            number: row.count(0),
            after: key(&row.text(1)),
            until: key(&row.text(2)),
            is_taken_over: !row.text(3).is_empty(),
        };
        self.lease(connection, range.number).await?;
        Ok(Claim::Range(range))
    }

    async fn lease(&self, connection: &mut Connection, number: u64) -> sqlx::Result<()> {
        let now = connection.dialect.now();
        let mut sql = connection.sql(format!("UPDATE {RANGES} SET owner = "));
        sql.value(&self.owner).push(&format!(", lease_until = {now} + ")).value(self.lease);
        sql.push(" WHERE job = ").value(&self.job).push(" AND number = ").value(signed(number));
        connection.execute(sql).await.map(drop)
    }

    /// The frontier, locked until the end of the transaction, or `None` at the end of the table.
    pub(crate) async fn frontier(
        &self,
        connection: &mut Connection,
    ) -> sqlx::Result<Option<(Option<Key>, u64)>> {
        let mut sql = connection
            .sql(format!("SELECT frontier, next_range FROM {JOBS} WHERE at_end = 0 AND name = "));
        sql.value(&self.job).push(for_update(connection));
        let row = connection.fetch_optional(sql).await?;
        Ok(row.map(|row| (key(&row.text(0)), row.count(1))))
    }

    /// Cuts the range from the frontier to `until` off, and leases it if it is for this worker.
    pub(crate) async fn cut(
        &self,
        connection: &mut Connection,
        frontier: Option<&Key>,
        number: u64,
        until: Option<&Key>,
        is_mine: bool,
    ) -> sqlx::Result<()> {
        let now = connection.dialect.now();
        let mut sql = connection.sql(format!(
            "INSERT INTO {RANGES} (job, number, lower_key, upper_key, done, owner, lease_until, row_count, replaced, kept, nulls, \
             pending, gone) VALUES ("
        ));
        sql.value(&self.job).push(", ").value(signed(number)).push(", ").value(&text(frontier));
        sql.push(", ").value(&text(until)).push(", 0, ");
        sql.value(if is_mine { self.owner.as_str() } else { "" }).push(", ");
        if is_mine {
            sql.push(&format!("{now} + ")).value(self.lease);
        } else {
            sql.push("0");
        }
        sql.push(", 0, 0, 0, 0, 0, 0)");
        connection.execute(sql).await?;
        let mut sql = connection.sql(format!("UPDATE {JOBS} SET frontier = "));
        sql.value(&text(until)).push(", next_range = ").value(signed(number + 1));
        sql.push(", at_end = ").value(i64::from(until.is_none()));
        sql.push(" WHERE name = ").value(&self.job);
        connection.execute(sql).await.map(drop)
    }

    /// Writes the checkpoint of a range, in the transaction that writes its rows. `false`: nothing
    /// may be committed, because the lease was lost, or the checkpoint is there: it was committed,
    /// and the connection broke before it said so.
    pub(crate) async fn checkpoint(
        &self,
        connection: &mut Connection,
        range: &Range,
        next: Option<&Key>,
        counts: &Counts,
        is_done: bool,
    ) -> sqlx::Result<bool> {
        let now = connection.dialect.now();
        let mut sql = connection.sql(format!("UPDATE {RANGES} SET lower_key = "));
        sql.value(&text(next.or(range.after.as_ref())));
        sql.push(&format!(", lease_until = {now} + ")).value(self.lease);
        sql.push(", done = ").value(i64::from(is_done));
        for (column, count) in [
            ("row_count", counts.rows),
            ("replaced", counts.replaced),
            ("kept", counts.kept),
            ("nulls", counts.nulls),
            ("pending", counts.pending),
            ("gone", counts.gone),
        ] {
            sql.push(&format!(", {column} = {column} + ")).value(signed(count));
        }
        sql.push(" WHERE job = ").value(&self.job);
        sql.push(" AND number = ").value(signed(range.number));
        sql.push(" AND done = 0 AND owner = ").value(&self.owner);
        sql.push(" AND lower_key = ").value(&text(range.after.as_ref()));
        Ok(connection.execute(sql).await? == 1)
    }

    /// Gives a range back, for whoever comes next.
    pub(crate) async fn release(
        &self,
        connection: &mut Connection,
        number: u64,
    ) -> sqlx::Result<()> {
        let mut sql =
            connection.sql(format!("UPDATE {RANGES} SET owner = '', lease_until = 0 WHERE job = "));
        sql.value(&self.job).push(" AND number = ").value(signed(number));
        sql.push(" AND owner = ").value(&self.owner);
        connection.execute(sql).await.map(drop)
    }

    /// Keeps the lease of a range while its worker waits.
    pub(crate) async fn renew(&self, connection: &mut Connection, number: u64) -> sqlx::Result<()> {
        let now = connection.dialect.now();
        let mut sql = connection.sql(format!("UPDATE {RANGES} SET lease_until = {now} + "));
        sql.value(self.lease).push(" WHERE job = ").value(&self.job);
        sql.push(" AND number = ").value(signed(number));
        sql.push(" AND owner = ").value(&self.owner);
        connection.execute(sql).await.map(drop)
    }

    /// `None` if the job is gone: somebody has forgotten it.
    pub(crate) async fn orders(&self, connection: &mut Connection) -> sqlx::Result<Option<Orders>> {
        let mut sql = connection.sql(format!("SELECT paused, rate FROM {JOBS} WHERE name = "));
        sql.value(&self.job);
        let row = connection.fetch_optional(sql).await?;
        Ok(row.map(|row| Orders {
            is_paused: row.integer(0) != 0,
            rate: Some(row.count(1)).filter(|rate| *rate > 0),
        }))
    }

    pub(crate) async fn fail(
        &self,
        connection: &mut Connection,
        range: u64,
        failures: &[(Key, FailureKind, String)],
    ) -> sqlx::Result<()> {
        for failures in failures.chunks(100) {
            let mut sql = connection
                .sql(format!(
                    "INSERT INTO {FAILURES} (job, range_number, row_key, kind, reason) VALUES "
                ))
                .once();
            for (position, (key, kind, reason)) in failures.iter().enumerate() {
                sql.push(if position == 0 { "(" } else { ", (" }).value(&self.job).push(", ");
                sql.value(signed(range)).push(", ").value(&text(Some(key))).push(", ");
                sql.value(kind.as_text()).push(", ").value(reason).push(")");
            }
            connection.execute(sql).await?;
        }
        Ok(())
    }

    /// Rows of a range that somebody else had locked when they were to be written.
    pub(crate) async fn locked(
        &self,
        connection: &mut Connection,
        range: u64,
    ) -> sqlx::Result<Vec<(i64, Key)>> {
        let mut sql = connection.sql(format!("SELECT id, row_key FROM {FAILURES} WHERE job = "));
        sql.value(&self.job).push(" AND range_number = ").value(signed(range));
        sql.push(" AND kind IN ('locked', 'busy') ORDER BY id LIMIT 10000");
        let rows = connection.fetch(sql).await?;
        Ok(rows.iter().filter_map(|row| Some((row.integer(0), key(&row.text(1))?))).collect())
    }

    /// Takes failures back. `false`: somebody has done so.
    pub(crate) async fn mend(
        &self,
        connection: &mut Connection,
        ids: &[i64],
    ) -> sqlx::Result<bool> {
        let mut mended = 0;
        for ids in ids.chunks(500) {
            // Numbers of ours, and not data.
            let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
            let mut sql = connection
                .sql(format!("DELETE FROM {FAILURES} WHERE id IN ({}) AND job = ", ids.join(", ")))
                .once();
            sql.value(&self.job);
            mended += connection.execute(sql).await?;
        }
        Ok(mended > 0)
    }

    /// Ends the job if every range is done.
    pub(crate) async fn finish(&self, connection: &mut Connection) -> sqlx::Result<bool> {
        let now = connection.dialect.now();
        let mut sql = connection.sql(format!(
            "UPDATE {JOBS} SET state = 'finished', ended = {now} WHERE state = 'running' AND at_end = 1 AND NOT EXISTS (
                 SELECT 1 FROM {RANGES} AS r WHERE r.done = 0 AND r.job = "
        ));
        sql.value(&self.job).push(") AND name = ").value(&self.job);
        Ok(connection.execute(sql).await? == 1)
    }
}

async fn try_to_enter(connection: &mut Connection, job: &Job) -> sqlx::Result<Result<()>> {
    let spec = match job.as_json() {
        Ok(spec) => spec,
        Err(error) => return Ok(Err(error)),
    };
    let (name, place) = (job.name(), job.description.place());
    connection.begin().await?;
    let mut sql = connection.sql(format!("SELECT spec, state FROM {JOBS} WHERE name = "));
    sql.value(name).push(for_update(connection));
    let known = connection.fetch_optional(sql).await?;
    if let Some(row) = &known
        && row.text(1) == "running"
    {
        if row.text(0) != spec {
            return Ok(Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "a job \"{name}\" is not finished and is described otherwise; finish it, forget it, or give this one another \
                     name"
                ),
            )));
        }
        connection.commit().await?;
        return Ok(Ok(()));
    }
    let mut sql =
        connection.sql(format!("SELECT name FROM {JOBS} WHERE state = 'running' AND name <> "));
    sql.value(name).push(" AND place = ").value(&place);
    if let Some(row) = connection.fetch_optional(sql).await? {
        return Ok(Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "the job \"{}\" over the same column is not finished; finish it, or forget it",
                row.text(0)
            ),
        )));
    }
    forget(connection, name).await?;
    let now = connection.dialect.now();
    let mut sql = connection.sql(format!(
        "INSERT INTO {JOBS} (name, place, spec, state, paused, rate, frontier, next_range, at_end, started, ended) VALUES ("
    ));
    sql.value(name).push(", ").value(&place).push(", ").value(&spec);
    sql.push(&format!(", 'running', 0, 0, '', 0, 0, {now}, 0)"));
    connection.execute(sql).await?;
    connection.commit().await?;
    Ok(Ok(()))
}

/// Changes one field of a job. `false`: there is no such job.
pub(crate) async fn order(
    connection: &mut Connection,
    job: &str,
    field: &'static str,
    value: i64,
) -> sqlx::Result<bool> {
    let mut sql = connection.sql(format!("UPDATE {JOBS} SET {field} = "));
    sql.value(value).push(" WHERE name = ").value(job);
    Ok(connection.execute(sql).await? == 1)
}

pub(crate) async fn forget(connection: &mut Connection, job: &str) -> sqlx::Result<bool> {
    for (table, column) in [(FAILURES, "job"), (RANGES, "job")] {
        let mut sql = connection.sql(format!("DELETE FROM {table} WHERE {column} = "));
        sql.value(job);
        connection.execute(sql).await?;
    }
    let mut sql = connection.sql(format!("DELETE FROM {JOBS} WHERE name = "));
    sql.value(job);
    Ok(connection.execute(sql).await? == 1)
}

fn for_update(connection: &Connection) -> &'static str {
    if connection.dialect.has_many_writers() { " FOR UPDATE" } else { "" }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A key as the ledger keeps it; the empty text is none.
fn text(key: Option<&Key>) -> String {
    key.and_then(|key| serde_json::to_string(key).ok()).unwrap_or_default()
}

fn key(text: &str) -> Option<Key> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::{key, text};

    #[test]
    fn keys_come_back_as_they_were() {
        for parts in [vec![], vec![""], vec!["1"], vec!["a,\"b\"", "\u{0}\n", "größe"]] {
            let parts: Vec<String> = parts.into_iter().map(str::to_owned).collect();
            assert_eq!(key(&text(Some(&parts))), Some(parts));
        }
        assert_eq!((key(""), text(None)), (None, String::new()));
    }
}
