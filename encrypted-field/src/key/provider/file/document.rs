//! The content of a key file.

use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::key::date::rfc3339;
use crate::key::provider::encoding;
use crate::key::{Key, KeyState, Purpose, generate_key};
use crate::key_id::KeyId;

const FORMAT: &str = "encrypted-field key file";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    format: String,
    version: u32,
    keys: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: u32,
    #[serde(default)]
    scope: String,
    #[serde(default = "field")]
    purpose: String,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<KeyText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    activated: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retired: Option<String>,
}

fn field() -> String {
    Purpose::Field.name().into()
}

/// A key in base64, wiped on drop.
struct KeyText(Zeroizing<String>);

impl Serialize for KeyText {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for KeyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// The statements of a key file about one key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyFileEntry {
    /// Its id.
    pub id: KeyId,
    /// Its scope, `""` by default.
    pub scope: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Where it stands in its life.
    pub state: KeyState,
    /// When it was made (RFC 3339, UTC).
    pub created: Option<String>,
    /// When it became active.
    pub activated: Option<String>,
    /// When it stopped being active.
    pub retired: Option<String>,
}

fn wrong(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::KeyFile).detail(detail)
}

impl Default for Document {
    fn default() -> Self {
        Self { format: FORMAT.into(), version: VERSION, keys: Vec::new() }
    }
}

impl Document {
    pub(super) fn parse(text: &[u8]) -> Result<Self> {
        if text.starts_with(encoding::BYTE_ORDER_MARK.to_string().as_bytes()) {
            return Err(wrong(encoding::HAS_BYTE_ORDER_MARK));
        }
        // Not serde_json's own message, because that quotes what it read, which may be a key.
        let document: Self = serde_json::from_slice(text).map_err(|e| {
            let what = match e.classify() {
                serde_json::error::Category::Eof => {
                    "it ends too early: was it half written? Restore it from a backup"
                }
                serde_json::error::Category::Syntax => "not JSON",
                _ => "a field is missing, unknown or of the wrong type",
            };
            wrong(format!("line {}, column {}: {what}", e.line(), e.column()))
        })?;
        if document.format != FORMAT || document.version != VERSION {
            return Err(wrong(format!(
                "it does not say \"format\": \"{FORMAT}\", \"version\": {VERSION}"
            )));
        }
        Ok(document)
    }

    pub(super) fn to_json(&self) -> Result<Zeroizing<Vec<u8>>> {
        // Room for all of it at once: growing would leave copies behind that are not wiped. Scopes
        // have any length, and six characters for each byte at most (`\u0000`).
        let scopes: usize = self.keys.iter().map(|entry| entry.scope.len() * 6).sum();
        let mut text = Zeroizing::new(Vec::with_capacity(256 + self.keys.len() * 512 + scopes));
        serde_json::to_writer_pretty(&mut *text, self)
            .map_err(|_| wrong("can't be written as JSON"))?;
        text.push(b'\n');
        Ok(text)
    }

    pub(super) fn keys(&self) -> Result<Vec<Key>> {
        self.keys
            .iter()
            .map(|entry| entry.to_key().map_err(|e| e.within(&format!("key {}", entry.id))))
            .collect()
    }

    pub(super) fn entries(&self) -> Result<Vec<KeyFileEntry>> {
        self.keys
            .iter()
            .map(|entry| {
                Ok(KeyFileEntry {
                    id: KeyId::new(entry.id).ok_or_else(|| wrong("key id 0 is reserved"))?,
                    scope: entry.scope.clone(),
                    purpose: entry.purpose()?,
                    state: entry.state()?,
                    created: entry.created.clone(),
                    activated: entry.activated.clone(),
                    retired: entry.retired.clone(),
                })
            })
            .collect()
    }

