//! The three databases, with what differs between them: the connection, type names, the spelling of
//! parameters, limits.

pub mod mariadb;
pub mod postgres;
pub mod sqlite;
