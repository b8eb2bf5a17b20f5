//! One connection to any of the databases, and the SQL in which they differ.
//!
//! ```text
//! connection   binds and reads values; nothing else here knows SQLx
//! sql          a statement and what is bound to it
//! shape        the table, its key and its columns, as the engine needs them
//! dialect      pure functions from these to SQL, one file for each database
//! trouble      what an error of the database means for the job
//! ```
//!
//! Values travel as bytes, whatever the column is. Keys travel as texts. Whatever is compared or
//! sorted, the database does it: keys under the collation of their column, values byte by byte.

mod connection;
mod dialect;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod shape;
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;
mod trouble;

pub(crate) use connection::{Connection, Row, Url};
pub(crate) use dialect::{Dialect, Reached};
pub(crate) use shape::{Column, Holds, Key, Table};
pub(crate) use sql::Sql;
pub(crate) use statements::{Found, Place, Swap, show};
pub(crate) use trouble::Trouble;
