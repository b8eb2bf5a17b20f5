//! A value that can't be sealed fails its query, and nothing of it is stored.

use diesel::prelude::*;
use diesel::result::Error;
use encrypted_field::ErrorKind;
use tests::secrets;

use super::{count, insert, raw, read, run};
use crate::errors::{says, write_refused};
use crate::keys;
use crate::models::SlackConnection;
use crate::schema::slack_connections as table;

const BOT_TOKEN: &str = "slack_connections.bot_token";

#[test]
fn without_an_active_key() {
    run(|db| {
        insert(db, &SlackConnection::full(1));
        let before = raw(db, 1);
        let row = read(db, 1).expect("read");
        {
            let _tenants = keys::tenants().hold();
            let no_key = says(ErrorKind::NoActiveKey, BOT_TOKEN, None);
            let new = SlackConnection::full(2);
            assert_eq!(
                write_refused(diesel::insert_into(table::table).values(&new).execute(db)),
                no_key
            );
            let batch = vec![SlackConnection::full(3), SlackConnection::full(4)];
            assert_eq!(
                write_refused(diesel::insert_into(table::table).values(&batch).execute(db)),
                no_key
            );
            assert_eq!(write_refused(diesel::update(&row).set(&row).execute(db)), no_key);
            assert_eq!(write_refused(row.save_changes::<SlackConnection>(db)), no_key);
        }
        assert_eq!(count(db), 1);
        assert_eq!(raw(db, 1), before);
        // The connection is as good as before.
        insert(db, &SlackConnection::full(2));
        assert_eq!(read(db, 2), Ok(SlackConnection::full(2)));
    });
}

#[test]
fn encrypting_twice() {
    run(|db| {
        insert(db, &SlackConnection::full(1));
        let stored = raw(db, 1);
        let twice = SlackConnection {
            bot_token: stored.bot_token.clone().into(),
            ..SlackConnection::full(2)
        };
        let refused = write_refused(diesel::insert_into(table::table).values(&twice).execute(db));
        assert_eq!(refused, says(ErrorKind::DoubleEncryption, BOT_TOKEN, None));
        let twice = SlackConnection {
            signing_key: stored.signing_key.clone().into(),
            ..SlackConnection::full(2)
        };
        let refused = write_refused(diesel::insert_into(table::table).values(&twice).execute(db));
        assert_eq!(
            refused,
            says(ErrorKind::DoubleEncryption, "slack_connections.signing_key", None)
        );
        assert_eq!(count(db), 1);
    });
}

#[test]
fn one_row_of_a_batch() {
    run(|db| {
        let stored = SlackConnection::full(1).bot_token.to_stored_text().expect("seal");
        let twice = SlackConnection { bot_token: stored.into(), ..SlackConnection::full(2) };
        let batch = vec![SlackConnection::full(1), twice, SlackConnection::full(3)];
        let refused = write_refused(diesel::insert_into(table::table).values(&batch).execute(db));
        assert_eq!(refused, says(ErrorKind::DoubleEncryption, BOT_TOKEN, None));
        assert_eq!(count(db), 0);
    });
}

/// A user may type what looks like a stored value, or be given one of another column.
#[test]
fn what_only_looks_encrypted_is_a_value() {
    run(|db| {
        insert(db, &SlackConnection::full(1));
        let of_another_column = raw(db, 1).signing_secret.expect("a full row");
        for (id, text) in (2..).zip(["ef1:1:AAAA", "ef1:0:", "ef9:", &of_another_column]) {
            let row = SlackConnection { bot_token: text.into(), ..SlackConnection::full(id) };
            insert(db, &row);
            assert_eq!(read(db, id).as_ref(), Ok(&row), "{text}");
        }
    });
}

#[test]
fn a_transaction_rolls_back() {
    run(|db| {
        insert(db, &SlackConnection::full(1));
        let before = raw(db, 1);
        let result = db.transaction(|db| {
            insert(db, &SlackConnection::full(2));
            let row = SlackConnection { bot_token: "".into(), ..SlackConnection::full(1) };
            diesel::update(&row).set(&row).execute(db)?;
            assert_eq!(count(db), 2);
            let _tenants = keys::tenants().hold();
            diesel::insert_into(table::table).values(SlackConnection::full(3)).execute(db)
        });
        assert_eq!(write_refused(result), says(ErrorKind::NoActiveKey, BOT_TOKEN, None));
        assert_eq!(count(db), 1);
        assert_eq!(raw(db, 1), before);

        let result: QueryResult<()> = db.transaction(|db| {
            insert(db, &SlackConnection::full(2));
            Err(Error::RollbackTransaction)
        });
        assert_eq!(result, Err(Error::RollbackTransaction));
        assert_eq!(count(db), 1);
    });
}

/// A refused read inside of a transaction does not break it.
#[test]
fn a_transaction_survives_a_refused_read() {
    run(|db| {
        insert(db, &SlackConnection::full(1));
        let result: QueryResult<()> = db.transaction(|db| {
            diesel::update(table::table.find(1)).set(table::bot_token.eq("plain")).execute(db)?;
            assert!(read(db, 1).is_err());
            let token = SlackConnection::full(1).bot_token;
            diesel::update(table::table.find(1)).set(table::bot_token.eq(token)).execute(db)?;
            Ok(())
        });
        assert_eq!(result, Ok(()));
        assert!(read(db, 1).is_ok_and(|row| *row.bot_token == *secrets::BOT_TOKEN));
    });
}
