//! `RETURNING`: the database hands back what it stored, and it opens.

use diesel::prelude::*;
use tests::secrets;

use super::run;
use super::suite::{count, insert, read};
use crate::models::{BackupKey, BotToken, SigningSecret, SlackConnection};
use crate::schema::slack_connections as table;

#[test]
fn insert_returning() {
    run(|db| {
        let rows = [SlackConnection::full(1), SlackConnection::sparse(2)];
        for row in &rows {
            let returned = diesel::insert_into(table::table)
                .values(row)
                .returning(SlackConnection::as_returning())
                .get_result(db)
                .expect("insert");
            assert_eq!(&returned, row);
            assert_eq!(returned.bot_token.key_id().map(|id| id.get()), Some(1));
        }
        let returned: SlackConnection = diesel::insert_into(table::table)
            .values(SlackConnection::full(3))
            .get_result(db)
            .expect("all columns");
        assert_eq!(returned, SlackConnection::full(3));
    });
}

#[test]
fn batch_returning() {
    run(|db| {
        let row = SlackConnection::full(1);
        // Without an `Option`: SQLite has no DEFAULT, and Diesel then no batch with RETURNING.
        let values: Vec<_> = (1..=3)
            .map(|id| {
                (
                    table::id.eq(id),
                    table::organization_id.eq(1),
                    table::bot_token.eq(&row.bot_token),
                    table::signing_key.eq(&row.signing_key),
                )
            })
            .collect();
        let tokens: Vec<BotToken> = diesel::insert_into(table::table)
            .values(&values)
            .returning(table::bot_token)
            .get_results(db)
            .expect("insert");
        assert_eq!(tokens, vec![row.bot_token; 3]);
    });
}

#[test]
fn update_returning() {
    run(|db| {
        insert(db, &SlackConnection::full(1));
        let token = BotToken::from(secrets::plaintext("a new token"));
        let returned: (BotToken, Option<SigningSecret>, Option<BackupKey>) =
            diesel::update(table::table.find(1))
                .set((table::bot_token.eq(&token), table::backup_key.eq(None::<BackupKey>)))
                .returning((table::bot_token, table::signing_secret, table::backup_key))
                .get_result(db)
                .expect("update");
        assert_eq!(returned, (token, SlackConnection::full(1).signing_secret, None));
    });
}

#[test]
fn delete_returning() {
    run(|db| {
        insert(db, &SlackConnection::full(1));
        insert(db, &SlackConnection::sparse(2));
        let deleted: SlackConnection =
            diesel::delete(table::table.find(1)).get_result(db).expect("all columns");
        assert_eq!(deleted, SlackConnection::full(1));
        let deleted = diesel::delete(table::table)
            .returning(SlackConnection::as_returning())
            .get_results(db)
            .expect("delete");
        assert_eq!(deleted, [SlackConnection::sparse(2)]);
        assert!(read(db, 2).is_err());
        assert_eq!(count(db), 0);
    });
}

/// The row is written before its values are opened: a transaction undoes it.
#[test]
fn what_is_returned_and_refused() {
    run(|db| {
        insert(db, &SlackConnection::full(1));
        let _stranger = crate::keys::stranger().hold();
        let result = db.transaction(|db| {
            diesel::update(table::table.find(1))
                .set(table::organization_id.eq(7))
                .returning(table::bot_token)
                .get_result::<BotToken>(db)
        });
        let refused = crate::errors::read_refused(result);
        let unknown = encrypted_field::ErrorKind::UnknownKey;
        assert_eq!(refused, crate::errors::says(unknown, "slack_connections.bot_token", 1));
        let unchanged: i32 = table::table.select(table::organization_id).first(db).expect("read");
        assert_eq!(unchanged, 1);
    });
}
