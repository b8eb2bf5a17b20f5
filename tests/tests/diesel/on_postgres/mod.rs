use crate::databases::postgres as database;

mod array;
mod copy;
#[path = "../suite/returning.rs"]
mod returning;
#[path = "../suite/mod.rs"]
mod suite;
#[path = "../suite/upsert.rs"]
mod upsert;

use database::{Connection, run};
