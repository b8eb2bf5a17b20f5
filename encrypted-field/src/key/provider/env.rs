//! Keys from environment variables, or from files that they name.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;

use zeroize::{Zeroize as _, Zeroizing};

use super::encoding;
use crate::error::{Error, ErrorKind, Result};
use crate::key::builder::place;
use crate::key::{Key, KeyState, Keyring, Purpose};

/// Keys from environment variables, exactly one of:
///
/// - `ENCRYPTED_FIELD_KEYS`: a list of keys, each `[purpose@][scope/]id:<key>[:<check>]`, and of
///   `active=<id>`, which names the key that seals. Example:
///   `active=2,1:<old>,2:<new>,slack/3:<key>`. The order does not matter. If a scope and purpose
///   has more than one key, it needs an `active=…` of its own. Its other keys only open. Keys and
///   check values are 32 bytes in base64 with padding. If an entry has a check value, a wrong key
///   under its id is found when it is loaded. `keyring()?.get(1)` has that of key 1.
///   Commas separate the entries, or each has a line of its own. A comma may follow the last.
/// - `ENCRYPTED_FIELD_KEY`: one key, id 1.
/// - `ENCRYPTED_FIELD_PASSPHRASE` and `ENCRYPTED_FIELD_SALT` (base64, at least 16 bytes): key 1,
///   derived by Argon2id (version 0x13, 64 MiB, 3 passes, 4 lanes). It needs the feature
///   `passphrase`.
///
/// White space around a key, and line breaks in it, don't matter. Quotes, a byte order mark, the
/// prefix `base64:`, the URL-safe alphabet and missing padding are errors, which name them.
///
/// # From files
///
/// `ENCRYPTED_FIELD_KEYS_FILE` is the path of a file with the value of `ENCRYPTED_FIELD_KEYS`, as
/// Docker and Kubernetes mount secrets. The other variables work in the same way. This needs the
/// feature `key-file`.
///
/// The file must belong to root or to the user of the process. Nobody else may read it (mode `0400`
/// or `0600`). If the file belongs to root, its group may read it (`0440` or `0640`). In Kubernetes
/// that is `defaultMode: 0440` with `fsGroup`. In Docker it is `mode: 0440` with a `gid` of the
/// process.
///
/// This is not the key file in JSON, which rotates: see `KeyFile`.
///
/// [`Keyring::from_env`] reads these variables. This type reads others, or reads them from
/// elsewhere:
///
/// ```
/// # use encrypted_field::{ErrorKind, key::EnvKeys};
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

    /// Other variables: `<prefix>_KEYS`, `<prefix>_KEY`, `<prefix>_PASSPHRASE`, `<prefix>_SALT`,
    /// and each with `_FILE` appended.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The key ring of the variables, read through `var`, such as `|name| std::env::var_os(name)`.
    ///
    /// # Errors
    /// The errors of [`keys`](Self::keys) and of
    /// [`KeyringBuilder::build`](crate::key::KeyringBuilder::build).
    pub fn read(&self, var: impl FnMut(&str) -> Option<OsString>) -> Result<Keyring> {
        let (source, keys) = self.source_and_keys(var)?;
        Keyring::builder().keys(keys).build().map_err(|e| e.within(&source))
    }

    /// The keys of the variables, for a ring that has other keys, too. An empty variable counts as
    /// not set, because shells and orchestrators leave such variables.
    ///
    /// # Errors
    /// - [`ErrorKind::NoKeys`]: no variable is set.
    /// - [`ErrorKind::InvalidKeys`]: more than one is set, its value can't be read, or it has
    ///   several keys of one scope and purpose and names none of them active.
    /// - [`ErrorKind::KeyFile`]: a variable names a file that is missing, or that others may read.
    pub fn keys(&self, var: impl FnMut(&str) -> Option<OsString>) -> Result<Vec<Key>> {
        self.source_and_keys(var).map(|(_, keys)| keys)
    }

    /// The variable that was set, and its keys.
    fn source_and_keys(
        &self,
        mut var: impl FnMut(&str) -> Option<OsString>,
    ) -> Result<(String, Vec<Key>)> {
        let mut read = |suffix: &str| {
            let name = format!("{}_{suffix}", self.prefix);
            let file = format!("{name}_FILE");
            let mut set = |name: &str| var(name).filter(|value| !value.is_empty());
            match (set(&name), set(&file)) {
                (None, None) => Ok(None),
                (Some(value), None) => match value.into_string() {
                    Ok(value) => Ok(Some(Variable { name, value: Zeroizing::new(value) })),
                    Err(value) => {
                        value.into_encoded_bytes().zeroize();
                        Err(invalid(format!("{name} is not UTF-8")))
                    }
                },
                (None, Some(path)) => {
                    let value = read_file(path).map_err(|e| e.within(&file))?;
                    Ok(Some(Variable { name: file, value }))
                }
                (Some(value), Some(_)) => {
                    value.into_encoded_bytes().zeroize();
                    Err(invalid(format!("{name} and {file} are set at once; set one of them")))
                }
            }
        };
        match (read("KEYS")?, read("KEY")?, read("PASSPHRASE")?, read("SALT")?) {
            (Some(list), None, None, None) => {
                let keys = from_list(&list)?;
                Ok((list.name, keys))
            }
            (None, Some(key), None, None) => {
                key.refuse_what_came_along()?;
                let bytes = encoding::decode_32_given(&key.value).map_err(|e| key.invalid(&e))?;
                Ok((key.name, vec![Key::new(1, *bytes)]))
            }
            (None, None, Some(passphrase), Some(salt)) => {
                let salt_bytes =
                    encoding::decode_given(&salt.value).map_err(|e| salt.invalid(&e))?;
                let key = Key::from_passphrase(1, &passphrase.value, &salt_bytes);
                let key =
                    key.map_err(|e| e.within(&format!("{}, {}", passphrase.name, salt.name)))?;
                Ok((passphrase.name, vec![key]))
            }
            (None, None, Some(passphrase), None) => {
                let salt = format!("{}_SALT", self.prefix);
                Err(invalid(format!(
                    "{} needs {salt}; `openssl rand -base64 16` makes one",
                    passphrase.name
                )))
            }
            (None, None, None, Some(salt)) => {
                Err(invalid(format!("{} is set without {}_PASSPHRASE", salt.name, self.prefix)))
            }
            (None, None, None, None) => Err(Error::new(ErrorKind::NoKeys)
                .detail(format!("set {}_KEYS to 1:<key>", self.prefix))),
            (keys, key, passphrase, salt) => {
                let set = [keys, key, passphrase, salt]
                    .into_iter()
                    .flatten()
                    .map(|v| v.name)
                    .collect::<Vec<_>>();
                Err(invalid(format!(
                    "{} are set at once; set only one source of keys",
                    set.join(", ")
                )))
            }
        }
    }
}

