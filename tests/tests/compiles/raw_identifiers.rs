//! Fields, types and columns that are named by keywords.

#![deny(warnings)]

use diesel::prelude::*;
use encrypted_field::{Encrypted, EncryptedModel};

diesel::table! {
    users (id) {
        id -> Integer,
        r#type -> Text,
        #[sql_name = "match"]
        match_ -> Text,
    }
}

#[derive(Debug, Queryable, Insertable, Encrypted)]
#[diesel(table_name = users)]
pub struct Model {
    #[encrypted(String)]
    pub r#type: Type,
    #[encrypted(String, context = "users.match")]
    #[diesel(column_name = match_)]
    pub r#match: Option<r#Match>,
}

mod other {
    use encrypted_field::Encrypted;

    #[derive(Encrypted)]
    #[encrypted(table = "others")]
    pub struct r#Other {
        #[encrypted(String)]
        pub r#async: r#Async,
    }
}

#[test]
fn runs() {
    let contexts: Vec<&str> = Model::FIELDS.iter().map(|f| f.context).collect();
    assert_eq!(contexts, ["users.type", "users.match"]);
    assert_eq!(Model::FIELDS[1].column, "match");
    assert_eq!(other::Other::FIELDS[0].context, "others.async");
}
