//! JSON that other software has written around its ciphertexts.

use std::borrow::Cow;

use encrypted_field::plaintext::PlaintextError;
use serde::Deserialize;

/// An object and nothing around it, not even white space. `refusal` says what it should be.
pub(crate) fn parse<'a, T: Deserialize<'a>>(
    stored: &'a [u8],
    refusal: PlaintextError,
) -> Result<T, PlaintextError> {
    if !(stored.starts_with(b"{") && stored.ends_with(b"}")) {
        return Err(refusal);
    }
    // The parser's message may quote the value.
    serde_json::from_slice(stored).map_err(|_| refusal)
}

/// The version of a key: a number or a string.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Version<'a> {
    Number(u64),
    #[serde(borrow)]
    Text(Cow<'a, str>),
}

impl Version<'_> {
    /// Whether it is this one, as the settings spell it.
    pub(crate) fn is(&self, version: &str) -> bool {
        match self {
            Self::Number(number) => number.to_string() == version,
            Self::Text(text) => text == version,
        }
    }
}
