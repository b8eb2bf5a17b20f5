//! What a row goes through. Each scenario runs on a database of its own.

use diesel::connection::SimpleConnection as _;
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use encrypted_field::{Error, ErrorKind};
use tests::secrets::plaintext;

use super::database::{self, BINARY, Database, Diesel, QUOTE, TEXT};
use super::diesel::rows;
use super::{Application, FormerSecret, FormerToken, Photo, Result, Scan, TheSecret, Token};
use crate::keys;
use crate::meanwhile::at_next_plaintext;

const COLUMNS: [&str; 4] = ["token", "secret", "scan", "photo"];

/// What the columns have.
type Stored = [Option<Vec<u8>>; 4];

pub struct World<A> {
    pub database: Database,
    pub app: A,
    admin: Diesel,
}

impl<A: Application> World<A> {
    pub fn open() -> Option<Self> {
        Self::with_column(("SELECT 1", TEXT))
    }

    /// With this column for the token, and the statement before it.
    fn with_column((before, text): (&str, &str)) -> Option<Self> {
        let database = database::open()?;
        let mut admin = database.connect();
        admin.batch_execute(before).unwrap();
        let (table, order) = (format!("{QUOTE}rows{QUOTE}"), format!("{QUOTE}order{QUOTE}"));
        let create = format!(
            "CREATE TABLE {table} (org VARCHAR(20) NOT NULL, {order} BIGINT NOT NULL, plan BIGINT NOT NULL, \
             token {text}, secret {TEXT}, scan {BINARY} NOT NULL, photo {BINARY}, PRIMARY KEY (org, {order}))"
        );
        admin.batch_execute(&create).unwrap();
        let app = A::connect(&database);
        Some(Self { database, app, admin })
    }

    /// A row with a value in each column, sealed with the keys that are there.
    pub fn insert(&mut self, order: i64) {
        let token = Token::from(plaintext("token")).to_stored_text().unwrap();
        let secret = TheSecret::from(plaintext("clé")).to_stored_text().unwrap();
        let scan = Scan::from(plaintext("\0\u{1}scan").into_bytes()).to_stored().unwrap();
        let photo = Photo::from(plaintext("photo").into_bytes()).to_stored().unwrap();
        let values = (
            (rows::org.eq("org"), rows::order.eq(order), rows::plan.eq(7)),
            (rows::token.eq(token), rows::secret.eq(secret)),
            (rows::scan.eq(scan), rows::photo.eq(photo)),
        );
        diesel::insert_into(rows::table).values(values).execute(&mut self.admin).unwrap();
    }

    /// A row as from [`insert`](Self::insert), with this in one of the columns of text.
    pub fn plant(&mut self, order: i64, column: &str, stored: &[u8]) {
        self.insert(order);
        write(&mut self.admin, order, column, Some(stored));
    }

    /// Another row with the very bytes of this one, under a key that differs in a part.
    fn insert_copy(&mut self, order: i64) {
        let insert = format!(
            "INSERT INTO {QUOTE}rows{QUOTE} SELECT 'other', {QUOTE}order{QUOTE}, plan, token, secret, scan, photo \
             FROM {QUOTE}rows{QUOTE} WHERE {QUOTE}order{QUOTE} = {order}"
        );
        self.admin.batch_execute(&insert).unwrap();
    }

    pub fn stored(&mut self, order: i64) -> Stored {
        self.stored_of("org", order)
    }

    fn stored_of(&mut self, org: &str, order: i64) -> Stored {
        type Columns = (Option<String>, Option<String>, Vec<u8>, Option<Vec<u8>>);
        let columns = (rows::token, rows::secret, rows::scan, rows::photo);
        let row = rows::table.find((org, order)).select(columns);
        let (token, secret, scan, photo): Columns = row.first(&mut self.admin).unwrap();
        [token.map(String::into_bytes), secret.map(String::into_bytes), Some(scan), photo]
    }

