//! What the databases share.

mod diesel;
mod sqlx;

use ::diesel::connection::SimpleConnection as _;

use super::database::{self, Database, Diesel, Sqlx};
use crate::keys::install;

/// A connection to the database, with the table of [`Customer`](crate::models::Customer), and the
/// keys.
pub fn connect(database: &Database) -> Diesel {
    install();
    let mut db = database.connect();
    let columns = format!(
        "id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, iban TEXT NOT NULL CHECK (iban LIKE 'ef1:%'), note {}",
        database::BYTES
    );
    db.batch_execute(&format!("CREATE TABLE customers ({columns})")).expect("create the table");
    db
}
