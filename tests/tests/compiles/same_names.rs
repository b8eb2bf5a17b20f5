//! Types of one name, where each has a scope of its own.

#![deny(warnings)]

use encrypted_field::Encrypted;

mod users {
    use super::Encrypted;

    #[derive(Encrypted)]
    #[encrypted(table = "users")]
    pub(super) struct User {
        #[encrypted(String)]
        pub(super) token: Token,
    }

    pub(super) mod archive {
        // Its own type hides the one from above.
        use super::*;

        #[derive(Encrypted)]
        #[encrypted(table = "archive")]
        pub(crate) struct Archived {
            #[encrypted(i64)]
            pub(crate) token: Token,
        }
    }
}

macro_rules! each_in_a_module {
    ($($module:ident { $model:item })*) => {
        $(mod $module { use super::Encrypted; $model })*
    };
}

each_in_a_module! {
    first {
        #[derive(Encrypted)]
        #[encrypted(table = "first")]
        pub(super) struct First { #[encrypted(String)] pub(super) token: Token }
    }
    second {
        #[derive(Encrypted)]
        #[encrypted(table = "second")]
        pub(super) struct Second { #[encrypted(String)] pub(super) token: Token }
    }
}

#[cfg(test)]
#[derive(Encrypted)]
#[encrypted(table = "accounts")]
struct Account {
    #[encrypted(String)]
    token: Token,
}

#[cfg(not(test))]
#[derive(Encrypted)]
#[encrypted(table = "accounts")]
struct OtherAccount {
    #[encrypted(String)]
    token: Token,
}

#[test]
fn runs() {
    #[derive(Encrypted)]
    #[encrypted(table = "local")]
    struct Local {
        #[encrypted(Vec<u8>)]
        token: Token,
    }

    let user = users::User { token: "t".into() };
    let archived = users::archive::Archived { token: 7.into() };
    let first = first::First { token: "t".into() };
    let second = second::Second { token: "t".into() };
    let account = Account { token: "t".into() };
    let local = Local { token: vec![1].into() };
    assert_eq!([user.token.len(), first.token.len(), second.token.len()], [1; 3]);
    assert!(account.token.len() == local.token.len() && *archived.token == 7);
}
