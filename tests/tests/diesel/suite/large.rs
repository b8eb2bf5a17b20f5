//! Values of 1 and 16 MiB.

use diesel::prelude::*;
use tests::secrets;

use super::{Connection, run, takes_packets_of};
use crate::models::SlackConnection;
use crate::schema::slack_connections as table;

const MIB: usize = 1 << 20;

/// `len` bytes that do not repeat, and of which none may get printed.
fn text(len: usize) -> String {
    let mut text = String::with_capacity(len);
    for line in 0.. {
        text.push_str(&secrets::plaintext(&format!("{line:016x}\n")));
        if text.len() >= len {
            break;
        }
    }
    text.truncate(len);
    text
}

/// One column at a time, for a row must fit into one packet of MariaDB.
fn round_trips(db: &mut Connection, len: usize) {
    let rows = [
        SlackConnection { bot_token: text(len).into(), ..SlackConnection::sparse(1) },
        SlackConnection {
            backup_key: Some(text(len).into_bytes().into()),
            ..SlackConnection::sparse(2)
        },
    ];
    for row in &rows {
        super::insert(db, row);
        assert!(super::read(db, row.id).as_ref() == Ok(row), "{len} bytes in row {}", row.id);
    }
    let text: String =
        table::table.find(1).select(table::bot_token).first(db).expect("the raw column");
    let binary: Option<Vec<u8>> =
        table::table.find(2).select(table::backup_key).first(db).expect("the raw column");
    // Key id, suite, nonce and tag, and a third on top of all as base64.
    assert_eq!(text.len(), "ef1:1:".len() + ((41 + len) * 4).div_ceil(3));
    assert_eq!(binary.map(|stored| stored.len()), Some(7 + 41 + len));
}

#[test]
fn one_mib() {
    run(|db| round_trips(db, MIB));
}

#[test]
fn sixteen_mib() {
    run(|db| {
        // 16 MiB are 21.4 MiB as text.
        if takes_packets_of(db, 32 * MIB) {
            round_trips(db, 16 * MIB);
        } else {
            // Started by somebody else, and what it takes is not this session's to set.
            println!(
                "SKIPPED 16 MiB: max_allowed_packet of this server is below 32 MiB; 4 MiB instead"
            );
            round_trips(db, 4 * MIB);
        }
    });
}
