//! Diesel.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::{Connection as _, InstrumentationEvent};
use diesel::prelude::*;
use encrypted_field::{Encrypted, EncryptedModel as _};

use super::database::{Database, Diesel};
use super::scenarios::{self as run, World};
use super::{Application, Result};
use crate::{keys, meanwhile};

diesel::table! {
    rows (org, order) {
        org -> Text,
        order -> BigInt,
        plan -> BigInt,
        token -> Nullable<Text>,
        secret -> Nullable<Text>,
        scan -> Binary,
        photo -> Nullable<Binary>,
    }
}

#[derive(Queryable, Selectable, Identifiable, Encrypted)]
#[diesel(table_name = rows, primary_key(org, order))]
pub struct Row {
    org: String,
    order: i64,
    #[encrypted(String, legacy = meanwhile::read, previous_context = "rows.former_token")]
    token: Option<Token>,
    #[encrypted(String, previous_scope = "before")]
    secret: Option<TheSecret>,
    #[encrypted(Vec<u8>)]
    scan: Scan,
    #[encrypted(Vec<u8>)]
    photo: Option<Photo>,
}

impl Row {
    pub fn set_all(&mut self) {
        self.token = Some("".into());
        self.secret = Some("".into());
        self.scan = Vec::new().into();
        self.photo = None;
    }
}

pub struct App(Diesel);

impl Application for App {
    type Row = Row;

    fn connect(database: &Database) -> Self {
        Self(database.connect())
    }

    fn load(&mut self, order: i64) -> Result<Row> {
        let rows = rows::table.find(("org", order));
        Ok(rows.select(Row::as_select()).first(&mut self.0)?)
    }

    fn move_stale(&mut self, row: &Row) -> Result<bool> {
        Ok(row.move_stale(&mut self.0)?)
    }

    fn is_any_stale(row: &Row) -> bool {
        row.is_any_stale()
    }

    fn set_all(row: &mut Row) {
        row.set_all();
    }
}

/// Two statements for a move, and none where there is nothing to be moved. Their debug output,
/// which Diesel gives to whoever logs statements, does not show what stands in the column.
#[test]
fn statements() {
    let Some(mut world) = World::<App>::open() else { return };
    let _ring = keys::rotated().hold();
    let plaintext = tests::secrets::plaintext("in the clear");
    world.plant(1, "token", plaintext.as_bytes());
    let row = world.app.load(1).unwrap();

    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    world.app.0.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            assert!(!query.to_string().contains(tests::secrets::CANARY));
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    assert!(world.app.move_stale(&row).unwrap());
    assert_eq!(count.swap(0, Ordering::Relaxed), 2);
    // The row in memory does not know that it has moved.
    assert!(row.is_any_stale() && !world.app.move_stale(&row).unwrap());
    assert_eq!(count.swap(0, Ordering::Relaxed), 1, "nothing is left to be moved");
    let row = world.app.load(1).unwrap();
    assert_eq!(count.swap(0, Ordering::Relaxed), 1);
    assert!(!world.app.move_stale(&row).unwrap());
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

/// A field that is read through an expression may be of another table, and stays.
#[test]
fn a_field_with_an_expression_is_left_alone() {
    #[derive(Queryable, Selectable, Identifiable, Encrypted)]
    #[diesel(table_name = rows, primary_key(org, order))]
    struct Joined {
        org: String,
        order: i64,
        #[encrypted(String, context = "rows.secret", previous_scope = "before")]
        #[diesel(select_expression = rows::secret)]
        other: Option<OtherSecret>,
        #[encrypted(Vec<u8>)]
        scan: JoinedScan,
    }

    let Some(mut world) = World::<App>::open() else { return };
    {
        let _ring = keys::old().hold();
        world.insert(1);
    }
    let _ring = keys::rotated().hold();
    let before = world.stored(1);
    let db = &mut world.app.0;
    let row: Joined = rows::table.select(Joined::as_select()).first(db).unwrap();
    assert!(row.other.as_ref().is_some_and(OtherSecret::is_stale) && row.scan.is_stale());
    assert!(row.move_stale(db).unwrap());
    let row: Joined = rows::table.select(Joined::as_select()).first(db).unwrap();
    assert!(row.is_any_stale() && !row.scan.is_stale());
    world.only_these_changed(1, &before, &["scan"]);
}

run::tests!(App);
