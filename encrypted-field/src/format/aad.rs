//! Associated data: what a value is bound to. It is unambiguous by construction. Integers are
//! big-endian.
//!
//! ```text
//! "encrypted-field/v1\0" | suite u8 | key id u32 | kind u8 | len u32 | context
//!   for each bound column, sorted by name:  len u32 | name | tag u8 | len u32 | value
//! ```

use super::Suite;
use crate::key_id::KeyId;

const LABEL: &[u8; 19] = b"encrypted-field/v1\0";
/// Bytes before the context: label, suite, key id, kind, length.
const HEAD: usize = LABEL.len() + 1 + 4 + 1 + 4;
/// Up to here the associated data needs no allocation. It holds contexts of up to 131 bytes.
const INLINE: usize = 160;

/// Where a sealed value may be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In a column.
    Column = 1,
    /// Outside of rows: cookies, queues.
    Detached = 2,
}

/// A column of the same row whose value is authenticated with the field's.
///
/// Writers come with bound fields. Readers of version 1 know them from the start.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) struct BoundColumn<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: BoundValue<'a>,
}

#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) enum BoundValue<'a> {
    Null,
    Integer(i128),
    Text(&'a str),
    Bytes(&'a [u8]),
    Uuid([u8; 16]),
    Bool(bool),
}

/// The associated data of a context, without what each value decides: suite, key id and kind. Made
/// by the compiler for each field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContextAad<'a> {
    context: &'a str,
    /// Zeros in the places of each value's part, and after the end.
    bytes: [u8; INLINE],
}

impl<'a> ContextAad<'a> {
    pub(crate) const fn new(context: &'a str) -> Self {
        let mut bytes = [0; INLINE];
        if context.len() <= INLINE - HEAD {
            let (head, rest) = bytes.split_at_mut(HEAD);
            head.split_at_mut(LABEL.len()).0.copy_from_slice(LABEL);
            if let Some(len) = context.len().to_be_bytes().last_chunk::<4>() {
                head.split_at_mut(HEAD - len.len()).1.copy_from_slice(len);
            }
            rest.split_at_mut(context.len()).0.copy_from_slice(context.as_bytes());
        }
        Self { context, bytes }
    }
}

/// Associated data, on the stack for contexts of usual length.
pub(crate) enum Aad {
    Inline([u8; INLINE], usize),
    Spilled(Vec<u8>),
}

impl Aad {
    #[inline(always)]
    pub(crate) fn new(
        suite: Suite,
        key_id: KeyId,
        kind: Kind,
        context: &ContextAad<'_>,
        bound: &[BoundColumn<'_>],
    ) -> Self {
        let len = HEAD + context.context.len();
        if suite.is_bound() || len > INLINE {
            return Self::Spilled(spilled(suite, key_id, kind, context.context, bound));
        }
        let mut bytes = context.bytes;
        // Suite, key id and kind (the bytes 19 to 24) in one store of their block. The cipher reads
        // blocks, and waits if one was written in pieces.
        let block = &mut bytes.as_chunks_mut::<16>().0[1];
        let of_value = u128::from(suite.byte()) << 96
            | u128::from(key_id.get()) << 64
            | u128::from(kind as u8) << 56;
        *block = (u128::from_be_bytes(*block) | of_value).to_be_bytes();
        Self::Inline(bytes, len)
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Inline(bytes, len) => &bytes[..*len],
            Self::Spilled(bytes) => bytes,
        }
    }
}

#[cold]
fn spilled(
    suite: Suite,
    key_id: KeyId,
    kind: Kind,
    context: &str,
    bound: &[BoundColumn<'_>],
) -> Vec<u8> {
    let mut out = LABEL.to_vec();
    out.push(suite.byte());
    out.extend_from_slice(&key_id.get().to_be_bytes());
    out.push(kind as u8);
    push_sized(&mut out, context.as_bytes());
    if suite.is_bound() {
        let mut bound = bound.to_vec();
        bound.sort_unstable_by_key(|column| column.name);
        for column in bound {
            push_bound(&mut out, column);
        }
    }
    out
}

fn push_bound(out: &mut Vec<u8>, column: BoundColumn<'_>) {
    push_sized(out, column.name.as_bytes());
    let (tag, value): (u8, &[u8]) = match &column.value {
        BoundValue::Null => (0, &[]),
        BoundValue::Integer(value) => (1, &value.to_be_bytes()),
        BoundValue::Text(value) => (2, value.as_bytes()),
        BoundValue::Bytes(value) => (3, value),
        BoundValue::Uuid(value) => (4, value),
        BoundValue::Bool(value) => (5, &[u8::from(*value)]),
    };
    out.push(tag);
    push_sized(out, value);
}

fn push_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&len_of(bytes));
    out.extend_from_slice(bytes);
}

fn len_of(bytes: &[u8]) -> [u8; 4] {
    // The derive refuses contexts above 65,535 bytes. A longer one made by hand saturates and then
    // never opens under a shorter one.
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()
}
