//! diesel-async, with the model of Diesel.

use diesel::{QueryDsl as _, SelectableHelper as _};
use diesel_async::{AsyncConnection as _, RunQueryDsl as _};
use encrypted_field::EncryptedModel as _;
use tokio::runtime::{Builder, Runtime};

use super::database::{AsyncDiesel, Database};
use super::suite::diesel::{Row, rows};
use super::suite::{Application, Result, scenarios as run};

struct App {
    runtime: Runtime,
    connection: AsyncDiesel,
}

fn is_send<T: Send>(future: T) -> T {
    future
}

impl Application for App {
    type Row = Row;

    fn connect(database: &Database) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let connection = runtime.block_on(AsyncDiesel::establish(&database.diesel_url())).unwrap();
        Self { runtime, connection }
    }

    fn load(&mut self, order: i64) -> Result<Row> {
        let rows = rows::table.find(("org", order)).select(Row::as_select());
        Ok(self.runtime.block_on(rows.first(&mut self.connection))?)
    }

    fn move_stale(&mut self, row: &Row) -> Result<bool> {
        let moved = is_send(row.move_stale_async(&mut self.connection));
        Ok(self.runtime.block_on(moved)?)
    }

    fn is_any_stale(row: &Row) -> bool {
        row.is_any_stale()
    }

    fn set_all(row: &mut Row) {
        row.set_all();
    }
}

run::tests!(App);
