//! The entry of one data key.

use serde::{Deserialize, Serialize};

use super::canonical::{put_bytes, put_date, put_text, put_wraps};
use super::{Digest, StoreMac, Wraps};
use crate::key::{KeyState, Purpose};

const LABEL: &[u8] = b"encrypted-field/v1/store-entry\0";

/// One data key: what it is, how its life went, and the key itself, wrapped. Dates are seconds since 1970 (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::envelope) struct Entry {
    pub(in crate::envelope) id: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(in crate::envelope) scope: String,
    #[serde(with = "purpose")]
    pub(in crate::envelope) purpose: Purpose,
    /// The how manieth key of its scope and purpose it is, from 1.
    pub(in crate::envelope) version: u32,
    #[serde(with = "state")]
    pub(in crate::envelope) state: KeyState,
    /// The store's revision in which it was last written.
    pub(in crate::envelope) revision: u64,
    /// Loaded when its scope is entered, not when the process starts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::envelope) on_demand: bool,
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
    pub(in crate::envelope) mac: Digest,
}

impl Entry {
    pub(in crate::envelope) fn sign(&mut self, mac: &StoreMac) {
        self.mac = mac.sign(LABEL, &self.canonical());
    }

    pub(in crate::envelope) fn is_authentic(&self, mac: &StoreMac) -> bool {
        mac.sign(LABEL, &self.canonical()).equals(&self.mac)
    }

    /// All but the MAC, in the order of the struct.
    fn canonical(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        out.extend_from_slice(&self.id.to_be_bytes());
        put_text(&mut out, &self.scope);
        put_text(&mut out, self.purpose.name());
        out.extend_from_slice(&self.version.to_be_bytes());
        put_text(&mut out, self.state.name());
        out.extend_from_slice(&self.revision.to_be_bytes());
        out.push(u8::from(self.on_demand));
        out.extend_from_slice(&self.created.to_be_bytes());
        for date in [
            self.activate_after,
            self.activated,
            self.seal_until,
            self.retired,
            self.compromised,
            self.disabled,
            self.enabled,
            self.destroyed,
        ] {
            put_date(&mut out, date);
        }
        put_bytes(&mut out, &self.check.0);
        put_wraps(&mut out, &self.wraps);
        out
    }
}

mod purpose {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::key::Purpose;

    // By reference, as serde calls it.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn serialize<S: Serializer>(purpose: &Purpose, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(purpose.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Purpose, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Purpose::from_name(&name).ok_or_else(|| D::Error::custom("the purpose is not field, index or file"))
    }
}

mod state {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::key::KeyState;

    // By reference, as serde calls it.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn serialize<S: Serializer>(state: &KeyState, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(state.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyState, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        KeyState::from_name(&name).ok_or_else(|| D::Error::custom("not a state of a key"))
    }
}
