//! What can be asked for of the data.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{Confirm, Json};

#[derive(Debug, Subcommand)]
pub(crate) enum Data {
    /// Count the values of each column by their key, and show the jobs; nothing is decrypted
    Status(Status),
    /// Print the SQL that a column needs, and say whether the one that is there fits
    Schema(Width),
    /// Say what stands in the way of encrypting a column; nothing is written
    Check(Place),
    /// Encrypt plaintext, which `legacy = plaintext` of the model reads meanwhile
    Encrypt(Move),
    /// Move values under earlier keys to the active key
    Rotate(Move),
    /// Move values of a previous context or scope to the present one
    Rename(Move),
    /// Move values of a foreign format: that of [column.legacy] of the configuration
    Import(Move),
    /// Move values between text and binary: to the `storage` of the configuration
    Storage(Move),
    /// Turn stored values back into plaintext
    Decrypt(Decrypt),
    /// Run a job of the configuration: one of the moves above, with its options; those given here
    /// go first
    Run(Run),
    /// Open every value of a column, and say what is there; exit code 1 if it is not complete
    Verify(Verify),
    /// Let a job wait, in every process that works on it
    Pause(Job),
    /// Let a paused job go on
    Resume(Job),
    /// Change how fast a job may be, while it runs
    Rate(Rate),
    /// List the rows that a job has left as they are, with the reasons
    Failures(Failures),
    /// Forget a job, its checkpoints and its failures; no row changes
    Forget(Job),
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Only this column: table.column
    #[arg(value_name = "COLUMN")]
    pub(crate) column: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The column, as the configuration names it: table.column
    #[arg(value_name = "COLUMN")]
    pub(crate) column: String,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Width {
    /// The column, as the configuration names it: table.column
    #[arg(value_name = "COLUMN")]
    pub(crate) column: String,
    /// The longest plaintext, in bytes [default: the longest value that is there]
    #[arg(long, value_name = "BYTES")]
    pub(crate) longest: Option<u64>,
}

/// A job can be stopped at any point (Ctrl-C) and run again: it goes on where it was, and what is
/// done is passed over. The same command on another machine shares the work.
#[derive(Debug, Args)]
pub(crate) struct Move {
    /// The column, as the configuration names it: table.column
    #[arg(value_name = "COLUMN")]
    pub(crate) column: String,
    #[command(flatten)]
    pub(crate) work: Work,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The `name` of a section [[job]] of the configuration
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    #[command(flatten)]
    pub(crate) work: Work,
    #[command(flatten)]
    pub(crate) confirm: Confirm,
}

/// What every move takes.
#[derive(Debug, Args)]
pub(crate) struct Work {
    /// Decide on every row, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) how: How,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// How a move is run, on the command line or in a section [[job]].
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct How {
    /// Workers in this process, each with a connection; SQLite has one [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(WORKERS))]
    pub(crate) workers: Option<u32>,
    /// Only this part of the table, such as 3/16, for a scheduler that numbers its processes from 0
    #[arg(long, value_name = "PART")]
    pub(crate) shard: Option<Shard>,
    /// The most rows per second in each process; `data rate` changes it while the job runs
    #[arg(long, value_name = "ROWS")]
    pub(crate) rate: Option<u64>,
    /// The most rows in a statement [default: 500]
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(BATCH))]
    pub(crate) batch: Option<u32>,
    /// How long a statement may take: slower ones are made smaller [default: 500ms]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) batch_time: Option<Duration>,
    /// How far replicas may be behind
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) max_lag: Option<Duration>,
    /// A variable with the URL of a replica to ask how far it is behind, with --max-lag; repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) replica_env: Vec<String>,
    /// A command that is run every second: while it ends with another code than 0, the job waits
    #[arg(long, value_name = "COMMAND")]
    pub(crate) load_command: Option<String>,
}

/// How many workers a process may have.
pub(crate) const WORKERS: RangeInclusive<i64> = 1..=256;
/// How many rows a statement may have.
pub(crate) const BATCH: RangeInclusive<i64> = 1..=10_000;

impl How {
    /// What is said here, and for the rest what is said there.
    pub(crate) fn or(&self, other: &Self) -> Self {
        let replicas = if self.replica_env.is_empty() { other } else { self };
        Self {
            workers: self.workers.or(other.workers),
            shard: self.shard.or(other.shard),
            rate: self.rate.or(other.rate),
            batch: self.batch.or(other.batch),
            batch_time: self.batch_time.or(other.batch_time),
            max_lag: self.max_lag.or(other.max_lag),
            replica_env: replicas.replica_env.clone(),
            load_command: self.load_command.clone().or_else(|| other.load_command.clone()),
        }
    }
}

/// A part of a table: `3/16` is the fourth of sixteen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shard {
    pub(crate) index: u64,
    pub(crate) count: u64,
}

impl std::str::FromStr for Shard {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a part is such as 3/16: a number from 0, and how many parts there are";
        let (index, count) = text.split_once('/').ok_or(WRONG)?;
        let shard = Self {
            index: index.parse().map_err(|_| WRONG)?,
            count: count.parse().map_err(|_| WRONG)?,
        };
        if shard.index < shard.count { Ok(shard) } else { Err(WRONG) }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Decrypt {
    #[command(flatten)]
    pub(crate) job: Move,
    #[command(flatten)]
    pub(crate) confirm: Confirm,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The column, as the configuration names it: table.column
    #[arg(value_name = "COLUMN")]
    pub(crate) column: String,
    /// Expect plaintext, as after `data decrypt`
    #[arg(long)]
    pub(crate) decrypted: bool,
    /// Write the result into a new file: what is there, by which keys, and when
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Job {
    /// The name of the job, as `data status` shows it, such as "encrypt users.token"
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
}

#[derive(Debug, Args)]
pub(crate) struct Rate {
    /// The name of the job, as `data status` shows it, such as "encrypt users.token"
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    /// The most rows per second in each process; 0 takes the limit away
    #[arg(value_name = "ROWS")]
    pub(crate) rate: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Failures {
    /// The name of the job, as `data status` shows it, such as "encrypt users.token"
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[cfg(test)]
mod tests {
    use super::{How, Shard};

    #[test]
    fn what_is_said_first_counts() {
        let of = |rate, replica: &[&str], command: Option<&str>| How {
            rate,
            replica_env: replica.iter().map(|name| (*name).to_owned()).collect(),
            load_command: command.map(str::to_owned),
            ..How::default()
        };
        let section = of(Some(10), &["A"], Some("a"));
        let nothing = How::default().or(&section);
        assert_eq!((nothing.rate, nothing.load_command.as_deref()), (Some(10), Some("a")));
        assert_eq!(nothing.replica_env, ["A"]);
        let other = of(Some(0), &["B"], Some("b")).or(&section);
        assert_eq!((other.rate, other.load_command.as_deref()), (Some(0), Some("b")));
        assert_eq!(other.replica_env, ["B"]);
    }

    #[test]
    fn a_shard_is_one_of_its_count() {
        let shard: Shard = "3/16".parse().unwrap();
        assert_eq!((shard.index, shard.count), (3, 16));
        for text in ["", "3", "16/16", "-1/3", "a/b", "0/0", "1/2/3"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
