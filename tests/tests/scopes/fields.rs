//! Fields in scopes, without a database.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use encrypted_field::{
    Encrypted, EncryptedField as _, EncryptedFieldExt as _, EncryptedModel, Error, ErrorFamily,
    ErrorKind, Key, Keyring, Result, Scope, Secret, event, key::KeyState, legacy,
};
use tests::secrets::{BOT_TOKEN, KEYS};

use crate::keys::{acme, current, globex, key_of, refused, ring, scope as scope_of};
use crate::models::{Customer, IBAN, Iban, IbanBefore, MovingIban};

/// Everything that needs a key, on the ring in use and on a given one.
fn calls() -> Vec<(&'static str, Result<()>)> {
    let ring = ring();
    let iban = Iban::from(BOT_TOKEN);
    let (stored, sealed, bytes, sealed_bytes) = acme().run(|| {
        let text = (iban.to_stored_text().unwrap(), iban.seal_text().unwrap());
        (text.0, text.1, iban.to_stored().unwrap(), iban.seal().unwrap())
    });
    vec![
        ("to_stored", iban.to_stored().map(drop)),
        ("to_stored_with", iban.to_stored_with(&ring).map(drop)),
        ("to_stored_text", iban.to_stored_text().map(drop)),
        ("to_stored_text_with", iban.to_stored_text_with(&ring).map(drop)),
        ("seal", iban.seal().map(drop)),
        ("seal_with", iban.seal_with(&ring).map(drop)),
        ("seal_text", iban.seal_text().map(drop)),
        ("seal_text_with", iban.seal_text_with(&ring).map(drop)),
        ("to_stored_value", iban.to_stored_value().map(drop)),
        ("to_stored_value_with", iban.to_stored_value_with(&ring).map(drop)),
        ("from_stored", Iban::from_stored(bytes.clone()).map(drop)),
        ("from_stored_with", Iban::from_stored_with(&ring, bytes).map(drop)),
        ("from_stored_text", Iban::from_stored_text(stored.clone()).map(drop)),
        ("from_stored_text_with", Iban::from_stored_text_with(&ring, stored).map(drop)),
        ("open", Iban::open(&sealed_bytes).map(drop)),
        ("open_with", Iban::open_with(&ring, &sealed_bytes).map(drop)),
        ("open_text", Iban::open_text(&sealed).map(drop)),
        ("open_text_with", Iban::open_text_with(&ring, &sealed).map(drop)),
    ]
}

#[test]
fn without_a_scope_nothing_is_sealed_or_opened() {
    for (call, result) in calls() {
        let error: Error = result.expect_err(call);
        assert_eq!(
            (error.kind(), error.kind().family()),
            (ErrorKind::NoScope, ErrorFamily::Misuse),
            "{call}"
        );
        assert_eq!(error.column(), Some(IBAN), "{call}");
        assert_eq!(
            error.to_string(),
            "customers.iban: the field takes its keys from the scope that is entered, and none is; run this inside of \
             `Scope::run` or `Scope::enter`"
        );
    }
    for (call, result) in acme().run(calls) {
        assert!(result.is_ok(), "{call}: {result:?}");
    }
}

