//! The keys of these tests, and short ways to use them.

use std::sync::Once;

use encrypted_field::{Error, ErrorKind, Key, Keyring, Scope, key::KeyState};
use tests::secrets::KEYS;

/// The default scope has key 1, "acme" 3 (and 2, retired), "globex" 4.
pub fn ring() -> Keyring {
    let keys = [
        Key::new(1, KEYS[0]),
        Key::new(2, KEYS[1]).scope("acme").state(KeyState::Retired),
        Key::new(3, KEYS[2]).scope("acme"),
        Key::new(4, KEYS[3]).scope("globex"),
    ];
    Keyring::builder().keys(keys).build().expect("a ring")
}

/// As [`ring`], before the rotation of "acme".
pub fn before() -> Keyring {
    Keyring::builder().key(Key::new(2, KEYS[1]).scope("acme")).build().expect("a ring")
}

pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| encrypted_field::install(ring()).expect("no ring was installed before"));
}

pub fn acme() -> Scope {
    install();
    Scope::named("acme").expect("a name")
}

pub fn globex() -> Scope {
    install();
    Scope::named("globex").expect("a name")
}

/// The scope of this name, `""` for the default one.
pub fn scope(name: &str) -> Scope {
    match name {
        "" => Scope::default_scope(),
        name => Scope::named(name).expect("a name"),
    }
}

/// The scope that is entered here.
pub fn current() -> Option<String> {
    Scope::current().map(|scope| scope.name().to_owned())
}

/// The kind of this library's error inside of another, which must name the column.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(
    result: Result<T, impl std::error::Error + 'static>,
    column: &str,
) -> ErrorKind {
    let error = result.expect_err("refused");
    let error = Error::find(&error).unwrap_or_else(|| panic!("not of this library: {error}"));
    assert_eq!(error.column(), Some(column));
    error.kind()
}

/// The id that a stored text begins with.
pub fn key_of(stored: &str) -> &str {
    stored.split(':').nth(1).expect("a stored value")
}
