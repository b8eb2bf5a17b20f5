//! Data keys that AWS KMS wraps in two regions, kept in a table of the application's own database:
//! `cargo run -p key-examples --example aws_kms`
//!
//! It runs against stand-ins for KMS, in this process. An application makes its clients with the
//! crate `aws-config`, which finds credentials as all of AWS's tools do, and leaves out the
//! endpoint:
//!
//! ```text
//! async fn kms(region: &'static str) -> aws_sdk_kms::Client {
//!     let config = aws_config::defaults(BehaviorVersion::latest()).region(region).load().await;
//!     aws_sdk_kms::Client::new(&config)
//! }
//! ```
//!
//! Each region has a key of its own, here under the alias `alias/app`. They need not know of each
//! other: a multi-Region key, whose replicas have the same bytes, is not needed.

use aws_tests::stub::{Answer, Stub};
use encrypted_field::envelope::sql::{Dialect, SqlxStore};
use encrypted_field::envelope::{Clock, Consistency, KeyManager, KeyManagerBuilder, LocalKek};
use encrypted_field::event::{self, Event};
use encrypted_field::{EncryptedFieldExt as _, generate_key, key::Purpose};
use encrypted_field_aws::AwsKms;
use key_examples::{BotToken, Result, title};
use sqlx::SqlitePool;

const EU: &str = "eu-central-1";
const US: &str = "us-east-1";

/// What all processes of the application have in common.
struct Production {
    eu: Stub,
    us: Stub,
    db: SqlitePool,
    clock: Clock,
}

impl Production {
    /// What a process starts with: a KMS key for each region, the nearest first.
    fn process(&self) -> KeyManagerBuilder {
        self.without_keks()
            .kek(EU, AwsKms::new(aws_tests::kms(&self.eu.endpoint()), "alias/app"))
            .kek(US, AwsKms::new(aws_tests::kms(&self.us.endpoint()), "alias/app"))
            .offline_kek("break-glass")
    }

    fn without_keks(&self) -> KeyManagerBuilder {
        KeyManager::builder("production", SqlxStore::new(self.db.clone())).clock(self.clock.clone())
    }
}

#[tokio::main]
async fn main() -> Result {
    title("1. Two regions: STAND-INS for AWS KMS, each with a key `alias/app` of its own");
    let production = Production {
        eu: Stub::new(),
        us: Stub::new(),
        db: key_examples::connect().await?,
        clock: Clock::manual(key_examples::start()),
    };
    println!("   {EU} at {}", production.eu.endpoint());
    println!("   {US} at {}", production.us.endpoint());

    title(
        "2. The migration that makes the table for wrapped keys, in the application's own database",
    );
    sqlx::raw_sql(Dialect::Sqlite.up()).execute(&production.db).await?;
    println!("   encrypted_field_keys");

    title("3. The first data key, wrapped by both; a row");
    let keys = production.process().build()?;
    keys.initialize().await?;
    keys.install().await?;
    key_examples::insert(&production.db, 1, "acme", "xoxb-acme-token").await?;
    key_examples::status(&keys);
    println!("   the row: {}", key_examples::stored(&production.db).await?[0]);

    title(
        "4. Could each region be the last one? The check unwraps every key under every KEK and compares",
    );
    show(&keys.check_consistency().await?);

    one_region_gone(&production, &keys).await?;
    break_glass(&production, &keys).await
}

async fn one_region_gone(production: &Production, keys: &KeyManager) -> Result {
    title(
        "5. The region that is asked first is gone: a process that starts now loads from the other, and says so",
    );
    production.eu.answers(Answer::Error(500, "KMSInternalException", ""));
    event::set_hook(|event| {
        if let Event::KekFailed { kek, kind, .. } = event {
            println!("   event: KEK {kek} failed: {kind:?}");
        }
    });
    let process = production.process().build()?;
    process.load().await?;
    opens_the_row(production, &process).await?;

    title("6. Meanwhile the check reports what can't be told");
    show(&keys.check_consistency().await?);

    title(
        "7. No key is made that only one region could open: a rotation waits until both are there",
    );
    let refused = keys.publish("", Purpose::Field).await;
    println!("   {}", refused.err().ok_or("a key was published without a region")?);

    title("8. The region is back, and nothing needs to be done");
    production.eu.answers(Answer::Works);
    show(&keys.check_consistency().await?);
    Ok(())
}

async fn break_glass(production: &Production, keys: &KeyManager) -> Result {
    title("9. A third KEK for the day on which AWS is gone: 32 bytes in a safe. No row is touched");
    // In life from `openssl rand -base64 32`, and read by `LocalKek::from_file` when it is needed.
    let safe = generate_key()?;
    let operator = production.process().kek("break-glass", LocalKek::new(safe)?).build()?;
    println!("   {} key rewrapped", operator.rewrap().await?.keys);
    show(&operator.check_consistency().await?);

    title(
        "10. The processes have said that they don't have it, and so it lacks their next key: rewrap after each rotation",
    );
    keys.publish("", Purpose::Field).await?;
    show(&operator.check_consistency().await?);
    println!("   {} key rewrapped", operator.rewrap().await?.keys);
    key_examples::status(&operator);
    show(&operator.check_consistency().await?);

    title("11. That day: no region answers, and the safe is opened");
    for region in [&production.eu, &production.us] {
        region.answers(Answer::Error(500, "KMSInternalException", ""));
    }
    let process = production.without_keks().kek("break-glass", LocalKek::new(safe)?).build()?;
    process.load().await?;
    opens_the_row(production, &process).await
}

/// With the keys of that process, and not those that are installed in this one.
async fn opens_the_row(production: &Production, process: &KeyManager) -> Result {
    let row = key_examples::stored(&production.db).await?.remove(0);
    let token = BotToken::from_stored_text_with(&*process.keyring()?, row)?;
    println!("   the row opens: a token of {} characters", token.len());
    Ok(())
}

fn show(found: &Consistency) {
    println!("   {} wraps checked; problems: {}", found.checked, found.problems.len());
    for problem in &found.problems {
        let error = problem.error.as_ref().map_or("it has none".into(), ToString::to_string);
        let key = problem.key_id.map_or("the store's key".into(), |id| format!("key {id}"));
        let kek = problem.kek.as_deref().unwrap_or("any KEK");
        println!("   {key} under {kek}: {error}");
    }
}
