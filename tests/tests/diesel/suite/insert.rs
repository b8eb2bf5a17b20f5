//! Inserting, in every form that Diesel has for it.

use std::collections::BTreeSet;

use diesel::insert_into;
use diesel::prelude::*;

use super::{Connection, count, raw, read, run};
use crate::models::{BackupKey, BotToken, SigningKey, SigningSecret, SlackConnection};
use crate::schema::slack_connections as table;

/// Row `id` is there, reads as `row`, and is ciphertext under key 1.
fn assert_stored(db: &mut Connection, id: i32, row: &SlackConnection) {
    assert_eq!(read(db, id).expect("read the row"), SlackConnection { id, ..row.clone() });
    let stored = raw(db, id);
    assert!(stored.bot_token.starts_with("ef1:1:"), "{stored:?}");
    assert!(stored.signing_key.starts_with(b"\xEFf1\0\0\0\x01"), "{stored:?}");
    assert_eq!(stored.signing_secret.is_some(), row.signing_secret.is_some());
    assert_eq!(stored.backup_key.is_some(), row.backup_key.is_some());
}

/// No two rows hold the same bytes, though they hold the same secret.
fn assert_all_differ(db: &mut Connection) {
    let stored: Vec<String> =
        table::table.select(table::bot_token).load(db).expect("read the column");
    let keys: Vec<Vec<u8>> =
        table::table.select(table::signing_key).load(db).expect("read the column");
    assert_eq!(stored.iter().collect::<BTreeSet<_>>().len(), stored.len(), "{stored:?}");
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "{keys:?}");
}

#[test]
fn owned_and_by_reference() {
    run(|db| {
        for (id, row) in [(1, SlackConnection::full(0)), (3, SlackConnection::sparse(0))] {
            let named = |id| SlackConnection { id, ..row.clone() };
            insert_into(table::table).values(named(id)).execute(db).expect("insert an owned row");
            insert_into(table::table)
                .values(&named(id + 1))
                .execute(db)
                .expect("insert a reference");
            assert_stored(db, id, &row);
            assert_stored(db, id + 1, &row);
        }
        assert_all_differ(db);
    });
}

#[test]
fn borrowed_fields() {
    run(|db| {
        for (id, row) in [(1, SlackConnection::full(1)), (3, SlackConnection::sparse(3))] {
            insert_into(table::table)
                .values(row.borrowed())
                .execute(db)
                .expect("insert borrowed fields");
            let again = crate::models::BorrowedConnection { id: id + 1, ..row.borrowed() };
            insert_into(table::table)
                .values(&again)
                .execute(db)
                .expect("insert a reference to them");
            assert_stored(db, id, &row);
            assert_stored(db, id + 1, &row);
        }
        assert_all_differ(db);
    });
}

#[test]
fn tuples_of_columns() {
    run(|db| {
        let row = SlackConnection::full(1);
        insert_into(table::table)
            .values((
                table::id.eq(1),
                table::organization_id.eq(1),
                table::bot_token.eq(&row.bot_token),
                table::signing_secret.eq(row.signing_secret.clone()),
                table::signing_key.eq(row.signing_key.clone()),
                table::backup_key.eq(row.backup_key.as_ref()),
            ))
            .execute(db)
            .expect("insert a tuple");
        // A value for a nullable column needs no `Some`, and what is left out is NULL.
        let secret = row.signing_secret.as_ref().expect("a full row");
        insert_into(table::table)
            .values((
                table::id.eq(2),
                table::organization_id.eq(1),
                table::bot_token.eq(row.bot_token.clone()),
                table::signing_secret.eq(secret),
                table::signing_key.eq(&row.signing_key),
            ))
            .execute(db)
            .expect("insert a tuple");
        insert_into(table::table)
            .values((
                table::id.eq(3),
                table::organization_id.eq(1),
                table::bot_token.eq(&row.bot_token),
                table::signing_secret.eq(None::<SigningSecret>),
                table::signing_key.eq(&row.signing_key),
                table::backup_key.eq(None::<&BackupKey>),
            ))
            .execute(db)
            .expect("insert a tuple");
        assert_stored(db, 1, &row);
        assert_stored(db, 2, &SlackConnection { backup_key: None, ..row.clone() });
        assert_stored(db, 3, &SlackConnection::sparse(3));
        assert_all_differ(db);
    });
}

#[test]
fn batches() {
    run(|db| {
        let rows = |from: i32| [SlackConnection::full(from), SlackConnection::sparse(from + 1)];
        let expected = rows(0);
        let vector = rows(1).to_vec();
        insert_into(table::table).values(&vector).execute(db).expect("insert a reference to a Vec");
        insert_into(table::table).values(rows(3).to_vec()).execute(db).expect("insert a Vec");
        insert_into(table::table)
            .values(&rows(5))
            .execute(db)
            .expect("insert a reference to an array");
        insert_into(table::table).values(rows(7)).execute(db).expect("insert an array");
        insert_into(table::table).values(&rows(9)[..]).execute(db).expect("insert a slice");
        let [a, b] = rows(11);
        insert_into(table::table)
            .values(vec![&a, &b])
            .execute(db)
            .expect("insert a Vec of references");
        let [a, b] = rows(13);
        let borrowed = vec![a.borrowed(), b.borrowed()];
        insert_into(table::table)
            .values(borrowed)
            .execute(db)
            .expect("insert a Vec of borrowed fields");
        assert_eq!(count(db), 14);
        for id in 1..=14 {
            assert_stored(db, id, &expected[usize::from(id % 2 == 0)]);
        }
        assert_all_differ(db);
    });
}