/// A variable, or the file that it names.
struct Variable {
    name: String,
    value: Zeroizing<String>,
}

impl Variable {
    fn invalid(&self, what: &str) -> Error {
        // The other way round, a path in a variable for a key, is a mistake as likely.
        let is_file = self.name.ends_with("_FILE");
        if !is_file && self.value.trim_start().starts_with('/') {
            return invalid(format!("{0}: {what}; a path goes into {0}_FILE", self.name));
        }
        invalid(format!("{}: {what}", self.name))
    }

    /// Refuses additions around the value that are no part of a key, or stand in its place.
    fn refuse_what_came_along(&self) -> Result<()> {
        match encoding::came_along(self.value.trim()) {
            Some(what) => Err(self.invalid(what)),
            None if self.value.trim_start().starts_with('{') => Err(self.invalid(
                "this is JSON; a key file is loaded with `Keyring::from_file`, by its path",
            )),
            None => Ok(()),
        }
    }
}

fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidKeys).detail(detail)
}

/// The content of a file. The path is in no error, because it may be a key that was put into the
/// wrong variable.
#[cfg(feature = "key-file")]
fn read_file(path: OsString) -> Result<Zeroizing<String>> {
    use super::storage::{self, Failure, Readers};

    let read = storage::read(path.as_ref(), Readers::GroupOfRoots);
    path.into_encoded_bytes().zeroize();
    let bytes = read.map_err(|e| match e {
        Failure::Missing(what, _) => Error::new(ErrorKind::KeyFile).detail(format!(
            "{what}: there is no such file; this variable holds the path of a file with the value"
        )),
        other => other.into(),
    })?;
    let text = std::str::from_utf8(&bytes).map_err(|_| invalid("the file is not UTF-8"))?;
    if text.trim().is_empty() {
        return Err(invalid("the file is empty"));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(not(feature = "key-file"))]
fn read_file(path: OsString) -> Result<Zeroizing<String>> {
    path.into_encoded_bytes().zeroize();
    Err(invalid("keys from a file need the feature `key-file` of encrypted-field"))
}

/// The word before the id of a key that seals.
const ACTIVE: &str = "active=";

/// The entries of a list. They are separated by commas, or stand on lines of their own.
fn entries(list: &str) -> impl Iterator<Item = &str> {
    let list = list.trim();
    // One comma at the end is no empty entry.
    list.strip_suffix(',').unwrap_or(list).split(',').flat_map(on_lines)
}

/// The entries of a part without commas.
fn on_lines(part: &str) -> Vec<&str> {
    let mut entries = Vec::new();
    let (mut start, mut line_start) = (0, 0);
    for line in part.split_inclusive('\n') {
        if begins_entry(line) && !part[start..line_start].trim().is_empty() {
            entries.push(part[start..line_start].trim());
            start = line_start;
        }
        line_start += line.len();
    }
    entries.push(part[start..].trim());
    entries
}

/// Whether a line begins an entry, or goes on with a key or check value that is wrapped. Those have
/// no colon, and a key of 32 bytes has `=` before the colon that follows it.
fn begins_entry(line: &str) -> bool {
    let line = line.trim();
    if line.strip_prefix(ACTIVE).is_some_and(|id| !id.is_empty()) {
        return true;
    }
    line.split_once(':').is_some_and(|(name, _)| !name.is_empty() && !name.ends_with('='))
}

fn from_list(list: &Variable) -> Result<Vec<Key>> {
    list.refuse_what_came_along()?;
    let (mut keys, mut ids, mut active) = (Vec::new(), HashSet::new(), Vec::new());
    for (entry, number) in entries(&list.value).zip(1..) {
        // Entries are named by their number, because a malformed one may hold key bytes anywhere.
        let wrong = |what: &str| {
            list.invalid(&format!(
                "entry {number}: {what} (entries are [purpose@][scope/]id:key[:check] and active=id)"
            ))
        };
        if let Some(id) = entry.strip_prefix(ACTIVE)
            && !id.contains(':')
        {
            let id = parse_id(id).ok_or_else(|| wrong(NO_ID))?;
            active.push(id);
            continue;
        }
        let key = from_entry(entry).map_err(|what| wrong(&what))?;
        if !ids.insert(key.id) {
            return Err(wrong(&format!(
                "id {} is given twice; give each key an id of its own",
                key.id
            )));
        }
        keys.push(key);
    }
    set_states(&mut keys, &active).map_err(|what| list.invalid(&what))?;
    Ok(keys)
}

const NO_ID: &str = "the id is not a number from 1 to 4294967295";

fn from_entry(entry: &str) -> std::result::Result<Key, String> {
    // Before it is taken apart at its colon.
    if entry.contains("base64:") {
        return Err(format!("the key: {}", encoding::HAS_PREFIX));
    }
    let mut parts = entry.split(':');
    let (Some(name), Some(key), check, None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(if entry.is_empty() {
            "it is empty".into()
        } else {
            "it is not id:key or id:key:check".into()
        });
    };
    let (purpose, name) = match name.split_once('@') {
        Some((purpose, name)) => {
            let known = Purpose::from_name(purpose)
                .ok_or_else(|| "the purpose is not field, index or file".to_owned())?;
            (known, name)
        }
        None => (Purpose::Field, name),
    };
    let (scope, id) = match name.rsplit_once('/') {
        Some(("", _)) => return Err("the scope before `/` is empty".into()),
        Some((scope, id)) => (scope, id),
        None => ("", name),
    };
    let id = parse_id(id).ok_or_else(|| NO_ID.to_owned())?;
    let bytes = encoding::decode_32_given(key).map_err(|e| format!("the key of id {id}: {e}"))?;
    let mut key = Key::new(id, *bytes).scope(scope).purpose(purpose);
    if let Some(check) = check {
        let check = encoding::decode_32_given(check)
            .map_err(|e| format!("the check value of id {id}: {e}"))?;
        key = key.check(*check);
    }
    Ok(key)
}

/// In each scope and purpose the named key is active, or the only one, and the others are retired.
fn set_states(keys: &mut [Key], active: &[u32]) -> std::result::Result<(), String> {
    for id in active {
        if !keys.iter().any(|key| key.id == *id) {
            return Err(format!("active={id}: there is no key with this id in the list; add it"));
        }
    }
    // For each place, how many keys there are, and the one that is named.
    let mut places: HashMap<(&str, Purpose), (usize, Option<u32>)> = HashMap::new();
    for key in &*keys {
        let (count, named) = places.entry((&key.scope, key.purpose)).or_default();
        *count += 1;
        if !active.contains(&key.id) {
            continue;
        }
        if let Some(other) = named.replace(key.id) {
            return Err(format!(
                "active={other} and active={} are both for {}; keep the one that seals",
                key.id,
                place(&key.scope, key.purpose)
            ));
        }
    }
    let mut states = Vec::with_capacity(keys.len());
    for key in &*keys {
        states.push(match places[&(&*key.scope, key.purpose)] {
            (1, None) => KeyState::Active,
            (_, Some(id)) if id == key.id => KeyState::Active,
            (_, Some(_)) => KeyState::Retired,
            (count, None) => {
                return Err(format!(
                    "{count} keys are for {} and none of them is named active; add active=<id> to \
                     the list, with the id of the one that seals",
                    place(&key.scope, key.purpose),
                ));
            }
        });
    }
    for (key, state) in keys.iter_mut().zip(states) {
        key.state = state;
    }
    Ok(())
}

/// Digits only, no sign and no leading zero, so that one id has one spelling.
fn parse_id(text: &str) -> Option<u32> {
    let canonical = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| canonical)
}
