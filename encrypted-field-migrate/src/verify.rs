//! A pass over a column that opens every row, and says what is there.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::batch::Rings;
use crate::database::{Connection, Found, Key};
use crate::decide::{Flaw, Judge};
use crate::error::Result;
use crate::failure;
use crate::report::{Counts, Event, Failure, FailureKind};
use crate::worker::{BATCH_BYTES, Shared};

/// The most failures that a certificate lists. The progress is told of all of them.
const MOST: usize = 1000;
const ROWS: usize = 1000;

/// What a column holds: a certificate of completion.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Verified {
    /// The name of the job.
    pub job: String,
    /// The table, with its schema if the job names one, and the column.
    pub place: String,
    /// What the values are bound to.
    pub context: String,
    /// Rows that were looked at.
    pub rows: u64,
    /// Rows whose value is NULL.
    pub nulls: u64,
    /// Rows that open and hold the declared type, by the id of their key.
    pub by_key: BTreeMap<u32, u64>,
    /// Rows with plaintext, as a decrypted column has.
    pub plain: u64,
    /// Rows that open, under a key, a context or a scope of before.
    pub stale: u64,
    /// Rows that are not as they should be.
    pub failed: u64,
    /// The first thousand of these.
    pub failures: Vec<Failure>,
    /// When it began, in milliseconds since 1970 by the clock of the database.
    pub started: u64,
    /// When it ended.
    pub ended: u64,
    /// Whether it came to the end of the table.
    pub is_whole: bool,
}

impl Verified {
    /// Every row is in the target state.
    pub fn is_complete(&self) -> bool {
        self.is_whole && self.failed == 0 && self.stale == 0
    }
}

pub(crate) async fn pass(shared: &Shared, connection: &mut Connection) -> Result<Verified> {
    let mut verified = Verified {
        job: shared.job.name().to_owned(),
        place: shared.job.description.place(),
        context: shared.job.declared.context().to_owned(),
        rows: 0,
        nulls: 0,
        by_key: BTreeMap::new(),
        plain: 0,
        stale: 0,
        failed: 0,
        failures: Vec::new(),
        started: now(connection).await?,
        ended: 0,
        is_whole: false,
    };
    let dialect = connection.dialect;
    let sql = connection.sql(format!("SELECT COUNT(*) FROM {}", shared.place.table.sql));
    let rows = connection.fetch_one(sql).await.map_err(|error| failure::of_job(dialect, &error))?;
    shared.tell(&Event::Began { rows: rows.count(0), done: 0 });
    let mut after = None;
    while !shared.stop.is_stopped() {
        let rows = shared
            .place
            .read(connection, after.as_ref(), None, ROWS, BATCH_BYTES)
            .await
            .map_err(|error| failure::of_job(dialect, &error))?;
        let Some(last) = rows.last() else {
            verified.is_whole = true;
            break;
        };
        after = Some(last.key.clone());
        let counts = Counts { rows: rows.len() as u64, ..Counts::default() };
        if !batch(shared, rows, &mut verified).await {
            break;
        }
        shared.tell(&Event::Written { counts, batch: ROWS });
    }
    verified.ended = now(connection).await?;
    Ok(verified)
}

/// Looks at all of these rows. `false`: it was told to stop before it had the keys.
async fn batch(shared: &Shared, mut rows: Vec<Found>, verified: &mut Verified) -> bool {
    for round in 0.. {
        let Some(rings) = shared.rings(&rows).await else { return false };
        let mut not_loaded = Vec::new();
        for row in rows {
            match look(shared, &rings, &row, verified) {
                Ok(()) => verified.rows += 1,
                Err(Flaw::Row(kind, reason)) => fail(shared, &row.key, kind, &reason, verified),
                Err(Flaw::NotLoaded(reason)) => not_loaded.push((row, reason)),
            }
        }
        if not_loaded.is_empty() || !shared.refreshes(round).await {
            for (row, reason) in not_loaded {
                fail(shared, &row.key, FailureKind::Keys, &reason, verified);
            }
            break;
        }
        rows = not_loaded.into_iter().map(|(row, _)| row).collect();
    }
    true
}

/// Counts what a row holds, if it is as it should be.
fn look(shared: &Shared, rings: &Rings, row: &Found, verified: &mut Verified) -> Result<(), Flaw> {
    let stored = match &row.target {
        Some(target) => target,
        None => &row.stored,
    };
    let Some(stored) = stored else {
        verified.nulls += 1;
        return Ok(());
    };
    let scope = row.scope.as_deref();
    let no_keys = |reason: &str| Flaw::Row(FailureKind::Keys, reason.to_owned());
    let ring = rings.ring(scope).map_err(no_keys)?;
    let verdict = Judge::new(&shared.job, ring, scope).verify(stored)?;
    match verdict.key {
        Some(key) => *verified.by_key.entry(key).or_default() += 1,
        None => verified.plain += 1,
    }
    verified.stale += u64::from(verdict.is_stale);
    Ok(())
}

fn fail(shared: &Shared, key: &Key, kind: FailureKind, reason: &str, verified: &mut Verified) {
    verified.rows += 1;
    verified.failed += 1;
    let failure = shared.failure(key, kind, reason);
    shared.tell(&Event::Failed(failure.clone()));
    if verified.failures.len() < MOST {
        verified.failures.push(failure);
    }
}

async fn now(connection: &mut Connection) -> Result<u64> {
    let dialect = connection.dialect;
    let sql = connection.sql(format!("SELECT {}", dialect.now()));
    let row = connection.fetch_one(sql).await.map_err(|error| failure::of_job(dialect, &error))?;
    Ok(row.count(0))
}
