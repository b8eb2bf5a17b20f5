//! Wrapped keys in a table of the application's own database.
//!
//! [`DieselStore`] and [`SqlxStore`] keep the same table, `encrypted_field_keys`. An application
//! may use both. The library makes no table. Take over its migration, from the folder
//! `migrations/key_store` of this crate or from [`Dialect::up`]. The process needs `SELECT`,
//! `INSERT` and `UPDATE` on it. No row is ever deleted.
//!
//! The table has a row for each record: `name`, at most 100 bytes, `revision`, and `record`, at
//! most 1 MiB of text. Names are compared by their bytes, in any database and whatever its
//! collation is.
//!
//! # Why a change is all or nothing, and one at a time
//!
//! A change is one transaction. It writes the head first, on the condition that the head has the
//! expected revision, and holds the lock of that row until it commits. Whoever writes the head next
//! waits for that, then finds another revision and gives up. So writers take turns, whatever they
//! write after the head. A change whose connection breaks leaves nothing. If the connection breaks
//! while the commit is under way, the error does not tell whether the change was made. Load to see.
//!
//! After the head come the other records, in statements of at most 300 rows and 1 MiB of text each.
//! So MariaDB's `max_allowed_packet` may be as small as 4 MiB.
//!
//! # Why a load sees one moment, and looks through little
//!
//! A load is one transaction with one `SELECT`: the head, and with `UNION ALL` the rows of the
//! names and of the prefixes. If a revision is asked for, only those of them with a higher one are
//! loaded. Names are looked up in the primary key. A prefix is a range of it (`name >= 'tree/3f'
//! AND name < 'tree/3g'`), or of the index of revisions if the database expects that to be shorter.
//! One statement takes 27,900 names, or 31 prefixes. The rest goes into further statements of the
//! same transaction, which sees the moment of its first.
//!
//! | database | level of a load | level of a change | why |
//! |---|---|---|---|
//! | PostgreSQL | `REPEATABLE READ` | `READ COMMITTED` | a change looks at the head again once the lock is free; at the higher levels it would fail instead |
//! | MySQL, MariaDB | `REPEATABLE READ` | `REPEATABLE READ` | `UPDATE` reads what was committed last at any level; below, statement-based binary logs refuse writes |
//! | SQLite | serializable | serializable | its only one; the first statement of a change takes the only write lock |
//!
//! The level is asked for in each transaction. The session's own default does not matter, and
//! stays.
//!
//! Each row of a load carries the time by the server's clock, in seconds since 1970 and thus in no
//! time zone. SQLite has no server, and gives none.
//!
//! # When a change is durable
//!
//! A change is as durable as a commit of the database. With PostgreSQL's `synchronous_commit = off`
//! or MySQL's `innodb_flush_log_at_trx_commit = 0` a crash of the server can undo the last ones.

mod dialect;
#[cfg(feature = "diesel-store")]
mod diesel;
mod failure;
mod load;
#[cfg(feature = "sqlx-store")]
mod sqlx;
mod statement;
mod swap;
mod table;

pub use dialect::Dialect;
#[cfg(feature = "diesel-store")]
pub use diesel::{DieselBackend, DieselStore};
#[cfg(feature = "sqlx-store")]
pub use sqlx::{SqlxBackend, SqlxStore};