    fn write(&mut self, order: i64, column: &str, stored: Option<&[u8]>) {
        write(&mut self.admin, order, column, stored);
    }

    /// These columns have other bytes than before, under key 2, and the same plaintext. All others
    /// have the same bytes.
    #[track_caller]
    pub fn only_these_changed(&mut self, order: i64, before: &Stored, changed: &[&str]) {
        let stored = self.stored(order);
        for (at, column) in COLUMNS.into_iter().enumerate() {
            assert_eq!(stored[at] != before[at], changed.contains(&column), "{column}");
        }
        let [token, secret, scan, photo] = stored;
        let text = |stored: Vec<u8>| String::from_utf8(stored).unwrap();
        if changed.contains(&"token") {
            let token = Token::from_stored_text(text(token.unwrap())).unwrap();
            assert!(*token == plaintext("token") && token.key_id().is_some_and(|id| id.get() == 2));
        }
        if changed.contains(&"secret") {
            let secret = TheSecret::from_stored_text(text(secret.unwrap())).unwrap();
            assert!(*secret == plaintext("clé") && secret.key_id().is_some_and(|id| id.get() == 2));
        }
        if changed.contains(&"scan") {
            let scan = Scan::from_stored(scan.unwrap()).unwrap();
            assert!(*scan == *plaintext("\0\u{1}scan").as_bytes());
            assert!(scan.key_id().is_some_and(|id| id.get() == 2));
        }
        if changed.contains(&"photo") {
            let photo = Photo::from_stored(photo.unwrap()).unwrap();
            assert!(*photo == *plaintext("photo").as_bytes());
            assert!(photo.key_id().is_some_and(|id| id.get() == 2));
        }
        let plan = rows::table.find(("org", order)).select(rows::plan);
        assert_eq!(plan.first::<i64>(&mut self.admin).unwrap(), 7);
    }

    /// A row that was written with the old keys, as it was loaded with the new ones.
    fn loaded(&mut self) -> A::Row {
        {
            let _ring = keys::old().hold();
            self.insert(1);
        }
        let row = self.app.load(1).unwrap();
        assert!(A::is_any_stale(&row));
        row
    }
}

/// Writes past the library. `None` is NULL.
fn write(db: &mut Diesel, order: i64, column: &str, stored: Option<&[u8]>) {
    let update = diesel::update(rows::table.find(("org", order)));
    let text = stored.map(|stored| String::from_utf8(stored.to_vec()).unwrap());
    let written = match column {
        "token" => update.set(rows::token.eq(text)).execute(db),
        "secret" => update.set(rows::secret.eq(text)).execute(db),
        _ => unreachable!("{column}"),
    };
    assert_eq!(written.unwrap(), 1);
}

fn kind(result: Result<bool>) -> Option<ErrorKind> {
    Error::find(&*result.unwrap_err()).map(Error::kind)
}

/// All values, in text and binary, of this row alone.
pub fn stale_by_key<A: Application>() {
    let Some(mut world) = World::<A>::open() else { return };
    let _ring = keys::rotated().hold();
    let row = world.loaded();
    world.insert_copy(1);
    let before = world.stored(1);
    assert!(world.app.move_stale(&row).unwrap());
    world.only_these_changed(1, &before, &COLUMNS);
    assert_eq!(world.stored_of("other", 1), before);

    let after = world.stored(1);
    assert!(!world.app.move_stale(&row).unwrap(), "it has moved");
    let row = world.app.load(1).unwrap();
    assert!(!A::is_any_stale(&row) && !world.app.move_stale(&row).unwrap());
    assert_eq!(world.stored(1), after);
}

