//! Tests that every implementation of [`KeyEncryptionKey`] and of [`KeyStore`] must pass: the library's own, and yours.
//!
//! ```
//! # #[cfg(feature = "local-kek")]
//! # {
//! use encrypted_field::envelope::{LocalKek, conformance};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let kek = LocalKek::new(encrypted_field::generate_key().unwrap()).unwrap();
//! conformance::key_encryption_key(&kek).await;
//! # });
//! # }
//! ```

use super::{BackendErrorKind, KeyEncryptionKey, KeyStore, Record, WrapContext};
use crate::key::generate_key;

/// Wraps keys and unwraps them; unwraps them for every other context, changed, cut off, and made up, and expects a refusal.
///
/// # Panics
/// Where the implementation does not do what [`KeyEncryptionKey`] says.
pub async fn key_encryption_key(kek: &impl KeyEncryptionKey) {
    let key = random();
    let context = WrapContext::new("conformance", 7, "acme", "field");
    let wrapped = kek.wrap(&context, &key).await.expect("wraps a key");
    assert!(wrapped.len() <= 16 << 10, "a wrapped key has at most 16 KiB");
    assert!(!contains(&wrapped, &key), "a wrapped key does not show the key");
    assert_eq!(*kek.unwrap(&context, &wrapped).await.expect("unwraps it"), key, "unwraps to the same key");

    let again = kek.wrap(&context, &key).await.expect("wraps it again");
    assert_eq!(*kek.unwrap(&context, &again).await.expect("unwraps that, too"), key);

    // The default scope, the store key, and names that are not ASCII.
    for context in [
        WrapContext::new("conformance", 7, "", "field"),
        WrapContext::new("conformance", 0, "", "store"),
        WrapContext::new("Schlüssel", u32::MAX, "mandant/ä b+c", "index"),
    ] {
        let wrapped = kek.wrap(&context, &key).await.expect("wraps for any context");
        assert_eq!(*kek.unwrap(&context, &wrapped).await.expect("unwraps for any context"), key);
    }

    for other in [
        WrapContext::new("another set", 7, "acme", "field"),
        WrapContext::new("conformance", 8, "acme", "field"),
        WrapContext::new("conformance", 7, "acme2", "field"),
        WrapContext::new("conformance", 7, "", "field"),
        WrapContext::new("conformance", 7, "acme", "index"),
    ] {
        refuses(kek, &other, &wrapped, "for another context").await;
    }

    let mut changed = wrapped.clone();
    if let Some(last) = changed.last_mut() {
        // Another letter where it is base64, another byte in any case.
        *last = if *last == b'A' { b'B' } else { b'A' };
    }
    refuses(kek, &context, &changed, "changed at its end").await;
    let mut changed = wrapped.clone();
    let middle = changed.len() / 2;
    changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
    refuses(kek, &context, &changed, "changed in its middle").await;
    refuses(kek, &context, &wrapped[..wrapped.len() / 2], "cut off").await;
    refuses(kek, &context, b"", "empty").await;
    refuses(kek, &context, &[0xff; 100], "made up").await;
}

async fn refuses(kek: &impl KeyEncryptionKey, context: &WrapContext<'_>, wrapped: &[u8], how: &str) {
    match kek.unwrap(context, wrapped).await {
        Ok(_) => panic!("it unwraps a wrapped key {how}"),
        Err(error) => assert_eq!(error.kind(), BackendErrorKind::Rejected, "a wrapped key {how}: {error}"),
    }
}

