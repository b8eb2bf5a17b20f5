//! Insert or update, where `excluded` names the row that could not be inserted.

use diesel::insert_into;
use diesel::prelude::*;
use diesel::upsert::excluded;
use tests::secrets;

use super::run;
use super::suite::{count, insert, raw, read};
use crate::models::SlackConnection;
use crate::schema::slack_connections as table;

fn replacement() -> SlackConnection {
    SlackConnection {
        bot_token: secrets::plaintext("replaced token").into(),
        signing_secret: Some(secrets::plaintext("replaced secret").into()),
        ..SlackConnection::full(1)
    }
}

#[test]
fn excluded_columns() {
    run(|db| {
        let old = SlackConnection::full(1);
        insert(db, &old);
        insert_into(table::table)
            .values(&replacement())
            .on_conflict(table::id)
            .do_update()
            .set((
                table::bot_token.eq(excluded(table::bot_token)),
                table::signing_secret.eq(excluded(table::signing_secret)),
                table::backup_key.eq(excluded(table::backup_key)),
            ))
            .execute(db)
            .expect("upsert");
        assert_eq!(
            read(db, 1),
            Ok(SlackConnection { signing_key: old.signing_key, ..replacement() })
        );
        assert!(raw(db, 1).is_under(1));
        assert_eq!(count(db), 1);
    });
}

#[test]
fn values_and_changesets() {
    run(|db| {
        insert(db, &SlackConnection::sparse(1));
        let row = replacement();
        insert_into(table::table)
            .values(&row)
            .on_conflict(table::id)
            .do_update()
            .set((
                table::bot_token.eq(&row.bot_token),
                table::signing_secret.eq(excluded(table::signing_secret)),
            ))
            .execute(db)
            .expect("upsert with a value");
        assert_eq!(read(db, 1), Ok(SlackConnection { backup_key: None, ..replacement() }));

        insert_into(table::table)
            .values(&row)
            .on_conflict(table::id)
            .do_update()
            .set(&row)
            .execute(db)
            .expect("upsert with a changeset");
        assert_eq!(read(db, 1), Ok(row));
        assert!(raw(db, 1).is_under(1));
    });
}

#[test]
fn do_nothing() {
    run(|db| {
        insert(db, &SlackConnection::full(1));
        let before = raw(db, 1);
        let rows =
            insert_into(table::table).values(&replacement()).on_conflict_do_nothing().execute(db);
        assert_eq!(rows, Ok(0));
        assert_eq!(raw(db, 1), before);
    });
}
