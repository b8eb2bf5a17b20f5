use crate::databases::sqlite as database;

mod file;
#[path = "../suite/returning.rs"]
mod returning;
#[path = "../suite/mod.rs"]
mod suite;
#[path = "../suite/upsert.rs"]
mod upsert;

use database::{SQL_TYPES, run};
