//! Reading, in every form that Diesel has for it.

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Binary, Nullable, Text};

use super::{Connection, insert, parameter, raw, read, run};
use crate::models::{
    BackupKey, BotToken, NamedKeys, NamedRow, SigningKey, SigningSecret, SlackConnection, Tokens,
};
use crate::schema::slack_connections as table;

fn two_rows(db: &mut Connection) -> [SlackConnection; 2] {
    let rows = [SlackConnection::full(1), SlackConnection::sparse(2)];
    rows.iter().for_each(|row| insert(db, row));
    rows
}

#[test]
fn queryable_and_selectable() {
    run(|db| {
        let rows = two_rows(db);
        let queryable: Vec<SlackConnection> =
            table::table.order(table::id).load(db).expect("Queryable");
        assert_eq!(queryable, rows);
        let selectable =
            table::table.order(table::id).select(SlackConnection::as_select()).load(db);
        assert_eq!(selectable.expect("Selectable"), rows);
        let found: SlackConnection = table::table.find(2).get_result(db).expect("get_result");
        assert_eq!(found, rows[1]);
        let none = table::table.find(3).select(SlackConnection::as_select()).first(db).optional();
        assert_eq!(none, Ok(None));
    });
}

#[test]
fn has_query() {
    run(|db| {
        let rows = two_rows(db);
        let tokens = Tokens::query().order(table::id.desc()).load(db).expect("query");
        let expected = rows.map(|row| Tokens {
            id: row.id,
            bot_token: row.bot_token,
            signing_secret: row.signing_secret,
        });
        assert_eq!(tokens.into_iter().rev().collect::<Vec<_>>(), expected);
    });
}

#[test]
fn columns_and_tuples() {
    run(|db| {
        let [full, sparse] = two_rows(db);
        let tokens: Vec<BotToken> =
            table::table.select(table::bot_token).load(db).expect("a text column");
        assert_eq!(tokens, [full.bot_token.clone(), sparse.bot_token]);
        let keys: Vec<SigningKey> =
            table::table.select(table::signing_key).load(db).expect("a binary one");
        assert_eq!(keys, [full.signing_key.clone(), sparse.signing_key]);
        let nullable: Vec<(i32, Option<SigningSecret>, Option<BackupKey>)> = table::table
            .select((table::id, table::signing_secret, table::backup_key))
            .order(table::id)
            .load(db)
            .expect("a tuple");
        assert_eq!(nullable, [(1, full.signing_secret, full.backup_key), (2, None, None)]);
    });
}

#[test]
fn sql_query_by_name() {
    run(|db| {
        let rows = two_rows(db);
        // In another order than the struct's.
        let read: Vec<NamedRow> = sql_query(
            "SELECT backup_key, signing_key, signing_secret, bot_token, id FROM slack_connections ORDER BY id",
        )
        .load(db)
        .expect("sql_query");
        let expected = rows.map(|row| NamedRow {
            id: row.id,
            bot_token: row.bot_token,
            signing_secret: row.signing_secret,
            keys: NamedKeys { signing_key: row.signing_key, backup_key: row.backup_key },
        });
        assert_eq!(read, expected);
    });
}

/// SQL written by hand binds an encrypted value by its SQL type.
#[test]
fn sql_query_binds() {
    run(|db| {
        insert(db, &SlackConnection::sparse(1));
        let full = SlackConnection::full(1);
        let [a, b, c, d] = [1, 2, 3, 4].map(parameter);
        let sql = format!(
            "UPDATE slack_connections SET bot_token = {a}, signing_secret = {b}, signing_key = {c}, backup_key = {d}"
        );
        sql_query(sql)
            .bind::<Text, _>(&full.bot_token)
            .bind::<Nullable<Text>, _>(full.signing_secret.as_ref())
            .bind::<Binary, _>(full.signing_key.clone())
            .bind::<Nullable<Binary>, _>(full.backup_key.clone())
            .execute(db)
            .expect("update");
        assert_eq!(read(db, 1), Ok(full));
        assert!(raw(db, 1).is_under(1));
    });
}

#[test]
fn streamed() {
    run(|db| {
        let rows = two_rows(db);
        let streamed: Result<Vec<SlackConnection>, _> = table::table
            .order(table::id)
            .load_iter::<_, DefaultLoadingMode>(db)
            .expect("a cursor")
            .collect();
        assert_eq!(streamed.expect("rows"), rows);
    });
}

/// What needs no plaintext works in SQL: NULLness, counting, sorting and filtering by other
/// columns.
#[test]
fn filtered_by_what_is_not_secret() {
    run(|db| {
        let [full, sparse] = two_rows(db);
        let without = table::table.filter(table::signing_secret.is_null());
        assert_eq!(without.select(SlackConnection::as_select()).load(db), Ok(vec![sparse]));
        let boxed = table::table.into_boxed().filter(table::backup_key.is_not_null());
        assert_eq!(boxed.select(SlackConnection::as_select()).load(db), Ok(vec![full]));
    });
}

/// Nothing stops this one from compiling, and it finds nothing: the value is sealed once more.
#[test]
fn a_filter_by_an_optional_value_finds_nothing() {
    run(|db| {
        let [full, _] = two_rows(db);
        let found = table::table
            .filter(table::signing_secret.eq(full.signing_secret))
            .count()
            .get_result(db);
        assert_eq!(found, Ok(0_i64));
    });
}

#[test]
fn null_is_not_empty() {
    run(|db| {
        let empty = SlackConnection {
            bot_token: "".into(),
            signing_secret: Some("".into()),
            signing_key: Vec::new().into(),
            backup_key: Some(Vec::new().into()),
            ..SlackConnection::full(1)
        };
        insert(db, &empty);
        insert(db, &SlackConnection::sparse(2));
        let (read_empty, read_null) = (read(db, 1).expect("row 1"), read(db, 2).expect("row 2"));
        assert_eq!(read_empty, empty);
        assert_eq!(read_empty.signing_secret.as_deref(), Some(""));
        assert_eq!(read_empty.backup_key.as_deref(), Some(&[][..]));
        assert_eq!((read_null.signing_secret, read_null.backup_key), (None, None));
        // An empty value is ciphertext like any other, and NULL is NULL.
        assert!(raw(db, 1).is_under(1));
        assert_eq!((raw(db, 2).signing_secret, raw(db, 2).backup_key), (None, None));
    });
}

/// Where the struct does not expect NULL, Diesel says so, in its own words.
#[test]
fn null_where_none_is_expected() {
    run(|db| {
        insert(db, &SlackConnection::sparse(1));
        let error = sql_query("SELECT signing_secret AS bot_token FROM slack_connections")
            .load::<TokenByName>(db)
            .expect_err("NULL is no token");
        assert!(encrypted_field::Error::find(&error).is_none());
        assert!(matches!(error, diesel::result::Error::DeserializationError(_)), "{error:?}");
    });
}

#[derive(Debug, QueryableByName)]
#[expect(dead_code, reason = "never read")]
struct TokenByName {
    #[diesel(sql_type = Text)]
    bot_token: BotToken,
}
