//! ISO/IEC 7816-4 padding: `80`, then zeros. Hides the length of a plaintext within a step.

use crate::error::{Error, ErrorKind, Result};

/// The length without padding. The value has authenticated, so this tells an attacker nothing.
pub(crate) fn unpadded_len(plaintext: &[u8]) -> Result<usize> {
    match plaintext.iter().rposition(|b| *b != 0) {
        Some(end) if plaintext[end] == 0x80 => Ok(end),
        _ => Err(Error::new(ErrorKind::InvalidPlaintext)
            .detail("no padding where the suite announces it")),
    }
}
