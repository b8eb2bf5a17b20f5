//! Scopes around futures.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use encrypted_field::{EncryptedField as _, ErrorKind, InScope, Scope};
use tests::secrets::{self, BOT_TOKEN};
use tokio::task::yield_now;

use crate::keys::{acme, current, globex, key_of, refused};
use crate::models::{IBAN, Iban};

/// A request: seals, waits, opens what it sealed, and waits again.
async fn request(id: &str) {
    for round in 0..5 {
        let plain = secrets::plaintext(&format!("{id} {round}"));
        let stored = Iban::from(plain.as_str()).to_stored_text().unwrap();
        assert_eq!(key_of(&stored), id);
        yield_now().await;
        assert_eq!(*Iban::from_stored_text(stored).unwrap(), plain);
        yield_now().await;
    }
}

#[tokio::test]
async fn futures_that_take_turns_on_one_thread_keep_their_scopes() {
    let outside = async {
        for _ in 0..10 {
            assert_eq!(current(), None);
            yield_now().await;
        }
    };
    tokio::join!(acme().enter(request("3")), globex().enter(request("4")), outside);
    assert_eq!(current(), None);
}

#[tokio::test]
async fn scopes_nest_in_futures() {
    acme()
        .enter(async {
            globex().enter(request("4")).await;
            request("3").await;
            tokio::join!(request("3"), globex().enter(request("4")), acme().enter(request("3")));
            globex().run(|| assert_eq!(current().as_deref(), Some("globex")));
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tasks_keep_their_scopes_on_all_threads() {
    let mut tasks = Vec::new();
    for _ in 0..50 {
        tasks.push(tokio::spawn(acme().enter(request("3"))));
        tasks.push(tokio::spawn(globex().enter(request("4"))));
        tasks.push(tokio::spawn(async {
            yield_now().await;
            assert_eq!(current(), None);
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_has_the_scope_that_is_carried_to_it() {
    acme()
        .enter(async {
            let seal = || async { Iban::from(BOT_TOKEN).to_stored_text() };
            assert_eq!(refused(tokio::spawn(seal()).await.unwrap(), IBAN), ErrorKind::NoScope);
            let carried = tokio::spawn(Scope::carry_future(seal())).await.unwrap();
            assert_eq!(key_of(&carried.unwrap()), "3");
        })
        .await;
    // None is carried, too.
    let none = Scope::carry_future(async { current() });
    assert_eq!(globex().enter(none).await, None);
}

/// An `async fn` does nothing before it is polled; a function that does its work before it returns a future does it
/// outside of the scope.
#[tokio::test]
async fn work_done_before_the_future_is_outside_of_the_scope() {
    fn eager() -> impl Future<Output = encrypted_field::Result<String>> {
        std::future::ready(Iban::from(BOT_TOKEN).to_stored_text())
    }
    assert_eq!(refused(acme().enter(eager()).await, IBAN), ErrorKind::NoScope);
    assert!(acme().enter(async { eager().await }).await.is_ok());
}

#[test]
fn a_panic_in_a_future_restores_the_scope() {
    let mut context = Context::from_waker(Waker::noop());
    globex().run(|| {
        let mut future =
            acme().enter(poll_fn(|_| -> Poll<()> { resume_unwind(Box::new("inside of a scope")) }));
        let polled = catch_unwind(AssertUnwindSafe(|| pin!(&mut future).poll(&mut context)));
        assert!(polled.is_err());
        assert_eq!(current().as_deref(), Some("globex"));
    });
    assert_eq!(current(), None);
}

/// What a future holds is dropped in its scope: after its end, and when it is cancelled.
#[test]
fn a_future_is_dropped_in_its_scope() {
    struct Held(Arc<Mutex<Vec<Option<String>>>>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.lock().unwrap().push(current());
        }
    }
    let seen = Arc::new(Mutex::new(Vec::new()));
    let future = |ready: bool| {
        let held = Held(Arc::clone(&seen));
        let mut future = acme().enter(poll_fn(move |_| {
            let _ = &held;
            if ready { Poll::Ready(()) } else { Poll::Pending }
        }));
        assert_eq!(pin!(&mut future).poll(&mut Context::from_waker(Waker::noop())).is_ready(), ready);
        future
    };
    drop(future(true));
    globex().run(|| drop(future(false)));
    assert_eq!(*seen.lock().unwrap(), [Some("acme".to_owned()), Some("acme".to_owned())]);
    assert_eq!(current(), None);
}

#[test]
fn a_future_in_a_scope_can_be_sent_stored_and_moved() {
    fn takes<T: Send + Sync + Unpin + 'static>(_: &T) {}
    struct Handler {
        response: InScope<std::future::Ready<u8>>,
    }
    let handler = Handler { response: acme().enter(std::future::ready(1)) };
    takes(&handler.response);
    takes(&acme());
    assert!(format!("{:?} {:?}", handler.response, acme()).contains(r#"Scope("acme")"#));
}
