//! A database in which columns are moved.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::batch::Settled;
use crate::census::{self, Census};
use crate::database::{Connection, Place, Url};
use crate::error::{Error, ErrorKind, Result};
use crate::failure;
use crate::keys::Keys;
use crate::ledger::{self, Ledger, Status};
use crate::options::{Options, Stop};
use crate::preflight::{self, Checked, Finding, Severity};
use crate::report::{Counts, Event, Failure, Outcome, Progress, Report};
use crate::spec::{Description, Job};
use crate::throttle::{Gauges, Pace};
use crate::verify::{self, Verified};
use crate::worker::{BATCH_BYTES, Shared, Worker};

/// A database in which columns are moved. It holds no connection between two calls.
#[derive(Debug, Clone)]
pub struct Migration {
    url: Url,
}

impl Migration {
    /// The database at this URL: `postgres://`, `mysql://` or `sqlite://`. It is connected to once.
    ///
    /// # Errors
    /// [`ErrorKind::Job`] for another URL, [`ErrorKind::Unreachable`].
    pub async fn connect(url: &str) -> Result<Self> {
        let url = Url::new(url)?;
        url.connect_once().await?.close().await;
        Ok(Self { url })
    }

    /// What stands in the way of a job, without writing anything. It looks at all rows of the
    /// column once. [`run`](Self::run) does the same first.
    ///
    /// # Errors
    /// If the database can't be asked.
    pub async fn preflight(&self, job: &Job, keys: &dyn Keys) -> Result<Vec<Finding>> {
        let mut connection = self.url.connect_once().await?;
        let checked = preflight::check(&mut connection, job, keys).await?;
        connection.close().await;
        Ok(checked.findings)
    }

    /// Runs a job to its end, or until it is told to stop. It goes on where it was, and a job that
    /// is finished begins anew: what is in the target state is passed over.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] with what the preflight has found. Nothing is half done after any
    /// error: run it again to go on.
    pub async fn run(
        &self,
        job: &Job,
        options: Options,
        keys: Arc<dyn Keys>,
        progress: Arc<dyn Progress>,
        stop: &Stop,
    ) -> Result<Report> {
        let mut connection = self.url.connect_once().await?;
        let Checked { place, findings, rows } =
            preflight::check(&mut connection, job, &*keys).await?;
        let refused: Vec<String> = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(ToString::to_string)
            .collect();
        let Some(place) = place.filter(|_| refused.is_empty()) else {
            return Err(Error::new(ErrorKind::Refused, refused.join("; ")));
        };
        for finding in findings {
            progress.event(&Event::Warned(finding));
        }
        let (dry_run, workers) = (options.dry_run, options.workers.max(1));
        let many = self.url.dialect.has_many_writers();
        let shared = Arc::new(Shared {
            url: self.url.clone(),
            job: Arc::new(job.clone()),
            place,
            gauges: Gauges::new(&options)?,
            options,
            keys,
            progress,
            stop: stop.below(),
            pace: Pace::default(),
        });
        if dry_run {
            shared.tell(&Event::Began { rows, done: 0 });
            return try_out(&shared, connection).await;
        }
        // Ends when this is dropped.
        let mut watching = JoinSet::new();
        watching.spawn(Arc::clone(&shared).watch_the_disk());
        let dialect = self.url.dialect;
        Ledger::create(&mut connection).await.map_err(|error| failure::of_job(dialect, &error))?;
        Ledger::enter(&mut connection, job).await?;
        let status = ledger::status(&mut connection, Some(job.name())).await;
        let status = status.map_err(|error| failure::of_job(dialect, &error))?;
        let done = status.first().map_or(0, |status| status.counts.rows);
        shared.tell(&Event::Began { rows, done });
        if let Some(rate) = shared.options.rate {
            self.order(&mut connection, job.name(), "rate", rate).await?;
        }
        connection.close().await;
        work(shared, if many { workers } else { 1 }).await
    }

    /// Opens every row of a column, and counts what is there. The job says what is expected: after
    /// a `decrypt` that is plaintext, and else a value under the job's declaration.
    ///
    /// # Errors
    /// If the database can't be asked.
    pub async fn verify(
        &self,
        job: &Job,
        keys: Arc<dyn Keys>,
        progress: Arc<dyn Progress>,
        stop: &Stop,
    ) -> Result<Verified> {
        let mut connection = self.url.connect_once().await?;
        let place = preflight::place(&mut connection, job).await?;
        let shared = Shared {
            url: self.url.clone(),
            job: Arc::new(job.clone()),
            place,
            gauges: Gauges::new(&Options::default())?,
            options: Options::default(),
            keys,
            progress,
            stop: stop.below(),
            pace: Pace::default(),
        };
        let verified = verify::pass(&shared, &mut connection).await;
        connection.close().await;
        verified
    }

    /// The statement that makes an index for the [census](Self::census) of a column. With it, a
    /// census reads the index and not the table. `None` on PostgreSQL and MySQL: they read an
    /// expression from the rows of the table in any case.
    pub fn census_index(&self, description: &Description) -> Option<String> {
        self.url.dialect.census_index(&description.table, description.target())
    }

    /// How many rows of a column are under which key. It reads the beginnings of the values, and
    /// decrypts nothing. It is one scan of the table, or of the index of
    /// [`census_index`](Self::census_index). Ask it before a key is destroyed: see
    /// [`Census::needs`].
    ///
    /// # Errors
    /// If the database can't be asked.
    pub async fn census(&self, description: &Description) -> Result<Census> {
        let mut connection = self.url.connect_once().await?;
        let census = census::take(&mut connection, description).await;
        connection.close().await;
        census
    }

