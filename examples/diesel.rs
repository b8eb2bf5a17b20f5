//! The shortest honest Diesel application: `ENCRYPTED_FIELD_KEYS=1:$(openssl rand -base64 32) cargo
//! run --example diesel`

use diesel::prelude::*;
use encrypted_field::Encrypted;

diesel::table! {
    slack_connections (id) {
        id -> Integer,
        org_id -> Text,
        bot_token -> Text,
    }
}

#[derive(Debug, Queryable, Selectable, Insertable, Identifiable, AsChangeset, Encrypted)]
#[diesel(table_name = slack_connections)]
struct SlackConnection {
    id: i32,
    org_id: String,
    #[encrypted(String)]
    bot_token: BotToken,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Fails here if the keys are missing or wrong, not at the first query.
    encrypted_field::install(encrypted_field::Keyring::from_env()?)?;

    let db = &mut SqliteConnection::establish(":memory:")?;
    diesel::sql_query("CREATE TABLE slack_connections (id INTEGER PRIMARY KEY NOT NULL, org_id TEXT NOT NULL, bot_token TEXT NOT NULL)")
        .execute(db)?;

    let connection =
        SlackConnection { id: 1, org_id: "acme".into(), bot_token: "xoxb-1234".into() };
    diesel::insert_into(slack_connections::table).values(&connection).execute(db)?;

    let read: SlackConnection =
        slack_connections::table.find(1).select(SlackConnection::as_select()).first(db)?;
    println!("{read:?}"); // BotToken([encrypted])
    println!("the token has {} characters", read.bot_token.len()); // it derefs to &str
    Ok(())
}
