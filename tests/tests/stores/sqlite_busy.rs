//! SQLite while another connection writes.

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use encrypted_field::envelope::{BackendErrorKind, KeyStore as _, Query};

use crate::places::{DieselSqlite, Place, SqlxSqlite, Table};
use crate::support::{all, record, refused, run, swap};

#[test]
fn busy() {
    while_another_writes::<DieselSqlite>();
    while_another_writes::<SqlxSqlite>();
}

fn while_another_writes<P: Place>() {
    let table = Table::<P>::open().unwrap();
    run(async {
        let impatient = table.store_with("PRAGMA busy_timeout = 0");
        let records = [record("head", 1, "head"), record("process/1", 1, "one")];
        swap(&impatient, 0, &records).await;
        let changed = [record("head", 2, "head"), record("process/2", 2, "two")];
        let mut other = SqliteConnection::establish(&table.url).unwrap();

        other.batch_execute("BEGIN IMMEDIATE").unwrap();
        refused(impatient.compare_and_swap(1, &changed).await, BackendErrorKind::Unavailable);
        assert_eq!(all(&impatient).await, records);
        other.batch_execute("ROLLBACK; BEGIN EXCLUSIVE").unwrap();
        refused(impatient.compare_and_swap(1, &changed).await, BackendErrorKind::Unavailable);
        refused(impatient.load(&Query::all()).await, BackendErrorKind::Unavailable);
        other.batch_execute("ROLLBACK").unwrap();
        assert_eq!(all(&impatient).await, records);

        // A reader that stays keeps the commit from getting through.
        other.batch_execute("BEGIN; SELECT * FROM encrypted_field_keys").unwrap();
        refused(impatient.compare_and_swap(1, &changed).await, BackendErrorKind::Unavailable);
        other.batch_execute("ROLLBACK").unwrap();
        assert_eq!(all(&impatient).await, records);
        swap(&impatient, 1, &changed).await;
    });
}
