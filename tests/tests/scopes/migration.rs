//! `previous_scope`: values move from the default scope to those of the tenants, and between scopes
//! with names.

use encrypted_field::{Encrypted, ErrorKind, Secret};
use tests::secrets::BOT_TOKEN;

use crate::keys::{acme, globex, install, key_of, refused};

#[derive(Encrypted)]
#[encrypted(context = "tokens.token")]
struct First(Secret<String>);

#[derive(Encrypted)]
#[encrypted(context = "tokens.token", scope = "acme", previous_scope = "")]
struct Second(Secret<String>);

#[derive(Encrypted)]
#[encrypted(
    context = "tokens.token",
    scope = "globex",
    previous_scope = "acme",
    previous_scope = ""
)]
struct Third(Secret<String>);

/// `previous_context` at the same time.
#[derive(Encrypted)]
#[encrypted(context = "credentials.token", scope = "globex")]
#[encrypted(previous_context = "tokens.token", previous_scope = "acme")]
struct Moved(Secret<String>);

#[test]
fn values_move_from_scope_to_scope() {
    install();
    let first = First::from(BOT_TOKEN).to_stored_text().unwrap();
    let second = Second::from_stored_text(first.clone()).unwrap();
    assert!(second.is_stale() && &*second == BOT_TOKEN);
    assert_eq!(second.key_id().map(|id| id.get()), Some(1));
    let second = second.to_stored_text().unwrap();
    assert_eq!(key_of(&second), "3");
    assert!(!Second::from_stored_text(second.clone()).unwrap().is_stale());

    for stored in [&first, &second] {
        let third = Third::from_stored_text(stored.clone()).unwrap();
        assert!(third.is_stale());
        let third = third.to_stored_text().unwrap();
        assert_eq!(key_of(&third), "4");
        // Not the way back.
        for result in [
            Second::from_stored_text(third.clone()).map(drop),
            First::from_stored_text(third).map(drop),
        ] {
            assert_eq!(refused(result, "tokens.token"), ErrorKind::ScopeMismatch);
        }
    }

    assert!(Moved::from_stored_text(second).unwrap().is_stale());
    assert_eq!(
        refused(Moved::from_stored_text(first).map(drop), "credentials.token"),
        ErrorKind::ScopeMismatch
    );
}

/// A previous scope is one of the field, and none that is entered stands in for it.
#[test]
fn entering_a_scope_changes_nothing_for_a_field_that_has_one() {
    let first = First::from(BOT_TOKEN).to_stored_text();
    for scope in [acme(), globex()] {
        scope.run(|| {
            assert_eq!(key_of(&First::from(BOT_TOKEN).to_stored_text().unwrap()), "1");
            assert_eq!(key_of(&Second::from(BOT_TOKEN).to_stored_text().unwrap()), "3");
            assert!(
                First::from_stored_text(first.as_ref().unwrap().clone())
                    .is_ok_and(|first| !first.is_stale())
            );
        });
    }
}
