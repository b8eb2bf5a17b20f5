//! One enum over all three backends, through `#[derive(MultiConnection)]` and
//! `diesel_multi_backend!`. Diesel has no batches there, nor `RETURNING` and upserts.

use diesel::prelude::*;
use diesel::result::Error;
use diesel::{MultiConnection, MysqlConnection, PgConnection, SqliteConnection};
use encrypted_field::ErrorKind;
use tests::{Database, secrets};

use crate::databases::{mariadb, postgres, sqlite};
use crate::errors::{read_refused, says, write_refused};
use crate::keys;
use crate::models::{BotToken, Organization, SlackConnection, Tokens, acme};
use crate::raw::RawConnection;
use crate::schema::{self, organizations, slack_connections as table};

#[derive(MultiConnection)]
pub(crate) enum AnyConnection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
    MariaDb(MysqlConnection),
}

encrypted_field::diesel_multi_backend!(MultiBackend: diesel::sqlite::Sqlite, diesel::pg::Pg, diesel::mysql::Mysql);

/// Runs a test on each backend that is there.
fn run(test: impl Fn(&mut AnyConnection)) {
    let _ring = keys::first().hold();
    let mut sqlite = SqliteConnection::establish(":memory:").expect("open a database in memory");
    schema::create(&mut sqlite, &sqlite::SQL_TYPES);
    test(&mut AnyConnection::Sqlite(sqlite));
    if let Some(database) = Database::postgres() {
        test(&mut AnyConnection::Postgres(schema::open(&database, &postgres::SQL_TYPES)));
    }
    if let Some(database) = Database::mariadb() {
        test(&mut AnyConnection::MariaDb(schema::open(&database, &mariadb::SQL_TYPES)));
    }
}

fn read(db: &mut AnyConnection, id: i32) -> QueryResult<SlackConnection> {
    table::table.find(id).select(SlackConnection::as_select()).first(db)
}

fn raw(db: &mut AnyConnection, id: i32) -> RawConnection {
    table::table.find(id).select(RawConnection::as_select()).first(db).expect("the raw row")
}

#[test]
fn inserts() {
    run(|db| {
        let rows = [SlackConnection::full(1), SlackConnection::sparse(2)];
        diesel::insert_into(table::table).values(&rows[0]).execute(db).expect("a reference");
        diesel::insert_into(table::table)
            .values(rows[1].clone())
            .execute(db)
            .expect("an owned row");
        let again = crate::models::BorrowedConnection { id: 3, ..rows[0].borrowed() };
        diesel::insert_into(table::table).values(again).execute(db).expect("borrowed fields");
        diesel::insert_into(table::table)
            .values((
                table::id.eq(4),
                table::organization_id.eq(1),
                table::bot_token.eq(&rows[0].bot_token),
                table::signing_secret.eq(rows[0].signing_secret.as_ref()),
                table::signing_key.eq(rows[0].signing_key.clone()),
                table::backup_key.eq(rows[0].backup_key.clone()),
            ))
            .execute(db)
            .expect("a tuple");
        assert_eq!(read(db, 1).as_ref(), Ok(&rows[0]));
        assert_eq!(read(db, 2).as_ref(), Ok(&rows[1]));
        for id in [1, 3, 4] {
            assert_eq!(read(db, id), Ok(SlackConnection { id, ..rows[0].clone() }));
            assert!(raw(db, id).is_under(1));
        }
        assert_ne!(raw(db, 1).bot_token, raw(db, 3).bot_token);
        assert_eq!((raw(db, 2).signing_secret, raw(db, 2).backup_key), (None, None));
    });
}

#[test]
fn reads_and_joins() {
    run(|db| {
        let row = SlackConnection::full(1);
        diesel::insert_into(organizations::table).values(&acme()).execute(db).expect("insert");
        diesel::insert_into(table::table).values(&row).execute(db).expect("insert");
        let token: BotToken = table::table.select(table::bot_token).first(db).expect("a column");
        assert_eq!(token, row.bot_token);
        let tokens = Tokens::query().load(db).expect("HasQuery");
        assert_eq!(tokens[0].signing_secret, row.signing_secret);
        let of_acme =
            SlackConnection::belonging_to(&acme()).select(SlackConnection::as_select()).load(db);
        assert_eq!(of_acme.as_deref(), Ok(&[row.clone()][..]));
        let joined: Vec<(Organization, Option<SlackConnection>)> = organizations::table
            .left_join(table::table)
            .select((Organization::as_select(), Option::<SlackConnection>::as_select()))
            .load(db)
            .expect("left join");
        assert_eq!(joined, [(acme(), Some(row))]);
    });
}

#[test]
fn updates_and_rotation() {
    run(|db| {
        let mut row = SlackConnection::full(1);
        diesel::insert_into(table::table).values(&row).execute(db).expect("insert");
        let _rotated = keys::rotated().hold();
        let read_row = read(db, 1).expect("read");
        assert!(read_row.bot_token.is_stale());
        diesel::update(&read_row).set(&read_row).execute(db).expect("write it back");
        assert!(raw(db, 1).is_under(2));

        row.bot_token = secrets::plaintext("a new token").into();
        row.signing_secret = None;
        diesel::update(table::table.find(1))
            .set((
                table::bot_token.eq(&row.bot_token),
                table::signing_secret.eq(row.signing_secret.clone()),
            ))
            .execute(db)
            .expect("columns");
        assert_eq!(read(db, 1), Ok(row));
    });
}

#[test]
fn refusals() {
    run(|db| {
        let row = SlackConnection::full(1);
        {
            let _tenants = keys::tenants().hold();
            let result = diesel::insert_into(table::table).values(&row).execute(db);
            let no_key = says(ErrorKind::NoActiveKey, "slack_connections.bot_token", None);
            assert_eq!(write_refused(result), no_key);
        }
        assert_eq!(read(db, 1), Err(Error::NotFound));
        diesel::insert_into(table::table).values(&row).execute(db).expect("insert");
        diesel::update(table::table)
            .set(table::bot_token.eq("plain"))
            .execute(db)
            .expect("update the raw row");
        let plain = says(ErrorKind::NotEncrypted, "slack_connections.bot_token", None);
        assert_eq!(read_refused(read(db, 1)), plain);
    });
}
