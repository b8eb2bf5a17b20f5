//! Wrapped keys in a table of the application's own database.
//!
//! [`DieselStore`] and [`SqlxStore`] keep the same table, `encrypted_field_keys`; an application may use both. The library makes no
//! table: take over its migration, from the folder `migrations/key_store` of this crate or from [`Dialect::up`].
//! The process needs `SELECT`, `INSERT` and `UPDATE` on it; no row is ever deleted.
//!
//! # Why a change is all or nothing, and one at a time
//!
//! A change is one transaction. It writes the head first, on the condition that the head has the expected revision, and holds
//! the lock of that row until it commits; whoever writes the head next waits for that, then finds another revision and
//! gives up. So writers take turns, whatever they write after the head, and a change whose connection breaks leaves nothing. If it
//! breaks while the commit is under way, the error does not tell whether the change was made: load to see.
//!
//! | database | isolation level of a change | why |
//! |---|---|---|
//! | PostgreSQL | `READ COMMITTED`, asked for | it looks at the head again once the lock is free; `REPEATABLE READ` and above would fail instead |
//! | MySQL, MariaDB | `REPEATABLE READ`, asked for | `UPDATE` reads what was committed last at any level; below, statement-based binary logs refuse writes |
//! | SQLite | serializable, its only one | the first statement takes the only write lock |
//!
//! A load is one `SELECT`, which sees one moment at each of these levels. On MySQL its level is asked for too, since a session
//! at `READ UNCOMMITTED` sees half of a change. What the session has set as its default does not matter, and stays.
//!
//! A change is durable as the database commits: with PostgreSQL's `synchronous_commit = off` or MySQL's
//! `innodb_flush_log_at_trx_commit = 0` a crash of the server can undo the last ones.

mod dialect;
#[cfg(feature = "diesel-store")]
mod diesel;
mod failure;
#[cfg(feature = "sqlx-store")]
mod sqlx;
mod statement;
mod table;

pub use dialect::Dialect;
#[cfg(feature = "diesel-store")]
pub use diesel::{DieselBackend, DieselStore};
#[cfg(feature = "sqlx-store")]
pub use sqlx::{SqlxBackend, SqlxStore};
