//! What an application goes through. Each scenario runs on a database of its own.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{MutexGuard, PoisonError};
use std::thread;

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Bool};
use diesel::{RunQueryDsl as _, select};
use encrypted_field::ErrorKind;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use tests::secrets::plaintext;

use super::database::{self, Database, Diesel, Sqlx};
use super::{Application, Result, Value, Version, kind};
use crate::keys;
use crate::meanwhile::at_each_plaintext;

use Version::{New, Old};

struct World<A: Application> {
    database: Database,
    admin: Diesel,
    app: A,
    _alone: MutexGuard<'static, ()>,
}

/// Whatever the scenario has left.
impl<A: Application> Drop for World<A> {
    fn drop(&mut self) {
        A::reopen_the_door();
        A::set_write_mode(true).unwrap();
    }
}

/// What the next row to be moved is.
#[derive(Debug, Clone, Copy)]
enum Next {
    Plaintext,
    Sealed,
}

/// The column as it is before, and the statement before it.
fn column<A: Application>() -> (&'static str, &'static str) {
    let is_text = A::STORAGE == "text";
    ("SELECT 1", if is_text { database::TEXT } else { database::BINARY })
}

impl<A: Application> World<A> {
    /// With this statement before the table, and this column.
    fn open((before, column): (&str, &str)) -> Option<Self> {
        let alone = crate::ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let database = database::open()?;
        let mut admin = database.connect();
        admin.batch_execute(before).unwrap();
        let table = format!("id BIGINT PRIMARY KEY, plan BIGINT NOT NULL, api_key {column}");
        admin.batch_execute(&format!("CREATE TABLE accounts ({table})")).unwrap();
        let app = A::connect(&database);
        Some(Self { database, admin, app, _alone: alone })
    }

    /// The SQL of the guide.
    fn sql(&self, name: &str) -> String {
        crate::chapter::sql(name, A::STORAGE, database::NAME)
    }

