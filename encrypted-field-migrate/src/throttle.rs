//! What holds a job back: a rate, replicas, a load command, and slow statements.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::process::Command;

use crate::clock::Clock;
use crate::database::{Connection, Reached, Trouble, Url};
use crate::error::{Error, ErrorKind, Result};
use crate::failure;
use crate::options::Options;
use crate::report::Waiting;

/// How often replicas and the load command are asked.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
/// How long a replica may take to answer.
const ANSWER: Duration = Duration::from_secs(3);
/// How many places of the log are remembered.
const PLACES: usize = 4096;

/// How many rows the next statement has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchSize {
    rows: usize,
    most: usize,
    time: Duration,
}

impl BatchSize {
    pub(crate) fn new(most: usize, time: Duration) -> Self {
        let most = most.max(1);
        Self { rows: most, most, time }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// A batch took this long.
    pub(crate) fn took(&mut self, time: Duration) {
        if time > self.time {
            self.halve();
        } else if time < self.time / 2 {
            self.rows = (self.rows + self.rows / 4 + 1).min(self.most);
        }
    }

    /// One was too long. `false`: it can't be shorter.
    pub(crate) fn halve(&mut self) -> bool {
        let is_one = self.rows == 1;
        self.rows = (self.rows / 2).max(1);
        !is_one
    }
}

/// Spreads rows over time.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<Duration>);

impl Pace {
    /// When the next rows may be read, after a batch that began then and had so many.
    pub(crate) fn pay(&self, began: Duration, rows: usize, rate: u64) -> Duration {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        #[allow(clippy::cast_precision_loss, reason = "far fewer rows than 2^52")]
        let time = Duration::from_secs_f64(rows as f64 / rate.max(1) as f64);
        *next = (*next).max(began) + time;
        *next
    }
}

/// What is asked from time to time, by whichever worker comes by.
#[derive(Debug)]
pub(crate) struct Gauges {
    /// The most that a replica may be behind, and those to ask.
    lag: Option<(Duration, Vec<Url>)>,
    load: Option<Vec<String>>,
    state: tokio::sync::Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    asked: Option<Duration>,
    holds: Option<Waiting>,
    replicas: Vec<Option<Connection>>,
    log: Log,
}

/// Where the log of the primary ended, and when. A replica that hears nothing more goes on telling
/// its last lag, or none: only these places show how far it is behind.
#[derive(Debug, Default)]
struct Log(VecDeque<(i64, Duration)>);

impl Log {
    fn ends_at(&mut self, position: i64, now: Duration) {
        // A server that has taken over may go on from an earlier place.
        while self.0.back().is_some_and(|(last, _)| *last > position) {
            self.0.pop_back();
        }
        if self.0.back().is_none_or(|(last, _)| *last < position) {
            self.0.push_back((position, now));
        }
        if self.0.len() > PLACES {
            // Each second one is enough: with fewer places an age is less exact, and never too
            // long.
            let mut at = 0_usize;
            self.0.retain(|_| {
                at += 1;
                at % 2 == 1
            });
        }
    }

    /// For how long there has been something that the replica has not replayed.
    fn lag(&self, reached: &Reached, now: Duration) -> f64 {
        let missing = reached
            .position
            .and_then(|replayed| self.0.iter().find(|(position, _)| *position > replayed));
        let age = missing.map_or(Duration::ZERO, |(_, then)| now.saturating_sub(*then));
        // What was written before the job looked is older than that, and the replica may know it.
        reached.seconds.max(age.as_secs_f64())
    }
}

impl Gauges {
    pub(crate) fn new(options: &Options) -> Result<Self> {
        let lag = options.lag.as_ref().map(|lag| {
            let urls: Result<Vec<Url>> = lag.replicas.iter().map(|url| Url::new(url)).collect();
            urls.map(|urls| (lag.most, urls))
        });
        Ok(Self {
            lag: lag.transpose()?,
            load: options.load_command.clone(),
            state: tokio::sync::Mutex::default(),
        })
    }

    /// What holds the job back, by an answer that is at most a second old.
    pub(crate) async fn holds(
        &self,
        connection: &mut Connection,
        clock: &dyn Clock,
    ) -> Result<Option<Waiting>> {
        if self.lag.is_none() && self.load.is_none() {
            return Ok(None);
        }
        let mut state = self.state.lock().await;
        if state.asked.is_none_or(|asked| clock.now() >= asked + INTERVAL) {
            state.holds = self.ask(&mut state, connection, clock).await?;
            state.asked = Some(clock.now());
        }
        Ok(state.holds.clone())
    }

