//! Records, and how to run a store.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use encrypted_field::envelope::{BackendError, BackendErrorKind, KeyStore, Query, Record};

/// Runs a future on a runtime of its own.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// The value of a future that waits for nothing.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits, without a runtime"),
    }
}

pub fn record(name: &str, revision: u64, text: &str) -> Record {
    Record {
        name: name.to_owned(),
        revision,
        body: serde_json::json!({ "text": text }).to_string(),
    }
}

/// All records, in the order of [`sorted`].
pub async fn all(store: &impl KeyStore) -> Vec<Record> {
    sorted(store.load(&Query::all()).await.unwrap().records)
}

/// By name, the head first.
pub fn sorted(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_by(|a, b| (!a.is_head(), &a.name).cmp(&(!b.is_head(), &b.name)));
    records
}

pub async fn swap(store: &impl KeyStore, expected: u64, changed: &[Record]) {
    assert!(store.compare_and_swap(expected, changed).await.unwrap(), "from revision {expected}");
}

/// The error of `result`, which must be of this kind.
#[track_caller]
pub fn refused<T>(result: Result<T, BackendError>, kind: BackendErrorKind) -> BackendError {
    let Err(error) = result else { panic!("no error, and not {kind:?}") };
    assert_eq!(error.kind(), kind, "{error}");
    tests::assert_redacted(&format!("{error} {error:?}"));
    error
}
