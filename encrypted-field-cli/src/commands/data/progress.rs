//! How far a job is, while it runs: one line that is written anew on a terminal, and a line now and
//! then elsewhere.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use encrypted_field_migrate::{Event, Progress, Stop};

use crate::context::Context;
use crate::failure::Result;
use crate::output::plain;

/// Between two lines on a terminal.
const OFTEN: Duration = Duration::from_millis(250);
/// Between two lines elsewhere.
const SELDOM: Duration = Duration::from_secs(10);
/// Failures that are shown while the job runs. The rest is in the ledger.
const SHOWN: u64 = 20;

/// Is told what workers do, and adds it up.
pub(super) struct Meter {
    /// Rows in the table, when it began.
    total: u64,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    rows: u64,
    failed: u64,
    /// Failures that were shown as lines.
    shown: u64,
    waits: Option<String>,
    /// What is to be printed as lines of its own.
    lines: Vec<String>,
}

impl Meter {
    pub(super) fn new(total: u64) -> Self {
        Self { total, seen: Mutex::default() }
    }

    fn with<R>(&self, f: impl FnOnce(&mut Seen) -> R) -> R {
        f(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// After this time.
    fn line(&self, took: Duration) -> String {
        let (rows, failed, waits) = self.with(|seen| (seen.rows, seen.failed, seen.waits.clone()));
        let percent = (rows * 100).checked_div(self.total).unwrap_or(100).min(100);
        let rate = u128::from(rows) * 1000 / took.as_millis().max(1);
        let mut line = format!("{percent:3} %  {rows} of {} rows  {rate}/s", self.total);
        let left = u128::from(self.total.saturating_sub(rows)).checked_div(rate);
        if let Some(left) = left.and_then(|left| u64::try_from(left).ok()) {
            line.push_str("  ");
            line.push_str(&crate::output::duration(Duration::from_secs(left)));
            line.push_str(" left");
        }
        if failed > 0 {
            line.push_str("  ");
            line.push_str(&failed.to_string());
            line.push_str(" failed");
        }
        if let Some(waits) = waits {
            line.push_str("  waits for ");
            line.push_str(&waits);
        }
        line
    }
}

impl Progress for Meter {
    fn event(&self, event: &Event) {
        self.with(|seen| match event {
            Event::Written { counts, .. } => {
                seen.rows += counts.rows;
                seen.failed += counts.failed;
                seen.waits = None;
            }
            Event::Warned(finding) => seen.lines.push(format!("warning: {finding}")),
            Event::Waiting(waiting) => seen.waits = Some(waiting.to_string()),
            Event::Failed(failure) if seen.shown < SHOWN => {
                seen.shown += 1;
                let line = format!("row {}: {}: {}", failure.key, failure.kind, failure.reason);
                seen.lines.push(line);
            }
            Event::Reconnecting => {
                seen.lines.push("the connection was lost; connecting anew".into());
            }
            Event::TakenOver { range } => {
                seen.lines.push(format!(
                    "range {range} was taken over from a worker that no longer answers"
                ));
            }
            _ => {}
        });
    }
}

/// Runs a job, shows how far it is, and stops it where this process is told to end.
pub(super) async fn watch<T>(
    work: impl Future<Output = encrypted_field_migrate::Result<T>>,
    meter: &Meter,
    stop: &Stop,
    context: &mut Context<'_>,
) -> Result<T> {
    let is_live = context.terminal.is_some();
    let (began, mut work, mut ended) = (Instant::now(), pin!(work), pin!(told_to_end()));
    let mut told = Duration::ZERO;
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            () = &mut ended, if !stop.is_stopped() => {
                writeln!(context.errors, "stopping at the end of the batch")?;
                stop.stop();
            }
            () = tokio::time::sleep(OFTEN) => {
                show_lines(meter, is_live, context)?;
                let took = began.elapsed();
                if is_live {
                    write!(context.errors, "\r\x1b[K{}", meter.line(took))?;
                    context.errors.flush()?;
                } else if took >= told + SELDOM {
                    told = took;
                    writeln!(context.errors, "{}", meter.line(took))?;
                }
            }
        }
    };
    show_lines(meter, is_live, context)?;
    if is_live {
        writeln!(context.errors, "\r\x1b[K{}", meter.line(began.elapsed()))?;
    }
    Ok(done?)
}

fn show_lines(meter: &Meter, is_live: bool, context: &mut Context<'_>) -> Result<()> {
    for line in meter.with(|seen| std::mem::take(&mut seen.lines)) {
        let clear = if is_live { "\r\x1b[K" } else { "" };
        writeln!(context.errors, "{clear}{}", plain(&line))?;
    }
    Ok(())
}

/// Until Ctrl-C, or the signal with which a scheduler ends a process.
async fn told_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let terminate = signal(SignalKind::terminate());
        let Ok(mut terminate) = terminate else { return std::future::pending().await };
        tokio::select! {
            done = tokio::signal::ctrl_c() => if done.is_err() { std::future::pending().await },
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encrypted_field_migrate::{Counts, Waiting};

    #[test]
    fn a_line_says_how_far_it_is() {
        let meter = Meter::new(1000);
        assert_eq!(meter.line(Duration::from_secs(1)), "  0 %  0 of 1000 rows  0/s");
        let counts = Counts { rows: 250, failed: 2, ..Counts::default() };
        meter.event(&Event::Written { counts, batch: 500 });
        let line = "25 %  250 of 1000 rows  125/s  6s left  2 failed";
        assert_eq!(meter.line(Duration::from_secs(2)).trim(), line);
        meter.event(&Event::Waiting(Waiting::Rate));
        assert!(meter.line(Duration::from_secs(2)).ends_with("waits for the rate"));
        // More rows than there were.
        meter.event(&Event::Written { counts: Counts { rows: 2000, ..counts }, batch: 500 });
        assert!(meter.line(Duration::from_secs(3)).starts_with("100 %  2250 of 1000 rows"));
        assert!(Meter::new(0).line(Duration::ZERO).starts_with("100 %"));
    }
}
