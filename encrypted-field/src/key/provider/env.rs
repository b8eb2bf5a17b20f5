//! Keys from environment variables.

use std::ffi::OsString;

use zeroize::{Zeroize as _, Zeroizing};

use super::encoding;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, KeyState, Keyring, Purpose};

/// Keys from environment variables, exactly one of:
///
/// - `ENCRYPTED_FIELD_KEYS`: entries `[purpose@][scope/]id:<key>[:<check>]`, separated by commas;
///   the first of each scope and purpose is active, the others are retired. Keys and check values
///   are 32 bytes in base64 with padding. Example: `2:…,1:…,slack/3:…,index@4:…`.
/// - `ENCRYPTED_FIELD_KEY`: one key, id 1.
/// - `ENCRYPTED_FIELD_PASSPHRASE` and `ENCRYPTED_FIELD_SALT` (base64, at least 16 bytes): key 1 by
///   Argon2id (version 0x13, 64 MiB, 3 passes, 4 lanes); feature `passphrase`.
///
/// [`Keyring::from_env`] reads these; this type reads others, or reads them from elsewhere:
///
/// ```
/// # use encrypted_field::{EnvKeys, ErrorKind};
/// let keys = EnvKeys::new().prefix("BILLING").read(|name| {
///     assert!(name.starts_with("BILLING_"));
///     None
/// });
/// assert_eq!(keys.unwrap_err().kind(), ErrorKind::NoKeys);
/// ```
#[derive(Debug, Clone)]
pub struct EnvKeys {
    prefix: String,
}

impl Default for EnvKeys {
    fn default() -> Self {
        Self { prefix: "ENCRYPTED_FIELD".into() }
    }
}

impl EnvKeys {
    /// The variables named above.
    pub fn new() -> Self {
        Self::default()
    }

    /// Other variables: `<prefix>_KEYS`, `<prefix>_KEY`, `<prefix>_PASSPHRASE`, `<prefix>_SALT`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The key ring of the variables, read through `var`, such as `|name| std::env::var_os(name)`.
    ///
    /// # Errors
    /// As [`keys`](Self::keys), and what [`KeyringBuilder::build`](crate::KeyringBuilder::build)
    /// refuses.
    pub fn read(&self, var: impl FnMut(&str) -> Option<OsString>) -> Result<Keyring> {
        let (source, keys) = self.source_and_keys(var)?;
        Keyring::builder().keys(keys).build().map_err(|e| e.within(&source))
    }

    /// The keys of the variables, for a ring that takes others beside them. An empty variable
    /// counts as not set, as shells and orchestrators leave it.
    ///
    /// # Errors
    /// [`ErrorKind::NoKeys`] where none is set; [`ErrorKind::InvalidKeys`] where more than one is,
    /// or what is set can't be read.
    pub fn keys(&self, var: impl FnMut(&str) -> Option<OsString>) -> Result<Vec<Key>> {
        self.source_and_keys(var).map(|(_, keys)| keys)
    }

    /// The variable that was set, and its keys.
    fn source_and_keys(&self, mut var: impl FnMut(&str) -> Option<OsString>) -> Result<(String, Vec<Key>)> {
        let mut read = |suffix: &str| {
            let name = format!("{}_{suffix}", self.prefix);
            match var(&name).filter(|value| !value.is_empty()).map(OsString::into_string) {
                None => Ok(None),
                Some(Ok(value)) => Ok(Some(Variable { name, value: Zeroizing::new(value) })),
                Some(Err(value)) => {
                    value.into_encoded_bytes().zeroize();
                    Err(invalid(format!("{name} is not UTF-8")))
                }
            }
        };
        match (read("KEYS")?, read("KEY")?, read("PASSPHRASE")?, read("SALT")?) {
            (Some(list), None, None, None) => {
                let keys = from_list(&list)?;
                Ok((list.name, keys))
            }
            (None, Some(key), None, None) => {
                let bytes = encoding::decode_32(key.value.trim()).map_err(|e| key.invalid(&e))?;
                Ok((key.name, vec![Key::new(1, *bytes)]))
            }
            (None, None, Some(passphrase), Some(salt)) => {
                let salt_bytes = encoding::decode(salt.value.trim()).map_err(|e| salt.invalid(&e))?;
                let key = Key::from_passphrase(1, &passphrase.value, &salt_bytes);
                let key = key.map_err(|e| e.within(&format!("{}, {}", passphrase.name, salt.name)))?;
                Ok((passphrase.name, vec![key]))
            }
            (None, None, Some(passphrase), None) => {
                let salt = format!("{}_SALT", self.prefix);
                Err(invalid(format!("{} needs {salt}; `openssl rand -base64 16` makes one", passphrase.name)))
            }
            (None, None, None, Some(salt)) => {
                Err(invalid(format!("{} is set without {}_PASSPHRASE", salt.name, self.prefix)))
            }
            (None, None, None, None) => {
                Err(Error::new(ErrorKind::NoKeys).detail(format!("{}_KEYS=1:<key>", self.prefix)))
            }
            (keys, key, passphrase, salt) => {
                let set =
                    [keys, key, passphrase, salt].into_iter().flatten().map(|v| v.name).collect::<Vec<_>>();
                Err(invalid(format!("{} are set at once; set only one source of keys", set.join(", "))))
            }
        }
    }
}

struct Variable {
    name: String,
    value: Zeroizing<String>,
}

impl Variable {
    fn invalid(&self, what: &str) -> Error {
        invalid(format!("{}: {what}", self.name))
    }
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::InvalidKeys).detail(detail)
}

fn from_list(list: &Variable) -> Result<Vec<Key>> {
    let mut keys = Vec::new();
    let mut groups: Vec<(Purpose, &str)> = Vec::new();
    for (entry, number) in list.value.split(',').zip(1..) {
        let entry = entry.trim();
        // Entries are told by their number: a malformed one may hold key bytes anywhere.
        let wrong = |what: &str| {
            invalid(format!(
                "{}, entry {number}: {what} (entries are [purpose@][scope/]id:key[:check])",
                list.name
            ))
        };
        let mut parts = entry.split(':');
        let (Some(name), Some(key), check, None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong(if entry.is_empty() {
                "it is empty"
            } else {
                "it is not id:key or id:key:check"
            }));
        };
        let (purpose, name) = match name.split_once('@') {
            Some((purpose, name)) => {
                let known = Purpose::from_name(purpose)
                    .ok_or_else(|| wrong("the purpose is not field, index or file"))?;
                (known, name)
            }
            None => (Purpose::Field, name),
        };
        let (scope, id) = match name.rsplit_once('/') {
            Some(("", _)) => return Err(wrong("the scope before `/` is empty")),
            Some((scope, id)) => (scope, id),
            None => ("", name),
        };
        let id = parse_id(id).ok_or_else(|| wrong("the id is not a number from 1 to 4294967295"))?;
        let bytes = encoding::decode_32(key).map_err(|e| wrong(&format!("the key of id {id}: {e}")))?;
        let state = if groups.contains(&(purpose, scope)) { KeyState::Retired } else { KeyState::Active };
        groups.push((purpose, scope));
        let mut key = Key::new(id, *bytes).scope(scope).purpose(purpose).state(state);
        if let Some(check) = check {
            let check =
                encoding::decode_32(check).map_err(|e| wrong(&format!("the check value of id {id}: {e}")))?;
            key = key.check(*check);
        }
        keys.push(key);
    }
    Ok(keys)
}

/// Digits only, no sign and no leading zero: one id has one spelling.
fn parse_id(text: &str) -> Option<u32> {
    let canonical = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| canonical)
}
