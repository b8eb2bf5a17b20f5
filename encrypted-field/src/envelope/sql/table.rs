//! The name of the table.

use super::Dialect;
use crate::error::{Error, ErrorKind, Result};

/// PostgreSQL cuts longer names off, and two of them would be one.
const LONGEST: usize = 63;

/// `table` or `schema.table`, of letters, digits and `_` only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table(String);

impl Table {
    pub(super) fn new(name: &str) -> Result<Self> {
        let parts: Vec<_> = name.split('.').collect();
        if parts.len() > 2 || !parts.iter().all(|part| is_identifier(part)) {
            // Debug, so that the name can't break the lines of a log.
            let detail = format!(
                "{name:?} is no name for a table: `table` or `schema.table`, each an ASCII letter or `_` and then at most 62 more \
                 letters, digits and `_`"
            );
            return Err(Error::new(ErrorKind::KeyStoreUnusable).detail(detail));
        }
        Ok(Self(name.to_owned()))
    }

    /// As it was given.
    pub(super) fn name(&self) -> &str {
        &self.0
    }

    /// As statements name it.
    pub(super) fn quoted(&self, dialect: Dialect) -> String {
        let quote = dialect.quote();
        let parts = self.0.split('.').map(|part| format!("{quote}{part}{quote}"));
        parts.collect::<Vec<_>>().join(".")
    }
}

impl Default for Table {
    fn default() -> Self {
        Self("encrypted_field_keys".to_owned())
    }
}

fn is_identifier(text: &str) -> bool {
    text.len() <= LONGEST
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
