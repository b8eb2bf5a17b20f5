//! The application's tables.

use encrypted_field::{Encrypted, Secret};
use sqlx::FromRow;
use tests::secrets::{BOT_TOKEN, SIGNING_SECRET, UNUSUAL_TEXT, plaintext};

#[derive(Debug, Clone, PartialEq, FromRow, Encrypted)]
#[encrypted(table = "slack_connections")]
pub struct SlackConnection {
    pub id: i64,
    pub org_id: String,
    #[encrypted(String)]
    pub bot_token: BotToken,
    #[encrypted(String)]
    pub signing_secret: Option<SigningSecret>,
    #[encrypted(Vec<u8>, storage = "binary")]
    pub webhook_key: WebhookKey,
    #[encrypted(String, storage = "binary")]
    pub note: Option<Note>,
}

impl SlackConnection {
    /// With a value in every column.
    pub fn full(id: i64) -> Self {
        Self {
            signing_secret: Some(SIGNING_SECRET.into()),
            note: Some(UNUSUAL_TEXT.into()),
            ..Self::sparse(id)
        }
    }

    /// With NULL where that can be.
    pub fn sparse(id: i64) -> Self {
        Self {
            id,
            org_id: "org".to_owned(),
            bot_token: BOT_TOKEN.into(),
            signing_secret: None,
            webhook_key: plaintext("\0\u{1}webhook").into_bytes().into(),
            note: None,
        }
    }

    pub fn with_id(&self, id: i64) -> Self {
        Self { id, ..self.clone() }
    }
}

/// The type is the application's, so it may have a default.
impl Default for SigningSecret {
    fn default() -> Self {
        "".into()
    }
}

/// One column in which each kind of legacy value may stand.
#[derive(Debug, FromRow, Encrypted)]
#[encrypted(table = "imports")]
pub struct Import {
    /// Was plaintext.
    #[encrypted(String, legacy = plaintext)]
    pub token: Option<ImportToken>,
    /// Was plaintext, printed by the database.
    #[encrypted(i64, legacy = plaintext)]
    pub pin: Option<ImportPin>,
    /// Was encrypted by the application itself.
    #[encrypted(String, legacy = home_made, storage = "binary")]
    pub secret: Option<ImportSecret>,
}

/// Was bytes, in whatever column.
#[derive(Encrypted)]
#[encrypted(context = "imports.scan", legacy = plaintext)]
pub struct ImportScan(Secret<Vec<u8>>);

/// Reads `nonce || ciphertext` of a cipher that this application had before: a one-byte nonce and
/// XOR.
pub fn home_made(stored: &[u8]) -> Result<String, std::string::FromUtf8Error> {
    let (nonce, ciphertext) = stored.split_first().unwrap_or((&0, &[]));
    String::from_utf8(ciphertext.iter().map(|byte| byte ^ nonce).collect())
}

/// What [`home_made`] reads.
pub fn home_made_seal(nonce: u8, plaintext: &str) -> Vec<u8> {
    std::iter::once(nonce).chain(plaintext.bytes().map(|byte| byte ^ nonce)).collect()
}

/// Keys of its own for each product.
#[derive(Debug, FromRow, Encrypted)]
#[encrypted(table = "integrations")]
pub struct Integration {
    #[encrypted(String, scope = "slack")]
    pub slack: Option<SlackToken>,
    #[encrypted(String, scope = "github")]
    pub github: Option<GithubToken>,
}
