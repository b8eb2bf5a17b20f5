//! Scopes with a ring of their own, which only the library makes. `tests/tests/scopes` has all
//! others.
#![allow(clippy::unwrap_used)]
// Elsewhere, the code that the derive emits is foreign.
#![allow(unreachable_pub, unused_imports)]

use super::*;
use crate::error::ErrorKind;
use crate::key::{Key, KeyState, generate_key};
use crate::{Encrypted, EncryptedFieldExt, EncryptedModel as _, KeyId, Secret};

const PLAIN: &str = "CANARY-DE02120300000000202051";

#[derive(Encrypted)]
#[encrypted(context = "customers.iban", scope = dynamic)]
struct Iban(Secret<String>);

/// The same column, while its values move from the default scope.
#[derive(Encrypted)]
#[encrypted(context = "customers.iban", scope = dynamic, previous_scope = "")]
struct MovingIban(Secret<String>);

/// The same column, for the keys of one scope.
#[derive(Encrypted)]
#[encrypted(context = "customers.iban")]
struct DefaultIban(Secret<String>);

#[derive(Encrypted)]
#[encrypted(table = "customers")]
struct Customer {
    #[encrypted(String, scope = dynamic)]
    phone: Phone,
}

fn key(id: u32, scope: &str) -> Key {
    Key::new(id, generate_key().unwrap()).scope(scope)
}

fn ring(keys: &[&Key]) -> Keyring {
    Keyring::builder().keys(keys.iter().copied().cloned()).build().unwrap()
}

fn scope(name: &str, keys: &[&Key]) -> (Scope, Arc<ArcSwap<Keyring>>) {
    let own = Arc::new(ArcSwap::from_pointee(ring(keys)));
    (Scope::with_ring(name, Arc::clone(&own)), own)
}

fn kind<T>(result: crate::Result<T>) -> Option<ErrorKind> {
    result.err().map(|e| e.kind())
}

#[test]
fn its_own_ring_goes_before_the_one_in_use() {
    let (default, in_use, own) = (key(1, ""), key(2, "acme"), key(3, "acme"));
    let _held = ring(&[&default, &in_use]).hold();
    let (acme, _) = scope("acme", &[&own]);
    let iban = Iban::from(PLAIN);

    let stored = acme.run(|| iban.to_stored_text()).unwrap();
    assert!(stored.starts_with("ef1:3:"), "{stored}");
    let detached = acme.run(|| iban.seal_text()).unwrap();
    assert!(acme.run(|| iban.to_stored_value()).unwrap().as_text().unwrap().starts_with("ef1:3:"));
    acme.run(|| {
        let opened = Iban::from_stored_text(stored.clone()).unwrap();
        assert_eq!(&*opened, PLAIN);
        assert!(!opened.is_stale());
        assert_eq!(&*Iban::open_text(&detached).unwrap(), PLAIN);
        assert_eq!(
            kind(Iban::from(stored.as_str()).to_stored_text()),
            Some(ErrorKind::DoubleEncryption)
        );
    });

    // By name alone there is only the ring in use, which does not have that key.
    let named = Scope::named("acme").unwrap();
    assert_eq!(
        kind(named.run(|| Iban::from_stored_text(stored.clone()))),
        Some(ErrorKind::UnknownKey)
    );
    let other = named.run(|| iban.to_stored_text()).unwrap();
    assert!(other.starts_with("ef1:2:"), "{other}");
    // Nor is what its own ring does not have looked for elsewhere: perhaps it was destroyed.
    assert_eq!(kind(acme.run(|| Iban::from_stored_text(other))), Some(ErrorKind::UnknownKey));
}

#[test]
fn keys_of_other_scopes_are_told_from_unknown_ones() {
    let (default, globex, own) = (key(1, ""), key(2, "globex"), key(3, "acme"));
    let (acme, _) = scope("acme", &[&own]);
    let iban = Iban::from(PLAIN);
    let scope_of_globex = Scope::named("globex").unwrap();
    let stored = scope_of_globex.run(|| iban.to_stored_text_with(&ring(&[&globex]))).unwrap();
    let refused = || kind(acme.run(|| Iban::from_stored_text(stored.clone())));
    {
        let _held = ring(&[&default, &globex]).hold();
        assert_eq!(refused(), Some(ErrorKind::ScopeMismatch));
    }
    {
        let _held = ring(&[&default]).hold();
        assert_eq!(refused(), Some(ErrorKind::UnknownKey));
    }
    // No keys but its own.
    assert_eq!(refused(), Some(ErrorKind::UnknownKey));
    // Even in its own ring, if somebody put it there by mistake.
    let (acme, _) = scope("acme", &[&own, &globex]);
    assert_eq!(
        kind(acme.run(|| Iban::from_stored_text(stored.clone()))),
        Some(ErrorKind::ScopeMismatch)
    );
}

#[test]
fn values_of_a_previous_scope_are_in_the_ring_in_use() {
    let (default, own) = (key(1, ""), key(2, "acme"));
    let _held = ring(&[&default]).hold();
    let (acme, _) = scope("acme", &[&own]);
    let before = DefaultIban::from(PLAIN).to_stored_text().unwrap();

    acme.run(|| {
        assert_eq!(kind(Iban::from_stored_text(before.clone())), Some(ErrorKind::ScopeMismatch));
        let moving = MovingIban::from_stored_text(before.clone()).unwrap();
        assert_eq!((&*moving, moving.key_id().map(KeyId::get)), (PLAIN, Some(1)));
        assert!(moving.is_stale() && moving.is_stale_with(&ring(&[&default])));
        assert_eq!(
            kind(MovingIban::from(before.as_str()).to_stored_text()),
            Some(ErrorKind::DoubleEncryption)
        );
        let moved = moving.to_stored_text().unwrap();
        assert!(moved.starts_with("ef1:2:"));
        assert!(!Iban::from_stored_text(moved).unwrap().is_stale());
        // A given ring is the only one.
        assert_eq!(
            kind(MovingIban::from_stored_text_with(&ring(&[&own]), before.clone())),
            Some(ErrorKind::UnknownKey)
        );
    });
}

#[test]
fn its_ring_may_be_swapped() {
    let (first, second) = (key(1, "acme"), key(2, "acme"));
    let _held = ring(&[&key(9, "")]).hold();
    let (acme, own) = scope("acme", &[&first]);
    acme.run(|| {
        let stored = Phone::from(PLAIN).to_stored_text().unwrap();
        let customer = Customer { phone: Phone::from_stored_text(stored.clone()).unwrap() };
        assert!(!customer.is_any_stale());

        own.store(Arc::new(ring(&[&second, &first.clone().state(KeyState::Retired)])));
        assert!(customer.is_any_stale() && customer.phone.is_stale());
        assert!(!customer.is_any_stale_with(&ring(&[&first])));
        assert!(customer.phone.to_stored_text().unwrap().starts_with("ef1:2:"));
        assert_eq!(Phone::from_stored_text(stored.clone()).unwrap(), customer.phone);

        let disabled = ring(&[&second, &first.clone().state(KeyState::Disabled)]);
        own.store(Arc::new(disabled));
        assert_eq!(kind(Phone::from_stored_text(stored)), Some(ErrorKind::KeyUnusable));
    });
}

#[test]
fn debug_shows_the_name_only() {
    let (acme, _) = scope("acme", &[&key(1, "acme")]);
    assert_eq!(format!("{acme:?}"), r#"Scope("acme")"#);
    let future = acme.enter(|| std::future::ready(PLAIN));
    assert_eq!(format!("{future:?}"), r#"InScope { scope: Some(Scope("acme")), .. }"#);
}
