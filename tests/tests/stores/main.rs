//! Key stores: in a file, and in a table of each database through each ORM.

mod clock;
mod damage;
mod explain;
mod failures;
mod file;
mod hostile;
mod isolation;
mod large;
mod names;
mod permissions;
mod places;
mod plans;
mod pooled;
mod prepared;
mod queries;
mod race;
mod runtime;
mod schema;
mod sqlite_busy;
mod support;
mod together;

use encrypted_field::envelope::conformance;
use places::{Place, Table};
use support::run;

each! { conforms }

fn conforms<P: Place>() {
    let Some(table) = Table::<P>::open() else { return };
    run(async { conformance::key_store(&table.store()).await });
}
