//! One struct declares a type, the others use it.

use diesel::prelude::*;
use encrypted_field::{Encrypted, Secret};

diesel::table! { users (id) { id -> Integer, token -> Text, } }

#[derive(Queryable, Encrypted)]
#[diesel(table_name = users)]
struct User {
    #[encrypted(String)]
    token: Token,
}

#[derive(Insertable, Encrypted)]
#[diesel(table_name = users)]
struct NewUser {
    #[encrypted(String)]
    token: Token,
}

#[derive(Encrypted)]
#[encrypted(table = "accounts")]
struct Account {
    #[encrypted(String)]
    token: Option<Token>,
}

#[derive(Encrypted)]
#[encrypted(context = "shared.secret")]
struct Shared(Secret<String>);

#[derive(Encrypted)]
#[encrypted(table = "vaults")]
struct Vault {
    #[encrypted(String)]
    secret: Shared,
}

// No error follows here.
fn uses(new: &NewUser, account: Account) -> (&str, Option<Token>) {
    (&new.token, account.token)
}

fn main() {}
