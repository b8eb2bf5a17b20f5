//! A pass over a column that opens every row, and says what is there.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::database::{Connection, Found};
use crate::decide::Judge;
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
        let Some(rings) = shared.rings(&rows).await else { break };
        let count = rows.len() as u64;
        for row in rows {
            verified.rows += 1;
            look(shared, &rings, row, &mut verified);
        }
        let counts = Counts { rows: count, ..Counts::default() };
        shared.tell(&Event::Written { counts, batch: ROWS });
    }
    verified.ended = now(connection).await?;
    Ok(verified)
}

fn look(shared: &Shared, rings: &crate::batch::Rings, row: Found, verified: &mut Verified) {
    let stored = match row.target {
        Some(target) => target,
        None => row.stored,
    };
    let Some(stored) = stored else {
        verified.nulls += 1;
        return;
    };
    let found = match rings.ring(row.scope.as_deref()) {
        Ok(ring) => Judge::new(&shared.job, ring, row.scope.as_deref()).verify(&stored),
        Err(reason) => Err((FailureKind::Keys, reason.to_owned())),
    };
    match found {
        Ok(verdict) => {
            match verdict.key {
                Some(key) => *verified.by_key.entry(key).or_default() += 1,
                None => verified.plain += 1,
            }
            verified.stale += u64::from(verdict.is_stale);
        }
        Err((kind, reason)) => {
            verified.failed += 1;
            let failure = shared.failure(&row.key, kind, &reason);
            shared.tell(&Event::Failed(failure.clone()));
            if verified.failures.len() < MOST {
                verified.failures.push(failure);
            }
        }
    }
}

async fn now(connection: &mut Connection) -> Result<u64> {
    let dialect = connection.dialect;
    let sql = connection.sql(format!("SELECT {}", dialect.now()));
    let row = connection.fetch_one(sql).await.map_err(|error| failure::of_job(dialect, &error))?;
    Ok(row.count(0))
}
