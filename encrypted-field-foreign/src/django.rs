//! django-fernet-fields: Fernet under keys that are derived from Django's settings.

use encrypted_field::plaintext::{PlaintextError, Zeroizing};
use hkdf::Hkdf;
use sha2::Sha256;

use crate::fernet::{FernetKey, open};
use crate::foreign_format::redacted;
use crate::key::{Reason, at_least_one, not_made_up};
use crate::settings::Settings;
use crate::{ForeignFormat, SettingsError};

const NAME: &str = "django-fernet-fields";

/// The fields of `django-fernet-fields` and its forks: `EncryptedTextField` and the others.
///
/// The plaintext is the text of the value: what Django's `force_bytes` gives.
pub struct DjangoFernetFields(Vec<FernetKey>);

redacted!(DjangoFernetFields);

impl DjangoFernetFields {
    /// With the texts of `FERNET_KEYS`, or `SECRET_KEY` if Django's settings have no such keys.
    /// The Fernet keys are derived from them: `HKDF-SHA-256(text, salt, info)`, once, here.
    pub fn new<K: AsRef<str>>(keys: impl IntoIterator<Item = K>) -> Result<Self, SettingsError> {
        Self::with(keys, derive)
    }

    /// With `FERNET_USE_HKDF = False`: the texts of `FERNET_KEYS` are Fernet keys.
    pub fn without_hkdf<K: AsRef<str>>(
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Self, SettingsError> {
        Self::with(keys, FernetKey::parse)
    }

    fn with<K: AsRef<str>>(
        keys: impl IntoIterator<Item = K>,
        key: impl Fn(&str) -> Result<FernetKey, Reason>,
    ) -> Result<Self, SettingsError> {
        let keys: Result<Vec<_>, _> = keys.into_iter().map(|text| key(text.as_ref())).collect();
        keys.and_then(at_least_one)
            .map(Self)
            .map_err(|reason| SettingsError::new(NAME, reason).setting("key"))
    }

    pub(crate) fn from_settings(settings: &mut Settings<'_>) -> Result<Self, SettingsError> {
        let keys = settings.several("key");
        if settings.flag("use_hkdf", true)? { Self::new(keys) } else { Self::without_hkdf(keys) }
    }
}

/// `derive_fernet_key` of `fernet_fields/hkdf.py`.
fn derive(text: &str) -> Result<FernetKey, Reason> {
    not_made_up(text.as_bytes())?;
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(b"django-fernet-fields-hkdf-salt"), text.as_bytes())
        .expand(b"django-fernet-fields", &mut *key)
        .map_err(|_| "can't be derived")?;
    Ok(FernetKey::from_bytes(key))
}

impl ForeignFormat for DjangoFernetFields {
    fn read(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        open(&self.0, stored)
    }

    fn name(&self) -> &'static str {
        NAME
    }
}
