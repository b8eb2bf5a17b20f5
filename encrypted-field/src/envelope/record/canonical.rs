//! One unambiguous string of bytes for each content: integers big-endian, texts and lists with their lengths, absence told from
//! zero.

use super::Wraps;

/// `len u32 | text`.
pub(in crate::envelope) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

/// `len u32 | bytes`.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&len(bytes.len()));
    out.extend_from_slice(bytes);
}

/// `00`, or `01 | u64`.
pub(super) fn put_date(out: &mut Vec<u8>, date: Option<u64>) {
    out.push(u8::from(date.is_some()));
    if let Some(date) = date {
        out.extend_from_slice(&date.to_be_bytes());
    }
}

/// `count u32 |` for each by name: `name | wrapped`.
pub(super) fn put_wraps(out: &mut Vec<u8>, wraps: &Wraps) {
    out.extend_from_slice(&len(wraps.len()));
    for (name, wrapped) in wraps {
        put_text(out, name);
        put_bytes(out, &wrapped.0);
    }
}

/// A record has 64 KiB at most, so the length of a part always fits.
fn len(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes()
}
