//! One worker: claims ranges, and works through each, batch by batch.

mod shared;
mod write;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use shared::Shared;

use crate::batch::Settled;
use crate::database::{Connection, Found, Key, Swap, Trouble};
use crate::error::{Error, ErrorKind, Result};
use crate::failure;
use crate::ledger::{Claim, Ledger, Range};
use crate::options::Options;
use crate::report::{Counts, Event, FailureKind, Waiting};
use crate::throttle::{BatchSize, INTERVAL};

/// The most bytes of values that a batch holds in memory.
pub(crate) const BATCH_BYTES: usize = 4 << 20;
/// How often a statement is repeated because others were in the way.
const TRIES: u32 = 30;

/// Repeats a statement, or a transaction that is repeated as a whole, until it is through.
macro_rules! until_done {
    ($worker:expr, $work:expr) => {{
        let mut tries = 0;
        loop {
            match $work {
                Ok(done) => break done,
                Err(error) => $worker.recover(&error, &mut tries).await?,
            }
        }
    }};
}

use until_done;

/// One worker.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    connection: Connection,
    ledger: Ledger,
    size: BatchSize,
    /// The rows of the last batch, and when it began, until they are paid for with time.
    owed: Option<(Duration, usize)>,
    due: Duration,
    /// What it has done.
    pub(crate) counts: Counts,
    pub(crate) failures: std::collections::BTreeMap<FailureKind, u64>,
}

/// Why a range ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    /// Told to stop, or the lease is somebody else's by now.
    Left,
}

/// A batch that is decided on, and not written yet.
#[derive(Debug)]
struct Decided {
    last: Key,
    swaps: Vec<Swap>,
    settled: Settled,
    /// How long the database took to give it.
    read: Duration,
}

impl Worker {
    pub(crate) async fn new(shared: Arc<Shared>, owner: String) -> Result<Self> {
        let connection = shared.url.connect_once().await?;
        let ledger = Ledger::new(&shared.job, owner, shared.options.lease);
        let size = BatchSize::new(shared.options.batch, shared.options.batch_time);
        let (counts, failures) = Default::default();
        let (owed, due) = Default::default();
        Ok(Self { shared, connection, ledger, size, owed, due, counts, failures })
    }

    /// Works until nothing is left, or it is told to stop.
    pub(crate) async fn run(mut self) -> Result<Self> {
        let shard = self.shared.options.shard;
        let (index, count) = shard.map_or((0, 1), |shard| (shard.index, shard.count.max(1)));
        while !self.shared.stop.is_stopped() {
            match self.claim(index, count).await? {
                Claim::Range(range) => {
                    if range.is_taken_over {
                        self.shared.tell(&Event::TakenOver { range: range.number });
                    }
                    let number = range.number;
                    match self.work(range).await {
                        Ok(End::Done) => {}
                        Ok(End::Left) => {
                            until_done!(
                                self,
                                self.ledger.release(&mut self.connection, number).await
                            );
                        }
                        Err(error) => {
                            // If that is still possible, whoever comes next need not wait for the
                            // lease to run out.
                            let release = self.ledger.release(&mut self.connection, number);
                            let _ = tokio::time::timeout(INTERVAL, release).await;
                            return Err(error);
                        }
                    }
                }
                Claim::Others => {
                    self.shared.tell(&Event::Waiting(Waiting::Others));
                    self.sleep(INTERVAL).await;
                }
                Claim::Nothing => {
                    until_done!(self, self.ledger.finish(&mut self.connection).await);
                    break;
                }
            }
        }
        Ok(self)
    }

    pub(crate) async fn close(self) {
        self.connection.close().await;
    }

    async fn sleep(&self, time: Duration) {
        self.shared.stop.sleep(&*self.shared.options.clock, time).await;
    }

    /// After an error: connects anew, or waits for others. What can't be mended is an error.
    async fn recover(&mut self, error: &sqlx::Error, tries: &mut u32) -> Result<()> {
        let dialect = self.connection.dialect;
        *tries += 1;
        match dialect.trouble(error) {
            Trouble::Lost if *tries < TRIES => self.reconnect(error).await,
            Trouble::Busy if *tries < TRIES => {
                self.connection.rollback().await;
                self.sleep(Duration::from_millis(10) * (*tries).pow(2)).await;
                Ok(())
            }
            _ => {
                self.connection.rollback().await;
                Err(failure::of_job(dialect, error))
            }
        }
    }

