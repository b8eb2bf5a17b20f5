//! A format described by data: a name and settings, as a command or a file has them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use encrypted_field::plaintext::Zeroizing;

use crate::key::Reason;
use crate::{
    AesGcm, Cloak47ng, CloakEcto, DjangoFernetFields, Encoding, Fernet, ForeignFormat, JsonAesGcm,
    Laravel, Lockbox, Pbkdf2AesGcm, Rails, ScryptAesGcm, SqlAlchemyUtils,
};

/// The names that [`from_settings`] knows.
pub const FORMATS: [&str; 12] = [
    "fernet",
    "rails",
    "lockbox",
    "laravel",
    "django-fernet-fields",
    "cloak-ecto",
    "47ng-cloak",
    "sqlalchemy-utils",
    "aes-256-gcm",
    "scrypt-aes-256-gcm",
    "pbkdf2-aes-256-gcm",
    "json-aes-256-gcm",
];

/// Makes a format of its name and its settings. Unknown settings are refused.
///
/// "Several" means that the setting may be repeated with a suffix of your choice, such as `key`,
/// `key.2` and `key.old`. If the suffix has a meaning, the table says which.
///
/// | format | setting | value |
/// |---|---|---|
/// | `fernet` | `key` (several) | as `Fernet.generate_key()` gives it |
/// | `rails` | `primary_key` (several) | `active_record.encryption.primary_key`, or `deterministic_key` |
/// | | `key_derivation_salt` | `active_record.encryption.key_derivation_salt` |
/// | | `hash_digest_class` | `SHA256` (default; Rails 7.1 and later), `SHA1` (7.0), or `both` |
/// | `lockbox` | `master_key` | 64 hexadecimal digits |
/// | | `table`, `attribute` | `users` and `email_ciphertext`: with the master key |
/// | | `key` | 64 hexadecimal digits, in place of these three |
/// | | `padding` | the block size, if the attribute has `padding: true` (16) or a number |
/// | | `associated_data` | if the attribute has a fixed one |
/// | | `previous_master_key`, `previous_key` (several) | of `previous_versions`, with the same table, attribute, padding and associated data |
/// | | `encoding` | `base64` (default) or `binary` (`encode: false`) |
/// | | `empty` | `plaintext`: Lockbox stores the empty string as it is; `refused` (default) |
/// | `laravel` | `key` (several) | `APP_KEY` and `APP_PREVIOUS_KEYS`: `base64:…`, or 32 characters |
/// | | `cipher` | `aes-256-cbc` (default) or `aes-256-gcm` |
/// | | `serialized` | `true` for strings of `Crypt::encrypt`; `false` (default) for `encrypted` casts and `Crypt::encryptString` |
/// | `django-fernet-fields` | `key` (several) | `FERNET_KEYS`, or `SECRET_KEY` |
/// | | `use_hkdf` | `FERNET_USE_HKDF`: `true` (default) or `false` |
/// | `cloak-ecto` | `key.TAG` (several) | 32 bytes in base64 or hex. The suffix is the tag, such as `key.AES.GCM.V1` |
/// | | `iv_length` | 16 (default) or 12 bytes |
/// | | `encoding` | `binary` (default), `base64` or `hex` |
/// | `47ng-cloak` | `key` (several) | `k1.aesgcm256.…` |
/// | `sqlalchemy-utils` | `key` | the key of `EncryptedType` or `StringEncryptedType`, any text |
/// | | `engine` | `AesGcmEngine` (default) or `FernetEngine` |
/// | `aes-256-gcm` | `key` (several) | 32 bytes in hex or base64 |
/// | | `encoding` | `base64` (default), `hex` or `binary` |
/// | | `associated_data` | any text (default: none) |
/// | `scrypt-aes-256-gcm` | `passphrase` | text |
/// | | `passphrase_encoding` | `text` (default), `hex` or `base64` |
/// | | `n`, `r`, `p` | of scrypt (default: 16384, 8, 1, as in Node) |
/// | `pbkdf2-aes-256-gcm` | `passphrase.VERSION` (several) | the suffix is `keyVersion`, such as `passphrase.1` |
/// | | `salt` or `salt.VERSION` | for all versions, or for each |
/// | | `passphrase_encoding`, `salt_encoding` | `text` (default), `hex` or `base64` |
/// | | `rounds` | of PBKDF2 (default: 100000) |
/// | | `encoding` | of the members: `base64` (default) or `hex` |
/// | `json-aes-256-gcm` | `key.VERSION` (several) | 32 bytes in hex or base64. The suffix is `version` |
/// | | `encoding` | of the members: `base64` (default) or `hex` |
///
/// ```
/// use encrypted_field::plaintext::Zeroizing;
/// use encrypted_field_foreign::{ForeignFormat as _, from_settings};
///
/// let key = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=".to_owned();
/// let settings = [("key".to_owned(), Zeroizing::new(key))].into();
/// let format = from_settings("fernet", &settings)?;
/// let stored = b"gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
/// assert_eq!(**format.read(stored)?, *b"hello");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn from_settings(
    format: &str,
    settings: &BTreeMap<String, Zeroizing<String>>,
) -> Result<Box<dyn ForeignFormat>, SettingsError> {
    let Some(name) = FORMATS.into_iter().find(|name| *name == format) else {
        return Err(SettingsError::new(
            "foreign format",
            "no format has this name; FORMATS has all names",
        ));
    };
    let left = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut settings = Settings { format: name, left };
    let format = match name {
        "fernet" => boxed(Fernet::from_settings(&mut settings)?),
        "rails" => boxed(Rails::from_settings(&mut settings)?),
        "lockbox" => boxed(Lockbox::from_settings(&mut settings)?),
        "laravel" => boxed(Laravel::from_settings(&mut settings)?),
        "django-fernet-fields" => boxed(DjangoFernetFields::from_settings(&mut settings)?),
        "cloak-ecto" => boxed(CloakEcto::from_settings(&mut settings)?),
        "47ng-cloak" => boxed(Cloak47ng::from_settings(&mut settings)?),
        "sqlalchemy-utils" => boxed(SqlAlchemyUtils::from_settings(&mut settings)?),
        "aes-256-gcm" => boxed(AesGcm::from_settings(&mut settings)?),
        "scrypt-aes-256-gcm" => boxed(ScryptAesGcm::from_settings(&mut settings)?),
        "pbkdf2-aes-256-gcm" => boxed(Pbkdf2AesGcm::from_settings(&mut settings)?),
        _ => boxed(JsonAesGcm::from_settings(&mut settings)?),
    };
    settings.finish()?;
    Ok(format)
}