#[test]
fn a_scope_seals_under_its_key_and_opens_no_other() {
    let iban = Iban::from(BOT_TOKEN);
    for (scope, id, other) in [(acme(), "3", globex()), (globex(), "4", acme())] {
        let stored = scope.run(|| iban.to_stored_text()).unwrap();
        assert_eq!(key_of(&stored), id);
        assert_eq!(scope.run(|| Iban::from_stored_text(stored.clone())).unwrap(), iban);
        let given = scope.run(|| iban.to_stored_text_with(&ring())).unwrap();
        assert_eq!(key_of(&given), id);
        for result in [
            other.run(|| Iban::from_stored_text(stored.clone())),
            other.run(|| Iban::from_stored_text_with(&ring(), stored.clone())),
            Scope::default_scope().run(|| Iban::from_stored_text(stored.clone())),
            scope_of("initech").run(|| Iban::from_stored_text(stored.clone())),
        ] {
            assert_eq!(refused(result, IBAN), ErrorKind::ScopeMismatch);
        }
        // Nor where the field has a scope, and the tenant's is entered.
        let static_scope = scope.run(|| IbanBefore::from_stored_text(stored));
        assert_eq!(refused(static_scope, IBAN), ErrorKind::ScopeMismatch);
    }
    let missing = scope_of("initech").run(|| iban.to_stored_text()).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NoActiveKey);
    assert!(missing.to_string().contains(r#"scope "initech""#), "{missing}");
}

#[test]
fn the_default_scope_can_be_chosen_and_is_never_fallen_back_to() {
    acme();
    let default = Scope::default_scope();
    assert_eq!(default.name(), "");
    let stored = default.run(|| Iban::from(BOT_TOKEN).to_stored_text()).unwrap();
    assert_eq!(key_of(&stored), "1");
    assert!(default.run(|| Iban::from_stored_text(stored.clone())).is_ok());
    assert_eq!(refused(Iban::from_stored_text(stored.clone()), IBAN), ErrorKind::NoScope);
    assert_eq!(
        refused(acme().run(|| Iban::from_stored_text(stored)), IBAN),
        ErrorKind::ScopeMismatch
    );
}

/// A tenant whose name got lost does not share the keys of the default scope.
#[test]
fn a_name_that_is_empty_is_no_tenants() {
    crate::keys::install();
    let error = Scope::named("").expect_err("no tenant has this name");
    assert_eq!(
        (error.kind(), error.kind().family()),
        (ErrorKind::InvalidScope, ErrorFamily::Misuse)
    );
    assert!(error.to_string().contains("`Scope::default_scope()`"), "{error}");
    // Names are taken as they are; one without keys seals nothing.
    for name in ["x", " ", " acme", "acme ", "ACME", "\0", "ä", "\u{feff}"] {
        assert_eq!(scope_of(name).name(), name);
        let refused_to_seal = scope_of(name).run(|| Iban::from(BOT_TOKEN).to_stored_text());
        assert_eq!(refused(refused_to_seal, IBAN), ErrorKind::NoActiveKey);
    }
}

#[test]
fn scopes_nest_and_come_back_also_after_a_panic() {
    assert_eq!(current(), None);
    acme().run(|| {
        assert_eq!(current().as_deref(), Some("acme"));
        let stored = globex().run(|| {
            assert_eq!(current().as_deref(), Some("globex"));
            Iban::from(BOT_TOKEN).to_stored_text().unwrap()
        });
        assert_eq!(key_of(&stored), "4");
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            globex().run(|| resume_unwind(Box::new("inside of a scope")))
        }));
        assert!(panicked.is_err());
        assert_eq!(current().as_deref(), Some("acme"));
        assert_eq!(key_of(&Iban::from(BOT_TOKEN).to_stored_text().unwrap()), "3");
    });
    assert_eq!(current(), None);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        acme().run(|| resume_unwind(Box::new("inside of a scope")))
    }));
    assert!(panicked.is_err());
    assert_eq!(current(), None);
}

#[test]
fn a_scope_takes_its_keys_from_a_held_ring() {
    let scope = acme();
    let stored = scope.run(|| Iban::from(BOT_TOKEN).to_stored_text()).unwrap();
    let held = Keyring::builder().key(Key::new(7, KEYS[6]).scope("acme")).build().unwrap().hold();
    scope.run(|| {
        assert_eq!(key_of(&Iban::from(BOT_TOKEN).to_stored_text().unwrap()), "7");
        assert_eq!(refused(Iban::from_stored_text(stored.clone()), IBAN), ErrorKind::UnknownKey);
        drop(held);
        assert_eq!(key_of(&Iban::from(BOT_TOKEN).to_stored_text().unwrap()), "3");
        assert!(Iban::from_stored_text(stored.clone()).is_ok());
    });
}

#[test]
fn staleness_is_that_of_the_scope() {
    let scope = acme();
    let retired = Keyring::builder().key(Key::new(2, KEYS[1]).scope("acme")).build().unwrap();
    let (old, new) = scope.run(|| {
        let old = Iban::from(BOT_TOKEN).to_stored_text_with(&retired).unwrap();
        (old, Iban::from(BOT_TOKEN).to_stored_text().unwrap())
    });
    let read = |stored: &String| {
        let iban = scope.run(|| Iban::from_stored_text(stored.clone())).unwrap();
        Customer { iban, ..Customer::new(1, "acme") }
    };
    let (old, new) = (read(&old), read(&new));
    scope.run(|| {
        assert!(
            old.iban.is_stale()
                && old.is_any_stale()
                && !new.iban.is_stale()
                && !new.is_any_stale()
        );
        assert!(!old.iban.is_stale_with(&retired) && !old.is_any_stale_with(&retired));
        assert!(new.iban.is_stale_with(&retired) && new.is_any_stale_with(&retired));
    });
    // There is no key to compare with.
    assert!(!old.iban.is_stale() && !old.is_any_stale() && !old.iban.is_stale_with(&ring()));

    // Of a previous scope is known without.
    let before = IbanBefore::from(BOT_TOKEN).to_stored_text().unwrap();
    let moving = scope.run(|| MovingIban::from_stored_text(before)).unwrap();
    assert!(moving.is_stale() && moving.is_stale_with(&ring()));
}

