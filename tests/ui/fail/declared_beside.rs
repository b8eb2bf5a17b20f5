//! A type that stands beside the struct already, before or after it.

use encrypted_field::{Encrypted, Secret};

#[derive(Encrypted)]
#[encrypted(context = "users.token")]
struct Token(Secret<String>);

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String)]
    token: Token,
    #[encrypted(String)]
    api_key: Option<ApiKey>,
    #[encrypted(String)]
    role: Role,
}

/// For all tables.
#[derive(Encrypted)]
#[encrypted(scope = "keys", context = "keys.api_key")]
pub struct ApiKey(Secret<String>);

enum Role {
    Admin,
}

// No error follows here.
fn uses(user: User) -> (Token, Option<ApiKey>, Role) {
    (user.token, user.api_key, user.role)
}

fn main() {
    let _ = Role::Admin;
}
