//! Tests that every implementation of [`KeyEncryptionKey`], of [`KeyStore`] and of [`Document`]
//! must pass: the library's own, and yours.
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

use super::{
    BackendErrorKind, Document, KeyEncryptionKey, KeyStore, Query, Record, StoreId, WrapContext,
};
use crate::key::{Purpose, generate_key};
use crate::key_id::KeyId;

/// Wraps keys and unwraps them. Then it unwraps them for every other context, changed, cut off, and
/// made up, and expects a refusal.
///
/// # Panics
/// If the implementation does not do what [`KeyEncryptionKey`] says.
pub async fn key_encryption_key(kek: &impl KeyEncryptionKey) {
    let key = random();
    let data = |key_set, id, scope, purpose| {
        WrapContext::data(key_set, KeyId::new(id).expect("an id above 0"), scope, purpose)
    };
    let context = data("conformance", 7, "acme", Purpose::Field);
    let wrapped = kek.wrap(&context, &key).await.expect("wraps a key");
    assert!(wrapped.len() <= 16 << 10, "a wrapped key has at most 16 KiB");
    assert!(!contains(&wrapped, &key), "a wrapped key does not show the key");
    assert_eq!(
        *kek.unwrap(&context, &wrapped).await.expect("unwraps it"),
        key,
        "unwraps to the same key"
    );

    let again = kek.wrap(&context, &key).await.expect("wraps it again");
    assert_eq!(*kek.unwrap(&context, &again).await.expect("unwraps that, too"), key);

    // The default scope, the store key, and names that are not ASCII.
    let store = StoreId([7; 16]);
    for context in [
        data("conformance", 7, "", Purpose::Field),
        WrapContext::store("conformance", store, 1),
        data("Schlüssel", u32::MAX, "mandant/ä b+c", Purpose::Index),
    ] {
        let wrapped = kek.wrap(&context, &key).await.expect("wraps for any context");
        assert_eq!(*kek.unwrap(&context, &wrapped).await.expect("unwraps for any context"), key);
    }

    for other in [
        data("another set", 7, "acme", Purpose::Field),
        data("conformance", 8, "acme", Purpose::Field),
        data("conformance", 7, "acme2", Purpose::Field),
        data("conformance", 7, "", Purpose::Field),
        data("conformance", 7, "acme", Purpose::Index),
        WrapContext::store("conformance", store, 7),
    ] {
        refuses(kek, &other, &wrapped, "for another context").await;
    }
    let of_store = WrapContext::store("conformance", store, 1);
    let store_key = kek.wrap(&of_store, &key).await.expect("wraps a store key");
    for other in [
        WrapContext::store("conformance", store, 2),
        WrapContext::store("conformance", StoreId([8; 16]), 1),
        WrapContext::store("another set", store, 1),
        data("conformance", 1, "", Purpose::Field),
    ] {
        refuses(kek, &other, &store_key, "for another store, epoch or key").await;
    }

    let mut changed = wrapped.clone();
    if let Some(last) = changed.last_mut() {
        // Another letter if it is base64, another byte in any case.
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

async fn refuses(
    kek: &impl KeyEncryptionKey,
    context: &WrapContext<'_>,
    wrapped: &[u8],
    how: &str,
) {
    match kek.unwrap(context, wrapped).await {
        Ok(_) => panic!("it unwraps a wrapped key {how}"),
        Err(error) => {
            // If each scope has a key of its own, another scope means another key.
            let is_rejected =
                matches!(error.kind(), BackendErrorKind::Rejected | BackendErrorKind::OtherKek);
            assert!(is_rejected, "a wrapped key {how}: {:?}: {error}", error.kind());
        }
    }
}

/// Writes and reads records, lets changes that are out of date fail, and lets many writers race.
/// The store must be empty, and is not afterwards.
///
/// # Panics
/// If the implementation does not do what [`KeyStore`] says.
pub async fn key_store(store: &impl KeyStore) {
    assert_eq!(load(store, &Query::all()).await, [], "it is empty at first");
    assert!(!swap(store, 3, &[record("head", 4, "ahead")]).await, "there is no revision 3 yet");
    assert_eq!(load(store, &Query::all()).await, [], "a change that was refused writes nothing");

    let first = [record("head", 1, "head"), record("process/1", 1, "one")];
    assert!(swap(store, 0, &first).await, "the first change is from revision 0");
    let lost = [record("head", 1, "again"), record("tree/lost", 1, "lost")];
    assert!(!swap(store, 0, &lost).await, "and happens once");
    assert_eq!(load(store, &Query::all()).await, first);

    // Text of every kind, long, and names up to the longest.
    let odd = "ä€𝄞 \u{1}\u{7f} ' \" \\ % _ ; -- $1 ? {} NULL \r\n\t";
    let long = "x".repeat(40_000);
    let longest = format!("tree/{}", "f".repeat(Record::MAX_NAME - 5));
    let second = [
        record("head", 2, odd),
        record("process", 2, "the node"),
        record("process/2", 2, &long),
        record("tree", 2, "root"),
        record("tree/9", 2, "node"),
        record(&longest, 2, "longest"),
    ];
    assert!(swap(store, 1, &second).await);
    let mut expected = second.to_vec();
    expected.insert(2, first[1].clone());
    assert_eq!(
        load(store, &Query::all()).await,
        expected,
        "a change replaces what it names and keeps the rest"
    );
    selects(store, &expected).await;

    // Records as large as they may be, and many at once.
    let largest = record("process/1", 3, &"y".repeat(Record::MAX_BODY - 20));
    let mut many = vec![record("head", 3, "many"), largest];
    many.extend((0..400).map(|number| record(&format!("demand/{number:04x}"), 3, "one of many")));
    assert!(swap(store, 2, &many).await);
    let loaded =
        load(store, &Query::head().names(many.iter().map(|record| record.name.clone()))).await;
    assert!(many.iter().all(|record| loaded.contains(record)), "many are loaded by their names");

    // Revisions may jump, up to the last that fits a signed integer.
    let far = u64::from(u32::MAX) * 1000;
    assert!(
        swap(store, 3, &[record("head", far, "head"), record("process/1", far, "one, changed")])
            .await
    );
    assert!(
        !swap(store, 3, &[record("head", 4, "late")]).await,
        "a change from an older revision is refused"
    );
    let loaded = load(store, &Query::all()).await;
    assert!(loaded.contains(&record("process/1", far, "one, changed")));
    assert!(loaded.contains(&record("head", far, "head")));
    assert_eq!(loaded.len(), 407);

    let revision = race(store, far).await;
    store.forget_history().await.expect("forgets older versions");
    assert_eq!(load(store, &Query::all()).await.len(), 412, "which leaves the records as they are");
    assert!(
        swap(store, revision, &[record("head", i64::MAX.cast_unsigned(), "last")]).await,
        "the last revision fits"
    );
}

/// Each kind of query gives at least what it asks for, and nothing that is not stored.
async fn selects(store: &impl KeyStore, stored: &[Record]) {
    let name = |name: &str| std::iter::once(name.to_owned());
    for query in [
        Query::head(),
        Query::head().names(name("process/2")),
        Query::head().names(name("tree")).names(name("not/there")),
        Query::head().prefix("process"),
        Query::head().prefix("process").names(name("tree")),
        Query::head().prefix("tree/"),
        // In the order of a language other characters than in that of bytes come after the digits.
        Query::head().prefix("tree/9"),
        Query::all().after(1),
        Query::all().after(2),
        Query::head().prefix("process").after(1),
        Query::head().names(name("process/1")).after(1),
    ] {
        let loaded = load(store, &query).await;
        for record in stored.iter().filter(|record| query.selects(record)) {
            assert!(loaded.contains(record), "{query:?} selects {}", record.name);
        }
        assert!(loaded.iter().all(|record| stored.contains(record)), "nothing else is loaded");
    }
}

/// Of several changes that start from one revision, one gets through. Gives the revision after it.
async fn race(store: &impl KeyStore, mut revision: u64) -> u64 {
    for round in 0..5 {
        let writers: Vec<[Record; 2]> = (0..8)
            .map(|writer| {
                let body = format!("round {round} writer {writer}");
                let name = format!("demand/race{round}");
                [record("head", revision + 1, &body), record(&name, revision + 1, &body)]
            })
            .collect();
        let attempts = writers.iter().map(|changed| store.compare_and_swap(revision, changed));
        let outcomes = futures_util::future::join_all(attempts).await;
        let won: Vec<_> = outcomes
            .iter()
            .enumerate()
            .filter(|(_, swapped)| matches!(swapped, Ok(true)))
            .collect();
        // A store may also answer that it is busy, and then must not have written.
        assert_eq!(won.len(), 1, "of eight writers exactly one gets through, not {outcomes:?}");
        let loaded = load(store, &Query::all()).await;
        assert!(
            writers[won[0].0].iter().all(|record| loaded.contains(record)),
            "and it is its records that are stored"
        );
        revision += 1;
    }
    revision
}

/// Writes, reads and replaces a text. It must never have been written, and is afterwards.
/// [`key_store`] tests the rest: whatever is a [`Document`] is a [`KeyStore`].
///
/// # Panics
/// If the implementation does not do what [`Document`] says.
pub async fn document<D: Document>(document: &D) {
    assert!(document.read().await.expect("reads").is_none(), "it was never written");
    assert!(document.replace(None, "first".into()).await.expect("writes"), "the first text");
    assert!(
        !document.replace(None, "again".into()).await.expect("answers"),
        "which is written once"
    );
    let (text, first) = document.read().await.expect("reads").expect("it was written");
    assert_eq!(text, "first");
    assert!(document.replace(Some(&first), "second ä€𝄞 \n \"".into()).await.expect("replaces"));
    assert!(
        !document.replace(Some(&first), "late".into()).await.expect("answers"),
        "only what was read"
    );
    let (text, _) = document.read().await.expect("reads").expect("it was written");
    assert_eq!(text, "second ä€𝄞 \n \"");
}

fn record(name: &str, revision: u64, text: &str) -> Record {
    Record {
        name: name.to_owned(),
        revision,
        body: serde_json::json!({ "text": text }).to_string(),
    }
}

/// By name, the head first.
async fn load(store: &impl KeyStore, query: &Query) -> Vec<Record> {
    let mut records = store.load(query).await.expect("loads").records;
    records.sort_by(|a, b| (!a.is_head(), &a.name).cmp(&(!b.is_head(), &b.name)));
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
