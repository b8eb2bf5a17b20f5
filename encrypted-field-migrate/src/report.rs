//! What a job tells: while it runs, and at its end.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::preflight::Finding;

macro_rules! failure_kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why a row was left as it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum FailureKind {
            $($(#[$doc])* $name,)*
        }

        impl FailureKind {
            /// Its name in reports and in the ledger.
            pub const fn as_text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// What a later release has written is some failure, too.
            pub(crate) fn from_text(text: &str) -> Self {
                match text {
                    $($text => Self::$name,)*
                    _ => Self::Malformed,
                }
            }
        }
    };
}

failure_kinds! {
    /// The value is not one of this library, and the operation takes no other.
    NotEncrypted = "not-encrypted",
    /// The value does not authenticate: it was changed, moved, or is under another key with its id.
    Authentication = "authentication",
    /// Neither the key ring nor the source that it was refreshed from has the key of the value.
    UnknownKey = "unknown-key",
    /// The keys can't be used: the scope has none that is active, the key of the value is disabled
    /// or of another scope, or it was not loaded and the keys could not be refreshed.
    Keys = "keys",
    /// The value is one of this library and damaged, or of a version that this release does not
    /// read.
    Malformed = "malformed",
    /// The row is pending: the application never wrote its value. Only `verify` fails it.
    Pending = "pending",
    /// The reader of plaintext or of the foreign format refused the value.
    Unreadable = "unreadable",
    /// The value opens and is not of the declared plaintext type.
    WrongType = "wrong-type",
    /// The new value would not give the old one back.
    NotExact = "not-exact",
    /// The plaintext looks like a stored value, so that nobody could read it afterwards.
    LooksSealed = "looks-sealed",
    /// The value opens to a stored value: ciphertext was encrypted once more.
    Nested = "nested",
    /// The column that is written holds another value than the one that is read.
    Differs = "differs",
    /// The row is not in the target state. Only `verify` says so.
    NotDone = "not-done",
    /// Somebody kept the row locked.
    Locked = "locked",
    /// Others changed the row each time that it was tried.
    Busy = "busy",
    /// The database refused the new value: by a trigger, a `CHECK`, or the width of the column.
    Refused = "refused",
    /// The statement took longer than the database allows.
    Timeout = "timeout",
}

impl Serialize for FailureKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_text())
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_text())
    }
}

/// A row that was left as it is. It has no value of the row but its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The table, with its schema if the job names one.
    pub table: String,
    /// The column that was to be written.
    pub column: String,
    /// The key of the row: the parts as text, with a comma between two.
    pub key: String,
    /// Why, for programs.
    pub kind: FailureKind,
    /// Why, for people.
    pub reason: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, column, key, kind, reason } = self;
        write!(f, "{table}.{column}, row {key}: {kind}: {reason}")
    }
}

/// What has become of rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows that were looked at.
    pub rows: u64,
    /// Rows that were written.
    pub replaced: u64,
    /// Rows that were in the target state already.
    pub kept: u64,
    /// Rows whose value is NULL.
    pub nulls: u64,
    /// Rows that wait for the application's first write.
    pub pending: u64,
    /// Rows that were left as they are, and are reported.
    pub failed: u64,
    /// Rows that somebody deleted meanwhile.
    pub gone: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.replaced += other.replaced;
        self.kept += other.kept;
        self.nulls += other.nulls;
        self.pending += other.pending;
        self.failed += other.failed;
        self.gone += other.gone;
    }
}

/// How a call of [`run`](crate::Migration::run) ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Every range of the table, or of the shard, was worked through.
    Finished,
    /// It was told to stop. Run it again to go on.
    Stopped,
}

/// What a call of [`run`](crate::Migration::run) has done. Rows that other processes did are not in
/// it; [`status`](crate::Migration::status) has them all.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The name of the job.
    pub job: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What has become of the rows.
    pub counts: Counts,
    /// The rows that were left, by the reason.
    pub failures: BTreeMap<FailureKind, u64>,
}

/// What a job is doing. It never holds a value of a column.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A worker has read rows and decided on them, and is about to write.
    Read {
        /// How many.
        rows: usize,
    },
    /// A worker has written rows, with its checkpoint.
    Written {
        /// What has become of them.
        counts: Counts,
        /// How many rows the next statement will have.
        batch: usize,
    },
    /// Something that the preflight has found, and that does not stop the job. Told first.
    Warned(Finding),
    /// The rows are counted, and the work begins. Told once, after the warnings.
    Began {
        /// Rows of the table.
        rows: u64,
        /// Those that the job has behind it, from earlier runs and in other processes.
        done: u64,
    },
    /// A row was left as it is.
    Failed(Failure),
    /// A worker waits.
    Waiting(Waiting),
    /// The connection was lost, and a worker connects anew.
    Reconnecting,
    /// A worker has taken a range over from one that no longer answers.
    TakenOver {
        /// The number of the range.
        range: u64,
    },
}

/// What a worker waits for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Waiting {
    /// The rate that was asked for.
    Rate,
    /// A replica that is behind, by this many seconds. Infinite if it does not answer or does not
    /// replicate.
    Lag {
        /// As the replica is named: by its position in the options, or by the server.
        replica: String,
        /// Seconds.
        seconds: f64,
    },
    /// The load command, which said so.
    Load,
    /// Room on the disk of the database: the server lets statements wait until there is some.
    Disk,
    /// Somebody has paused the job.
    Paused,
    /// Keys that are not loaded yet, or a key service that does not answer.
    Keys,
    /// Other workers, which have the rest of the ranges.
    Others,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate => f.write_str("the rate"),
            Self::Lag { replica, seconds } if seconds.is_infinite() => {
                write!(f, "replica {replica}, which does not answer or does not replicate")
            }
            Self::Lag { replica, seconds } => write!(f, "replica {replica}, {seconds:.1} s behind"),
            Self::Load => f.write_str("the load command"),
            Self::Disk => f.write_str("room on the disk of the database, which is full"),
            Self::Paused => f.write_str("somebody to resume the job"),
            Self::Keys => f.write_str("the keys"),
            Self::Others => f.write_str("the ranges of other workers"),
        }
    }
}

/// Is told what a job does. It is called between two statements, so it should be quick.
pub trait Progress: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event);
}

/// For whoever does not want to know.
impl Progress for () {
    fn event(&self, _: &Event) {}
}