    fn run(&mut self, name: &str) {
        let sql = self.sql(name);
        if !sql.is_empty() {
            self.admin.batch_execute(&sql).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    /// Makes rows with NULL, which the old version then writes.
    fn plant(&mut self, values: &[&str]) {
        for (id, value) in (1..).zip(values) {
            self.plant_null(id);
            self.app.write(Old, id, value.as_bytes()).unwrap();
        }
    }

    fn plant_null(&mut self, id: i64) {
        let insert = format!("INSERT INTO accounts (id, plan, api_key) VALUES ({id}, 0, NULL)");
        self.admin.batch_execute(&insert).unwrap();
    }

    fn number(&mut self, query: &str) -> i64 {
        let query = format!("({})", query.trim_end_matches(';'));
        select(sql::<BigInt>(&query)).get_result(&mut self.admin).unwrap()
    }

    fn left(&mut self) -> i64 {
        self.number(&self.sql("left"))
    }

    /// With two rows at once, so that there are many batches.
    fn next(&self, name: &str) -> &'static str {
        let sql = self.sql(name);
        assert!(sql.contains("LIMIT 500"));
        sql.replace("LIMIT 500", "LIMIT 2").leak()
    }

    fn move_rows(&mut self, next: Next) -> Result<u64> {
        let next = self.next(match next {
            Next::Plaintext => "next plaintext",
            Next::Sealed => "next sealed",
        });
        let replace = self.sql("replace").leak();
        self.app.move_rows(next, replace)
    }

    /// What the column has.
    fn stored(&mut self, id: i64) -> Vec<u8> {
        self.app.read(Old, id).unwrap().bytes
    }

    fn is_sealed(&mut self, id: i64) -> bool {
        let stored = self.stored(id);
        stored.starts_with(b"ef1:1:") || stored.starts_with(b"\xEFf1\0\0\0\x01")
    }

    #[track_caller]
    fn reads(&mut self, version: Version, id: i64, value: &str, is_legacy: bool) {
        let read = self.app.read(version, id).unwrap();
        // No assertion that would print a plaintext.
        assert!(read == Value { bytes: value.as_bytes().to_vec(), is_legacy }, "row {id}");
    }

    /// A process that begins to run the loop, and is killed when it has read its `at`th row.
    fn move_rows_until_killed(&mut self, at: usize) {
        let mut count = 0;
        let kill = move || {
            count += 1;
            if count == at {
                resume_unwind(Box::new("killed"));
            }
        };
        let run = AssertUnwindSafe(|| at_each_plaintext(kill, || self.move_rows(Next::Plaintext)));
        assert!(catch_unwind(run).is_err());
        self.app = A::connect(&self.database);
    }
}

/// In UTF-8 they have more bytes than characters, and than in MariaDB's column.
fn values() -> Vec<String> {
    (1..=12).map(|number| plaintext(&format!("clé {number}"))).collect()
}

fn borrowed(values: &[String]) -> Vec<&str> {
    values.iter().map(String::as_str).collect()
}

/// All phases, one after the other.
pub fn all_phases<A: Application>() {
    let Some(mut world) = World::<A>::open(column::<A>()) else { return };
    let mut values = values();
    let count = 12;
    world.plant(&borrowed(&values));
    world.plant_null(100);
    world.run("widen");
    // The connections are those that follow a restart.
    world.app = A::connect(&world.database);

    phase_1(&mut world, &mut values);
    assert_eq!(world.left(), count);
    {
        let _ring = keys::phase_2().hold();
        // The door is still open to rows that were written in phase 1.
        world.reads(New, 1, &values[0], true);
    }
    phase_2(&mut world, &mut values);
    phase_3(&mut world, &mut values);
    phase_4(&mut world, &values);
}

/// Old instances and new ones, which write what the others read.
fn phase_1<A: Application>(world: &mut World<A>, values: &mut [String]) {
    let _ring = keys::phase_1().hold();
    // A process that forgets the switch stores nothing.
    let error = world.app.set_plan(New, 3, 4).unwrap_err();
    assert_eq!(kind(&*error), Some(ErrorKind::NoActiveKey));
    A::set_write_mode(false).unwrap();
    for (id, value) in (1..).zip(&mut *values) {
        let version = if id % 2 == 0 { Old } else { New };
        *value = plaintext(&format!("clé {id}, phase 1"));
        world.app.write(version, id, value.as_bytes()).unwrap();
        world.app.set_plan(version, id, 2).unwrap();
        // Once by each.
        world.app.set_plan(if id % 2 == 0 { New } else { Old }, id, 3).unwrap();
        world.reads(Old, id, value, false);
        world.reads(New, id, value, true);
    }
    // A key that could seal changes nothing.
    let _ring = keys::phase_2().hold();
    world.app.set_plan(New, 3, 3).unwrap();
    world.reads(Old, 3, &values[2], false);
    // A value that would not be read is not stored.
    let stored = [&b"ef1:1:"[..], &[b'A'; 60], plaintext("").as_bytes()].concat();
    let error = world.app.write(New, 3, &stored).unwrap_err();
    assert_eq!(kind(&*error), Some(ErrorKind::PlaintextWrite));
    world.reads(Old, 3, &values[2], false);
}

/// Processes that write plaintext beside those that seal, and what an old instance would see.
fn phase_2<A: Application>(world: &mut World<A>, values: &mut [String]) {
    let ring = keys::phase_2().hold();
    A::set_write_mode(true).unwrap();
    world.app.set_plan(New, 1, 5).unwrap();
    values[1] = plaintext("clé 2, phase 2");
    world.app.write(New, 2, values[1].as_bytes()).unwrap();
    world.app.write(New, 3, values[2].as_bytes()).unwrap();
    for id in 1..=3 {
        world.reads(New, id, &values[at(id)], false);
    }
    drop(ring);
    {
        let _ring = keys::phase_1().hold();
        A::set_write_mode(false).unwrap();
        for id in 1..=3 {
            world.reads(New, id, &values[at(id)], false);
        }
        world.app.set_plan(New, 1, 6).unwrap();
        world.reads(Old, 1, &values[0], false);
        world.reads(New, 1, &values[0], true);
    }
    let _ring = keys::phase_2().hold();
    A::set_write_mode(true).unwrap();
    world.reads(New, 1, &values[0], true);

    // An instance from before phase 1 takes the stored value for the key. What it writes back is
    // what it read.
    assert!(world.is_sealed(2) && world.is_sealed(3));
    world.app.set_plan(Old, 2, 6).unwrap();
    world.reads(New, 2, &values[1], false);
    values[2] = plaintext("clé 3, old");
    world.app.write(Old, 3, values[2].as_bytes()).unwrap();
    world.reads(New, 3, &values[2], true);
    world.app.set_plan(New, 3, 7).unwrap();
    assert!(world.is_sealed(3));
    assert_eq!(world.left(), 10);
}

/// Where the value of a row stands.
fn at(id: i64) -> usize {
    usize::try_from(id - 1).unwrap()
}

/// The loop: killed, run again with somebody who writes at the worst moment, and run to the end.
fn phase_3<A: Application>(world: &mut World<A>, values: &mut [String]) {
    let _ring = keys::phase_2().hold();
    world.move_rows_until_killed(4);
    assert_eq!(world.left(), 7);
    assert!(world.is_sealed(5) && !world.is_sealed(6));

    // Rows 6 to 12 are left. Between the loop's read of row 8 and its write, somebody writes it.
    values[7] = plaintext("clé 8, meanwhile");
    let (mut somebody, value) = (A::connect(&world.database), values[7].clone());
    let mut id = 5;
    let meanwhile = move || {
        id += 1;
        if id == 8 {
            elsewhere(|| somebody.write(New, 8, value.as_bytes()).unwrap());
        }
    };
    let moved = at_each_plaintext(meanwhile, || world.move_rows(Next::Plaintext)).unwrap();
    assert_eq!((moved, world.left()), (6, 0));
    assert_eq!(world.move_rows(Next::Plaintext).unwrap(), 0);
    for (id, value) in (1..).zip(&*values) {
        world.reads(New, id, value, false);
        assert!(world.is_sealed(id));
    }
    assert_eq!(world.number("SELECT count(*) FROM accounts WHERE api_key IS NULL"), 1);
    assert_eq!(world.number("SELECT plan FROM accounts WHERE id = 12"), 3);
}

/// By another process: on a thread of its own, with the keys of phase 2.
fn elsewhere(run: impl FnOnce() + Send) {
    let run = || {
        let _ring = keys::phase_2().hold();
        run();
    };
    thread::scope(|scope| scope.spawn(run).join()).unwrap();
}

fn phase_4<A: Application>(world: &mut World<A>, values: &[String]) {
    let _ring = keys::phase_2().hold();
    world.app.write(Old, 1, values[0].as_bytes()).unwrap();
    A::close_the_door();
    let closed = world.app.read(New, 1);
    assert_eq!(kind(&*closed.unwrap_err()), Some(ErrorKind::LegacyClosed));
    let refused = A::set_write_mode(false).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PlaintextWrite);
    assert_eq!((world.move_rows(Next::Plaintext).unwrap(), world.left()), (0, 1));
    A::reopen_the_door();
    assert_eq!((world.move_rows(Next::Plaintext).unwrap(), world.left()), (1, 0));