/// A pending key is the next one of its own scope.
#[test]
fn a_pending_key_of_another_scope_is_not_the_next_one_here() {
    let key = |id: u32, scope: &str| Key::new(id, KEYS[id as usize]).scope(scope);
    let next = Keyring::builder().key(key(5, "globex")).build().unwrap();
    let now = [key(4, "globex"), key(5, "globex").state(KeyState::Pending), key(3, "acme")];
    let now = Keyring::builder().keys(now).build().unwrap();
    let iban = globex().run(|| {
        let stored = Iban::from(BOT_TOKEN).to_stored_text_with(&next).unwrap();
        Iban::from_stored_text_with(&now, stored).unwrap()
    });
    assert!(!globex().run(|| iban.is_stale_with(&now)));
    assert!(acme().run(|| iban.is_stale_with(&now)));
}

#[test]
fn double_encryption_is_found_in_the_scope_of_the_value() {
    let iban = Iban::from(BOT_TOKEN);
    let stored = acme().run(|| iban.to_stored_text()).unwrap();
    let again = Iban::from(stored.as_str());
    assert_eq!(refused(acme().run(|| again.to_stored_text()), IBAN), ErrorKind::DoubleEncryption);
    // Elsewhere it does not open, so it is a string like any other.
    assert!(globex().run(|| again.to_stored_text()).is_ok());

    let before = IbanBefore::from(BOT_TOKEN).to_stored_text().unwrap();
    let again = MovingIban::from(before.as_str());
    assert_eq!(refused(acme().run(|| again.to_stored_text()), IBAN), ErrorKind::DoubleEncryption);
}

#[derive(Encrypted)]
#[encrypted(context = "old.dynamic", scope = dynamic, legacy = plaintext)]
struct Old(Secret<String>);

#[test]
fn a_legacy_value_needs_a_scope_too() {
    let read = || Old::from_stored_text(BOT_TOKEN.to_owned());
    assert_eq!(refused(read(), "old.dynamic"), ErrorKind::NoScope);
    let old = acme().run(read).unwrap();
    assert!(old.is_legacy() && old.is_stale());
    legacy::close::<Old>();
    assert_eq!(refused(acme().run(read), "old.dynamic"), ErrorKind::LegacyClosed);
    assert_eq!(refused(read(), "old.dynamic"), ErrorKind::NoScope);
}

#[derive(Encrypted)]
#[encrypted(context = "events.dynamic", scope = dynamic, previous_scope = "globex")]
struct Watched(Secret<String>);

#[test]
fn events_tell_what_a_scope_lacks_and_what_is_of_a_previous_one() {
    use std::sync::Mutex;
    static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
    event::set_hook(|event| match event {
        event::Event::OpenFailed { column: "events.dynamic", kind, .. } => {
            SEEN.lock().unwrap().push(format!("{kind:?}"));
        }
        event::Event::StaleRead { column: "events.dynamic", key_id, .. } => {
            SEEN.lock().unwrap().push(format!("stale {key_id}"));
        }
        _ => {}
    });
    let stored = globex().run(|| Watched::from(BOT_TOKEN).to_stored_text()).unwrap();
    let read = || Watched::from_stored_text(stored.clone());
    assert!(read().is_err() && acme().run(read).unwrap().is_stale());
    // The present scope is no previous one.
    assert!(!globex().run(read).unwrap().is_stale());
    assert_eq!(*SEEN.lock().unwrap(), ["NoScope", "stale 4"]);
}

#[test]
fn the_model_tells_what_is_dynamic() {
    let [iban, note] = Customer::FIELDS else { panic!("two fields") };
    assert!(iban.dynamic_scope && note.dynamic_scope && iban.scope.is_empty());
    assert!(iban.previous_scopes.is_empty());
    assert_eq!((MovingIban::PREVIOUS_SCOPES, MovingIban::DYNAMIC_SCOPE), (&[""][..], true));
    assert_eq!((IbanBefore::PREVIOUS_SCOPES, IbanBefore::DYNAMIC_SCOPE), (&[][..], false));
}
