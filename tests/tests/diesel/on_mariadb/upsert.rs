//! Insert or update as MySQL does it. Diesel has no `excluded` there.

use diesel::dsl::DuplicatedKeys;
use diesel::prelude::*;
use diesel::{insert_into, insert_or_ignore_into, replace_into};
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
fn on_duplicated_keys() {
    run(|db| {
        let row = replacement();
        insert(db, &SlackConnection::sparse(1));
        insert_into(table::table)
            .values(&row)
            .on_conflict(DuplicatedKeys)
            .do_update()
            .set((
                table::bot_token.eq(&row.bot_token),
                table::signing_secret.eq(row.signing_secret.clone()),
            ))
            .execute(db)
            .expect("update columns");
        assert_eq!(read(db, 1), Ok(SlackConnection { backup_key: None, ..replacement() }));

        insert_into(table::table)
            .values(&row)
            .on_conflict(DuplicatedKeys)
            .do_update()
            .set(&row)
            .execute(db)
            .expect("update the row");
        assert_eq!(read(db, 1), Ok(row));
        assert!(raw(db, 1).is_under(1));
        assert_eq!(count(db), 1);
    });
}

#[test]
fn replace() {
    run(|db| {
        insert(db, &SlackConnection::full(1));
        let rows = vec![replacement(), SlackConnection::sparse(2)];
        replace_into(table::table).values(&rows).execute(db).expect("replace");
        assert_eq!(read(db, 1), Ok(replacement()));
        assert_eq!(read(db, 2), Ok(SlackConnection::sparse(2)));
        assert!(raw(db, 1).is_under(1));
    });
}

#[test]
fn ignore() {
    run(|db| {
        insert(db, &SlackConnection::full(1));
        let before = raw(db, 1);
        let rows = insert_or_ignore_into(table::table).values(&replacement()).execute(db);
        assert_eq!(rows, Ok(0));
        assert_eq!(raw(db, 1), before);
    });
}
