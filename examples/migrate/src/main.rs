//! From Fernet to encrypted-field, in one run: `cargo run -p migrate-example`.
//!
//! `tokens.sql` is a table with tokens that Python's `cryptography` has encrypted. The program
//!
//! 1. reads a row as the application does during the move: through `legacy = …`,
//! 2. imports the column,
//! 3. verifies it: every value is opened,
//! 4. rotates to a new key,
//! 5. closes the door: Fernet tokens are refused from then on.

use std::error::Error;
use std::sync::{Arc, LazyLock};

use encrypted_field::plaintext::{PlaintextError, Zeroizing};
use encrypted_field::{Encrypted, Keyring, Plaintext as _, generate_key, install, legacy};
use encrypted_field_foreign::{Fernet, ForeignFormat as _};
use encrypted_field_migrate::{Description, Job, Migration, Operation, Options, Reader, Stop};
use sqlx::SqlitePool;

#[derive(Debug, sqlx::FromRow, Encrypted)]
#[encrypted(table = "slack_connections")]
struct SlackConnection {
    id: i64,
    #[encrypted(String, legacy = fernet)]
    bot_token: Option<BotToken>,
}

/// The key of the application so far. Yours comes from where it has come from.
static FERNET: LazyLock<Result<Fernet, String>> = LazyLock::new(|| {
    Fernet::new(["cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="]).map_err(|error| error.to_string())
});

fn open_fernet(stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
    FERNET.as_ref().map_err(|_| PlaintextError::new("the Fernet key can't be used"))?.read(stored)
}

fn fernet(stored: &[u8]) -> Result<String, PlaintextError> {
    String::from_legacy(&open_fernet(stored)?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("app.sqlite").display());
    let pool = SqlitePool::connect(&url).await?;
    sqlx::raw_sql(include_str!("../tokens.sql")).execute(&pool).await?;
    show("before", &pool).await?;

    let (first, second) = (generate_key()?, generate_key()?);
    let ring = || Keyring::builder().active(1, first).build();
    install(ring()?)?;

    // 1. The application reads both forms from the first deployment on.
    println!("\nthe application reads row 1 as {:?}", read(&pool, 1).await?);

    // 2. The column, while the application runs.
    let migration = Migration::connect(&url).await?;
    let column = Description::new("slack_connections", "bot_token");
    let reader: Reader = Arc::new(open_fernet);
    let import = Job::new(column.clone(), Operation::Import("fernet".into(), reader))?;
    let keys: Arc<Arc<Keyring>> = Arc::new(Arc::new(ring()?));
    let (stop, quiet) = (Stop::default(), Arc::new(()));
    let report =
        migration.run(&import, Options::default(), keys.clone(), quiet.clone(), &stop).await?;
    println!("\n{}: {} rows, {} written", report.job, report.counts.rows, report.counts.replaced);
    show("after the import", &pool).await?;

    // 3. A certificate: every value opens.
    let rotate = Job::new(column, Operation::Rotate)?;
    let verified = migration.verify(&rotate, keys, quiet.clone(), &stop).await?;
    assert!(verified.is_complete());
    println!("\nverified: complete is {}, by key {:?}", verified.is_complete(), verified.by_key);

    // 4. A new key. All processes know it before it seals.
    let both = || Keyring::builder().active(2, second).retired(1, first).build();
    install(both()?)?;
    let keys: Arc<Arc<Keyring>> = Arc::new(Arc::new(both()?));
    migration.run(&rotate, Options::default(), keys.clone(), quiet.clone(), &stop).await?;
    let verified = migration.verify(&rotate, keys, quiet, &stop).await?;
    assert!(verified.is_complete() && verified.by_key.keys().eq([&2]));
    println!("rotated: complete is {}, by key {:?}", verified.is_complete(), verified.by_key);
    show("after the rotation", &pool).await?;

    // 5. From now on nobody can plant a Fernet token. Remove `legacy` at the next deployment.
    legacy::close::<BotToken>();
    let row = read(&pool, 1).await?;
    assert_eq!(row.as_deref(), Some("xoxb-example-0001"));
    println!("\nthe application reads row 1 as {row:?}");
    Ok(())
}

/// As the application reads a row.
async fn read(pool: &SqlitePool, id: i64) -> Result<Option<String>, sqlx::Error> {
    let row: SlackConnection =
        sqlx::query_as("SELECT id, bot_token FROM slack_connections WHERE id = ?")
            .bind(id)
            .fetch_one(pool)
            .await?;
    debug_assert_eq!(row.id, id);
    Ok(row.bot_token.map(|token| token.to_string()))
}

/// What a thief of the database sees.
async fn show(when: &str, pool: &SqlitePool) -> Result<(), sqlx::Error> {
    let rows: Vec<(i64, Option<String>)> =
        sqlx::query_as("SELECT id, bot_token FROM slack_connections WHERE id IN (1, 2, 9)")
            .fetch_all(pool)
            .await?;
    println!("\n{when}:");
    for (id, stored) in rows {
        let stored = stored.unwrap_or_else(|| "NULL".to_owned());
        println!("  {id}  {}", stored.chars().take(64).collect::<String>());
    }
    Ok(())
}
