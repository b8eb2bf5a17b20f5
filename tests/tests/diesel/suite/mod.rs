//! The tests that every database runs. `returning` and `upsert` are not for MariaDB, so those that
//! have them name them.

mod debug;
mod insert;
mod join;
mod large;
mod legacy;
mod names;
mod read;
mod refused;
mod rotation;
mod update;
mod value_types;
mod write_refused;

use diesel::prelude::*;

use super::database::{Backend, Connection, ENFORCES_WIDTH, parameter, run, takes_packets_of};
use crate::models::SlackConnection;
use crate::raw::RawConnection;
use crate::schema::slack_connections::dsl::slack_connections;

pub(super) fn insert(db: &mut Connection, row: &SlackConnection) {
    let inserted =
        diesel::insert_into(slack_connections).values(row).execute(db).expect("insert a row");
    assert_eq!(inserted, 1);
}

pub(super) fn read(db: &mut Connection, id: i32) -> QueryResult<SlackConnection> {
    slack_connections.find(id).select(SlackConnection::as_select()).first(db)
}

pub(super) fn raw(db: &mut Connection, id: i32) -> RawConnection {
    slack_connections
        .find(id)
        .select(RawConnection::as_select())
        .first(db)
        .expect("the row is there")
}

pub(super) fn count(db: &mut Connection) -> i64 {
    slack_connections.count().get_result(db).expect("count the rows")
}