/// Writes and reads records, lets changes that are out of date fail, and lets many writers race. The store must be empty, and is
/// not afterwards.
///
/// # Panics
/// Where the implementation does not do what [`KeyStore`] says.
pub async fn key_store(store: &impl KeyStore) {
    assert_eq!(all(store, 0).await, [], "it is empty at first");
    assert!(!swap(store, 3, &[record(0, 4, "ahead")]).await, "there is no revision 3 yet");
    assert_eq!(all(store, 0).await, [], "a change that was refused writes nothing");

    let first = [record(0, 1, "head"), record(1, 1, "one")];
    assert!(swap(store, 0, &first).await, "the first change is from revision 0");
    assert!(!swap(store, 0, &[record(0, 1, "again"), record(9, 1, "lost")]).await, "and happens once");
    assert_eq!(all(store, 0).await, first);

    // Text of every kind, long, and ids up to the last.
    let odd = "ä€𝄞 \u{1}\u{7f} ' \" \\ % _ ; -- $1 ? {} NULL \r\n\t";
    let long = "x".repeat(40_000);
    let second = [record(0, 2, odd), record(2, 2, &long), record(u32::MAX, 2, "last")];
    assert!(swap(store, 1, &second).await);
    let expected = [record(0, 2, odd), record(1, 1, "one"), record(2, 2, &long), record(u32::MAX, 2, "last")];
    assert_eq!(all(store, 0).await, expected, "a change replaces what it names and keeps the rest");

    // What is above a revision, at least, and the head in any case.
    for after in [1, 2, 1000] {
        let loaded = all(store, after).await;
        assert!(loaded.contains(&expected[0]), "the head is always loaded");
        for record in expected.iter().filter(|record| record.revision > after) {
            assert!(loaded.contains(record), "records above the revision are loaded");
        }
        assert!(loaded.iter().all(|record| expected.contains(record)), "nothing else is loaded");
    }

    // Revisions may jump, up to the last that fits a signed integer.
    let far = u64::from(u32::MAX) * 1000;
    assert!(swap(store, 2, &[record(0, far, "head"), record(1, far, "one, changed")]).await);
    assert!(!swap(store, 2, &[record(0, 3, "late")]).await, "a change from an older revision is refused");
    let loaded = all(store, 0).await;
    assert!(loaded.contains(&record(1, far, "one, changed")) && loaded.contains(&record(0, far, "head")));
    assert_eq!(loaded.len(), 4);

    // Of those that start from one revision, one gets through.
    let mut revision = far;
    for round in 0..5 {
        let writers: Vec<[Record; 2]> = (0..8)
            .map(|writer| {
                let body = format!("round {round} writer {writer}");
                [record(0, revision + 1, &body), record(100 + round, revision + 1, &body)]
            })
            .collect();
        let attempts = writers.iter().map(|changed| store.compare_and_swap(revision, changed));
        let outcomes = futures_util::future::join_all(attempts).await;
        let won: Vec<_> =
            outcomes.iter().enumerate().filter(|(_, swapped)| matches!(swapped, Ok(true))).collect();
        // A store may also answer that it is busy, and then must not have written.
        assert_eq!(won.len(), 1, "of eight writers exactly one gets through, not {outcomes:?}");
        let loaded = all(store, 0).await;
        assert!(
            writers[won[0].0].iter().all(|record| loaded.contains(record)),
            "and it is its records that are stored"
        );
        revision += 1;
    }
    store.forget_history().await.expect("forgets older versions");
    assert_eq!(all(store, 0).await.len(), 9, "which leaves the records as they are");
    assert!(
        swap(store, revision, &[record(0, i64::MAX.cast_unsigned(), "last")]).await,
        "the last revision fits"
    );
}

fn record(id: u32, revision: u64, text: &str) -> Record {
    Record { id, revision, body: serde_json::json!({ "text": text }).to_string() }
}

async fn all(store: &impl KeyStore, after: u64) -> Vec<Record> {
    let mut records = store.load(after).await.expect("loads");
    records.sort_by_key(|record| record.id);
    records
}

async fn swap(store: &impl KeyStore, expected: u64, changed: &[Record]) -> bool {
    store.compare_and_swap(expected, changed).await.expect("compares and swaps")
}

fn random() -> [u8; 32] {
    generate_key().expect("random bytes")
}

fn contains(text: &[u8], key: &[u8]) -> bool {
    text.windows(key.len()).any(|window| window == key)
}
