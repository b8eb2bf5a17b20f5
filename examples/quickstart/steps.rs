//! The tour, step by step.

use std::error::Error as StdError;

use diesel::prelude::*;
use encrypted_field::{
    EncryptedFieldExt, EncryptedModel, Error, ErrorKind, Keyring, generate_key, install,
};
use sqlx::Connection as _;

use crate::model::{BotToken, SigningSecret, SlackConnection, slack_connections};

type Result<T = ()> = std::result::Result<T, Box<dyn StdError>>;

fn title(text: &str) {
    println!("\n== {text}");
}

pub fn make_a_key() -> Result<[u8; 32]> {
    title("1. A key, 32 random bytes, becomes the active key 1 of this process");
    let key = generate_key()?;
    install(Keyring::builder().active(1, key).build()?)?;
    println!(
        "   (in production: ENCRYPTED_FIELD_KEYS, a key file, or a key service; here it lives until the end)"
    );
    Ok(key)
}

pub fn create_the_table(db: &mut SqliteConnection) -> Result {
    title("2. The table: encrypted columns are plain TEXT");
    let sql = "CREATE TABLE slack_connections (
        id INTEGER PRIMARY KEY NOT NULL,
        org_id TEXT NOT NULL,
        bot_token TEXT NOT NULL CHECK (bot_token LIKE 'ef1:%'),
        signing_secret TEXT CHECK (signing_secret LIKE 'ef1:%')
    )";
    println!("   {sql}");
    diesel::sql_query(sql).execute(db)?;
    Ok(())
}

pub fn insert_through_diesel(db: &mut SqliteConnection) -> Result {
    title("3. Insert through Diesel, as if nothing were encrypted");
    let rows = [
        SlackConnection {
            id: 1,
            org_id: "acme".into(),
            bot_token: "xoxb-acme-token".into(),
            signing_secret: Some("acme-secret".into()),
        },
        SlackConnection {
            id: 2,
            org_id: "globex".into(),
            bot_token: "xoxb-globex-token".into(),
            signing_secret: None,
        },
    ];
    diesel::insert_into(slack_connections::table).values(&rows).execute(db)?;
    println!("   {:?}", rows[0]);
    Ok(())
}

pub fn look_at_the_raw_column(db: &mut SqliteConnection) -> Result {
    title("4. What the database holds: key id 1, then ciphertext; NULL stays NULL");
    let raw: Vec<(i32, String, Option<String>)> = slack_connections::table
        .select((
            slack_connections::id,
            slack_connections::bot_token,
            slack_connections::signing_secret,
        ))
        .load(db)?;
    for (id, bot_token, signing_secret) in raw {
        println!("   {id} | {bot_token} | {}", signing_secret.as_deref().unwrap_or("NULL"));
    }
    Ok(())
}

pub fn read_through_sqlx(file: &str) -> Result {
    title("5. Read the same rows through SQLx: the plaintext is back");
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let rows: Vec<SlackConnection> = runtime.block_on(async {
        let mut db = sqlx::SqliteConnection::connect(file).await?;
        sqlx::query_as("SELECT * FROM slack_connections ORDER BY id").fetch_all(&mut db).await
    })?;
    for row in rows {
        // A field derefs to its plaintext. Printing one takes this star: Debug alone does not show
        // it.
        println!("   {} | {} | {:?}", row.org_id, &*row.bot_token, row.signing_secret.as_deref());
    }
    Ok(())
}

pub fn rotate_the_key(key_1: [u8; 32]) -> Result {
    title("6. Rotate: key 2 becomes active, key 1 stays to read old rows");
    install(Keyring::builder().active(2, generate_key()?).retired(1, key_1).build()?)?;
    Ok(())
}

pub fn old_rows_are_stale(db: &mut SqliteConnection) -> Result {
    title("7. Old rows still open, and know that they are stale");
    for row in load(db)? {
        println!("   {}: key {}, stale: {}", row.org_id, key(&row), row.is_any_stale());
    }
    Ok(())
}

pub fn a_rewrite_moves_them(db: &mut SqliteConnection) -> Result {
    title("8. Writing a stale row back moves it to the active key");
    for row in load(db)?.iter().filter(|row| row.is_any_stale()) {
        diesel::update(row).set(row).execute(db)?;
    }
    for row in load(db)? {
        println!("   {}: key {}, stale: {}", row.org_id, key(&row), row.is_any_stale());
    }
    Ok(())
}

pub fn what_is_refused(db: &mut SqliteConnection) -> Result {
    title("9. What is refused, and how it says so");
    let raw: String =
        slack_connections::table.find(1).select(slack_connections::bot_token).first(db)?;

    let mut flipped = raw.clone().into_bytes();
    let middle = flipped.len() / 2;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped)?;
    diesel::update(slack_connections::table.find(2))
        .set(slack_connections::signing_secret.eq(Some(&raw)))
        .execute(db)?;
    let moved = load(db).err().ok_or("a moved ciphertext opened")?;
    let moved = Error::find(&*moved).ok_or("not an error of ours")?;
    println!("   a token moved to another column:  {moved}");
    assert_eq!(moved.kind(), ErrorKind::Authentication);

    let damaged = BotToken::from_stored_text(flipped).err().ok_or("a flipped character opened")?;
    println!("   a flipped character:              {damaged}");

    let wrong = Keyring::builder().active(2, generate_key()?).build()?;
    let wrong_key =
        BotToken::from_stored_text_with(&wrong, raw).err().ok_or("a wrong key opened")?;
    println!("   a wrong key under the right id:   {wrong_key}");
    let conflict = install(wrong).err().ok_or("a wrong key was installed")?;
    println!("   …and already when it is loaded:   {conflict}");

    let twice = SigningSecret::from(&*SigningSecret::from("secret").to_stored_text()?);
    let twice = twice.to_stored_text().err().ok_or("a stored value was encrypted again")?;
    println!("   encrypting what is encrypted:     {twice}");
    Ok(())
}

fn load(db: &mut SqliteConnection) -> Result<Vec<SlackConnection>> {
    let query =
        slack_connections::table.order(slack_connections::id).select(SlackConnection::as_select());
    Ok(query.load(db)?)
}

fn key(row: &SlackConnection) -> String {
    row.bot_token.key_id().map_or("none".into(), |id| id.to_string())
}
