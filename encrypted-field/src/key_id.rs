//! The number of a key.

use std::fmt;
use std::num::NonZeroU32;

/// The number by which stored values name their key: 1 to 4,294,967,295. It is never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(NonZeroU32);

impl KeyId {
    /// `None` for 0.
    pub const fn new(id: u32) -> Option<Self> {
        match NonZeroU32::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// The lowest, 1.
    pub const MIN: Self = Self(NonZeroU32::MIN);

    /// The number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<KeyId> for u32 {
    fn from(id: KeyId) -> Self {
        id.get()
    }
}

/// Refuses 0.
impl TryFrom<u32> for KeyId {
    type Error = std::num::TryFromIntError;

    fn try_from(id: u32) -> Result<Self, Self::Error> {
        id.try_into().map(Self)
    }
}
