//! The names of records.

use crate::cipher::mac::sha256;

/// The most digits in the name of a node.
pub(in crate::envelope) const NODE_DIGITS: usize = 16;

/// Where a scope is: loaded with each process, or on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::envelope) enum Part {
    Process,
    Demand,
}

impl Part {
    pub(in crate::envelope) const fn prefix(self) -> &'static str {
        match self {
            Self::Process => "process/",
            Self::Demand => "demand/",
        }
    }

    /// The name of the record with the keys of a scope.
    pub(in crate::envelope) fn record(self, digest: &ScopeDigest) -> String {
        format!("{}{}", self.prefix(), digest.digits())
    }
}

/// The name of the node of the tree whose scopes' digests begin with these digits.
pub(in crate::envelope) fn node_name(digits: &str) -> String {
    if digits.is_empty() { "tree".to_owned() } else { format!("tree/{digits}") }
}

/// `SHA-256("encrypted-field/v1/store-scope\0" | name)` in 64 hexadecimal digits: where a scope is
/// in the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::envelope) struct ScopeDigest(Box<str>);

impl ScopeDigest {
    pub(in crate::envelope) fn of(scope: &str) -> Self {
        let hash =
            sha256([b"encrypted-field/v1/store-scope\0".as_slice(), scope.as_bytes()].into_iter());
        let mut digits = String::with_capacity(64);
        for byte in hash {
            for digit in [byte >> 4, byte & 15] {
                digits.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
            }
        }
        Self(digits.into())
    }

    pub(in crate::envelope) fn digits(&self) -> &str {
        &self.0
    }

    /// The digits of all nodes that can be on the way to it.
    pub(in crate::envelope) fn prefixes(&self) -> impl Iterator<Item = &str> {
        (0..=NODE_DIGITS).map(|steps| self.prefix(steps))
    }

    /// The digits of a node on the way to it, so many steps below the root.
    pub(in crate::envelope) fn prefix(&self, steps: usize) -> &str {
        &self.0[..steps.min(NODE_DIGITS)]
    }
}
