//! `EncryptedModel::move_stale` and its like: a loaded row moves to the active key if nobody has
//! changed it meanwhile. Through Diesel, diesel-async and SQLx, on the three databases.
#![allow(clippy::duplicate_mod, reason = "that is how one suite runs on three databases")]

mod keys;
mod meanwhile;
mod on_mariadb;
mod on_postgres;
mod on_sqlite;
mod partial_equality;
