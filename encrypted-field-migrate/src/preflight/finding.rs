//! What stands in the way of a job, and what to do about it.

use std::fmt;

use serde::Serialize;

/// How much a [`Finding`] matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The job is refused.
    Error,
    /// The job runs. Think about it before.
    Warning,
}

/// Something that the preflight has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// A name for programs, such as `too-narrow`.
    pub code: &'static str,
    /// What is there, and what to do.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Finding {
    pub(crate) fn error(code: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, text: text.into() }
    }

    pub(crate) fn warning(code: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, code, text: text.into() }
    }

    pub(crate) fn index(name: &str, is_unique: bool) -> Self {
        if is_unique {
            return Self::warning(
                "unique-index",
                format!(
                    "the unique index {name} is on the column: all stored values differ, so it finds no duplicate any more; keep a \
                     keyed hash in a column beside it, and drop it"
                ),
            );
        }
        Self::warning(
            "index",
            format!("the index {name} is on the column: it is of no use any more; drop it"),
        )
    }

    pub(crate) fn trigger(name: &str) -> Self {
        Self::warning(
            "trigger",
            format!(
                "the trigger {name} fires for each row that is written: see that it neither changes nor copies the value"
            ),
        )
    }

    pub(crate) fn has_replicas() -> Self {
        Self::warning(
            "replication",
            "the database writes a log for replicas: watch how far they are behind, and let the job wait for them",
        )
    }

    pub(crate) fn is_replica() -> Self {
        Self::error("read-only", "this is a replica, or it only reads: run the job on the primary")
    }

    #[cfg(feature = "mysql")]
    pub(crate) fn not_strict() -> Self {
        Self::error(
            "not-strict",
            "the sql_mode of this connection is not strict, though it was set so: the server would cut what is too long. Connect to \
             the server itself, and not through a proxy that keeps the mode",
        )
    }

    #[cfg(feature = "mysql")]
    pub(crate) fn application_not_strict() -> Self {
        Self::warning(
            "application-not-strict",
            "the global sql_mode is not strict. A job writes under a strict mode of its own. The mode of the application's \
             connections can't be known from here: if they don't set one, the server cuts stored values that are too long, and \
             they are lost. Let them set STRICT_TRANS_TABLES, or set it globally",
        )
    }

    #[cfg(feature = "mysql")]
    pub(crate) fn statement_log() -> Self {
        Self::error(
            "statement-log",
            "binlog_format is STATEMENT, with which READ COMMITTED can't write; set it to ROW or MIXED",
        )
    }

    #[cfg(feature = "mysql")]
    pub(crate) fn old_server(version: &str) -> Self {
        Self::error(
            "old-server",
            format!(
                "the server is {version}, which has no SKIP LOCKED; the engine needs MySQL 8 or MariaDB 10.6"
            ),
        )
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn null_keys(rows: u64) -> Self {
        Self::error(
            "null-keys",
            format!(
                "{rows} rows have NULL in their key, by which they can't be found; give them one"
            ),
        )
    }
}
