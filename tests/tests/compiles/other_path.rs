//! The library under another path.

#![deny(warnings)]

mod reexports {
    pub use encrypted_field as secrets;
}

mod encrypted_field_is_not_here {
    use super::reexports::secrets::{self, Encrypted};

    #[derive(Encrypted)]
    #[encrypted(table = "users", crate = super::reexports::secrets)]
    pub struct User {
        #[encrypted(String, serialize = "sealed")]
        pub token: Token,
    }

    #[derive(Encrypted)]
    #[encrypted(context = "users.other", crate = secrets)]
    pub struct Other(secrets::Secret<String>);
}

#[test]
fn runs() {
    use encrypted_field_is_not_here::{Other, User};
    let user = User { token: "t".into() };
    assert_eq!(*user.token, *Other::from("t"));
}