    world.run("check");
    let error = world.app.write(Old, 1, values[0].as_bytes()).unwrap_err().to_string();
    assert!(error.contains("api_key_is_sealed"));
    let insert = "INSERT INTO accounts (id, plan, api_key) VALUES (101, 0, 'plain')";
    assert!(world.admin.batch_execute(insert).is_err());
    world.plant_null(102);
    for (id, value) in (1..).zip(values) {
        world.app.set_plan(New, id, 8).unwrap();
        world.reads(New, id, value, false);
    }

    world.run("rewrite");
    let canary = tests::secrets::CANARY.as_bytes();
    for file in world.database.files() {
        assert!(!file.windows(canary.len()).any(|bytes| bytes == canary), "plaintext in a file");
    }
}

/// From the middle of phase 3 to the old code.
pub fn the_way_back<A: Application>() {
    let Some(mut world) = World::<A>::open(column::<A>()) else { return };
    let mut values = values();
    world.plant(&borrowed(&values));
    world.plant_null(100);
    world.run("widen");
    world.app = A::connect(&world.database);
    {
        let _ring = keys::phase_2().hold();
        world.app.set_plan(New, 12, 2).unwrap();
        world.move_rows_until_killed(5);
        assert_eq!(world.left(), 7);
    }

    // With the keys of phase 2, which are there still.
    let _ring = keys::phase_2().hold();
    A::set_write_mode(false).unwrap();
    values[0] = plaintext("clé 1, back in phase 1");
    world.app.write(New, 1, values[0].as_bytes()).unwrap();
    for (id, value) in (1..).zip(&values) {
        let is_legacy = !world.is_sealed(id);
        world.reads(New, id, value, is_legacy);
    }
    assert_eq!(world.left(), 8);
    assert_eq!(world.move_rows(Next::Sealed).unwrap(), 4);
    assert_eq!((world.move_rows(Next::Sealed).unwrap(), world.left()), (0, 12));
    for (id, value) in (1..).zip(&values) {
        world.reads(Old, id, value, false);
    }
}

