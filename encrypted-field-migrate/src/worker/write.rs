//! Writing a batch: at once where nobody is in the way, and else row by row as far as that is
//! needed.

use std::collections::HashMap;

use super::{Worker, until_done};
use crate::batch::Settled;
use crate::database::{Found, Key, Swap, Trouble};
use crate::error::{Error, ErrorKind, Result};
use crate::failure;
use crate::ledger::Range;
use crate::report::{Counts, Event, FailureKind};

/// How often a row is decided anew because somebody has changed it.
const ROUNDS: usize = 5;

impl Worker {
    /// Writes a batch with its checkpoint, which is `next`. `false`: the lease was lost.
    pub(super) async fn write(
        &mut self,
        range: &Range,
        next: &Key,
        mut swaps: Vec<Swap>,
        mut settled: Settled,
    ) -> Result<bool> {
        if !swaps.is_empty() {
            // All in one transaction, where nobody is in the way.
            match self.swap_and_close(&swaps, range, next, &settled).await {
                Ok(Closed::All(kept)) => {
                    settled.counts.replaced += swaps.len() as u64;
                    return Ok(kept && self.tell(&settled));
                }
                Ok(Closed::Some(done)) => {
                    let mut done = done.into_iter();
                    let before = swaps.len();
                    swaps.retain(|_| !done.next().unwrap_or(false));
                    settled.counts.replaced += (before - swaps.len()) as u64;
                    swaps = self.look_again(swaps, &mut settled, false).await?;
                }
                Err(error) => {
                    let dialect = self.connection.dialect;
                    match dialect.trouble(&error) {
                        Trouble::Lost => self.reconnect(&error).await?,
                        Trouble::Busy | Trouble::Refused | Trouble::Timeout => {
                            self.connection.rollback().await;
                        }
                        Trouble::Full | Trouble::Denied | Trouble::Wrong => {
                            self.connection.rollback().await;
                            return Err(failure::of_job(dialect, &error));
                        }
                    }
                }
            }
            self.write_apart(swaps, &mut settled).await?;
        }
        let kept = until_done!(self, self.close_batch(range, Some(next), &settled, false).await);
        Ok(kept && self.tell(&settled))
    }

    pub(super) fn tell(&mut self, settled: &Settled) -> bool {
        self.shared.tell_failures(settled);
        for (_, kind, _) in &settled.failures {
            *self.failures.entry(*kind).or_default() += 1;
        }
        self.counts += settled.counts;
        let batch = self.size.rows();
        self.shared.tell(&Event::Written { counts: settled.counts, batch });
        true
    }

    async fn swap_and_close(
        &mut self,
        swaps: &[Swap],
        range: &Range,
        next: &Key,
        settled: &Settled,
    ) -> sqlx::Result<Closed> {
        let dialect = self.connection.dialect;
        self.connection.begin().await?;
        let done = dialect.swap(&mut self.connection, &self.shared.place, swaps, true).await?;
        if !done.iter().all(|done| *done) {
            // The checkpoint comes when it is known what became of the others.
            self.connection.commit().await?;
            return Ok(Closed::Some(done));
        }
        let mut counts = settled.counts;
        counts.replaced += swaps.len() as u64;
        let kept = self.checkpoint(range, Some(next), &counts, settled, false).await?;
        Ok(Closed::All(kept))
    }

    pub(super) async fn close_batch(
        &mut self,
        range: &Range,
        next: Option<&Key>,
        settled: &Settled,
        is_done: bool,
    ) -> sqlx::Result<bool> {
        self.connection.begin().await?;
        self.checkpoint(range, next, &settled.counts, settled, is_done).await
    }

    /// Ends a transaction with the checkpoint. `false`: the lease was lost, and nothing is changed.
    pub(super) async fn checkpoint(
        &mut self,
        range: &Range,
        next: Option<&Key>,
        counts: &Counts,
        settled: &Settled,
        is_done: bool,
    ) -> sqlx::Result<bool> {
        let (ledger, connection) = (&self.ledger, &mut self.connection);
        ledger.fail(connection, range.number, &settled.failures).await?;
        let kept = ledger.checkpoint(connection, range, next, counts, is_done).await?;
        if kept {
            connection.commit().await?;
        } else {
            connection.rollback().await;
        }
        Ok(kept)
    }