    pub(super) fn add(&mut self, key: &Key, now: SystemTime) {
        let now = rfc3339(now);
        self.keys.push(Entry {
            id: key.id,
            scope: key.scope.clone(),
            purpose: key.purpose.name().into(),
            state: key.state.name().into(),
            // The bytes of a destroyed key are not kept, though its owner may still have them.
            key: key
                .bytes
                .as_ref()
                .filter(|_| key.state != KeyState::Destroyed)
                .map(|bytes| KeyText(encoding::encode(bytes.expose()))),
            // If there are no bytes to make one of, it is the caller's. A tombstone is known by it.
            check: key
                .check_value()
                .or(key.expected_check)
                .map(|check| encoding::encode(&check).to_string()),
            activated: (key.state == KeyState::Active).then(|| now.clone()),
            created: Some(now),
            retired: None,
        });
    }

    pub(super) fn rotate(
        &mut self,
        scope: &str,
        purpose: Purpose,
        now: SystemTime,
    ) -> Result<KeyId> {
        let highest = self.keys.iter().map(|entry| entry.id).max().unwrap_or(0);
        let id = highest
            .checked_add(1)
            .and_then(KeyId::new)
            .ok_or_else(|| wrong("key ids are used up"))?;
        let bytes = Zeroizing::new(generate_key()?);
        self.retire_active(scope, purpose.name(), now);
        self.add(&Key::new(id.get(), *bytes).scope(scope).purpose(purpose), now);
        Ok(id)
    }

    pub(super) fn activate(&mut self, id: KeyId, now: SystemTime) -> Result<()> {
        let pending =
            |entry: &Entry| entry.id == id.get() && entry.state == KeyState::Pending.name();
        let at = self
            .keys
            .iter()
            .position(pending)
            .ok_or_else(|| wrong("it is not a pending key of this file").key(id))?;
        let (scope, purpose) = (self.keys[at].scope.clone(), self.keys[at].purpose.clone());
        self.retire_active(&scope, &purpose, now);
        self.keys[at].state = KeyState::Active.name().into();
        self.keys[at].activated = Some(rfc3339(now));
        Ok(())
    }

    pub(super) fn set_state(&mut self, id: KeyId, state: KeyState, now: SystemTime) -> Result<()> {
        let entry = self.keys.iter_mut().find(|entry| entry.id == id.get());
        let entry = entry.ok_or_else(|| wrong("it is not in this file").key(id))?;
        match (entry.state()?, state) {
            (_, KeyState::Pending | KeyState::Active) => {
                return Err(wrong("a key becomes active through `activate` or `rotate`").key(id));
            }
            (KeyState::Destroyed, KeyState::Destroyed) => return Ok(()),
            (KeyState::Destroyed, _) => return Err(wrong("it was destroyed").key(id)),
            (KeyState::Active, _) => entry.retired = Some(rfc3339(now)),
            _ => {}
        }
        entry.state = state.name().into();
        if state == KeyState::Destroyed {
            entry.key = None;
        }
        Ok(())
    }

    fn retire_active(&mut self, scope: &str, purpose: &str, now: SystemTime) {
        for entry in &mut self.keys {
            if entry.scope == scope
                && entry.purpose == purpose
                && entry.state == KeyState::Active.name()
            {
                entry.state = KeyState::Retired.name().into();
                entry.retired = Some(rfc3339(now));
            }
        }
    }
}

impl Entry {
    fn to_key(&self) -> Result<Key> {
        let state = self.state()?;
        let mut key = match &self.key {
            Some(text) => {
                Key::new(self.id, *encoding::decode_32_given(&text.0).map_err(wrong)?).state(state)
            }
            None if state == KeyState::Destroyed => Key::destroyed(self.id),
            None => return Err(wrong("\"key\" is missing")),
        };
        if let Some(check) = &self.check {
            key = key.check(
                *encoding::decode_32_given(check).map_err(|e| wrong(format!("\"check\": {e}")))?,
            );
        }
        Ok(key.scope(&*self.scope).purpose(self.purpose()?))
    }

    fn purpose(&self) -> Result<Purpose> {
        Purpose::from_name(&self.purpose)
            .ok_or_else(|| wrong("\"purpose\" is not field, index or file"))
    }

    fn state(&self) -> Result<KeyState> {
        KeyState::from_name(&self.state).ok_or_else(|| {
            wrong("\"state\" is not pending, active, retired, disabled, destroyed or compromised")
        })
    }
}
