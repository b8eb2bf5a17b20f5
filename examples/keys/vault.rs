//! Data keys that Vault wraps (Transit) and keeps (KV version 2): `cargo run -p key-examples
//! --example vault`
//!
//! By itself it runs against a stand-in for Vault, in this process. With `VAULT_ADDR` and
//! `VAULT_TOKEN` it uses that server, which should be one to be thrown away: `vault server -dev
//! -dev-root-token-id=root`, and the address `http://127.0.0.1:8200`.

use encrypted_field::envelope::{Clock, KeyManager};
use encrypted_field::{EncryptedModel as _, Error};
use encrypted_field_vault::{Vault, VaultAuth, VaultKv, VaultSecret, VaultTransit};
use key_examples::{DAY, MINUTE, Result, WithoutClock, title};
use sqlx::SqlitePool;
use vault_tests::Place;

#[tokio::main]
async fn main() -> Result {
    title(
        "1. What an operator sets up in Vault: a Transit key, a KV engine, an AppRole that may use both",
    );
    let mut place = Place::real_or_stand_in().await;
    let (role_mount, role_id, secret_id) = place.app_role().await;
    match &place.stand_in {
        Some(_) => {
            println!("   A STAND-IN for Vault, as VAULT_ADDR and VAULT_TOKEN are not both set");
        }
        None => {
            println!("   Vault at {} (VAULT_ADDR); what is made there stays:", place.admin.address);
        }
    }
    println!(
        "   Transit key {}/app, engine {}, role auth/{role_mount}/role/app and its policy",
        place.transit, place.kv
    );

    title(
        "2. The process logs in as that role; one login serves the key-encryption key and the store",
    );
    // In production `VaultSecret::file("/run/secrets/vault-secret-id")`, and
    // `.ca_certificate("/etc/vault/ca.pem")` for the server.
    let auth = VaultAuth::app_role(role_id, VaultSecret::new(secret_id)).mount(role_mount);
    let vault = Vault::builder(&place.admin.address, auth).build()?;
    let kek = VaultTransit::new(&vault, "app")?.mount(&place.transit)?;
    let store = VaultKv::new(&vault, "app/data-keys")?.mount(&place.kv)?;
    let clock = Clock::manual(key_examples::start());
    // So that 90 days take no time: Vault's own clock would contradict one that is set by hand.
    let (kek, store) = (WithoutClock(kek), WithoutClock(store));
    let keys =
        KeyManager::builder("production", store).kek("vault", kek).clock(clock.clone()).build()?;
    println!("   {keys:?}");

    title(
        "3. Once, an operator makes the first data key. Vault wraps it; what is stored is of no use without Vault",
    );
    let first = keys.initialize().await?;
    println!("   key {first}");

    title(
        "4. At each start: load the keys, and use them for every encrypted field of this process",
    );
    keys.install().await?;
    key_examples::status(&keys);

    title("5. The application writes and reads, and knows nothing of all this");
    let db = key_examples::connect().await?;
    key_examples::insert(&db, 1, "acme", "xoxb-acme-token").await?;
    println!("   stored: {}", key_examples::stored(&db).await?[0]);
    show_rows(&db).await?;

    rotate(&keys, &clock, &db).await?;
    outage(&mut place, &keys, &clock, &db).await
}

async fn rotate(keys: &KeyManager, clock: &Clock, db: &SqlitePool) -> Result {
    title(
        "6. 90 days later the policy wants a new key: it is published, and no process seals with it yet",
    );
    // `load` and `maintain` are what the thread that `install` has started does every 5 minutes.
    // Any number of processes may: one of them rotates.
    clock.advance(90 * DAY);
    keys.load().await?;
    key_examples::maintenance(&keys.maintain().await?);

    title(
        "7. 71 minutes later every process has it: it becomes active, and the one before it is retired",
    );
    clock.advance(71 * MINUTE);
    keys.load().await?;
    key_examples::maintenance(&keys.maintain().await?);
    key_examples::status(keys);

    title("8. New rows are under the new key, old rows open and know that they are stale");
    key_examples::insert(db, 2, "globex", "xoxb-globex-token").await?;
    show_rows(db).await
}

async fn outage(place: &mut Place, keys: &KeyManager, clock: &Clock, db: &SqlitePool) -> Result {
    let Some(server) = &mut place.stand_in else {
        title("9. An outage: not shown, because this Vault is not ours to stop");
        return Ok(());
    };
    title("9. Vault is down: keys can't be refreshed, and rows are read and written as before");
    server.down();
    let error = keys.load().await.err().ok_or("Vault is down, and the keys were loaded")?;
    println!("   refreshing: {error}");
    clock.advance(40 * MINUTE);
    key_examples::insert(db, 3, "initech", "xoxb-initech-token").await?;
    println!("   40 minutes later:");
    show_rows(db).await?;

    title(
        "10. After 60 minutes (`CachePolicy::max_age`) it fails closed, and says since when and why",
    );
    clock.advance(21 * MINUTE);
    let error = key_examples::load(db).await.err().ok_or("expired keys were used")?;
    let error = Error::find(&error).ok_or("not an error of ours")?;
    println!("   reading: {error}");
    println!("   worth trying again: {}", error.is_retryable());

    title("11. Vault is back: the next refresh mends it, without a restart");
    server.up();
    keys.load().await?;
    show_rows(db).await
}

async fn show_rows(db: &SqlitePool) -> Result {
    for row in key_examples::load(db).await? {
        let key = row.bot_token.key_id().ok_or("it was never stored")?;
        let stale = if row.is_any_stale() { ", stale" } else { "" };
        println!(
            "   {}: a token of {} characters, under key {key}{stale}",
            row.org_id,
            row.bot_token.len()
        );
    }
    Ok(())
}
