//! Any nesting of closures, threads and panics, and any order in which futures are polled.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Waker};
use std::thread;

use encrypted_field::Scope;
use proptest::collection::vec;
use proptest::prelude::*;
use tests::secrets;
use tokio::task::yield_now;

use crate::keys::{current, install, key_of, scope as named};
use crate::models::Iban;

/// The scopes with keys, and one without; each with the id of its key.
const SCOPES: [(&str, Option<&str>); 4] =
    [("", Some("1")), ("acme", Some("3")), ("globex", Some("4")), ("x", None)];

#[derive(Debug, Clone)]
enum Step {
    Check,
    Run(usize, Vec<Step>),
    Thread(bool, Vec<Step>),
    Panic(usize, Vec<Step>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = Just(Step::Check).prop_recursive(5, 30, 4, |inner| {
        let inner = vec(inner, 0..4);
        prop_oneof![
            (0..SCOPES.len(), inner.clone()).prop_map(|(scope, steps)| Step::Run(scope, steps)),
            (any::<bool>(), inner.clone()).prop_map(|(carry, steps)| Step::Thread(carry, steps)),
            (0..SCOPES.len(), inner).prop_map(|(scope, steps)| Step::Panic(scope, steps)),
        ]
    });
    vec(step, 1..5)
}

/// What is entered is what the model says, and the field uses its key.
fn check(expected: Option<usize>) {
    let scope = expected.map(|at| SCOPES[at]);
    assert_eq!(current().as_deref(), scope.map(|(name, _)| name));
    let sealed = Iban::from(secrets::BOT_TOKEN).to_stored_text().ok();
    assert_eq!(sealed.as_deref().map(key_of), scope.and_then(|(_, id)| id));
}

fn play(steps: Vec<Step>, expected: Option<usize>) {
    for step in steps {
        match step {
            Step::Check => {}
            Step::Run(scope, steps) => {
                named(SCOPES[scope].0).run(|| play(steps, Some(scope)));
            }
            Step::Thread(true, steps) => {
                thread::spawn(Scope::carry(move || play(steps, expected))).join().unwrap();
            }
            Step::Thread(false, steps) => thread::spawn(move || play(steps, None)).join().unwrap(),
            Step::Panic(scope, steps) => {
                let panics = || {
                    named(SCOPES[scope].0).run(|| {
                        play(steps, Some(scope));
                        resume_unwind(Box::new("on purpose"));
                    });
                };
                let payload = catch_unwind(AssertUnwindSafe(panics)).expect_err("a panic");
                assert_eq!(payload.downcast_ref(), Some(&"on purpose"));
            }
        }
        check(expected);
    }
}

/// Seals and opens in `scopes`, each around the next.
fn nested(scopes: &[usize]) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let Some((&scope, inner)) = scopes.split_first() else {
        return Box::pin(async {
            yield_now().await;
        });
    };
    let inner = nested(inner);
    Box::pin(named(SCOPES[scope].0).enter(async move || {
        let stored = Iban::from(secrets::BOT_TOKEN).to_stored_text().unwrap();
        yield_now().await;
        check(Some(scope));
        inner.await;
        check(Some(scope));
        assert_eq!(&*Iban::from_stored_text(stored).unwrap(), secrets::BOT_TOKEN);
    }))
}

proptest! {
    #[test]
    fn any_nesting_gives_what_a_stack_gives(steps in steps()) {
        install();
        play(steps, None);
        check(None);
    }

    /// With the scopes that have keys. Futures that are not polled to their end are dropped, in any
    /// scope.
    #[test]
    fn futures_polled_in_any_order_keep_their_scopes(
        futures in vec(vec(0..3_usize, 0..4), 1..6),
        turns in vec((any::<prop::sample::Index>(), prop::option::of(0..3_usize)), 0..40),
    ) {
        install();
        let mut futures: Vec<_> = futures.iter().map(|scopes| Some(nested(scopes))).collect();
        for (turn, around) in turns {
            let at = turn.index(futures.len());
            let mut poll = || {
                let ready = futures[at].as_mut().is_some_and(|future| {
                    // `yield_now` wakes through the runtime, and needs none to be polled again.
                    future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
                });
                if ready {
                    futures[at] = None;
                }
                check(around);
            };
            match around {
                Some(scope) => named(SCOPES[scope].0).run(poll),
                None => poll(),
            }
        }
        drop(futures);
        check(None);
    }
}
