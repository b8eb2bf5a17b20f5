//! What holds a job back: a rate, replicas, a load command, and slow statements.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::process::Command;

use crate::clock::Clock;
use crate::database::{Connection, Url};
use crate::error::Result;
use crate::options::{Lag, Options};
use crate::report::Waiting;

/// How often replicas and the load command are asked.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

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
    lag: Option<Lag>,
    load: Option<Vec<String>>,
    state: tokio::sync::Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    asked: Option<Duration>,
    holds: Option<Waiting>,
    replicas: Vec<Option<Connection>>,
}

impl Gauges {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            lag: options.lag.clone(),
            load: options.load_command.clone(),
            state: tokio::sync::Mutex::default(),
        }
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
            state.holds = self.ask(&mut state, connection).await?;
            state.asked = Some(clock.now());
        }
        Ok(state.holds.clone())
    }

    async fn ask(&self, state: &mut State, connection: &mut Connection) -> Result<Option<Waiting>> {
        if let Some(lag) = &self.lag {
            let most = lag.most.as_secs_f64();
            let dialect = connection.dialect;
            let mut all = dialect.lag(connection).await.unwrap_or_default();
            state.replicas.resize_with(lag.replicas.len(), || None);
            for (at, (url, replica)) in lag.replicas.iter().zip(&mut state.replicas).enumerate() {
                all.push((format!("{}", at + 1), lag_of(&Url::new(url)?, replica).await));
            }
            let worst = all.into_iter().max_by(|(_, a), (_, b)| a.total_cmp(b));
            if let Some((replica, seconds)) = worst
                && seconds > most
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

/// A replica that does not answer is one that is behind.
async fn lag_of(url: &Url, replica: &mut Option<Connection>) -> f64 {
    let mut connection = match replica.take() {
        Some(connection) => connection,
        None => match url.connect().await {
            Ok(connection) => connection,
            Err(_) => return f64::INFINITY,
        },
    };
    let dialect = connection.dialect;
    match dialect.own_lag(&mut connection).await {
        Ok(lag) => {
            *replica = Some(connection);
            // What does not replicate at all is not the replica that was meant.
            lag.unwrap_or(f64::INFINITY)
        }
        Err(_) => f64::INFINITY,
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
