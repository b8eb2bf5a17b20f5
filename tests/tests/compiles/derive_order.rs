//! The derives stand in any order, and their attributes may come through `cfg_attr`.

#![deny(warnings)]

use diesel::prelude::*;
use encrypted_field::{Encrypted, EncryptedModel};

mod schema {
    diesel::table! {
        users (id) {
            id -> Integer,
            #[sql_name = "type"]
            type_ -> Text,
            token -> Text,
        }
    }
}

mod first {
    use super::*;

    #[derive(Encrypted)]
    #[derive(Debug, Queryable, Selectable)]
    #[cfg_attr(all(), diesel(table_name = super::schema::users, check_for_backend(diesel::pg::Pg)))]
    #[cfg_attr(any(), encrypted(table = "other"))]
    pub(crate) struct User {
        #[cfg_attr(all(), encrypted(String, context = "users.type"))]
        #[cfg_attr(all(), diesel(column_name = type_))]
        pub(crate) kind: Kind,
        #[cfg(any())]
        #[encrypted(String)]
        gone: Gone,
    }
}

mod last {
    use super::*;

    #[derive(Insertable, encrypted_field::Encrypted)]
    #[diesel(table_name = schema::users)]
    pub struct User {
        #[encrypted(String)]
        pub token: Token,
    }
}

#[test]
fn runs() {
    let infos = <first::User as EncryptedModel>::FIELDS;
    assert_eq!((infos[0].context, infos[0].column), ("users.type", "type"));
    let last = last::User { token: "t".into() };
    let first = first::User { kind: "k".into() };
    assert!(!last.is_any_stale() && !first.is_any_stale() && first.kind.len() == last.token.len());
}