/// By a previous context, a previous scope and as a legacy plaintext: only that value moves.
pub fn stale_otherwise<A: Application>() {
    let Some(mut world) = World::<A>::open() else { return };
    let (token, secret) = {
        let _ring = keys::old().hold();
        let token = FormerToken::from(plaintext("token"));
        let secret = FormerSecret::from(plaintext("clé"));
        (token.to_stored_text().unwrap(), secret.to_stored_text().unwrap())
    };
    let _ring = keys::rotated().hold();
    let former = {
        // Under the active key, so that the context alone is old.
        FormerToken::from(plaintext("token")).to_stored_text().unwrap()
    };
    world.plant(1, "token", token.as_bytes());
    world.plant(2, "token", former.as_bytes());
    world.plant(3, "secret", secret.as_bytes());
    world.plant(4, "token", plaintext("token").as_bytes());
    for (order, column) in [(1, "token"), (2, "token"), (3, "secret"), (4, "token")] {
        let row = world.app.load(order).unwrap();
        let before = world.stored(order);
        assert!(world.app.move_stale(&row).unwrap(), "{order}");
        world.only_these_changed(order, &before, &[column]);
    }
}

pub fn null_is_not_stale<A: Application>() {
    let Some(mut world) = World::<A>::open() else { return };
    {
        let _ring = keys::old().hold();
        world.insert(1);
    }
    let _ring = keys::rotated().hold();
    world.write(1, "token", None);
    world.write(1, "secret", None);
    let row = world.app.load(1).unwrap();
    let before = world.stored(1);
    assert!(world.app.move_stale(&row).unwrap());
    world.only_these_changed(1, &before, &["scan", "photo"]);

    // NULL when it was loaded, and a value by somebody else now.
    let row = world.app.load(1).unwrap();
    world.write(1, "token", Some(plaintext("new").as_bytes()));
    let before = world.stored(1);
    assert!(!world.app.move_stale(&row).unwrap());
    assert_eq!(world.stored(1), before);
}

/// The values of the application's own making are not stale: they stay in memory.
pub fn new_values_stay<A: Application>() {
    let Some(mut world) = World::<A>::open() else { return };
    let _ring = keys::rotated().hold();
    let mut row = world.loaded();
    A::set_all(&mut row);
    let before = world.stored(1);
    assert!(!world.app.move_stale(&row).unwrap());
    assert_eq!(world.stored(1), before);
}

/// Between the load and the move.
pub fn changed_meanwhile<A: Application>() {
    let Some(mut world) = World::<A>::open() else { return };
    let _ring = keys::rotated().hold();
    let row = world.loaded();
    let before = world.stored(1);

    // One of the values: theirs stays, and the others move.
    let theirs = {
        let _ring = keys::old().hold();
        Token::from(plaintext("theirs")).to_stored_text().unwrap()
    };
    world.write(1, "token", Some(theirs.as_bytes()));
    let mut now = before.clone();
    now[0] = Some(theirs.into_bytes());
    assert!(world.app.move_stale(&row).unwrap());
    world.only_these_changed(1, &now, &["secret", "scan", "photo"]);

    // The same plaintext under another seal: of an old key, of the active one, in the clear.
    let same = Token::from(plaintext("token"));
    let old = {
        let _ring = keys::old().hold();
        same.to_stored_text().unwrap()
    };
    world.write(1, "token", Some(old.as_bytes()));
    let now = world.stored(1);
    assert!(world.app.move_stale(&row).unwrap());
    world.only_these_changed(1, &now, &["token"]);
    world.write(1, "token", Some(same.to_stored_text().unwrap().as_bytes()));
    let now = world.stored(1);
    assert!(!world.app.move_stale(&row).unwrap());
    assert_eq!(world.stored(1), now, "nothing is left to be done");
    world.write(1, "token", Some(plaintext("token").as_bytes()));
    let now = world.stored(1);
    assert!(world.app.move_stale(&row).unwrap());
    world.only_these_changed(1, &now, &["token"]);

    // NULL, and no row.
    world.write(1, "token", None);
    let now = world.stored(1);
    assert!(!world.app.move_stale(&row).unwrap());
    assert_eq!(world.stored(1), now);
    diesel::delete(rows::table).execute(&mut world.admin).unwrap();
    assert!(!world.app.move_stale(&row).unwrap());
    assert_eq!(rows::table.count().get_result::<i64>(&mut world.admin).unwrap(), 0);
}

