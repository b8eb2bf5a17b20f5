use crate::databases::postgres as database;

#[path = "suite/mod.rs"]
mod suite;
