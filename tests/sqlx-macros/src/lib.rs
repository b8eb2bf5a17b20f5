//! The application whose queries SQLx checks while they compile, and the database that they were
//! checked against.

use encrypted_field::{Encrypted, Keyring};
use tests::secrets::KEYS;

/// Its columns are encrypted by what `sqlx.toml` says.
#[derive(Debug, Clone, PartialEq, Encrypted)]
#[encrypted(table = "slack_connections")]
pub struct SlackConnection {
    pub id: i32,
    pub org_id: String,
    #[encrypted(String)]
    pub bot_token: BotToken,
    #[encrypted(String)]
    pub signing_secret: Option<SigningSecret>,
    #[encrypted(Vec<u8>, storage = "binary")]
    pub webhook_key: WebhookKey,
}

/// Its columns are encrypted by what each query says.
#[derive(Debug, Clone, PartialEq, Encrypted)]
#[encrypted(table = "github_connections")]
pub struct GithubConnection {
    #[encrypted(String, pg_array)]
    pub access_token: AccessToken,
    #[encrypted(String)]
    pub refresh_token: Option<RefreshToken>,
    #[encrypted(Vec<u8>, storage = "binary")]
    pub app_key: Option<AppKey>,
}

/// Key 1 is active.
pub fn ring() -> Keyring {
    Keyring::builder().active(1, KEYS[0]).build().expect("a good key")
}

/// Key 2 is active, and what stands under key 1 does not open.
pub fn other_ring() -> Keyring {
    Keyring::builder().active(2, KEYS[1]).build().expect("a good key")
}

/// The database's URL, or `None` where the tests were compiled without one, as
/// [`tests::postgres_url`] tells.
///
/// # Panics
///
/// With `CI=true`, if there is no such database.
pub fn url() -> Option<String> {
    tests::part(
        "EF_TEST_SQLX_MACROS_URL",
        "PostgreSQL database with the schema of tests/sqlx-macros",
    )
}