/// Between the two statements of the move, to a value that the collation takes for the same.
pub fn changed_in_between<A: Application>() {
    let Some(mut world) = World::<A>::with_column(database::LOOSE_TEXT) else { return };
    let _ring = keys::rotated().hold();
    // SQLite's collations compare letters of ASCII only.
    let other = plaintext("TOKEN");
    for theirs in [Some(other.clone()), Some(plaintext("token ")), None] {
        world.plant(1, "token", plaintext("token").as_bytes());
        let row = world.app.load(1).unwrap();
        let mut expected = world.stored(1);
        expected[0] = theirs.clone().map(String::into_bytes);
        let mut somebody = world.database.connect();
        at_next_plaintext(move || {
            write(&mut somebody, 1, "token", theirs.as_deref().map(str::as_bytes));
        });
        assert!(!world.app.move_stale(&row).unwrap());
        assert_eq!(world.stored(1), expected);
        diesel::delete(rows::table).execute(&mut world.admin).unwrap();
    }
    // The comparison that is not made.
    world.plant(1, "token", other.as_bytes());
    let alike = rows::table.filter(rows::token.eq(plaintext("token"))).count();
    assert_eq!(alike.get_result::<i64>(&mut world.admin).unwrap(), 1);
    // Nobody is there, so it moves.
    let row = world.app.load(1).unwrap();
    assert!(world.app.move_stale(&row).unwrap());
    let token = String::from_utf8(world.stored(1)[0].clone().unwrap()).unwrap();
    assert!(*Token::from_stored_text(token).unwrap() == other);
}

/// Keys that are wrong or missing when the row is moved.
pub fn keys_that_do_not_do<A: Application>() {
    let Some(mut world) = World::<A>::open() else { return };
    let ring = keys::rotated().hold();
    let row = world.loaded();
    let before = world.stored(1);
    drop(ring);
    {
        let _ring = keys::wrong().hold();
        assert_eq!(kind(world.app.move_stale(&row)), Some(ErrorKind::Authentication));
        assert_eq!(world.stored(1), before);
    }
    {
        // A plaintext, since what is under a pending key is not stale.
        let _ring = keys::none_active().hold();
        world.write(1, "token", Some(plaintext("token").as_bytes()));
        let row = world.app.load(1).unwrap();
        assert_eq!(kind(world.app.move_stale(&row)), Some(ErrorKind::NoActiveKey));
        assert_eq!(world.stored(1)[1..], before[1..]);
    }
    // A value that was damaged: nothing of the row moves.
    let _ring = keys::rotated().hold();
    let mut damaged = before[0].clone().unwrap();
    damaged.pop();
    world.write(1, "token", Some(&damaged));
    assert!(kind(world.app.move_stale(&row)).is_some());
    assert_eq!(world.stored(1)[1..], before[1..]);
}

macro_rules! tests {
    ($application:ident) => {
        mod scenarios {
            use super::$application;

            #[test]
            fn stale_by_key() {
                super::run::stale_by_key::<$application>();
            }

            #[test]
            fn stale_otherwise() {
                super::run::stale_otherwise::<$application>();
            }

            #[test]
            fn null_is_not_stale() {
                super::run::null_is_not_stale::<$application>();
            }

            #[test]
            fn new_values_stay() {
                super::run::new_values_stay::<$application>();
            }

            #[test]
            fn changed_meanwhile() {
                super::run::changed_meanwhile::<$application>();
            }

            #[test]
            fn changed_in_between() {
                super::run::changed_in_between::<$application>();
            }

            #[test]
            fn keys_that_do_not_do() {
                super::run::keys_that_do_not_do::<$application>();
            }
        }
    };
}
pub(crate) use tests;
