//! Rotation: old rows open and are stale, writing one back moves it to the new key.

use diesel::prelude::*;
use encrypted_field::{Encrypted, EncryptedModel, ErrorKind, Secret};
use tests::secrets;

use super::{insert, raw, read, run};
use crate::errors::{read_refused, says, write_refused};
use crate::keys;
use crate::models::{BotToken, SlackConnection};
use crate::schema::{slack_connections as table, webhooks};

fn key_ids(row: &SlackConnection) -> [Option<u32>; 4] {
    [
        row.bot_token.key_id(),
        row.signing_secret.as_ref().and_then(|secret| secret.key_id()),
        row.signing_key.key_id(),
        row.backup_key.as_ref().and_then(|key| key.key_id()),
    ]
    .map(|id| id.map(|id| id.get()))
}

#[test]
fn old_rows_open_and_a_write_moves_them() {
    run(|db| {
        insert(db, &SlackConnection::full(1));
        let row = read(db, 1).expect("under key 1");
        assert_eq!(key_ids(&row), [Some(1); 4]);
        assert!(!row.is_any_stale());

        let _rotated = keys::rotated().hold();
        // The row in memory knows it too.
        assert!(row.is_any_stale());
        let row = read(db, 1).expect("still opens");
        assert_eq!(row, SlackConnection::full(1));
        assert_eq!(key_ids(&row), [Some(1); 4]);
        assert!(row.is_any_stale() && row.bot_token.is_stale() && row.signing_key.is_stale());
        assert!(raw(db, 1).is_under(1), "reading moves nothing");

        diesel::update(&row).set(&row).execute(db).expect("write it back");
        let stored = raw(db, 1);
        assert!(stored.is_under(2), "{stored:?}");
        assert!(stored.bot_token.starts_with("ef1:2:"));
        let row = read(db, 1).expect("under key 2");
        assert_eq!(row, SlackConnection::full(1));
        assert_eq!(key_ids(&row), [Some(2); 4]);
        assert!(!row.is_any_stale());
    });
}

/// Only what is written moves; the row is stale until the last of its values has.
#[test]
fn column_by_column() {
    run(|db| {
        insert(db, &SlackConnection::full(1));
        let _rotated = keys::rotated().hold();
        let row = read(db, 1).expect("read");
        let token = table::bot_token.eq(&row.bot_token);
        diesel::update(table::table.find(1)).set(token).execute(db).expect("write one column back");
        let row = read(db, 1).expect("read");
        assert_eq!(key_ids(&row), [Some(2), Some(1), Some(1), Some(1)]);
        assert!(row.is_any_stale() && !row.bot_token.is_stale());
    });
}

/// A value read under the old key, or made before the rotation, is sealed under the new one.
#[test]
fn a_value_from_before_is_inserted_under_the_new_key() {
    run(|db| {
        insert(db, &SlackConnection::full(1));
        let old = read(db, 1).expect("read");
        let made = SlackConnection::full(2);
        let cloned = SlackConnection { id: 3, ..old.clone() };
        let _rotated = keys::rotated().hold();
        diesel::insert_into(table::table).values(&vec![made, cloned]).execute(db).expect("insert");
        assert!(raw(db, 1).is_under(1) && raw(db, 2).is_under(2) && raw(db, 3).is_under(2));
        assert_ne!(raw(db, 2).bot_token, raw(db, 3).bot_token);
    });
}

#[test]
fn a_row_of_nulls_is_not_stale() {
    run(|db| {
        insert(db, &SlackConnection::sparse(1));
        let _rotated = keys::rotated().hold();
        let mut row = read(db, 1).expect("read");
        assert!(row.is_any_stale());
        row.bot_token = "".into();
        row.signing_key = Vec::new().into();
        assert!(!row.is_any_stale(), "what is new is not stale, and NULL is nothing");
    });
}

/// A context that the column had before still opens, and is stale whatever its key.
#[derive(Debug, Queryable, Selectable, AsChangeset, Encrypted)]
#[diesel(table_name = table)]
struct Renamed {
    #[encrypted(
        String,
        context = "connections.token",
        previous_context = "slack_connections.bot_token"
    )]
    bot_token: RenamedToken,
}

#[test]
fn a_previous_context_is_stale() {
    run(|db| {
        insert(db, &SlackConnection::full(1));
        let row: Renamed = table::table.select(Renamed::as_select()).first(db).expect("read");
        assert!(row.bot_token == RenamedToken::from(secrets::BOT_TOKEN));
        assert!(row.is_any_stale());
        diesel::update(table::table.find(1)).set(&row).execute(db).expect("write it back");
        let row: Renamed = table::table.select(Renamed::as_select()).first(db).expect("read");
        assert!(!row.is_any_stale());
        // It has left the old context.
        assert_eq!(
            read_refused(read(db, 1)),
            says(ErrorKind::Authentication, "slack_connections.bot_token", 1)
        );
    });
}

/// One column, as two tenants see it.
#[derive(Encrypted)]
#[encrypted(context = "webhooks.secret", scope = "acme")]
struct AcmeSecret(Secret<String>);

#[derive(Encrypted)]
#[encrypted(context = "webhooks.secret", scope = "globex")]
struct GlobexSecret(Secret<String>);

#[test]
fn scopes_keep_tenants_apart() {
    run(|db| {
        let _tenants = keys::tenants().hold();
        diesel::insert_into(webhooks::table)
            .values(&vec![
                (
                    webhooks::id.eq(1),
                    webhooks::type_.eq(""),
                    webhooks::secret.eq(AcmeSecret::from(secrets::SIGNING_SECRET)),
                ),
                (
                    webhooks::id.eq(2),
                    webhooks::type_.eq(""),
                    webhooks::secret.eq(AcmeSecret::from("")),
                ),
            ])
            .execute(db)
            .expect("insert");
        let stored: Vec<String> =
            webhooks::table.select(webhooks::secret).load(db).expect("the raw column");
        assert!(stored.iter().all(|stored| stored.starts_with("ef1:5:")), "{stored:?}");
        let own: AcmeSecret =
            webhooks::table.find(1).select(webhooks::secret).first(db).expect("read");
        assert!(own == AcmeSecret::from(secrets::SIGNING_SECRET));
        let result = webhooks::table.select(webhooks::secret).first::<GlobexSecret>(db);
        assert_eq!(read_refused(result), says(ErrorKind::ScopeMismatch, "webhooks.secret", 5));

        // A field of the default scope finds no key here, neither to seal nor to open.
        let token = webhooks::secret.eq(BotToken::from(""));
        let refused = write_refused(diesel::update(webhooks::table).set(token).execute(db));
        assert_eq!(refused, says(ErrorKind::NoActiveKey, "slack_connections.bot_token", None));
        let result = webhooks::table.select(webhooks::secret).first::<BotToken>(db);
        assert_eq!(
            read_refused(result),
            says(ErrorKind::ScopeMismatch, "slack_connections.bot_token", 5)
        );
    });
}
