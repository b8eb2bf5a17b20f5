//! AES-256-GCM under a key of its own for each row, derived from a passphrase by scrypt.

use aes::cipher::consts::U16;
use encrypted_field::plaintext::{PlaintextError, Zeroizing};
use scrypt::Params;

use crate::crypto::Gcm;
use crate::encoding::base64;
use crate::foreign_format::redacted;
use crate::key::not_made_up;
use crate::refused::{bounded, split};
use crate::settings::Settings;
use crate::{ForeignFormat, SettingsError};

const NAME: &str = "scrypt-aes-256-gcm";

/// `base64( salt 32 | IV 16 | tag 16 | AES-256-GCM )`, with the key `scrypt(passphrase, salt)`, as
/// Node's `scryptSync(passphrase, salt, 32)` gives it.
///
/// Each row has its salt, so that each read costs one scrypt: with Node's parameters 16 MiB and
/// tens of milliseconds. The parameters come from you and never from a row. What can't be a value
/// is refused before that work.
pub struct ScryptAesGcm {
    passphrase: Zeroizing<Vec<u8>>,
    params: Params,
}

redacted!(ScryptAesGcm);

impl ScryptAesGcm {
    /// The parameters of Node's `scryptSync`, N, r and p.
    pub const NODE: (u32, u32, u32) = (16_384, 8, 1);

    /// With the passphrase and the parameters N (a power of two), r and p of scrypt, such as
    /// [`NODE`](Self::NODE).
    ///
    /// # Errors
    ///
    /// The passphrase is a placeholder. The parameters are none of scrypt (RFC 7914, section 6), or
    /// 128 · N · r · p is more than 2^30.
    pub fn new(
        passphrase: impl AsRef<[u8]>,
        (n, r, p): (u32, u32, u32),
    ) -> Result<Self, SettingsError> {
        let passphrase = passphrase.as_ref();
        not_made_up(passphrase)
            .map_err(|reason| SettingsError::new(NAME, reason).setting("passphrase"))?;
        let is_bounded = 128 * u128::from(n) * u128::from(r) * u128::from(p) <= 1 << 30;
        let params = u8::try_from(n.trailing_zeros())
            .ok()
            .filter(|_| n.is_power_of_two() && n > 1 && is_bounded)
            .and_then(|log_n| Params::new(log_n, r, p).ok())
            .ok_or_else(|| {
                let reason = "N is a power of two above 1, and 128 * N * r * p at most 2^30; give \
                              the parameters that have encrypted the column";
                SettingsError::new(NAME, reason).setting("n")
            })?;
        Ok(Self { passphrase: Zeroizing::new(passphrase.to_vec()), params })
    }

    pub(crate) fn from_settings(settings: &mut Settings<'_>) -> Result<Self, SettingsError> {
        let text = settings.required("passphrase")?;
        let passphrase = settings
            .secret_encoding("passphrase_encoding")?
            .decode(text)
            .ok_or_else(|| settings.error("passphrase", "is not in its passphrase_encoding"))?;
        let (n, r, p) = Self::NODE;
        let n = settings.number("n", n)?;
        let r = settings.number("r", r)?;
        let p = settings.number("p", p)?;
        Self::new(&*passphrase, (n, r, p))
    }
}

impl ForeignFormat for ScryptAesGcm {
    fn read(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        bounded(stored)?;
        let value = base64(stored)?;
        let (salt, rest) = split(&value, 32)?;
        let (iv, rest) = split(rest, 16)?;
        let (tag, ciphertext) = split(rest, 16)?;
        let mut key = Zeroizing::new([0; 32]);
        scrypt::scrypt(&self.passphrase, salt, &self.params, &mut *key)
            .map_err(|_| PlaintextError::new("scrypt gives no key of 32 bytes"))?;
        Gcm::<U16>::new(&key).open(iv, b"", ciphertext, tag)
    }

    fn name(&self) -> &'static str {
        NAME
    }
}