    /// Writes rows of which some are locked, were changed, or are refused. Each statement is a
    /// transaction of its own; the checkpoint comes when every row is settled.
    pub(super) async fn write_apart(
        &mut self,
        swaps: Vec<Swap>,
        settled: &mut Settled,
    ) -> Result<()> {
        let mut swaps = swaps;
        for round in 0.. {
            let missed = self.write_parts(swaps, settled).await?;
            if missed.is_empty() {
                return Ok(());
            }
            swaps = self.look_again(missed, settled, round + 1 == ROUNDS).await?;
            if swaps.is_empty() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Gives back those that were not replaced, though nothing refused them.
    async fn write_parts(&mut self, swaps: Vec<Swap>, settled: &mut Settled) -> Result<Vec<Swap>> {
        let mut missed = Vec::new();
        let mut parts = vec![swaps];
        let mut tries = 0;
        while let Some(mut part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            let error = match self.swap_alone(&part).await {
                Ok(done) => {
                    for (swap, done) in part.into_iter().zip(done) {
                        if done {
                            settled.counts.replaced += 1;
                        } else {
                            missed.push(swap);
                        }
                    }
                    continue;
                }
                Err(error) => error,
            };
            let dialect = self.connection.dialect;
            match (dialect.trouble(&error), part.len()) {
                (Trouble::Refused | Trouble::Timeout, 1) => {
                    self.connection.rollback().await;
                    let (kind, reason) = failure::of_row(dialect, &error);
                    if let Some(swap) = part.pop() {
                        settled.fail(swap.key, kind, reason);
                    }
                }
                (Trouble::Refused | Trouble::Timeout, len) => {
                    self.connection.rollback().await;
                    let second = part.split_off(len / 2);
                    // The first half first.
                    parts.push(second);
                    parts.push(part);
                }
                _ => {
                    self.recover(&error, &mut tries).await?;
                    parts.push(part);
                }
            }
        }
        Ok(missed)
    }

    async fn swap_alone(&mut self, swaps: &[Swap]) -> sqlx::Result<Vec<bool>> {
        let dialect = self.connection.dialect;
        self.connection.begin().await?;
        let done = dialect.swap(&mut self.connection, &self.shared.place, swaps, false).await?;
        self.connection.commit().await?;
        Ok(done)
    }

    /// What has become of rows that were not replaced: they are gone, locked, or changed. Those
    /// that were changed are decided anew.
    async fn look_again(
        &mut self,
        missed: Vec<Swap>,
        settled: &mut Settled,
        is_last: bool,
    ) -> Result<Vec<Swap>> {
        let keys: Vec<Key> = missed.iter().map(|swap| swap.key.clone()).collect();
        let found = self.read_again(&keys).await?;
        let mut found: HashMap<Key, Found> =
            found.into_iter().map(|row| (row.key.clone(), row)).collect();
        let mut changed = Vec::new();
        for Swap { key, old, .. } in missed {
            match found.remove(&key) {
                None => settled.counts.gone += 1,
                Some(row) if row.stored.as_ref() == Some(&old) && !has_target(&row) => {
                    settled.fail(key, FailureKind::Locked, "somebody else keeps the row locked");
                }
                Some(_) if is_last => {
                    let reason = "others changed the row each time that it was tried";
                    settled.fail(key, FailureKind::Busy, reason);
                }
                Some(row) => changed.push(row),
            }
        }
        let keys: Vec<Key> = changed.iter().map(|row| row.key.clone()).collect();
        match self.shared.judge(changed, std::mem::take(settled)).await {
            Some((swaps, judged)) => {
                *settled = judged;
                Ok(swaps)
            }
            None => Err(Error::new(
                ErrorKind::Keys,
                format!("the job was stopped while it waited for the keys of {} rows", keys.len()),
            )),
        }
    }

    pub(super) async fn read_again(&mut self, keys: &[Key]) -> Result<Vec<Found>> {
        let keys: Vec<&Key> = keys.iter().collect();
        let found =
            until_done!(self, self.shared.place.read_again(&mut self.connection, &keys).await);
        Ok(found)
    }
}

/// Whether the target was filled meanwhile, where that is another column.
fn has_target(row: &Found) -> bool {
    matches!(row.target, Some(Some(_)))
}

/// What became of a batch in one transaction.
#[derive(Debug, PartialEq, Eq)]
enum Closed {
    /// All of it was replaced. Whether the lease was still ours, and it was committed.
    All(bool),
    /// Some of it was, and that was committed without a checkpoint.
    Some(Vec<bool>),
}
