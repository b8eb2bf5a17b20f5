//! Stored values that must not open: each an error that names the column, found in Diesel's own.

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use encrypted_field::{ErrorFamily, ErrorKind};
use tests::secrets;

use super::{Connection, ENFORCES_WIDTH, insert, raw, read, run};
use crate::errors::{read_refused, says};
use crate::keys;
use crate::models::{BotToken, NamedRow, SlackConnection, Tokens};
use crate::raw::RawConnection;
use crate::schema::{narrow_tokens, slack_connections as table};

const BOT_TOKEN: &str = "slack_connections.bot_token";
const SIGNING_SECRET: &str = "slack_connections.signing_secret";
const SIGNING_KEY: &str = "slack_connections.signing_key";
const BACKUP_KEY: &str = "slack_connections.backup_key";

/// One full row, and what the database holds of it.
fn stored(db: &mut Connection) -> RawConnection {
    insert(db, &SlackConnection::full(1));
    raw(db, 1)
}

/// Puts raw values into the row, past this library.
fn plant(db: &mut Connection, row: &RawConnection) {
    diesel::update(table::table.find(1)).set(row).execute(db).expect("update the raw row");
}

#[test]
fn plain_values_are_not_encrypted() {
    run(|db| {
        let row = stored(db);
        plant(db, &RawConnection { bot_token: secrets::BOT_TOKEN.to_owned(), ..row });
        let expected = says(ErrorKind::NotEncrypted, BOT_TOKEN, None);
        // However it is read.
        assert_eq!(read_refused(read(db, 1)), expected);
        assert_eq!(read_refused(table::table.load::<SlackConnection>(db)), expected);
        assert_eq!(
            read_refused(table::table.select(table::bot_token).first::<BotToken>(db)),
            expected
        );
        let tuples = table::table.select((table::id, table::bot_token)).load::<(i32, BotToken)>(db);
        assert_eq!(read_refused(tuples), expected);
        assert_eq!(read_refused(Tokens::query().load(db)), expected);
        let by_name = diesel::sql_query("SELECT * FROM slack_connections").load::<NamedRow>(db);
        assert_eq!(read_refused(by_name), expected);
    });
}

#[test]
fn in_each_column() {
    run(|db| {
        let good = stored(db);
        let with = |change: fn(&mut RawConnection)| {
            let mut row = RawConnection { ..good.clone() };
            change(&mut row);
            row
        };
        for (column, planted) in [
            (BOT_TOKEN, with(|row| row.bot_token.clear())),
            (SIGNING_SECRET, with(|row| row.signing_secret = Some("ef".to_owned()))),
            (SIGNING_KEY, with(|row| row.signing_key = secrets::KEYS[7].to_vec())),
            (BACKUP_KEY, with(|row| row.backup_key = Some(Vec::new()))),
        ] {
            plant(db, &planted);
            assert_eq!(read_refused(read(db, 1)), says(ErrorKind::NotEncrypted, column, None));
        }
        plant(db, &good);
        assert_eq!(read(db, 1), Ok(SlackConnection::full(1)));
    });
}

/// Ours, and not as this library wrote it. Each by the kind that tells what to do about it.
#[test]
fn damaged_values() {
    run(|db| {
        let good = stored(db);
        let token = good.bot_token.as_str();
        let last = if token.ends_with('A') { "B" } else { "A" };
        let cut = &token[..token.len() - 1];
        for (kind, key_id, planted) in [
            (ErrorKind::Malformed, Some(1), token[..20].to_owned()),
            (ErrorKind::Malformed, None, token[..5].to_owned()),
            (ErrorKind::Malformed, Some(1), format!("{token} ")),
            (ErrorKind::NotEncrypted, None, token.replacen("ef1:1:", "ef1:01:", 1)),
            (ErrorKind::Malformed, None, format!("'{token}'")),
            (ErrorKind::Malformed, Some(1), token.to_lowercase()),
            (ErrorKind::Malformed, None, token.to_uppercase()),
            (ErrorKind::Pending, None, "ef1:0:".to_owned()),
            (ErrorKind::UnsupportedVersion, None, token.replacen("ef1:", "ef2:", 1)),
            (ErrorKind::UnknownKey, Some(9), token.replacen("ef1:1:", "ef1:9:", 1)),
            (ErrorKind::Malformed, Some(1), token.replacen("ef1:1:A", "ef1:1:_", 1)),
            (ErrorKind::UnsupportedSuite, Some(1), format!("ef1:1:Ag{}", &token[8..])),
            (ErrorKind::Authentication, Some(1), token.replacen(&token[60..64], "AAAA", 1)),
        ] {
            plant(db, &RawConnection { bot_token: planted.clone(), ..good.clone() });
            assert_eq!(read_refused(read(db, 1)), says(kind, BOT_TOKEN, key_id), "{planted}");
        }
        // The last character may hold bits that mean nothing, and then has one spelling.
        plant(db, &RawConnection { bot_token: format!("{cut}{last}"), ..good });
        let (kind, ..) = read_refused(read(db, 1));
        assert!(matches!(kind, ErrorKind::Malformed | ErrorKind::Authentication), "{kind:?}");
        assert_eq!(kind.family(), ErrorFamily::Data);
    });
}