/// One Rust value in each row of one statement: each bind seals for itself.
#[test]
fn one_value_in_many_rows_of_a_batch() {
    run(|db| {
        let row = SlackConnection::full(0);
        let same_token: &BotToken = &row.bot_token;
        let rows: Vec<_> = (1..=20)
            .map(|id| {
                (
                    table::id.eq(id),
                    table::organization_id.eq(1),
                    table::bot_token.eq(same_token),
                    table::signing_key.eq(&row.signing_key),
                )
            })
            .collect();
        assert_eq!(insert_into(table::table).values(&rows).execute(db), Ok(20));
        assert_all_differ(db);
        // The same values, bound once more.
        diesel::delete(table::table).execute(db).expect("delete all rows");
        assert_eq!(insert_into(table::table).values(rows).execute(db), Ok(20));
        let tokens: Vec<BotToken> =
            table::table.select(table::bot_token).load(db).expect("read them");
        assert_eq!(tokens, vec![row.bot_token.clone(); 20]);
        assert_all_differ(db);
    });
}

/// One prepared statement, one Rust value: executing it again seals again.
#[test]
fn one_statement_executed_twice() {
    run(|db| {
        let row = SlackConnection::full(1);
        let mut stored = Vec::new();
        let insert = insert_into(table::table).values(&row);
        for _ in 0..2 {
            insert.execute(db).expect("insert");
            stored.push(raw(db, 1));
            diesel::delete(table::table).execute(db).expect("delete");
        }
        assert_ne!(stored[0].bot_token, stored[1].bot_token);
        assert_ne!(stored[0].signing_secret, stored[1].signing_secret);
        assert_ne!(stored[0].signing_key, stored[1].signing_key);
        assert_ne!(stored[0].backup_key, stored[1].backup_key);
    });
}

/// Inside the database ciphertext may be copied: the context is the column's, not the row's.
#[test]
fn from_a_select() {
    run(|db| {
        let row = SlackConnection::full(1);
        super::insert(db, &row);
        table::table
            .select((
                table::id + 1,
                table::organization_id,
                table::bot_token,
                table::signing_secret,
                table::signing_key,
                table::backup_key,
            ))
            .insert_into(table::table)
            .into_columns((
                table::id,
                table::organization_id,
                table::bot_token,
                table::signing_secret,
                table::signing_key,
                table::backup_key,
            ))
            .execute(db)
            .expect("copy the row");
        assert_stored(db, 2, &row);
        assert_eq!(raw(db, 1).bot_token, raw(db, 2).bot_token);
    });
}

/// Fields of several structs in one row.
#[derive(Insertable)]
#[diesel(table_name = table)]
struct Composed {
    id: i32,
    organization_id: i32,
    #[diesel(embed)]
    text: TextColumns,
    #[diesel(embed)]
    binary: BinaryColumns,
}

#[derive(Insertable)]
#[diesel(table_name = table)]
struct TextColumns {
    bot_token: BotToken,
    signing_secret: Option<SigningSecret>,
}

#[derive(Insertable)]
#[diesel(table_name = table)]
struct BinaryColumns {
    signing_key: SigningKey,
    backup_key: Option<BackupKey>,
}

#[test]
fn embedded_structs() {
    run(|db| {
        for (id, row) in [(1, SlackConnection::full(1)), (2, SlackConnection::sparse(2))] {
            let SlackConnection { bot_token, signing_secret, signing_key, backup_key, .. } =
                row.clone();
            let text = TextColumns { bot_token, signing_secret };
            let composed = Composed {
                id,
                organization_id: 1,
                text,
                binary: BinaryColumns { signing_key, backup_key },
            };
            insert_into(table::table).values(composed).execute(db).expect("insert");
            assert_stored(db, id, &row);
        }
    });
}

/// `None` as NULL and not as DEFAULT: with it a batch is one statement on SQLite too.
#[derive(Insertable)]
#[diesel(table_name = table, treat_none_as_default_value = false)]
struct WithoutDefaults<'a> {
    id: i32,
    organization_id: i32,
    bot_token: &'a BotToken,
    signing_secret: Option<&'a SigningSecret>,
    signing_key: &'a SigningKey,
    backup_key: Option<BackupKey>,
}

#[test]
fn a_batch_in_one_statement() {
    run(|db| {
        let rows = [SlackConnection::full(1), SlackConnection::sparse(2), SlackConnection::full(3)];
        let values: Vec<_> = rows
            .iter()
            .map(|row| WithoutDefaults {
                id: row.id,
                organization_id: row.organization_id,
                bot_token: &row.bot_token,
                signing_secret: row.signing_secret.as_ref(),
                signing_key: &row.signing_key,
                backup_key: row.backup_key.clone(),
            })
            .collect();
        assert_eq!(insert_into(table::table).values(&values).execute(db), Ok(3));
        rows.iter().for_each(|row| assert_stored(db, row.id, row));
        assert_all_differ(db);
    });
}
