//! What can be asked for of the data.

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
    /// Decide on every row, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Workers in this process, each with a connection; SQLite has one
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) workers: u32,
    /// Only this part of the table, such as 3/16, for a scheduler that numbers its processes from 0
    #[arg(long, value_name = "PART")]
    pub(crate) shard: Option<Shard>,
    /// The most rows per second in each process; `data rate` changes it while the job runs
    #[arg(long, value_name = "ROWS")]
    pub(crate) rate: Option<u64>,
    /// The most rows in a statement
    #[arg(long, value_name = "ROWS", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) batch: u32,
    /// How long a statement may take: slower ones are made smaller
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = humantime::parse_duration)]
    pub(crate) batch_time: Duration,
    /// How far replicas may be behind
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) max_lag: Option<Duration>,
    /// A variable with the URL of a replica to ask how far it is behind; repeatable
    #[arg(long, value_name = "NAME", requires = "max_lag")]
    pub(crate) replica_env: Vec<String>,
    /// A command that is run every second: while it ends with another code than 0, the job waits
    #[arg(long, value_name = "COMMAND")]
    pub(crate) load_command: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
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
    use super::Shard;

    #[test]
    fn a_shard_is_one_of_its_count() {
        let shard: Shard = "3/16".parse().unwrap();
        assert_eq!((shard.index, shard.count), (3, 16));
        for text in ["", "3", "16/16", "-1/3", "a/b", "0/0", "1/2/3"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