#[test]
fn a_flipped_bit() {
    run(|db| {
        let good = stored(db);
        for at in [good.signing_key.len() - 1, 48, 8, 7] {
            let mut flipped = good.signing_key.clone();
            flipped[at] ^= 0x80;
            plant(db, &RawConnection { signing_key: flipped, ..good.clone() });
            let expected = if at == 7 {
                // No version has such a suite, so that it is none of ours.
                says(ErrorKind::NotEncrypted, SIGNING_KEY, None)
            } else {
                says(ErrorKind::Authentication, SIGNING_KEY, 1)
            };
            assert_eq!(read_refused(read(db, 1)), expected, "byte {at}");
        }
    });
}

#[test]
fn moved_to_another_column() {
    run(|db| {
        let good = stored(db);
        // By a client, and within the database.
        plant(db, &RawConnection { signing_secret: Some(good.bot_token.clone()), ..good.clone() });
        let moved = says(ErrorKind::Authentication, SIGNING_SECRET, 1);
        assert_eq!(read_refused(read(db, 1)), moved);
        plant(db, &good);
        diesel::update(table::table.find(1))
            .set(table::signing_secret.eq(table::bot_token.nullable()))
            .execute(db)
            .expect("move it by SQL");
        assert_eq!(read_refused(read(db, 1)), moved);

        plant(db, &RawConnection { backup_key: Some(good.signing_key.clone()), ..good });
        assert_eq!(read_refused(read(db, 1)), says(ErrorKind::Authentication, BACKUP_KEY, 1));
    });
}

/// Detached values are for cookies and queues; a column does not take them.
#[test]
fn a_detached_value() {
    run(|db| {
        let good = stored(db);
        let detached = SlackConnection::full(1).bot_token.seal_text().expect("seal");
        plant(db, &RawConnection { bot_token: detached, ..good.clone() });
        assert_eq!(read_refused(read(db, 1)), says(ErrorKind::Authentication, BOT_TOKEN, 1));
        assert!(BotToken::open_text(&good.bot_token).is_err());
    });
}

#[test]
fn text_form_in_a_binary_column() {
    run(|db| {
        let good = stored(db);
        let text = SlackConnection::full(1).signing_key.to_stored_text().expect("seal");
        plant(db, &RawConnection { signing_key: text.into_bytes(), ..good });
        assert_eq!(read_refused(read(db, 1)), says(ErrorKind::WrongStorage, SIGNING_KEY, None));
    });
}

/// No text column of PostgreSQL or MariaDB takes what is not UTF-8. A column that is binary in the
/// database and text in the schema does; SQLite takes it anywhere.
#[test]
fn binary_form_in_a_text_column() {
    run(|db| {
        stored(db);
        let binary = SlackConnection::full(1).bot_token.to_stored().expect("seal");
        diesel::update(table::table.find(1))
            .set(table::signing_key.eq(binary))
            .execute(db)
            .expect("update");
        let mistaken = diesel::sql_query("SELECT signing_key AS bot_token FROM slack_connections");
        let refused = read_refused(mistaken.load::<TextToken>(db));
        assert_eq!(refused, says(ErrorKind::WrongStorage, BOT_TOKEN, None));
    });
}

#[derive(Debug, QueryableByName)]
#[expect(dead_code, reason = "never read")]
struct TextToken {
    #[diesel(sql_type = diesel::sql_types::Text)]
    bot_token: BotToken,
}

#[test]
fn under_keys_that_are_not_here() {
    run(|db| {
        stored(db);
        {
            let _ring = keys::stranger().hold();
            assert_eq!(read_refused(read(db, 1)), says(ErrorKind::UnknownKey, BOT_TOKEN, 1));
        }
        {
            let _ring = keys::impostor().hold();
            assert_eq!(read_refused(read(db, 1)), says(ErrorKind::Authentication, BOT_TOKEN, 1));
        }
        assert_eq!(read(db, 1), Ok(SlackConnection::full(1)));
    });
}

/// One error for one bad row, and the others of the result are not lost to it.
#[test]
fn one_row_of_many() {
    run(|db| {
        let rows: Vec<_> = (1..=3).map(SlackConnection::full).collect();
        diesel::insert_into(table::table).values(&rows).execute(db).expect("insert");
        let plain = table::bot_token.eq("plain");
        diesel::update(table::table.find(2)).set(plain).execute(db).expect("update the raw row");
        let results: Vec<QueryResult<SlackConnection>> = table::table
            .order(table::id)
            .load_iter::<_, DefaultLoadingMode>(db)
            .expect("a cursor")
            .collect();
        let opened: Vec<bool> = results.iter().map(Result::is_ok).collect();
        assert_eq!(opened, [true, false, true]);
        assert_eq!(read(db, 3), Ok(SlackConnection::full(3)));
    });
}

#[test]
fn a_column_that_is_too_narrow() {
    run(|db| {
        let token = SlackConnection::full(1).bot_token;
        let result = diesel::insert_into(narrow_tokens::table)
            .values((narrow_tokens::id.eq(1), narrow_tokens::token.eq(&token)))
            .execute(db);
        let stored: Option<BotToken> =
            narrow_tokens::table.select(narrow_tokens::token).first(db).optional().expect("read");
        if ENFORCES_WIDTH {
            assert!(matches!(result, Err(diesel::result::Error::DatabaseError(..))), "{result:?}");
            assert_eq!(stored, None);
        } else {
            assert_eq!((result, stored), (Ok(1), Some(token)));
        }
    });
}
