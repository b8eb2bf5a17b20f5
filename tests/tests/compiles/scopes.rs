//! Keys of a scope, of the scope that is entered, and of those before, in models and newtypes.

#![deny(warnings)]

use encrypted_field::{Encrypted, EncryptedField, EncryptedModel, Secret};

#[derive(Encrypted)]
#[encrypted(table = "users")]
pub struct User {
    #[encrypted(String, scope = "slack", previous_scope = "")]
    pub token: Token,
    #[encrypted(Vec<u8>, scope = dynamic)]
    pub key: Option<Key>,
    #[encrypted(i64, scope = dynamic, previous_scope = "", previous_scope = "slack")]
    pub number: Number,
    // Types with the names of the library's.
    #[encrypted(String, scope = dynamic)]
    pub scope: Scope,
}

#[derive(Encrypted)]
#[encrypted(context = "users.name", scope = dynamic, previous_scope = "dynamic")]
pub struct Name(Secret<String>);

/// By a macro, which passes the word on.
macro_rules! declare {
    ($name:ident, $scope:tt) => {
        #[derive(Encrypted)]
        #[encrypted(context = "users.declared", scope = $scope)]
        pub struct $name(Secret<String>);
    };
}
declare!(Dynamic, dynamic);
declare!(Static, "slack");

#[test]
fn runs() {
    assert_eq!((Token::SCOPE, Token::DYNAMIC_SCOPE, Token::PREVIOUS_SCOPES), ("slack", false, &[""][..]));
    assert_eq!((Key::DYNAMIC_SCOPE, Key::PREVIOUS_SCOPES), (true, &[][..]));
    assert_eq!((Number::DYNAMIC_SCOPE, Number::PREVIOUS_SCOPES), (true, &["", "slack"][..]));
    assert_eq!((Name::DYNAMIC_SCOPE, Name::PREVIOUS_SCOPES), (true, &["dynamic"][..]));
    assert!(Dynamic::DYNAMIC_SCOPE && !Static::DYNAMIC_SCOPE && Static::SCOPE == "slack");
    assert!(User::FIELDS[1..].iter().all(|field| field.dynamic_scope) && !User::FIELDS[0].dynamic_scope);
    let user = User { token: "x".into(), key: None, number: 1.into(), scope: "x".into() };
    assert!(!user.is_any_stale());
}
