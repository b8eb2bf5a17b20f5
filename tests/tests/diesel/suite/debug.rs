//! What gets printed of queries, rows and errors holds no plaintext.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use diesel::{Connection as _, debug_query};
use tests::leaks::Scanner;
use tests::secrets;

use super::{Backend, Connection, insert, raw, read, run};
use crate::models::SlackConnection;
use crate::schema::slack_connections as table;

/// The scan that runs over the output of all tests, here over one text.
#[track_caller]
fn assert_tells_nothing(text: &str) {
    let leaks = Scanner::new().scan(text.as_bytes());
    assert!(leaks.is_empty(), "{leaks:?}");
}

#[test]
fn of_a_row() {
    run(|db| {
        insert(db, &SlackConnection::full(1));
        for row in [SlackConnection::full(1), read(db, 1).expect("read")] {
            let printed = format!("{row:?} {row:#?}");
            assert_tells_nothing(&printed);
            assert!(printed.contains("BotToken([encrypted])"), "{printed}");
            assert!(printed.contains("Some(SigningSecret([encrypted]))"), "{printed}");
        }
    });
}

#[test]
fn of_queries() {
    let rows = vec![SlackConnection::full(1), SlackConnection::sparse(2)];
    let row = &rows[0];
    let mut printed = String::new();
    macro_rules! print {
        ($query:expr) => {{
            let query = $query;
            let query = debug_query::<Backend, _>(&query);
            write!(printed, "{query} {query:?} {query:#?}").expect("print");
        }};
    }
    print!(diesel::insert_into(table::table).values(row));
    print!(diesel::insert_into(table::table).values(row.borrowed()));
    print!(diesel::insert_into(table::table).values(&rows));
    print!(diesel::update(row).set(row));
    print!(diesel::update(table::table).set(table::bot_token.eq(&row.bot_token)));
    print!(diesel::update(table::table).set(table::signing_secret.eq(row.signing_secret.as_ref())));
    print!(diesel::update(table::table).set(table::signing_key.eq(row.signing_key.clone())));
    assert_tells_nothing(&printed);
    assert!(printed.contains("BotToken([encrypted])"), "{printed}");
    // The scan does find a plaintext in such a text.
    print!(diesel::update(table::table).set(table::bot_token.eq(&*row.bot_token)));
    assert!(!Scanner::new().scan(printed.as_bytes()).is_empty());
}

/// What an application logs of its queries, through Diesel's own hook.
#[test]
fn of_instrumentation() {
    run(|db| {
        let log = Arc::new(Mutex::new(String::new()));
        let to = Arc::clone(&log);
        db.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            let mut log = to.lock().expect("no test panics while it logs");
            writeln!(log, "{event:?}").expect("print");
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                writeln!(log, "{query}").expect("print");
            }
        });
        let row = SlackConnection::full(1);
        insert(db, &row);
        diesel::update(&row).set(&row).execute(db).expect("update");
        assert_eq!(read(db, 1), Ok(row));
        let log = log.lock().expect("no test panics while it logs");
        assert!(log.contains("BotToken([encrypted])"), "{log}");
        assert_tells_nothing(&log);
    });
}

/// An error with all that it was caused by, as applications log it.
fn whole(error: &dyn Error) -> String {
    let mut text = format!("{error:?} {error:#?}");
    let mut next = Some(error);
    while let Some(error) = next {
        write!(text, " {error}").expect("print");
        next = error.source();
    }
    text
}

fn set_raw(db: &mut Connection, stored: &str) {
    diesel::update(table::table)
        .set(table::bot_token.eq(stored))
        .execute(db)
        .expect("update the raw row");
}

#[test]
fn of_errors() {
    run(|db| {
        insert(db, &SlackConnection::full(1));
        let stored = raw(db, 1);

        set_raw(db, secrets::BOT_TOKEN);
        let error = read(db, 1).expect_err("not encrypted");
        assert_tells_nothing(&whole(&error));

        let moved = stored.signing_secret.expect("a full row");
        set_raw(db, &moved);
        let error = read(db, 1).expect_err("moved");
        assert!(!whole(&error).contains(&moved[6..]), "no ciphertext either");
        // It says what, where and under which key.
        let told = encrypted_field::Error::find(&error).expect("ours").to_string();
        assert!(told.contains("slack_connections.bot_token: key 1: "), "{told}");

        let row = SlackConnection {
            bot_token: stored.bot_token.as_str().into(),
            ..SlackConnection::full(1)
        };
        let error = diesel::update(&row).set(&row).execute(db).expect_err("encrypted twice");
        assert!(!whole(&error).contains(&stored.bot_token[6..]));
        assert_tells_nothing(&whole(&error));
    });
}
