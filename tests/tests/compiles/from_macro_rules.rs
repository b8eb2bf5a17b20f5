//! Models that come out of a macro.

#![deny(warnings)]

use encrypted_field::EncryptedModel;

pub mod reexported {
    pub use encrypted_field as library;
}

macro_rules! model {
    ($name:ident, $table:literal, $field:ident: $declared:ty, $plain:ty, $read:path) => {
        #[derive(encrypted_field::Encrypted)]
        #[encrypted(table = $table, crate = $crate::from_macro_rules::reexported::library)]
        pub struct $name {
            #[encrypted($plain, legacy = $read)]
            pub $field: $declared,
            #[encrypted(json = $plain, context = $table)]
            pub fixed: Option<Fixed>,
        }
    };
}

/// In a module of its own, so that `Fixed` is declared once.
mod from_macro {
    model!(User, "users", token: Token, String, super::read);
}
mod optional {
    model!(User, "accounts", token: Option<Token>, Vec<u8>, super::read_bytes);
}

fn read(stored: &[u8]) -> Result<String, std::string::FromUtf8Error> {
    String::from_utf8(stored.to_vec())
}

fn read_bytes(stored: &[u8]) -> Result<Vec<u8>, std::convert::Infallible> {
    Ok(stored.to_vec())
}

#[test]
fn runs() {
    let user = from_macro::User { token: "t".into(), fixed: None };
    let optional = optional::User { token: Some(vec![1].into()), fixed: Some(vec![2].into()) };
    assert!(!user.is_any_stale() && !optional.is_any_stale());
    assert_eq!(from_macro::User::FIELDS[0].context, "users.token");
    assert_eq!(optional::User::FIELDS[1].context, "accounts");
}
