//! What an encrypted column costs beside the same column in the clear: Diesel and SQLx, on a SQLite
//! file and on PostgreSQL over loopback, in text and in binary columns.

mod diesel;
mod sqlx;

use std::hint::black_box;

use benches::{Bytes, Text, ring, secret};
use measure::{Goal, Limit, Subject, added, compare_rounds};

use crate::raw::Raw;

/// Statements that make the rows of a plain table as long as those of the sealed one, by taking
/// them over; both tables are then written anew, without the gaps that changing rows leaves.
fn as_long(place: Place, plain: &str, sealed: &str) -> Vec<String> {
    let vacuum = if place.database == "SQLite" { "VACUUM" } else { "VACUUM FULL" };
    vec![
        format!("DELETE FROM {plain} WHERE id >= {ROWS}"),
        format!("DELETE FROM {sealed} WHERE id >= {ROWS}"),
        format!(
            "UPDATE {plain} SET secret = (SELECT secret FROM {sealed} WHERE {sealed}.id = {plain}.id)"
        ),
        vacuum.into(),
    ]
}

/// Rows of the tables that are loaded.
const ROWS: i32 = 10_000;
/// Rows of one batch.
const BATCH: i32 = 1_000;

/// The PostgreSQL server that `./bench` started.
pub const POSTGRES: &str = "EF_TEST_POSTGRES_URL";

pub fn goals() -> Vec<Goal> {
    encrypted_field::install(ring()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let postgres =
        std::env::var(POSTGRES).unwrap_or_else(|_| panic!("{POSTGRES} is not set: run `./bench`"));
    let mut goals = Vec::new();
    goals.extend(diesel::sqlite(&file("diesel.sqlite")));
    goals.extend(sqlx::sqlite(&file("sqlx.sqlite")));
    goals.extend(diesel::postgres(&postgres));
    goals.extend(sqlx::postgres(&postgres));
    goals
}

/// A secret of 64 bytes.
fn token() -> String {
    secret(64)
}

/// As long as a token that is sealed, in text and in bytes.
fn as_long_as_sealed() -> (String, Vec<u8>) {
    let (text, bytes) = (Text::from(token()), Bytes::from(token().into_bytes()));
    (secret(text.to_stored_text().unwrap().len()), vec![b'x'; bytes.to_stored().unwrap().len()])
}

/// `org_id` of every row.
fn org_id() -> String {
    "org_2NxkB4".into()
}

/// Where a pair of subjects runs.
#[derive(Clone, Copy)]
struct Place {
    orm: &'static str,
    database: &'static str,
    column: &'static str,
}

impl Place {
    fn name(self, what: &str) -> String {
        format!("{}, {}, {}: {what}", self.orm, self.database, self.column)
    }

    /// One statement on one row, beside the plain column as it was.
    fn one_row(self, what: &str, sealed: &mut dyn Subject, plain: &mut dyn Subject) -> Goal {
        let measured = compare_rounds(301, sealed, plain);
        Goal::ours_by_other(&self.name(what), Limit::None, measured)
    }

    /// The same where the plain row is as long as the sealed one: what is left is the library's.
    fn one_row_as_long(
        self,
        what: &str,
        sealed: &mut dyn Subject,
        plain: &mut dyn Subject,
    ) -> Goal {
        let limit = if self.database == "SQLite" { 1.10 } else { 1.05 };
        let name = self.name(&format!("{what}, against a plain one as long"));
        Goal::ours_by_other(&name, Limit::AtMost(limit), compare_rounds(301, sealed, plain))
    }

    fn load(self, sealed: &mut dyn Subject, plain: &mut dyn Subject) -> Goal {
        self.load_against("load 10,000 rows, added per row : raw open", Limit::None, sealed, plain)
    }

    /// The same where the plain rows are as long as the sealed ones: what is left is the library's.
    fn load_as_long(self, sealed: &mut dyn Subject, plain: &mut dyn Subject) -> Goal {
        let name = "that load against plain rows as long";
        self.load_against(name, Limit::AtMost(2.0), sealed, plain)
    }

    fn load_against(
        self,
        name: &str,
        limit: Limit,
        sealed: &mut dyn Subject,
        plain: &mut dyn Subject,
    ) -> Goal {
        let raw = Raw::new();
        let (value, nonce) = raw.seal(token().as_bytes());
        let mut unit = || {
            black_box(raw.open(black_box(&value), nonce));
        };
        let measured = added(101, ROWS.unsigned_abs(), sealed, plain, &mut unit);
        Goal::ours_by_other(&self.name(name), limit, measured)
    }

    fn batch(self, sealed: &mut dyn Subject, plain: &mut dyn Subject) -> Goal {
        let name = "insert 1,000 rows at once, added per row : raw seal and an OS nonce";
        self.batch_against(name, Limit::None, sealed, plain)
    }

    /// The same where the plain rows are as long as the sealed ones: what is left is the library's.
    fn batch_as_long(self, sealed: &mut dyn Subject, plain: &mut dyn Subject) -> Goal {
        let name = "that insert against plain rows as long";
        self.batch_against(name, Limit::AtMost(2.0), sealed, plain)
    }

    fn batch_against(
        self,
        name: &str,
        limit: Limit,
        sealed: &mut dyn Subject,
        plain: &mut dyn Subject,
    ) -> Goal {
        let (raw, value) = (Raw::new(), token());
        let mut unit = || {
            black_box(raw.seal(black_box(value.as_bytes())));
        };
        let measured = added(101, BATCH.unsigned_abs(), sealed, plain, &mut unit);
        Goal::ours_by_other(&self.name(name), limit, measured)
    }
}
