//! How a job is run, where that is not part of the job.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::{Clock, SystemClock};

/// How a job is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Workers in this process, each with a connection of its own. On SQLite there is always one.
    pub workers: usize,
    /// Only these ranges of the table.
    pub shard: Option<Shard>,
    /// The most rows per second in this process. It is kept with the job, where
    /// [`set_rate`](crate::Migration::set_rate) changes it. `None` leaves what is there.
    pub rate: Option<u64>,
    /// The most rows in one statement. Each worker begins with them, takes half where statements
    /// are slower than [`batch_time`](Self::batch_time), and more again where they are fast.
    pub batch: usize,
    /// How long a statement with a batch may take.
    pub batch_time: Duration,
    /// Rows in a range, which one worker leases.
    pub range: u64,
    /// For how long a worker that gives no sign keeps its range.
    pub lease: Duration,
    /// For how long a worker tries to get a connection that was lost.
    pub patience: Duration,
    /// Decides on each row, and writes nothing: no row, and no ledger.
    pub dry_run: bool,
    /// Waits for replicas.
    pub lag: Option<Lag>,
    /// A program and its arguments, which is run every second: while it ends with an exit code
    /// other than 0, nothing is written.
    pub load_command: Option<Vec<String>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 1,
            shard: None,
            rate: None,
            batch: 500,
            batch_time: Duration::from_millis(500),
            range: 20_000,
            lease: Duration::from_mins(1),
            patience: Duration::from_mins(10),
            dry_run: false,
            lag: None,
            load_command: None,
            clock: Arc::new(SystemClock::default()),
        }
    }
}

/// One of several parts of the ranges of a table, for a scheduler that numbers its processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    pub index: u64,
    /// How many there are.
    pub count: u64,
}

/// The most that a replica may be behind.
#[derive(Clone)]
pub struct Lag {
    /// The most.
    pub most: Duration,
    /// The URLs of replicas to ask. PostgreSQL also knows those that are connected to it, and tells
    /// a user with the role `pg_monitor`. One that is gone is noticed only if its URL is here. Of
    /// MariaDB and MySQL all are needed, with a user who has `REPLICA MONITOR` or `REPLICATION
    /// CLIENT`.
    pub replicas: Vec<String>,
}

/// Without the URLs, which may hold passwords.
impl std::fmt::Debug for Lag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lag")
            .field("most", &self.most)
            .field("replicas", &self.replicas.len())
            .finish()
    }
}

/// Stops a job, at the end of the batch at which each worker is. Clones are one handle.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    signal: Arc<Signal>,
    /// Stops this one as well.
    above: Option<Arc<Signal>>,
}

#[derive(Debug, Default)]
struct Signal {
    is_set: AtomicBool,
    set: Notify,
}

impl Stop {
    /// Stops.
    pub fn stop(&self) {
        self.signal.is_set.store(true, Ordering::SeqCst);
        self.signal.set.notify_waiters();
    }

    /// Whether it was told to.
    pub fn is_stopped(&self) -> bool {
        let is_set = |signal: &Signal| signal.is_set.load(Ordering::SeqCst);
        is_set(&self.signal) || self.above.as_deref().is_some_and(is_set)
    }

    /// One for a single run, in which the first error stops the other workers.
    pub(crate) fn below(&self) -> Self {
        Self { signal: Arc::default(), above: Some(Arc::clone(&self.signal)) }
    }

    /// Waits for this time, or until it is told to stop.
    pub(crate) async fn sleep(&self, clock: &dyn Clock, time: Duration) {
        let stopped = self.signal.set.notified();
        let above = self.above.as_deref().unwrap_or(&self.signal).set.notified();
        if self.is_stopped() {
            return;
        }
        tokio::select! {
            () = stopped => {}
            () = above => {}
            () = clock.sleep(time) => {}
        }
    }
}
