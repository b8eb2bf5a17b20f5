//! Other structs over the same columns use the declared types and annotate nothing.

#![deny(warnings)]

use diesel::prelude::*;
use encrypted_field::Encrypted;

diesel::table! {
    users (id) {
        id -> Integer,
        token -> Text,
        secret -> Nullable<Binary>,
    }
}

#[derive(Debug, Queryable, Selectable, Identifiable, AsChangeset, Insertable, Encrypted)]
#[diesel(table_name = users)]
pub struct User {
    pub id: i32,
    #[encrypted(String)]
    pub token: Token,
    #[encrypted(Vec<u8>)]
    pub secret: Option<Secret>,
}

#[derive(Insertable)]
#[diesel(table_name = users)]
pub struct NewUser<'a> {
    pub token: &'a Token,
    pub secret: Option<&'a Secret>,
}

#[derive(Insertable)]
#[diesel(table_name = users)]
pub struct NewOwned {
    pub token: Token,
}

#[derive(AsChangeset)]
#[diesel(table_name = users)]
pub struct Change {
    pub token: Option<Token>,
    pub secret: Option<Option<Secret>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct Brief {
    pub token: Token,
}

#[derive(sqlx::FromRow)]
pub struct Row {
    pub token: Token,
    pub secret: Option<Secret>,
}

#[test]
fn runs() {
    let token = Token::from("t");
    let _ = diesel::insert_into(users::table).values(NewUser { token: &token, secret: None });
    let _ = diesel::insert_into(users::table).values(vec![NewOwned { token: token.clone() }]);
    let _ = diesel::update(users::table).set(Change { token: None, secret: Some(None) });
    let _ = diesel::update(users::table.find(1)).set(users::token.eq(&token));
    let _ = diesel::update(users::table.find(1)).set(users::secret.eq(None::<Secret>));
    let brief = users::table.select(Brief::as_select()).filter(users::secret.is_null());
    assert!(diesel::debug_query::<diesel::pg::Pg, _>(&brief).to_string().contains("token"));
}