/// Values that the collation takes for equal, with an instance that writes another such plaintext
/// at the worst moment: what it wrote stays.
pub fn values_that_look_alike<A: Application>() {
    let is_text = A::STORAGE == "text";
    let loose = if is_text { database::LOOSE_TEXT } else { column::<A>() };
    let Some(mut world) = World::<A>::open(loose) else { return };
    if !is_text {
        world.run("widen");
    }
    let name = |name: &str| plaintext(name);
    let values = ["key", "KEY", "key ", "kéy"].map(name);
    let written_meanwhile = ["Key", "KEy", "key", "Kéy"].map(name);
    world.plant(&borrowed(&values));
    if is_text {
        let alike = format!(
            "(SELECT count(*) FROM accounts WHERE api_key = '{}') > 1",
            values[0].to_lowercase().replace("canary-", tests::secrets::CANARY)
        );
        assert!(select(sql::<Bool>(&alike)).get_result::<bool>(&mut world.admin).unwrap());
    }

    let _ring = keys::phase_2().hold();
    let (mut straggler, mut id) = (A::connect(&world.database), 0);
    let meanwhile = {
        let written = written_meanwhile.clone();
        move || {
            id += 1;
            elsewhere(|| straggler.write(Old, id, written[at(id)].as_bytes()).unwrap());
        }
    };
    let moved = at_each_plaintext(meanwhile, || world.move_rows(Next::Plaintext)).unwrap();
    assert_eq!((moved, world.left()), (0, 4));
    for (id, value) in (1..).zip(&written_meanwhile) {
        world.reads(Old, id, value, false);
    }

    assert_eq!((world.move_rows(Next::Plaintext).unwrap(), world.left()), (4, 0));
    for (id, value) in (1..).zip(&written_meanwhile) {
        world.reads(New, id, value, false);
    }
    // Under that collation, too.
    assert_eq!(world.rows("values that look like ours").len(), 4);
    assert!(world.rows("size")[0].starts_with("4 4 "));
    world.run("check");
    assert!(world.app.write(Old, 1, values[0].as_bytes()).is_err());
    world.app.set_plan(New, 1, 2).unwrap();
}

