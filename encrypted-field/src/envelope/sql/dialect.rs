//! The differences between the databases.

/// A database that can hold the table, with the migration that makes it.
///
/// ```
/// use encrypted_field::envelope::sql::Dialect;
///
/// assert!(Dialect::Postgres.up().contains("CREATE TABLE IF NOT EXISTS encrypted_field_keys"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
    /// SQLite.
    Sqlite,
}

impl Dialect {
    /// SQL that makes the table `encrypted_field_keys` if it is not there: the file
    /// `migrations/key_store/<database>/up.sql` of this crate. If it is run again, it changes
    /// nothing. If two run at the same moment, PostgreSQL may refuse one.
    pub const fn up(self) -> &'static str {
        match self {
            Self::Postgres => include_str!("../../../migrations/key_store/postgres/up.sql"),
            Self::MySql => include_str!("../../../migrations/key_store/mysql/up.sql"),
            Self::Sqlite => include_str!("../../../migrations/key_store/sqlite/up.sql"),
        }
    }

    /// SQL that drops the table with all keys: `migrations/key_store/<database>/down.sql`.
    #[allow(clippy::match_same_arms)] // Files of their own, as each database's tools expect.
    pub const fn down(self) -> &'static str {
        match self {
            Self::Postgres => include_str!("../../../migrations/key_store/postgres/down.sql"),
            Self::MySql => include_str!("../../../migrations/key_store/mysql/down.sql"),
            Self::Sqlite => include_str!("../../../migrations/key_store/sqlite/down.sql"),
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::MySql => "MySQL",
            Self::Sqlite => "SQLite",
        }
    }

    /// The folder of its migration.
    pub(super) const fn migration(self) -> &'static str {
        match self {
            Self::Postgres => "migrations/key_store/postgres",
            Self::MySql => "migrations/key_store/mysql",
            Self::Sqlite => "migrations/key_store/sqlite",
        }
    }

    pub(super) const fn quote(self) -> char {
        match self {
            Self::MySql => '`',
            Self::Postgres | Self::Sqlite => '"',
        }
    }

    /// Microseconds since 1970 by the clock of the server, whatever the time zone of the session
    /// is. SQLite has no server.
    pub(super) const fn server_time(self) -> &'static str {
        match self {
            Self::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)",
            // Not `NOW()`: if a session's clocks are set back, an hour of its time is there twice.
            Self::MySql => "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))",
            Self::Sqlite => "NULL",
        }
    }

    /// Makes an `INSERT` replace rows that are there.
    pub(super) const fn or_update(self) -> &'static str {
        match self {
            Self::Postgres | Self::Sqlite => {
                "ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, record = excluded.record"
            }
            // MariaDB doesn't have the row alias that MySQL 8 prefers to `VALUES()`.
            Self::MySql => {
                "ON DUPLICATE KEY UPDATE revision = VALUES(revision), record = VALUES(record)"
            }
        }
    }

    /// Whether the database itself sees to the types of columns, in each row.
    pub(super) const fn is_typed(self) -> bool {
        !matches!(self, Self::Sqlite)
    }
}
