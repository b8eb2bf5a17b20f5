//! What the workers of a process share.

use std::sync::Arc;

use crate::batch::{Judged, Rings, Settled};
use crate::database::{Found, Key, Place, Swap, Url, show};
use crate::keys::Keys;
use crate::options::{Options, Stop};
use crate::report::{Event, Failure, FailureKind, Progress, Waiting};
use crate::spec::Job;
use crate::throttle::{Gauges, INTERVAL, Pace};

/// How often the keys are refreshed for one batch.
const REFRESHES: u32 = 2;

/// What the workers of a process share.
pub(crate) struct Shared {
    pub(crate) url: Url,
    pub(crate) job: Arc<Job>,
    pub(crate) place: Place,
    pub(crate) options: Options,
    pub(crate) keys: Arc<dyn Keys>,
    pub(crate) progress: Arc<dyn Progress>,
    pub(crate) stop: Stop,
    pub(crate) pace: Pace,
    pub(crate) gauges: Gauges,
}

impl Shared {
    pub(crate) fn tell(&self, event: &Event) {
        self.progress.event(event);
    }

    /// Tells it while statements wait for room on the disk. They are not told so themselves: on
    /// MariaDB a `COMMIT` waits until there is room.
    pub(crate) async fn watch_the_disk(self: Arc<Self>) {
        let Some(question) = self.url.dialect.waiting_for_room() else { return };
        loop {
            tokio::time::sleep(INTERVAL * 10).await;
            let Ok(mut connection) = self.url.connect().await else { continue };
            let waiting = connection.sql(question);
            if connection.fetch_one(waiting).await.is_ok_and(|row| row.count(0) > 0) {
                self.tell(&Event::Waiting(Waiting::Disk));
            }
            connection.close().await;
        }
    }

    pub(super) fn tell_failures(&self, settled: &Settled) {
        for (key, kind, reason) in &settled.failures {
            self.tell(&Event::Failed(self.failure(key, *kind, reason)));
        }
    }

    pub(crate) fn failure(&self, key: &Key, kind: FailureKind, reason: &str) -> Failure {
        let place = self.job.description.place();
        let (table, column) = place.rsplit_once('.').unwrap_or(("", &place));
        Failure {
            table: table.to_owned(),
            column: column.to_owned(),
            key: show(self.url.dialect, key),
            kind,
            reason: reason.to_owned(),
        }
    }

    /// Decides on rows, once their keys are there; `None` if the job is to stop.
    pub(crate) async fn judge(
        &self,
        mut rows: Vec<Found>,
        mut settled: Settled,
    ) -> Option<(Vec<Swap>, Settled)> {
        let mut swaps = Vec::new();
        for round in 0.. {
            let judged;
            (judged, settled) = self.judge_once(rows, settled).await?;
            swaps.extend(judged.swaps);
            if judged.not_loaded.is_empty() || !self.refreshes(round).await {
                for (row, reason) in judged.not_loaded {
                    settled.fail(row.key, FailureKind::Keys, reason);
                }
                break;
            }
            rows = judged.not_loaded.into_iter().map(|(row, _)| row).collect();
        }
        Some((swaps, settled))
    }

    /// Apart from what waits for the database, because a reader of passwords takes its time.
    async fn judge_once(
        &self,
        rows: Vec<Found>,
        mut settled: Settled,
    ) -> Option<(Judged, Settled)> {
        let rings = self.rings(&rows).await?;
        let job = Arc::clone(&self.job);
        let judged = tokio::task::spawn_blocking(move || {
            let judged = rings.judge(&job, rows, &mut settled);
            (judged, settled)
        });
        match judged.await {
            Ok(judged) => Some(judged),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => None,
            },
        }
    }

    /// Whether the keys were refreshed for rows whose key was not loaded. After that the ring knows
    /// whether the key exists. It forgets that after a while, so a slow batch may need a second
    /// round.
    pub(crate) async fn refreshes(&self, round: u32) -> bool {
        round < REFRESHES && self.keys.refresh().await.is_ok()
    }

    /// The rings for some rows, as soon as the keys are there; `None` if the job is to stop.
    pub(crate) async fn rings(&self, rows: &[Found]) -> Option<Rings> {
        loop {
            match Rings::of(&self.job, rows, &*self.keys).await {
                Ok(rings) => return Some(rings),
                Err(_) if self.stop.is_stopped() => return None,
                Err(_) => {
                    self.tell(&Event::Waiting(Waiting::Keys));
                    self.stop.sleep(&*self.options.clock, INTERVAL).await;
                }
            }
        }
    }
}