    async fn ask(
        &self,
        state: &mut State,
        connection: &mut Connection,
        clock: &dyn Clock,
    ) -> Result<Option<Waiting>> {
        if let Some((most, urls)) = &self.lag {
            let worst = worst(urls, state, connection, clock).await?;
            if let Some((replica, seconds)) = worst
                && seconds > most.as_secs_f64()
            {
                return Ok(Some(Waiting::Lag { replica, seconds }));
            }
        }
        if let Some([program, arguments @ ..]) = self.load.as_deref() {
            let done = Command::new(program)
                .args(arguments)
                .stdin(std::process::Stdio::null())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .status()
                .await;
            // A command that can't be run does not say that all is well.
            if !done.is_ok_and(|status| status.success()) {
                return Ok(Some(Waiting::Load));
            }
        }
        Ok(None)
    }
}

/// The replica that is furthest behind, and by how many seconds.
async fn worst(
    urls: &[Url],
    state: &mut State,
    connection: &mut Connection,
    clock: &dyn Clock,
) -> Result<Option<(String, f64)>> {
    let dialect = connection.dialect;
    let replicas = match dialect.replicas(connection).await {
        Ok(replicas) => replicas,
        // The next statement connects anew, and then they are asked again.
        Err(error) if dialect.trouble(&error) == Trouble::Lost => return Ok(None),
        Err(error) => return Err(failure::of_job(dialect, &error)),
    };
    if replicas.are_hidden && urls.is_empty() {
        let text = "the server does not tell this user how far its replicas are; grant it the role pg_monitor, or name the \
                    replicas by their URLs";
        return Err(Error::new(ErrorKind::Denied, text));
    }
    let now = clock.now();
    if let Some(end) = replicas.end {
        state.log.ends_at(end, now);
    }
    let mut all = replicas.known;
    state.replicas.resize_with(urls.len(), || None);
    for (at, (url, replica)) in urls.iter().zip(&mut state.replicas).enumerate() {
        let name = (at + 1).to_string();
        let reached = ask_replica(url, replica).await.map_err(|error| {
            let said = url.dialect.say(&error);
            let text = format!("replica {name} does not tell this user how far it is: {said}");
            Error::new(ErrorKind::Denied, text)
        })?;
        all.push((name, reached));
    }
    let behind = all.into_iter().map(|(name, reached)| (name, state.log.lag(&reached, now)));
    Ok(behind.max_by(|(_, a), (_, b)| a.total_cmp(b)))
}

/// A replica that does not answer, or that does not replicate, is one that is behind. An error is
/// one that stays until somebody grants the user something.
async fn ask_replica(url: &Url, replica: &mut Option<Connection>) -> sqlx::Result<Reached> {
    let kept = replica.take();
    let asked = async {
        let mut connection = match kept {
            Some(connection) => connection,
            None => url.connect().await?,
        };
        let reached = url.dialect.reached(&mut connection).await?;
        Ok::<_, sqlx::Error>((connection, reached))
    };
    let lost = Reached { seconds: f64::INFINITY, position: None };
    match tokio::time::timeout(ANSWER, asked).await {
        Ok(Ok((connection, reached))) => {
            *replica = Some(connection);
            Ok(reached.unwrap_or(lost))
        }
        Ok(Err(error)) if url.dialect.trouble(&error) == Trouble::Denied => Err(error),
        Ok(Err(_)) | Err(_) => Ok(lost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_batch_halves_and_a_fast_one_grows() {
        let mut size = BatchSize::new(400, Duration::from_secs(1));
        size.took(Duration::from_secs(2));
        assert_eq!(size.rows(), 200);
        size.took(Duration::from_millis(700));
        assert_eq!(size.rows(), 200);
        size.took(Duration::from_millis(400));
        assert_eq!(size.rows(), 251);
        for _ in 0..9 {
            size.took(Duration::ZERO);
        }
        assert_eq!(size.rows(), 400);
        while size.halve() {}
        assert_eq!(size.rows(), 1);
        size.took(Duration::ZERO);
        assert_eq!(size.rows(), 2);
    }

    #[test]
    fn what_a_replica_lacks_has_an_age() {
        let second = Duration::from_secs(1);
        let at = |position| Reached { seconds: 0.5, position: Some(position) };
        let mut log = Log::default();
        assert!(log.lag(&at(0), second) <= 0.5);
        for n in 1..=10 {
            log.ends_at(i64::from(n) * 100, second * n);
        }
        log.ends_at(1000, second * 15);
        let lag =
            |log: &Log, reached| Duration::from_secs_f64(log.lag(&reached, second * 20)).as_secs();
        assert_eq!([1000, 999, 300].map(|position| lag(&log, at(position))), [0, 10, 16]);
        // What is older than the log has its age by the replica.
        assert_eq!(lag(&log, Reached { seconds: 99.0, position: Some(0) }), 99);
        assert_eq!(lag(&log, Reached { seconds: 3.0, position: None }), 3);
        // Another server has taken over at 250.
        log.ends_at(250, second * 20);
        assert_eq!([250, 200, 100].map(|position| lag(&log, at(position))), [0, 0, 18]);
    }

    #[test]
    fn the_places_of_the_log_take_little_memory() {
        let mut log = Log::default();
        for n in 0..100_000_i32 {
            log.ends_at(i64::from(n), Duration::from_secs(u64::try_from(n).unwrap()));
        }
        assert!(log.0.len() <= PLACES);
        let behind = Reached { seconds: 0.0, position: Some(50_000) };
        let lag = log.lag(&behind, Duration::from_secs(100_000));
        // Hours are enough to know that it is behind.
        assert!((3_600.0..50_000.0).contains(&lag), "{lag}");
    }

    #[test]
    fn rows_are_spread_over_time() {
        let pace = Pace::default();
        let second = Duration::from_secs(1);
        assert_eq!(pace.pay(second, 100, 100), second * 2);
        // Another worker's rows, at the same time.
        assert_eq!(pace.pay(second, 50, 100), second * 5 / 2);
        // What was not used is not kept.
        assert_eq!(pace.pay(second * 60, 100, 100), second * 61);
    }
}