/// The queries of phase 0.
pub fn looking_at_the_column<A: Application>() {
    let (_, column) = column::<A>();
    let column = format!("{column} DEFAULT 'none'");
    let Some(mut world) = World::<A>::open(("SELECT 1", &column)) else { return };
    let (values, _ring) = (values(), keys::longest_id().hold());
    world.plant(&borrowed(&values));
    world.plant_null(100);

    let size = world.rows("size");
    let longest = values.iter().map(String::len).max().unwrap();
    let width = A::sealed(values[11].as_bytes()).len();
    assert_eq!(size, [["13", "12", &longest.to_string(), &width.to_string()].join(" ")]);

    let generated = format!("(length(api_key)) {}", database::GENERATED);
    let (_, column) = self::column::<A>();
    for statement in [
        "CREATE UNIQUE INDEX by_api_key ON accounts (api_key)",
        database::TRIGGER,
        &format!("ALTER TABLE accounts ADD COLUMN key_length INT GENERATED ALWAYS AS {generated}"),
        "CREATE VIEW every_account AS SELECT * FROM accounts",
        &format!(
            "CREATE TABLE sessions (by_key {column}, \
             FOREIGN KEY (by_key) REFERENCES accounts (api_key))"
        ),
    ] {
        world.admin.batch_execute(statement).unwrap_or_else(|e| panic!("{statement}: {e}"));
    }
    let found = world.rows("what stands on it").join("\n");
    for expected in
        ["by_api_key", "on_change", "PRIMARY KEY", "key_length", "every_account", "sessions"]
    {
        assert!(found.contains(expected), "{expected}: {found}");
    }
    assert!(found.contains("own_keys") || !database::TRIGGER.contains("own_keys"), "{found}");
    // PostgreSQL shows bytes in hexadecimal.
    assert!(found.contains("'none'") || found.contains("'\\x6e6f6e65'"), "{found}");

    assert!(world.rows("values that look like ours").is_empty());
    let alike = ["ef1: no value", "\"ef1:1:AAAA\"", "EF1:2", "\0ef1:1:A"];
    let alike = alike.map(plaintext_at_the_end);
    // No text of PostgreSQL has a NUL.
    let has_nul = !(A::STORAGE == "text" && database::NAME == "PostgreSQL");
    let count = if has_nul { alike.len() } else { alike.len() - 1 };
    for (id, value) in (1..).zip(&alike[..count]) {
        world.app.write(Old, id, value.as_bytes()).unwrap();
    }
    let mut found = world.rows("values that look like ours");
    found.sort();
    assert_eq!(found, ["1", "2", "3", "4"][..count]);

    // What phase 3 counts passes over a plaintext that begins as sealed values do, and the reader
    // tells it from them.
    let begin: &[u8] = if A::STORAGE == "text" { b"ef1:" } else { b"\xEFf1" };
    assert_eq!(world.left(), if A::STORAGE == "text" { 11 } else { 12 });
    let value = [begin, plaintext("").as_bytes()].concat();
    world.app.write(Old, 1, &value).unwrap();
    assert_eq!(world.left(), 11);
    assert!(world.app.read(New, 1).unwrap() == Value { bytes: value, is_legacy: true });
}

fn plaintext_at_the_end(begin: &str) -> String {
    let mut value = begin.to_owned();
    write!(value, " {}", plaintext("")).unwrap();
    value
}

impl<A: Application> World<A> {
    /// Each row as its values with a space between them.
    fn rows(&self, name: &str) -> Vec<String> {
        let statements = AssertSqlSafe(self.sql(name));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let rows = runtime.block_on(async {
            let mut db = Sqlx::connect(&self.database.url()).await.unwrap();
            sqlx::raw_sql(statements).fetch_all(&mut db).await.unwrap()
        });
        let text = |row: &<<Sqlx as sqlx::Connection>::Database as sqlx::Database>::Row| {
            let values = (0..row.len()).map(|at| {
                row.try_get_unchecked::<Option<String>, _>(at).ok().flatten().unwrap_or_default()
            });
            values.collect::<Vec<_>>().join(" ")
        };
        rows.iter().map(text).collect()
    }
}

macro_rules! applications {
    ($($application:ident)*) => {
        $(mod $application {
            use super::super::$application::App;

            #[test]
            fn all_phases() {
                super::all_phases::<App>();
            }

            #[test]
            fn the_way_back() {
                super::the_way_back::<App>();
            }

            #[test]
            fn values_that_look_alike() {
                super::values_that_look_alike::<App>();
            }

            #[test]
            fn looking_at_the_column() {
                super::looking_at_the_column::<App>();
            }
        })*
    };
}

applications!(diesel_text diesel_binary sqlx_text sqlx_binary);
