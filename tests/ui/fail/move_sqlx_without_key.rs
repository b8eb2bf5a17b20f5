//! A row whose primary key is not known, through SQLx.

use encrypted_field::{Encrypted, EncryptedModel as _};
use sqlx::PgPool;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    name: String,
    #[encrypted(String)]
    token: Token,
}

fn main() {}

async fn moves(user: &User, db: &PgPool) -> sqlx::Result<bool> {
    user.move_stale_sqlx(db).await
}
