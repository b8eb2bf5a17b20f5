//! How far a job is, while it runs: a bar that is drawn anew on a terminal, and a line now and then
//! elsewhere.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use encrypted_field_migrate::{Event, Progress, Stop};

use crate::context::Context;
use crate::failure::Result;
use crate::output::plain;

/// Between two bars on a terminal.
const OFTEN: Duration = Duration::from_millis(250);
/// Between two lines elsewhere.
const SELDOM: Duration = Duration::from_secs(10);
/// Failures that are shown while the job runs. The rest is in the ledger.
const SHOWN: u64 = 20;
/// The cells of the bar.
const CELLS: u64 = 20;
/// To the beginning of the line, which is cleared. What is longer than the terminal is wide is cut
/// from here on, since a line that goes on in the next one can't be drawn anew.
const DRAW: &str = "\r\x1b[K\x1b[?7l";
/// Ends that.
const DRAWN: &str = "\x1b[?7h";

/// Is told what workers do, and adds it up.
pub(super) struct Meter {
    /// How many shards the table has. This process works on one of them.
    parts: u64,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// All rows, and those that were done before, once they are counted.
    began: Option<(u64, u64)>,
    rows: u64,
    failed: u64,
    /// Failures that were shown as lines.
    shown: u64,
    waits: Option<String>,
    /// What is to be printed as lines of its own.
    lines: Vec<String>,
}

impl Meter {
    pub(super) fn new(parts: u64) -> Self {
        Self { parts, seen: Mutex::default() }
    }

    fn with<R>(&self, f: impl FnOnce(&mut Seen) -> R) -> R {
        f(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn has_begun(&self) -> bool {
        self.with(|seen| seen.began.is_some())
    }

    /// After this time of work.
    fn line(&self, took: Duration, has_bar: bool) -> String {
        self.with(|seen| {
            let Some((all, before)) = seen.began else { return "looking at the table".to_owned() };
            let done = before + seen.rows;
            let percent = (done * 100).checked_div(all).unwrap_or(100).min(100);
            let rate = u128::from(seen.rows) * 1000 / took.as_millis().max(1);
            let mut line = format!("{percent:3} %  {done} of {all} rows  {rate}/s");
            if has_bar {
                line.insert_str(0, &bar(percent));
            }
            let left = u128::from(all.saturating_sub(done)).checked_div(rate);
            if let Some(left) = left.and_then(|left| u64::try_from(left).ok()) {
                line.push_str("  ");
                line.push_str(&crate::output::duration(Duration::from_secs(left)));
                line.push_str(" left");
            }
            if seen.failed > 0 {
                line.push_str("  ");
                line.push_str(&seen.failed.to_string());
                line.push_str(" failed");
            }
            if let Some(waits) = &seen.waits {
                line.push_str("  waits for ");
                line.push_str(waits);
            }
            line
        })
    }
}

/// Such as `[########------------] ` for 40.
fn bar(percent: u64) -> String {
    let full = percent * CELLS / 100;
    let cell = |at| if at < full { '#' } else { '-' };
    format!("[{}] ", (0..CELLS).map(cell).collect::<String>())
}

impl Progress for Meter {
    fn event(&self, event: &Event) {
        self.with(|seen| match event {
            Event::Written { counts, .. } => {
                seen.rows += counts.rows;
                seen.failed += counts.failed;
                seen.waits = None;
            }
            Event::Began { rows, done } => {
                seen.began = Some((rows.div_ceil(self.parts), done / self.parts));
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
    let (mut began, mut work, mut ended) = (Instant::now(), pin!(work), pin!(told_to_end()));
    let mut told = began;
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            () = &mut ended, if !stop.is_stopped() => {
                writeln!(context.errors, "stopping at the end of the batch")?;
                stop.stop();
            }
            () = tokio::time::sleep(OFTEN) => {
                show_lines(meter, is_live, context)?;
                if !meter.has_begun() {
                    // The rate is that of the work, and not of the look before it.
                    began = Instant::now();
                }
                if is_live {
                    draw(&meter.line(began.elapsed(), true), context)?;
                    context.errors.flush()?;
                } else if told.elapsed() >= SELDOM {
                    told = Instant::now();
                    writeln!(context.errors, "{}", meter.line(began.elapsed(), false))?;
                }
            }
        }
    };
    show_lines(meter, is_live, context)?;
    if is_live && meter.has_begun() {
        draw(&meter.line(began.elapsed(), true), context)?;
        writeln!(context.errors)?;
    }
    Ok(done?)
}

fn draw(line: &str, context: &mut Context<'_>) -> Result<()> {
    // In one piece, so that nobody finds the terminal in between.
    Ok(context.errors.write_all(format!("{DRAW}{}{DRAWN}", plain(line)).as_bytes())?)
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

    fn written(meter: &Meter, rows: u64, failed: u64) {
        let counts = Counts { rows, failed, ..Counts::default() };
        meter.event(&Event::Written { counts, batch: 500 });
    }

    #[test]
    fn a_line_says_how_far_it_is() {
        let meter = Meter::new(1);
        let line = |seconds| meter.line(Duration::from_secs(seconds), false);
        assert_eq!(line(1), "looking at the table");
        meter.event(&Event::Began { rows: 1000, done: 0 });
        assert_eq!(line(1), "  0 %  0 of 1000 rows  0/s");
        written(&meter, 250, 2);
        assert_eq!(line(2).trim(), "25 %  250 of 1000 rows  125/s  6s left  2 failed");
        meter.event(&Event::Waiting(Waiting::Rate));
        assert!(line(2).ends_with("waits for the rate"));
        // More rows than there were.
        written(&meter, 2000, 0);
        assert!(line(3).starts_with("100 %  2250 of 1000 rows"));
        let meter = Meter::new(1);
        meter.event(&Event::Began { rows: 0, done: 0 });
        assert!(meter.line(Duration::ZERO, false).starts_with("100 %"));
    }

    #[test]
    fn a_job_that_goes_on_begins_where_it_was() {
        let meter = Meter::new(1);
        meter.event(&Event::Began { rows: 1000, done: 600 });
        written(&meter, 200, 0);
        let line = meter.line(Duration::from_secs(2), false);
        assert_eq!(line.trim(), "80 %  800 of 1000 rows  100/s  2s left");
    }

    #[test]
    fn a_shard_is_a_part_of_the_table() {
        let meter = Meter::new(4);
        meter.event(&Event::Began { rows: 1001, done: 0 });
        written(&meter, 100, 0);
        assert!(meter.line(Duration::from_secs(1), false).contains("100 of 251 rows"));
    }

    #[test]
    fn a_bar_has_twenty_cells() {
        assert_eq!(bar(0), format!("[{}] ", "-".repeat(20)));
        assert_eq!(bar(44), "[########------------] ");
        assert_eq!(bar(99), format!("[{}-] ", "#".repeat(19)));
        assert_eq!(bar(100), format!("[{}] ", "#".repeat(20)));
        let meter = Meter::new(1);
        meter.event(&Event::Began { rows: 10, done: 5 });
        let line = meter.line(Duration::from_secs(1), true);
        assert_eq!(line, "[##########----------]  50 %  5 of 10 rows  0/s");
    }
}
