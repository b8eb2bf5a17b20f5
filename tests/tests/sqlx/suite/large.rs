//! 1 MiB and 16 MiB, in text and in bytes.

use tests::secrets::{CANARY, UNUSUAL_TEXT};

use super::database::{LARGEST_STATEMENT, open};
use super::{connect, insert, read};
use crate::keys;
use crate::models::SlackConnection;

const MIB: usize = 1 << 20;

/// As many bytes of text as `len`, and as many bytes that are not text.
fn large(len: usize) -> SlackConnection {
    let text = UNUSUAL_TEXT.repeat(len.div_ceil(UNUSUAL_TEXT.len()));
    let end = (0..=len).rev().find(|end| text.is_char_boundary(*end)).unwrap();
    let text = format!("{}{}", &text[..end], ".".repeat(len - end));
    let bytes: Vec<u8> = CANARY.bytes().chain((0..=255).cycle()).take(len).collect();
    SlackConnection {
        bot_token: text.into(),
        webhook_key: bytes.into(),
        ..SlackConnection::sparse(1)
    }
}

async fn round_trip(len: usize) {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    if let Some(limit) = LARGEST_STATEMENT {
        let limit: i64 = sqlx::query_scalar(limit).fetch_one(&mut db).await.unwrap();
        // Text is a third longer than its plaintext.
        let needed = len * 7 / 3 + MIB;
        assert!(
            usize::try_from(limit).unwrap() >= needed,
            "the server takes {limit} bytes: set {needed}"
        );
    }
    let row = large(len);
    assert_eq!((row.bot_token.len(), row.webhook_key.len()), (len, len));
    insert(&mut db, &row).await.unwrap();
    // Not assert_eq: a failure must not print them.
    assert!(read(&mut db, 1).await.unwrap() == row);
}

#[tokio::test]
async fn one_mebibyte() {
    round_trip(MIB).await;
}

#[tokio::test]
async fn sixteen_mebibytes() {
    round_trip(16 * MIB).await;
}
