//! What is no primary key.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users", primary_key = "id")]
struct User {
    id: i64,
    #[encrypted(String)]
    user_token: UserToken,
}

#[derive(Encrypted)]
#[encrypted(table = "teams", primary_key(team_id, id, id, team_token))]
struct Team {
    id: i64,
    #[encrypted(String)]
    team_token: TeamToken,
}

fn main() {}