    /// Lets a job wait after the batch at which each worker is, in every process. `false`: there is
    /// no such job.
    ///
    /// # Errors
    /// If the database can't be written to.
    pub async fn pause(&self, job: &str) -> Result<bool> {
        self.change(job, "paused", 1).await
    }

    /// Lets a paused job go on.
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub async fn resume(&self, job: &str) -> Result<bool> {
        self.change(job, "paused", 0).await
    }

    /// The most rows per second for each process, from its next batch on. 0 is without a limit.
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub async fn set_rate(&self, job: &str, rate: u64) -> Result<bool> {
        self.change(job, "rate", rate).await
    }

    /// How far a job is, in all processes.
    ///
    /// # Errors
    /// If the database can't be asked.
    pub async fn status(&self, job: &str) -> Result<Option<Status>> {
        Ok(self.statuses(Some(job)).await?.pop())
    }

    /// All jobs of the ledger.
    ///
    /// # Errors
    /// If the database can't be asked.
    pub async fn jobs(&self) -> Result<Vec<Status>> {
        self.statuses(None).await
    }

    /// The rows that a job has left, after this id, at most so many. Each comes with its id: begin
    /// with 0.
    ///
    /// # Errors
    /// If the database can't be asked.
    pub async fn failures(&self, job: &str, after: i64, most: u32) -> Result<Vec<(i64, Failure)>> {
        let mut connection = self.url.connect_once().await?;
        if !Ledger::is_there(&mut connection).await {
            return Ok(Vec::new());
        }
        let found = ledger::failures(&mut connection, job, after, most).await;
        let found = found.map_err(|error| failure::of_job(self.url.dialect, &error));
        connection.close().await;
        found
    }

    /// Takes a job out of the ledger, with its checkpoints and failures. No row changes. `false`:
    /// there is no such job.
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub async fn forget(&self, job: &str) -> Result<bool> {
        let mut connection = self.url.connect_once().await?;
        if !Ledger::is_there(&mut connection).await {
            return Ok(false);
        }
        let done = ledger::forget(&mut connection, job).await;
        let done = done.map_err(|error| failure::of_job(self.url.dialect, &error));
        connection.close().await;
        done
    }

    async fn statuses(&self, job: Option<&str>) -> Result<Vec<Status>> {
        let mut connection = self.url.connect_once().await?;
        if !Ledger::is_there(&mut connection).await {
            return Ok(Vec::new());
        }
        let found = ledger::status(&mut connection, job).await;
        let found = found.map_err(|error| failure::of_job(self.url.dialect, &error));
        connection.close().await;
        found
    }

    async fn change(&self, job: &str, field: &'static str, value: u64) -> Result<bool> {
        let mut connection = self.url.connect_once().await?;
        if !Ledger::is_there(&mut connection).await {
            return Ok(false);
        }
        let done = self.order(&mut connection, job, field, value).await;
        connection.close().await;
        done
    }

    async fn order(
        &self,
        connection: &mut Connection,
        job: &str,
        field: &'static str,
        value: u64,
    ) -> Result<bool> {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        let done = ledger::order(connection, job, field, value).await;
        done.map_err(|error| failure::of_job(self.url.dialect, &error))
    }
}

/// All workers of this process. The first error stops the others.
async fn work(shared: Arc<Shared>, workers: usize) -> Result<Report> {
    let mut running = JoinSet::new();
    let process = owner();
    for worker in 0..workers {
        let (shared, owner) = (Arc::clone(&shared), format!("{process}-{worker}"));
        running.spawn(async move { Worker::new(shared, owner).await?.run().await });
    }
    let (mut counts, mut failures) = (Counts::default(), BTreeMap::new());
    let mut first_error = None;
    while let Some(ended) = running.join_next().await {
        match ended {
            Ok(Ok(worker)) => {
                counts += worker.counts;
                for (kind, count) in &worker.failures {
                    *failures.entry(*kind).or_default() += count;
                }
                worker.close().await;
            }
            Ok(Err(error)) => {
                shared.stop.stop();
                first_error = first_error.or(Some(error));
            }
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => shared.stop.stop(),
            },
        }
    }
    if let Some(error) = first_error {
        return Err(error);
    }
    let outcome = if shared.stop.is_stopped() { Outcome::Stopped } else { Outcome::Finished };
    Ok(Report { job: shared.job.name().to_owned(), outcome, counts, failures })
}

/// What no other process has. It is no secret.
fn owner() -> String {
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{}-{random:016x}", std::process::id())
}

/// Decides on each row, and writes nothing.
async fn try_out(shared: &Shared, mut connection: Connection) -> Result<Report> {
    let dialect = connection.dialect;
    let (mut counts, mut failures) = (Counts::default(), BTreeMap::new());
    let mut after = None;
    while !shared.stop.is_stopped() {
        let place: &Place = &shared.place;
        let rows = shared.options.batch.max(1);
        let rows = place
            .read(&mut connection, after.as_ref(), None, rows, BATCH_BYTES)
            .await
            .map_err(|error| failure::of_job(dialect, &error))?;
        let Some(last) = rows.last() else { break };
        after = Some(last.key.clone());
        let mut settled = Settled::default();
        settled.counts.rows = rows.len() as u64;
        let Some((swaps, mut settled)) = shared.judge(rows, settled).await else { break };
        settled.counts.replaced = swaps.len() as u64;
        for (key, kind, reason) in &settled.failures {
            shared.tell(&Event::Failed(shared.failure(key, *kind, reason)));
            *failures.entry(*kind).or_default() += 1;
        }
        counts += settled.counts;
        shared.tell(&Event::Written { counts: settled.counts, batch: shared.options.batch });
    }
    connection.close().await;
    let outcome = if shared.stop.is_stopped() { Outcome::Stopped } else { Outcome::Finished };
    Ok(Report { job: shared.job.name().to_owned(), outcome, counts, failures })
}
