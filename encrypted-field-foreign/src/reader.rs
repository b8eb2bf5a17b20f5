//! A format where `legacy = …` finds it: in a static.

use std::fmt;
use std::sync::OnceLock;

use encrypted_field::Plaintext;
use encrypted_field::plaintext::PlaintextError;

use crate::{ForeignFormat, SettingsError};

/// A format for `#[encrypted(TYPE, legacy = path::to::function)]`.
///
/// The macro wants a plain function, which can't own a key. So the format stands in a static. The
/// application installs it at start-up, beside its own keys, so that a wrong setting stops the
/// start and not a query.
///
/// ```
/// use encrypted_field::{Encrypted, plaintext::PlaintextError};
/// use encrypted_field_foreign::{Fernet, ForeignReader};
///
/// static TOKENS: ForeignReader = ForeignReader::new();
///
/// fn from_fernet(stored: &[u8]) -> Result<String, PlaintextError> {
///     TOKENS.read(stored)
/// }
///
/// #[derive(Encrypted)]
/// #[encrypted(table = "slack_connections")]
/// struct SlackConnection {
///     #[encrypted(String, legacy = from_fernet)]
///     bot_token: BotToken,
/// }
///
/// fn start(fernet_key: &str) -> Result<(), Box<dyn std::error::Error>> {
///     TOKENS.install(Fernet::new([fernet_key])?)?;
///     Ok(())
/// }
/// # start("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=").unwrap();
/// ```
#[derive(Default)]
pub struct ForeignReader(OnceLock<Box<dyn ForeignFormat>>);

impl ForeignReader {
    /// Without a format: it reads nothing before [`install`](Self::install).
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Gives it its format, once and for all.
    ///
    /// # Errors
    ///
    /// It has one already.
    pub fn install(&self, format: impl ForeignFormat + 'static) -> Result<(), SettingsError> {
        let name = format.name();
        self.0
            .set(Box::new(format))
            .map_err(|_| SettingsError::new(name, "this reader has a format; install it once"))
    }

    /// Decrypts a stored value, and parses the plaintext as
    /// [`from_legacy`](Plaintext::from_legacy) of the type does.
    pub fn read<P: Plaintext>(&self, stored: &[u8]) -> Result<P, PlaintextError> {
        let format = self.0.get().ok_or(PlaintextError::new(
            "no foreign format is installed; call ForeignReader::install at start-up",
        ))?;
        P::from_legacy(&format.read(stored)?)
    }
}

impl fmt::Debug for ForeignReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.get().map(ForeignFormat::name);
        f.debug_struct("ForeignReader").field("format", &name).finish()
    }
}