fn boxed(format: impl ForeignFormat + 'static) -> Box<dyn ForeignFormat> {
    Box::new(format)
}

/// The settings that a format has not taken yet.
pub(crate) struct Settings<'a> {
    format: &'static str,
    left: BTreeMap<&'a str, &'a str>,
}

impl<'a> Settings<'a> {
    pub(crate) fn optional(&mut self, name: &str) -> Option<&'a str> {
        self.left.remove(name)
    }

    pub(crate) fn required(&mut self, name: &str) -> Result<&'a str, SettingsError> {
        self.optional(name).ok_or_else(|| self.error(name, "is missing; from_settings lists it"))
    }

    /// `name` and `name.SUFFIX`, with the suffixes.
    pub(crate) fn suffixed(&mut self, name: &str) -> Vec<(&'a str, &'a str)> {
        let suffix = |setting: &&'a str| match setting.strip_prefix(name)? {
            "" => Some(""),
            rest => rest.strip_prefix('.'),
        };
        let found: Vec<_> = self
            .left
            .iter()
            .filter_map(|(setting, value)| Some((suffix(setting)?, *value)))
            .collect();
        self.left.retain(|setting, _| suffix(setting).is_none());
        found
    }

    /// As [`suffixed`](Self::suffixed), where the suffixes mean nothing.
    pub(crate) fn several(&mut self, name: &str) -> Vec<&'a str> {
        self.suffixed(name).into_iter().map(|(_, value)| value).collect()
    }

    pub(crate) fn number<T: FromStr>(
        &mut self,
        name: &str,
        default: T,
    ) -> Result<T, SettingsError> {
        let Some(value) = self.optional(name) else { return Ok(default) };
        value.parse().map_err(|_| self.error(name, "is not a number, or too large"))
    }

    pub(crate) fn flag(&mut self, name: &str, default: bool) -> Result<bool, SettingsError> {
        match self.optional(name) {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(_) => Err(self.error(name, "is true or false")),
        }
    }

    pub(crate) fn encoding(
        &mut self,
        default: Encoding,
        allowed: &[Encoding],
    ) -> Result<Encoding, SettingsError> {
        let Some(value) = self.optional("encoding") else { return Ok(default) };
        Encoding::parse(value)
            .filter(|encoding| allowed.contains(encoding))
            .ok_or_else(|| self.error("encoding", "is none that this format has"))
    }

    /// The encoding of a secret that other software has as text or as bytes.
    pub(crate) fn secret_encoding(&mut self, name: &str) -> Result<SecretEncoding, SettingsError> {
        match self.optional(name) {
            None | Some("text") => Ok(SecretEncoding(None)),
            Some("hex") => Ok(SecretEncoding(Some(Encoding::Hex))),
            Some("base64") => Ok(SecretEncoding(Some(Encoding::Base64))),
            Some(_) => Err(self.error(name, "is text, hex or base64")),
        }
    }

    pub(crate) fn error(&self, setting: &str, reason: Reason) -> SettingsError {
        SettingsError::new(self.format, reason).setting(setting)
    }

    fn finish(self) -> Result<(), SettingsError> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => Err(self.error(name, "is no setting of this format, or not with these")),
        }
    }
}

pub(crate) struct SecretEncoding(Option<Encoding>);

impl SecretEncoding {
    pub(crate) fn decode(&self, secret: &str) -> Option<Zeroizing<Vec<u8>>> {
        match self.0 {
            None => Some(Zeroizing::new(secret.as_bytes().to_vec())),
            Some(encoding) => encoding.decode(secret.as_bytes()).ok(),
        }
    }
}

/// Why a format can't be made: which setting is wrong, and what to do. It never holds a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    format: &'static str,
    setting: Option<String>,
    reason: Reason,
}

impl SettingsError {
    pub(crate) fn new(format: &'static str, reason: Reason) -> Self {
        Self { format, setting: None, reason }
    }

    /// Names the setting, unless it could be a value in the place of a name: keys are longer.
    pub(crate) fn setting(mut self, name: &str) -> Self {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if name.len() <= 31 && name.bytes().all(plain) {
            self.setting = Some(name.to_owned());
        }
        self
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.setting {
            Some(setting) => write!(f, "{}: `{setting}`: {}", self.format, self.reason),
            None => write!(f, "{}: {}", self.format, self.reason),
        }
    }
}

impl std::error::Error for SettingsError {}
