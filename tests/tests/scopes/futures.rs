//! Scopes around futures.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use encrypted_field::{Error, ErrorKind, Scope, key::InScope};
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
    tokio::join!(acme().enter(|| request("3")), globex().enter(|| request("4")), outside);
    assert_eq!(current(), None);
}

#[tokio::test]
async fn scopes_nest_in_futures() {
    acme()
        .enter(async || {
            globex().enter(|| request("4")).await;
            request("3").await;
            tokio::join!(
                request("3"),
                globex().enter(|| request("4")),
                acme().enter(|| request("3"))
            );
            globex().run(|| assert_eq!(current().as_deref(), Some("globex")));
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tasks_keep_their_scopes_on_all_threads() {
    let mut tasks = Vec::new();
    for _ in 0..50 {
        tasks.push(tokio::spawn(acme().enter(|| request("3"))));
        tasks.push(tokio::spawn(globex().enter(|| request("4"))));
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
        .enter(async || {
            let seal = || async { Iban::from(BOT_TOKEN).to_stored_text() };
            assert_eq!(refused(tokio::spawn(seal()).await.unwrap(), IBAN), ErrorKind::NoScope);
            let carried = tokio::spawn(Scope::carry_future(seal())).await.unwrap();
            assert_eq!(key_of(&carried.unwrap()), "3");
        })
        .await;
    // None is carried, too.
    let none = Scope::carry_future(async { current() });
    assert_eq!(globex().enter(|| none).await, None);
}

/// As SQLx does in `bind`, and diesel-async in `execute`: it seals before there is a future.
fn eager() -> impl Future<Output = encrypted_field::Result<String>> {
    std::future::ready(Iban::from(BOT_TOKEN).to_stored_text())
}

/// An administrator's job, or a middleware and a handler: the inner scope holds, in whatever way
/// its closure is written, and the outer one comes back.
#[tokio::test]
async fn work_before_the_future_is_in_the_scope_that_is_entered_for_it() {
    globex()
        .enter(async || {
            let keys = [
                acme().enter(eager).await,
                acme().enter(|| async { eager().await }).await,
                acme().enter(async || eager().await).await,
                eager().await,
            ];
            let keys = keys.map(|stored| key_of(&stored.unwrap()).to_owned());
            assert_eq!(keys, ["3", "3", "3", "4"]);
        })
        .await;
    assert_eq!(refused(eager().await, IBAN), ErrorKind::NoScope);
}

/// What was sealed before `enter` is called was sealed before.
#[tokio::test]
async fn work_before_the_closure_is_outside_of_the_scope() {
    let before = eager();
    assert_eq!(refused(acme().enter(|| before).await, IBAN), ErrorKind::NoScope);
    // The closure runs at once, and not only when the future is awaited.
    let entered = acme().enter(eager);
    assert_eq!(key_of(&globex().enter(|| entered).await.unwrap()), "3");
}

/// A handler of a web framework: its future is sent between threads, and the closure borrows what
/// is the handler's, also to change it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_is_sent_with_what_it_borrows() {
    struct Connection(Vec<String>);
    impl Connection {
        async fn execute(&mut self, stored: String, of: &str) -> usize {
            yield_now().await;
            assert_eq!(current().as_deref(), Some(of));
            self.0.push(stored);
            self.0.len()
        }
    }
    async fn handle(tenant: String, ibans: Vec<String>) -> encrypted_field::Result<Vec<String>> {
        let mut connection = Connection(Vec::new());
        let scope = Scope::named(tenant.as_str())?;
        let seal = |iban: &str| Iban::from(iban).to_stored_text();
        let first = &ibans[0];
        // A call that borrows, and gives a future that does.
        scope.enter(|| connection.execute(seal(first).unwrap(), &tenant)).await;
        scope
            .enter(async || {
                for iban in &ibans[1..] {
                    connection.execute(seal(iban)?, &tenant).await;
                }
                Ok::<_, Error>(())
            })
            .await?;
        let last = scope
            .enter(|| async { Ok::<_, Error>(connection.execute(seal(first)?, &tenant).await) });
        assert_eq!(last.await?, 4);
        // What is moved into it.
        Ok(scope.enter(async move || connection.0).await)
    }
    let ibans = vec![BOT_TOKEN.to_owned(); 3];
    let _ = acme();
    let stored = tokio::spawn(handle("acme".to_owned(), ibans)).await.unwrap().unwrap();
    assert_eq!(stored.iter().map(|stored| key_of(stored)).collect::<Vec<_>>(), ["3"; 4]);
}

#[test]
fn a_panic_in_the_closure_restores_the_scope() {
    globex().run(|| {
        let panics = || -> std::future::Ready<()> { resume_unwind(Box::new("inside")) };
        let entered = catch_unwind(AssertUnwindSafe(|| drop(acme().enter(panics))));
        assert!(entered.is_err());
        assert_eq!(current().as_deref(), Some("globex"));
    });
}

#[test]
fn a_panic_in_a_future_restores_the_scope() {
    let mut context = Context::from_waker(Waker::noop());
    globex().run(|| {
        let mut future = acme()
            .enter(|| poll_fn(|_| -> Poll<()> { resume_unwind(Box::new("inside of a scope")) }));
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
        let mut future = acme().enter(|| {
            poll_fn(move |_| {
                let _ = &held;
                if ready { Poll::Ready(()) } else { Poll::Pending }
            })
        });
        assert_eq!(
            pin!(&mut future).poll(&mut Context::from_waker(Waker::noop())).is_ready(),
            ready
        );
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
    let handler = Handler { response: acme().enter(|| std::future::ready(1)) };
    takes(&handler.response);
    takes(&acme());
    assert!(format!("{:?} {:?}", handler.response, acme()).contains(r#"Scope("acme")"#));
}
