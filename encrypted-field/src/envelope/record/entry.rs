//! The entry of one data key.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::canonical;
use super::parts::{are_names, has_null, least};
use super::{Digest, Due, Wraps, is_date, is_note};
use crate::cipher::mac::sha256;
use crate::key::provider::encoding;
use crate::key::{KeyState, Purpose};

/// One data key: what it is, how its life went, and the key itself, wrapped. Dates are seconds
/// since 1970 (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::envelope) struct Entry {
    pub(in crate::envelope) id: u32,
    #[serde(with = "purpose")]
    pub(in crate::envelope) purpose: Purpose,
    /// Which key of its scope and purpose it is, from 1.
    pub(in crate::envelope) version: u32,
    #[serde(with = "state")]
    pub(in crate::envelope) state: KeyState,
    pub(in crate::envelope) created: u64,
    /// When a pending key may become active: by then each process has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) activate_after: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) activated: Option<u64>,
    /// It seals nothing after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) seal_until: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) retired: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) compromised: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) disabled: Option<u64>,
    /// When it was enabled by hand: from then on no policy disables it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) enabled: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) destroyed: Option<u64>,
    /// The key's check value.
    pub(in crate::envelope) check: Digest,
    pub(in crate::envelope) wraps: Wraps,
    pub(in crate::envelope) changed: Changed,
    /// What a later release has added, and this one may ignore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) ext: Option<Map<String, Value>>,
}

/// The last change of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::envelope) struct Changed {
    pub(in crate::envelope) revision: u64,
    pub(in crate::envelope) date: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) why: Option<String>,
}

/// The members of an entry, and of its last change.
const MEMBERS: [&str; 17] = [
    "id",
    "purpose",
    "version",
    "state",
    "created",
    "activate_after",
    "activated",
    "seal_until",
    "retired",
    "compromised",
    "disabled",
    "enabled",
    "destroyed",
    "check",
    "wraps",
    "changed",
    "ext",
];
const CHANGED: [&str; 4] = ["revision", "date", "by", "why"];

impl Entry {
    /// Reads an entry. `Ok(None)` if a later release has written it, with a member, a purpose or a
    /// state that this one does not know.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(raw: &Value) -> Result<Option<Self>, &'static str> {
        let is_known = |value: Option<&Value>, members: &[&str]| {
            value
                .and_then(Value::as_object)
                .is_none_or(|object| object.keys().all(|member| members.contains(&member.as_str())))
        };
        let text = |member: &str| raw.get(member).and_then(Value::as_str);
        if !is_known(Some(raw), &MEMBERS)
            || !is_known(raw.get("changed"), &CHANGED)
            || text("purpose").is_some_and(|purpose| Purpose::from_name(purpose).is_none())
            || text("state").is_some_and(|state| KeyState::from_name(state).is_none())
        {
            return Ok(None);
        }
        if has_null(raw, &MEMBERS)
            || raw.get("changed").is_some_and(|changed| has_null(changed, &CHANGED))
        {
            return Err("a member is null");
        }
        let entry: Self = serde_json::from_value(raw.clone())
            .map_err(|_| "a member is missing or has another type")?;
        let Changed { date, by, why, .. } = &entry.changed;
        let dates = entry.past_dates().into_iter().flatten();
        let dates =
            dates.chain([entry.created, *date]).chain(entry.activate_after).chain(entry.seal_until);
        if !dates.into_iter().all(is_date)
            || !is_note(by.as_ref(), why.as_ref())
            || entry.version == 0
            || !are_names(&entry.wraps)
        {
            return Err("a member is out of its range");
        }
        Ok(Some(entry))
    }

    /// Where there may be work. `keks` are the names of the KEKs that the store is wrapped under.
    pub(super) fn due<'a>(&self, mut keks: impl Iterator<Item = &'a String>) -> Due {
        if self.state == KeyState::Destroyed {
            return Due::default();
        }
        let is_rotated = self.state == KeyState::Active && self.purpose != Purpose::Index;
        let pending = if self.state == KeyState::Pending { self.activate_after } else { None };
        let unwrapped = keks.any(|kek| !self.wraps.contains_key(kek)).then_some(self.created);
        Due {
            oldest: is_rotated.then(|| self.activated.unwrap_or(self.created)),
            waiting: least(pending, unwrapped),
        }
    }

    /// A hash of all that never changes in its life.
    pub(in crate::envelope) fn identity(&self) -> Digest {
        let (purpose, check) = (self.purpose.name(), encoding::encode(&self.check.0));
        identity(self.id, purpose, u64::from(self.version), self.created, &check)
    }

    /// A hash of all of it.
    pub(in crate::envelope) fn content(&self) -> Digest {
        let value = serde_json::to_value(self).unwrap_or_default();
        hash(canonical::text(&value).unwrap_or_default().as_bytes())
    }

    /// The dates of what has happened to it: none of them lies in the future.
    pub(in crate::envelope) fn past_dates(&self) -> [Option<u64>; 6] {
        [
            self.activated,
            self.retired,
            self.compromised,
            self.disabled,
            self.enabled,
            self.destroyed,
        ]
    }
}

/// A hash of what never changes in the life of a key, for comparison within a process.
pub(super) fn identity(id: u32, purpose: &str, version: u64, created: u64, check: &str) -> Digest {
    hash(format!("{id} {purpose} {version} {created} {check}").as_bytes())
}

pub(super) fn hash(bytes: &[u8]) -> Digest {
    Digest(sha256(std::iter::once(bytes)))
}

mod purpose {
    use std::borrow::Cow;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::key::Purpose;

    // By reference, as serde calls it.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn serialize<S: Serializer>(
        purpose: &Purpose,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(purpose.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Purpose, D::Error> {
        let name = <Cow<'de, str>>::deserialize(deserializer)?;
        Purpose::from_name(&name).ok_or_else(|| D::Error::custom("not a purpose of this release"))
    }
}

mod state {
    use std::borrow::Cow;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::key::KeyState;

    // By reference, as serde calls it.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn serialize<S: Serializer>(
        state: &KeyState,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(state.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<KeyState, D::Error> {
        let name = <Cow<'de, str>>::deserialize(deserializer)?;
        KeyState::from_name(&name).ok_or_else(|| D::Error::custom("not a state of this release"))
    }
}