    async fn reconnect(&mut self, lost: &sqlx::Error) -> Result<()> {
        let Options { clock, patience, .. } = &self.shared.options;
        let began = clock.now();
        let mut pause = Duration::from_millis(50);
        loop {
            self.shared.tell(&Event::Reconnecting);
            match self.shared.url.connect().await {
                Ok(connection) => {
                    self.connection = connection;
                    return Ok(());
                }
                Err(error) => {
                    if clock.now() > began + *patience || self.shared.stop.is_stopped() {
                        return Err(failure::of_job(self.connection.dialect, lost));
                    }
                    // A refused password stays refused.
                    if self.connection.dialect.trouble(&error) == Trouble::Denied {
                        return Err(failure::of_job(self.connection.dialect, &error));
                    }
                }
            }
            self.sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(10));
        }
    }

    async fn claim(&mut self, index: u64, count: u64) -> Result<Claim> {
        loop {
            let claimed = until_done!(self, self.try_to_claim(index, count).await);
            match claimed {
                Claim::Range(range) => return Ok(Claim::Range(range)),
                rest => match until_done!(self, self.cut(index, count).await) {
                    Some(Some(range)) => return Ok(Claim::Range(range)),
                    // For another shard.
                    Some(None) => {}
                    None => return Ok(rest),
                },
            }
        }
    }

    async fn try_to_claim(&mut self, index: u64, count: u64) -> sqlx::Result<Claim> {
        self.connection.begin().await?;
        let claim = self.ledger.claim(&mut self.connection, index, count).await?;
        self.connection.commit().await?;
        Ok(claim)
    }

    /// Cuts the next range off. `None`: the table has no more.
    async fn cut(&mut self, index: u64, count: u64) -> sqlx::Result<Option<Option<Range>>> {
        self.connection.begin().await?;
        let Some((after, number)) = self.ledger.frontier(&mut self.connection).await? else {
            self.connection.commit().await?;
            return Ok(None);
        };
        let place = &self.shared.place;
        let rows = self.shared.options.range.max(1);
        let until = place.bound(&mut self.connection, after.as_ref(), rows).await?;
        let is_mine = number % count == index;
        self.ledger
            .cut(&mut self.connection, after.as_ref(), number, until.as_ref(), is_mine)
            .await?;
        self.connection.commit().await?;
        let range = is_mine.then_some(Range { number, after, until, is_taken_over: false });
        Ok(Some(range))
    }

    /// Works through a range. While a batch is written, the next one is decided on: that takes the
    /// processor here, and writing takes that of the database.
    async fn work(&mut self, mut range: Range) -> Result<End> {
        let shared = Arc::clone(&self.shared);
        let clock = &*shared.options.clock;
        let mut decided: Option<Decided> = None;
        let mut read_to = range.after.clone();
        loop {
            let holds = self.holds().await?;
            if shared.stop.is_stopped() {
                return Ok(End::Left);
            }
            if let Some((waiting, time)) = holds {
                if matches!(waiting, Waiting::Rate) {
                    if !self.put(&mut range, decided.take()).await? {
                        return Ok(End::Left);
                    }
                } else {
                    // Who holds the job back wants no more writes. It is decided on anew.
                    decided = None;
                    read_to.clone_from(&range.after);
                }
                shared.tell(&Event::Waiting(waiting));
                until_done!(self, self.ledger.renew(&mut self.connection, range.number).await);
                self.sleep(time.min(INTERVAL)).await;
                continue;
            }
            let began = clock.now();
            let Some(rows) = self.read(read_to.as_ref(), &range).await? else { continue };
            let Some(last) = rows.last().map(|row| row.key.clone()) else {
                let is_kept = self.put(&mut range, decided.take()).await?;
                return if is_kept { self.finish(&range).await } else { Ok(End::Left) };
            };
            let (count, read) = (rows.len(), clock.now().saturating_sub(began));
            let mut settled = Settled::default();
            settled.counts.rows = count as u64;
            // What fails in writing does not wait for keys that may never come.
            let (judged, is_kept) = tokio::try_join!(
                async { Ok(shared.judge(rows, settled).await) },
                self.put(&mut range, decided.take())
            )?;
            let (Some((swaps, settled)), true) = (judged, is_kept) else {
                return Ok(End::Left);
            };
            shared.tell(&Event::Read { rows: count });
            read_to = Some(last.clone());
            self.owed = Some((began, count));
            decided = Some(Decided { last, swaps, settled, read });
        }
    }

    /// Writes a batch, with its checkpoint. `false`: the lease was lost.
    async fn put(&mut self, range: &mut Range, decided: Option<Decided>) -> Result<bool> {
        let Some(Decided { last, swaps, settled, read }) = decided else { return Ok(true) };
        let clock = Arc::clone(&self.shared.options.clock);
        let began = clock.now();
        let is_kept = self.write(range, &last, swaps, settled).await?;
        self.size.took(read + clock.now().saturating_sub(began));
        range.after = Some(last);
        Ok(is_kept)
    }

    /// The orders of the ledger, and what else holds the job back, for how long at least.
    async fn holds(&mut self) -> Result<Option<(Waiting, Duration)>> {
        let shared = Arc::clone(&self.shared);
        let clock = &*shared.options.clock;
        let orders = until_done!(self, self.ledger.orders(&mut self.connection).await);
        let Some(orders) = orders else {
            let text = "somebody has made the database forget the job";
            return Err(Error::new(ErrorKind::Conflict, text));
        };
        let due = self.due(orders.rate);
        let holds = shared.gauges.holds(&mut self.connection, clock).await?;
        Ok(match holds {
            _ if orders.is_paused => Some((Waiting::Paused, INTERVAL)),
            Some(holds) => Some((holds, INTERVAL)),
            None if clock.now() < due => Some((Waiting::Rate, due.saturating_sub(clock.now()))),
            None => None,
        })
    }

    /// When the next batch may begin by the rate.
    fn due(&mut self, rate: Option<u64>) -> Duration {
        let owed = self.owed.take();
        match (rate, owed) {
            (None, _) => self.due = Duration::ZERO,
            (Some(rate), Some((began, rows))) => {
                self.due = self.shared.pace.pay(began, rows, rate);
            }
            (Some(_), None) => {}
        }
        self.due
    }

    /// The next batch; `None` if it has to be a smaller one.
    async fn read(&mut self, after: Option<&Key>, range: &Range) -> Result<Option<Vec<Found>>> {
        let mut tries = 0;
        loop {
            let place = &self.shared.place;
            let until = range.until.as_ref();
            let rows = self.size.rows();
            match place.read(&mut self.connection, after, until, rows, BATCH_BYTES).await {
                Ok(rows) => return Ok(Some(rows)),
                Err(error)
                    if self.connection.dialect.trouble(&error) == Trouble::Timeout
                        && self.size.halve() =>
                {
                    return Ok(None);
                }
                Err(error) => self.recover(&error, &mut tries).await?,
            }
        }
    }

    /// The end of a range: rows that were locked are tried once more.
    async fn finish(&mut self, range: &Range) -> Result<End> {
        let locked =
            until_done!(self, self.ledger.locked(&mut self.connection, range.number).await);
        let most = self.size.rows();
        for locked in locked.chunks(most) {
            let keys: Vec<Key> = locked.iter().map(|(_, key)| key.clone()).collect();
            let rows = self.read_again(&keys).await?;
            let mut settled = Settled::default();
            settled.counts.gone = (keys.len() - rows.len().min(keys.len())) as u64;
            let judged = self.shared.judge(rows, settled).await;
            let Some((swaps, mut settled)) = judged else { return Ok(End::Left) };
            self.write_apart(swaps, &mut settled).await?;
            let ids: Vec<i64> = locked.iter().map(|(id, _)| *id).collect();
            let kept = until_done!(self, self.close_locked(range, &ids, &settled).await);
            if !kept {
                return Ok(End::Left);
            }
            self.forget(ids.len() as u64);
            self.tell(&settled);
        }
        let nothing = Settled::default();
        let kept = until_done!(self, self.close_batch(range, None, &nothing, true).await);
        Ok(if kept { End::Done } else { End::Left })
    }

    async fn close_locked(
        &mut self,
        range: &Range,
        ids: &[i64],
        settled: &Settled,
    ) -> sqlx::Result<bool> {
        self.connection.begin().await?;
        if !self.ledger.mend(&mut self.connection, ids).await? {
            // It was committed, and the connection broke before it said so.
            self.connection.rollback().await;
            return Ok(true);
        }
        self.checkpoint(range, None, &settled.counts, settled, false).await
    }

    /// Failures that were tried again are counted by what came of that.
    fn forget(&mut self, mut count: u64) {
        self.counts.failed = self.counts.failed.saturating_sub(count);
        for kind in [FailureKind::Locked, FailureKind::Busy] {
            if let Some(failed) = self.failures.get_mut(&kind) {
                let less = count.min(*failed);
                *failed -= less;
                count -= less;
            }
        }
        self.failures.retain(|_, failed| *failed > 0);
    }
}
