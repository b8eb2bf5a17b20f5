//! Scopes on threads of one's own, and on those of a runtime.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use encrypted_field::{ErrorKind, Scope};
use tests::secrets::BOT_TOKEN;

use crate::keys::{acme, current, globex, key_of, refused};
use crate::models::{IBAN, Iban};

fn seal() -> encrypted_field::Result<String> {
    Iban::from(BOT_TOKEN).to_stored_text()
}

#[test]
fn a_thread_has_the_scope_that_is_carried_to_it() {
    let scope = acme();
    scope.run(|| {
        assert_eq!(refused(thread::spawn(seal).join().unwrap(), IBAN), ErrorKind::NoScope);
        assert_eq!(key_of(&thread::spawn(Scope::carry(seal)).join().unwrap().unwrap()), "3");
        let carried = Scope::carry_with(|id: &mut String| id.push_str(key_of(&seal().unwrap())));
        let lent = thread::spawn(move || {
            let mut id = String::new();
            carried(&mut id);
            assert_eq!(current(), None);
            id
        });
        assert_eq!(lent.join().unwrap(), "3");
        let scopes: Vec<_> = thread::scope(|threads| {
            let inherits = threads.spawn(current);
            [inherits, threads.spawn(Scope::carry(current))].map(|t| t.join().unwrap()).into()
        });
        assert_eq!(scopes, [None, Some("acme".into())]);
    });
}

/// The scope is that of the place where `carry` was called, and so is that there was none.
#[test]
fn what_is_carried_does_not_depend_on_where_it_runs() {
    let none = Scope::carry(current);
    let from_acme = acme().run(|| Scope::carry(current));
    globex().run(|| {
        assert_eq!(none(), None);
        assert_eq!(from_acme().as_deref(), Some("acme"));
        assert_eq!(current().as_deref(), Some("globex"));
        let panics = acme().run(|| Scope::carry(|| resume_unwind(Box::new("inside of a scope"))));
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert_eq!(current().as_deref(), Some("globex"));
    });
}

/// What a thread drops when it ends runs in no scope, and does not panic.
#[test]
fn a_thread_that_ends_is_in_no_scope() {
    use std::cell::RefCell;
    use std::sync::mpsc::{Sender, channel};

    struct AtTheEnd(Sender<(Option<String>, Option<String>)>);
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            let _ = self.0.send((current(), acme().run(current)));
        }
    }
    thread_local! {
        static FIRST: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
    }
    let (sender, receiver) = channel();
    thread::spawn(move || {
        // Before the scope's own, so it may be dropped after that.
        FIRST.set(Some(AtTheEnd(sender)));
        acme().run(|| assert_eq!(current().as_deref(), Some("acme")));
    })
    .join()
    .unwrap();
    let (outside, inside) = receiver.recv().unwrap();
    assert_eq!(outside, None);
    assert!(inside.is_none_or(|scope| scope == "acme"));
}

#[tokio::test]
async fn spawn_blocking_needs_carry() {
    acme()
        .enter(async || {
            let without = tokio::task::spawn_blocking(seal).await.unwrap();
            assert_eq!(refused(without, IBAN), ErrorKind::NoScope);
            let with = tokio::task::spawn_blocking(Scope::carry(seal)).await.unwrap();
            assert_eq!(key_of(&with.unwrap()), "3");
            // The thread goes back to the pool without it.
            assert_eq!(tokio::task::spawn_blocking(current).await.unwrap(), None);
        })
        .await;
}
