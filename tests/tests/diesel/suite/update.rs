//! Updating, in every form that Diesel has for it.

use diesel::prelude::*;
use diesel::update;
use tests::secrets;

use super::{Connection, insert, raw, read, run};
use crate::models::{BackupKey, BotToken, SigningKey, SigningSecret, SlackConnection};
use crate::schema::slack_connections as table;

/// `None` leaves a column as it is; `Some(None)` makes it NULL.
#[derive(Default, AsChangeset)]
#[diesel(table_name = table)]
struct Patch {
    bot_token: Option<BotToken>,
    signing_secret: Option<Option<SigningSecret>>,
    signing_key: Option<SigningKey>,
    backup_key: Option<Option<BackupKey>>,
}

#[derive(Default, AsChangeset)]
#[diesel(table_name = table)]
struct BorrowedPatch<'a> {
    bot_token: Option<&'a BotToken>,
    signing_secret: Option<Option<&'a SigningSecret>>,
    backup_key: Option<&'a BackupKey>,
}

#[derive(AsChangeset)]
#[diesel(table_name = table, treat_none_as_null = true)]
struct NullingPatch {
    signing_secret: Option<SigningSecret>,
    backup_key: Option<BackupKey>,
}

fn one_row(db: &mut Connection) -> SlackConnection {
    let row = SlackConnection::full(1);
    insert(db, &row);
    // Another one, which no update may touch.
    insert(db, &SlackConnection::full(2));
    row
}

fn new_token() -> BotToken {
    secrets::plaintext("a new token").into()
}

fn new_secret() -> SigningSecret {
    secrets::plaintext("a new secret").into()
}

#[test]
fn single_columns() {
    run(|db| {
        let mut row = one_row(db);
        let untouched = raw(db, 2);
        let at = || table::table.find(1);

        row.bot_token = new_token();
        update(at()).set(table::bot_token.eq(new_token())).execute(db).expect("owned");
        assert_eq!(read(db, 1).as_ref(), Ok(&row));
        update(at()).set(table::bot_token.eq(&row.bot_token)).execute(db).expect("borrowed");
        assert_eq!(read(db, 1).as_ref(), Ok(&row));

        row.signing_secret = Some(new_secret());
        update(at()).set(table::signing_secret.eq(new_secret())).execute(db).expect("without Some");
        assert_eq!(read(db, 1).as_ref(), Ok(&row));
        update(at())
            .set(table::signing_secret.eq(Some(&new_secret())))
            .execute(db)
            .expect("with Some");
        assert_eq!(read(db, 1).as_ref(), Ok(&row));

        row.signing_secret = None;
        update(at())
            .set(table::signing_secret.eq(None::<SigningSecret>))
            .execute(db)
            .expect("NULL");
        assert_eq!(read(db, 1).as_ref(), Ok(&row));

        row.bot_token = SlackConnection::full(1).bot_token;
        row.backup_key = None;
        update(at())
            .set((
                table::bot_token.eq(&row.bot_token),
                table::backup_key.eq(row.backup_key.as_ref()),
            ))
            .execute(db)
            .expect("a tuple");
        assert_eq!(read(db, 1), Ok(row));
        assert_eq!(raw(db, 2), untouched);
    });
}

#[test]
fn changesets_leave_none_as_it_is() {
    run(|db| {
        let mut row = one_row(db);
        let before = raw(db, 1);

        row.bot_token = new_token();
        let patch = Patch { bot_token: Some(new_token()), ..Patch::default() };
        update(table::table.find(1)).set(&patch).execute(db).expect("by reference");
        assert_eq!(read(db, 1).as_ref(), Ok(&row));
        let after = raw(db, 1);
        assert_ne!(after.bot_token, before.bot_token);
        // The others are not even sealed anew.
        assert_eq!(after.signing_secret, before.signing_secret);
        assert_eq!(after.signing_key, before.signing_key);
        assert_eq!(after.backup_key, before.backup_key);

        row.signing_secret = None;
        row.backup_key = None;
        let patch =
            Patch { signing_secret: Some(None), backup_key: Some(None), ..Patch::default() };
        update(table::table.find(1)).set(patch).execute(db).expect("owned");
        assert_eq!(read(db, 1).as_ref(), Ok(&row));

        let full = SlackConnection::full(1);
        row.signing_secret = full.signing_secret;
        row.backup_key = full.backup_key;
        let patch = BorrowedPatch {
            signing_secret: Some(row.signing_secret.as_ref()),
            backup_key: row.backup_key.as_ref(),
            ..BorrowedPatch::default()
        };
        update(table::table.find(1)).set(&patch).execute(db).expect("borrowed values");
        assert_eq!(read(db, 1).as_ref(), Ok(&row));
        assert_eq!(read(db, 2), Ok(SlackConnection::full(2)));
    });
}

#[test]
fn changesets_that_treat_none_as_null() {
    run(|db| {
        let mut row = one_row(db);
        row.signing_secret = Some(new_secret());
        row.backup_key = None;
        let patch = NullingPatch { signing_secret: Some(new_secret()), backup_key: None };
        update(table::table.find(1)).set(&patch).execute(db).expect("update");
        assert_eq!(read(db, 1), Ok(row));
        assert_eq!(raw(db, 1).backup_key, None);
    });
}

#[test]
fn whole_rows() {
    run(|db| {
        let mut row = one_row(db);
        let before = raw(db, 1);

        update(&row).set(&row).execute(db).expect("by reference");
        let sealed_again = raw(db, 1);
        assert_eq!(read(db, 1).as_ref(), Ok(&row));
        assert!(sealed_again.is_under(1));
        assert_ne!(sealed_again.bot_token, before.bot_token);
        assert_ne!(sealed_again.signing_secret, before.signing_secret);
        assert_ne!(sealed_again.signing_key, before.signing_key);
        assert_ne!(sealed_again.backup_key, before.backup_key);

        row.bot_token = new_token();
        update(table::table.find(1)).set(row.clone()).execute(db).expect("owned");
        assert_eq!(read(db, 1).as_ref(), Ok(&row));

        row.signing_secret = Some(new_secret());
        update(&row).set(row.borrowed()).execute(db).expect("borrowed values");
        assert_eq!(read(db, 1).as_ref(), Ok(&row));
        assert_eq!(read(db, 2), Ok(SlackConnection::full(2)));
    });
}

#[test]
fn save_changes() {
    run(|db| {
        let mut row = one_row(db);
        row.bot_token = new_token();
        let saved: SlackConnection = row.save_changes(db).expect("save");
        assert_eq!(saved, row);
        assert_eq!(read(db, 1), Ok(row));
        assert!(raw(db, 1).is_under(1));
    });
}

/// A value moves within a column by SQL alone, as in `SET bot_token = (SELECT bot_token …)`.
#[test]
fn from_another_row() {
    run(|db| {
        let mut row = one_row(db);
        row.bot_token = new_token();
        update(&row).set(&row).execute(db).expect("update");
        let stored: String =
            table::table.find(1).select(table::bot_token).first(db).expect("the raw column");
        update(table::table.find(2)).set(table::bot_token.eq(stored)).execute(db).expect("copy");
        assert_eq!(read(db, 2).expect("read").bot_token, row.bot_token);
    });
}
