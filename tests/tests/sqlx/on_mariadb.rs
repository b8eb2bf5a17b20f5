use crate::databases::mariadb as database;

#[path = "suite/mod.rs"]
mod suite;
