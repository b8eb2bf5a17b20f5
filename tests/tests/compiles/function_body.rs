//! Inside of functions and blocks, with types that exist only there.

#![deny(warnings)]

use diesel::prelude::*;
use encrypted_field::{Encrypted, EncryptedModel, Secret};

diesel::table! {
    users (id) {
        id -> Integer,
        token -> Text,
    }
}

#[test]
fn runs() {
    #[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Address;

    fn read(_: &[u8]) -> Result<Address, std::fmt::Error> {
        Ok(Address)
    }

    #[derive(Debug, Queryable, Insertable, Encrypted)]
    #[diesel(table_name = users)]
    struct Local {
        #[encrypted(String)]
        token: Token,
    }

    #[derive(Encrypted)]
    #[encrypted(table = "homes")]
    struct Inhabited {
        #[encrypted(json = Address, legacy = read)]
        home: Home,
    }

    #[derive(Encrypted)]
    #[encrypted(context = "a.b")]
    struct Newtype(Secret<String>);

    let outer = Local { token: "t".into() };
    {
        #[derive(Encrypted)]
        #[encrypted(table = "inner")]
        struct Local {
            #[encrypted(i64)]
            token: Token,
        }
        let inner = Local { token: 7.into() };
        assert_eq!(*inner.token, 7);
    }
    assert_eq!(&*outer.token, "t");
    let newtype = Newtype::from("n");
    let home = Inhabited { home: Address.into() };
    assert!(!home.is_any_stale() && newtype.len() == 1);
}
