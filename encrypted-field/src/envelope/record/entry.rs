//! The entry of one data key.

use serde::{Deserialize, Serialize};

use super::parts::least;
use super::{Digest, Due, Wraps};
use crate::key::{KeyState, Purpose};

/// One data key: what it is, how its life went, and the key itself, wrapped. Dates are seconds since 1970 (UTC).
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

impl Entry {
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

    /// Whether it is the same key: what never changes in its life.
    pub(in crate::envelope) fn is_same_key(&self, other: &Self) -> bool {
        (self.id, self.purpose, self.version, self.created, self.check)
            == (other.id, other.purpose, other.version, other.created, other.check)
    }

    /// The dates of what has happened to it: none of them lies in the future.
    pub(in crate::envelope) fn past_dates(&self) -> [Option<u64>; 6] {
        [self.activated, self.retired, self.compromised, self.disabled, self.enabled, self.destroyed]
    }
}

mod purpose {
    use std::borrow::Cow;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::key::Purpose;

    // By reference, as serde calls it.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn serialize<S: Serializer>(purpose: &Purpose, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(purpose.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Purpose, D::Error> {
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
    pub(super) fn serialize<S: Serializer>(state: &KeyState, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(state.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyState, D::Error> {
        let name = <Cow<'de, str>>::deserialize(deserializer)?;
        KeyState::from_name(&name).ok_or_else(|| D::Error::custom("not a state of this release"))
    }
}
