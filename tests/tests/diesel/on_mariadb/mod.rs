use crate::databases::mariadb as database;

#[path = "../suite/mod.rs"]
mod suite;
mod truncation;
mod upsert;

use database::run;
