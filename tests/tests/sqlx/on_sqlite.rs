use crate::databases::sqlite as database;

#[path = "suite/mod.rs"]
mod suite;
