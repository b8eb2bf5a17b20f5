//! Whether a value is a stored value (FORMAT.md section 3.4), and what is wrong with it.
//!
//! A value that parses never comes here. A value that comes here is damaged, of a later version, or
//! not ours. Only the last may be given to a reader of other formats.

use std::borrow::Cow;
use std::ops::Range;

use super::{Suite, check_len, is_base64url, malformed, sextet};
use crate::error::{Error, ErrorKind};
use crate::key_id::KeyId;

/// Bytes that may stand before a text form which is still known as one.
const MAX_BEFORE: usize = 64;
/// The characters of a payload that hold the nonce, all but its first two bits, after the two that
/// hold the suite. So many of base64url after a key id come from a stored value and from nothing
/// else.
const NONCE_CHARS: Range<usize> = 2..34;

/// The two forms of a stored value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Binary,
}

enum Recognised<'a> {
    /// As far as it goes, it fits what this or a later version writes: a digit from 1 to 9.
    Ours(Form, u8),
    /// A text form in capitals, or with this before it.
    Changed(&'a [u8]),
    Foreign,
}

/// Whether this is a stored value of this library, in either form and any version, whole or damaged
/// (`FORMAT.md` section 3.4). Only what is not may be read as a value in the clear or of another
/// program.
#[inline]
pub fn is_ours(stored: &[u8]) -> bool {
    !matches!(recognise(stored), Recognised::Foreign)
}

/// Why a value is refused that did not parse in this form.
#[cold]
pub(super) fn refusal(storage: Form, stored: &[u8]) -> Error {
    match recognise(stored) {
        Recognised::Foreign => foreign(stored),
        Recognised::Changed(before) => malformed(format!(
            "{}; undo that in the database, and in what does it",
            what_stands_before(before)
        )),
        Recognised::Ours(form, _) if form != storage => {
            Error::new(ErrorKind::WrongStorage).detail(match form {
                Form::Text => "text form in a binary column",
                Form::Binary => "binary form in a text column",
            })
        }
        Recognised::Ours(_, b'1') => match storage {
            Form::Text => damaged_text(stored),
            Form::Binary => damaged_binary(stored),
        },
        Recognised::Ours(_, version) => Error::new(ErrorKind::UnsupportedVersion)
            .detail(format!("version {}", char::from(version))),
    }
}

fn recognise(stored: &[u8]) -> Recognised<'_> {
    match stored {
        [b'e', b'f', version @ b'1'..=b'9', b':', rest @ ..] if fits_text(*version, rest) => {
            Recognised::Ours(Form::Text, *version)
        }
        [0xEF, b'f', b'1', rest @ ..] if fits_binary(rest) => Recognised::Ours(Form::Binary, b'1'),
        [0xEF, b'f', version @ b'2'..=b'9', 0xEF, b'f', again, ..] if again == version => {
            Recognised::Ours(Form::Binary, *version)
        }
        _ => changed(stored).map_or(Recognised::Foreign, Recognised::Changed),
    }
}

/// Key id and what follows it, of a text form without its marker.
enum AfterMarker<'a> {
    /// It ends within the key id.
    Cut,
    /// Key id 0, with this after its colon.
    Zero(&'a [u8]),
    /// A key id, with this after its colon.
    Key(KeyId, &'a [u8]),
}

/// `None` if there is no key id in its one spelling.
fn after_marker(rest: &[u8]) -> Option<AfterMarker<'_>> {
    // u32::MAX has ten digits.
    let digits = rest.iter().take(11).take_while(|b| b.is_ascii_digit()).count();
    let (id, after) = rest.split_at(digits);
    let payload = match after {
        [] => None,
        [b':', payload @ ..] => Some(payload),
        _ => return None,
    };
    match (id, payload) {
        ([] | [b'0'], None) => Some(AfterMarker::Cut),
        ([b'0'], Some(after)) => Some(AfterMarker::Zero(after)),
        ([] | [b'0', ..], _) => None,
        (id, payload) => {
            let id = id
                .iter()
                .try_fold(0u32, |id, b| id.checked_mul(10)?.checked_add(u32::from(b - b'0')));
            let id = KeyId::new(id?)?;
            Some(payload.map_or(AfterMarker::Cut, |payload| AfterMarker::Key(id, payload)))
        }
    }
}

fn fits_text(version: u8, rest: &[u8]) -> bool {
    match after_marker(rest) {
        None => false,
        Some(AfterMarker::Cut) => true,
        Some(AfterMarker::Zero(after)) => version == b'1' && after.iter().all(|b| is_around(*b)),
        Some(AfterMarker::Key(_, payload)) => {
            let begins = match payload {
                [] => true,
                [first] => sextet(*first).is_some_and(|first| first & 0b11_0011 == 0),
                [first, second, ..] => suite_of(*first, *second).is_some_and(Suite::may_be),
            };
            begins || has_nonce(payload)
        }
    }
}

fn suite_of(first: u8, second: u8) -> Option<u8> {
    Some(sextet(first)? << 2 | sextet(second)? >> 4)
}

fn has_nonce(payload: &[u8]) -> bool {
    payload.get(NONCE_CHARS).is_some_and(|nonce| nonce.iter().all(|b| is_base64url(*b)))
}

/// What follows the marker of version 1.
fn fits_binary(rest: &[u8]) -> bool {
    let Some((id, payload)) = rest.split_first_chunk::<4>() else { return true };
    if *id == [0; 4] {
        // The pending value, and what `BINARY(n)` makes of it.
        return payload.iter().all(|b| *b == 0);
    }
    payload.first().is_none_or(|suite| Suite::may_be(*suite))
}

/// White space, control characters, quotation marks, backslashes and all that is not ASCII:
/// programs put these around a value. (JSON and the like are not here, because a document may well
/// hold detached values.)
fn is_around(byte: u8) -> bool {
    matches!(byte, 0..=b' ' | b'"' | b'\'' | b'`' | b'\\' | 0x7F..)
}

/// The bytes before a text form that does not begin as it should. They are empty for one in
/// capitals.
fn changed(stored: &[u8]) -> Option<&[u8]> {
    let before = stored.iter().take(MAX_BEFORE + 1).take_while(|b| is_around(**b)).count();
    let (before, value) = stored.split_at_checked(before).filter(|_| before <= MAX_BEFORE)?;
    let [b'e' | b'E', b'f' | b'F', version @ b'1'..=b'9', b':', rest @ ..] = value else {
        return None;
    };
    let is_ours = match after_marker(rest)? {
        AfterMarker::Cut => false,
        AfterMarker::Zero(after) => *version == b'1' && after.iter().all(|b| is_around(*b)),
        AfterMarker::Key(_, payload) => has_nonce(payload),
    };
    is_ours.then_some(before)
}

fn what_stands_before(before: &[u8]) -> Cow<'static, str> {
    let all = |class: fn(&u8) -> bool| before.iter().all(class);
    match before {
        [] => "its marker is in capitals: the value was changed to upper case".into(),
        [0xEF, 0xBB, 0xBF] => "a byte order mark stands before the marker".into(),
        _ if all(|b| matches!(b, b'"' | b'\'' | b'`' | b'\\')) => {
            "a quotation mark stands before the marker".into()
        }
        _ if all(|b| *b == b' ') => format!("{} before the marker", spaces(before.len())).into(),
        _ if all(u8::is_ascii_whitespace) && before.iter().any(|b| matches!(b, b'\n' | b'\r')) => {
            "a line break stands before the marker".into()
        }
        _ if all(u8::is_ascii_whitespace) => "white space stands before the marker".into(),
        _ => format!("{} bytes stand before the marker", before.len()).into(),
    }
}

fn spaces(count: usize) -> String {
    if count == 1 { "a space stands".to_owned() } else { format!("{count} spaces stand") }
}

fn foreign(stored: &[u8]) -> Error {
    let error = Error::new(ErrorKind::NotEncrypted);
    let digits = |rest: &[u8]| rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let looks_alike = match stored {
        [0xEF, b'f', b'0'..=b'9', ..] => true,
        [b'e', b'f', rest @ ..] => digits(rest) > 0 && rest.get(digits(rest)) == Some(&b':'),
        _ => false,
    };
    if looks_alike {
        error.detail("it begins like one; if it was one, it is damaged")
    } else {
        error
    }
}

/// Step 4 on of FORMAT.md section 9.2, for the text form.
fn damaged_text(stored: &[u8]) -> Error {
    match after_marker(&stored[4..]) {
        None | Some(AfterMarker::Cut) => {
            malformed("it ends within the key id; is the column wide enough?")
        }
        Some(AfterMarker::Zero([])) => ErrorKind::Pending.into(),
        Some(AfterMarker::Zero(after)) => {
            malformed(format!("the pending value; {}", what_follows(after, 0)))
        }
        Some(AfterMarker::Key(id, payload)) => damaged_payload(payload).key(id),
    }
}

fn damaged_payload(payload: &[u8]) -> Error {
    if has_nonce(payload) && !payload.iter().any(u8::is_ascii_uppercase) {
        return malformed("its payload has no capitals: the value was changed to lower case");
    }
    if let Some(error) = unreadable(payload, 0) {
        return error;
    }
    let [first, second, ..] = payload else {
        return malformed("it ends after the key id; is the column wide enough?");
    };
    let Some(suite) = suite_of(*first, *second) else { return malformed("no suite") };
    // The last group of base64url has 2 or 3 characters for 1 or 2 bytes.
    damaged_rest(suite, payload.len() / 4 * 3 + (payload.len() % 4).saturating_sub(1))
}

/// Says why the text of a payload is not canonical base64url, `at` characters into it.
pub(super) fn unreadable(text: &[u8], at: usize) -> Option<Error> {
    if let Some(found) = text.iter().position(|b| !is_base64url(*b)) {
        return Some(malformed(what_follows(&text[found..], at + found)));
    }
    let unused = match (text.len() % 4, text.last().and_then(|last| sextet(*last))) {
        (1, _) => true,
        (2, Some(last)) => last & 0b1111 != 0,
        (3, Some(last)) => last & 0b11 != 0,
        _ => false,
    };
    unused.then(|| {
        malformed("not canonical base64url; if it was cut off, is the column wide enough?")
    })
}

/// Describes the rest of the value after that many characters of a payload.
fn what_follows(after: &[u8], at: usize) -> Cow<'static, str> {
    let all = |class: fn(&u8) -> bool| after.iter().all(class);
    if all(|b| *b == b' ') {
        let spaces = spaces(after.len());
        return format!("{spaces} after it: `CHAR(n)` pads with them, so use `TEXT` or `VARCHAR`")
            .into();
    }
    if all(|b| *b == 0) {
        return format!("{} zero bytes stand after it: `BINARY(n)` pads with them", after.len())
            .into();
    }
    if all(u8::is_ascii_whitespace) {
        return if after.iter().any(|b| matches!(b, b'\n' | b'\r')) {
            "a line break stands after it; take it away in the database, and in what adds it".into()
        } else {
            "white space stands after it; take it away in the database, and in what adds it".into()
        };
    }
    if all(|b| is_around(*b)) {
        return "a quotation mark or the like stands after it; take it away in the database".into();
    }
    if all(|b| *b == b'=') {
        return "`=` stands after it: it was encoded anew, in base64 with padding".into();
    }
    let what = match after[0] {
        b'+' | b'/' => "`+` or `/`, as in the other alphabet of base64,",
        b'\n' | b'\r' => "a line break",
        b' ' => "a space",
        _ => "a character that is not of base64url",
    };
    format!("{what} stands after {at} characters of its payload").into()
}

/// Step 4 on of FORMAT.md section 9.2, for the binary form.
fn damaged_binary(stored: &[u8]) -> Error {
    let Some((id, payload)) = stored[3..].split_first_chunk::<4>() else {
        return malformed("it ends within the key id; is the column wide enough?");
    };
    let Some(id) = KeyId::new(u32::from_be_bytes(*id)) else {
        return if payload.is_empty() {
            ErrorKind::Pending.into()
        } else {
            malformed(format!("the pending value; {}", what_follows(payload, 0)))
        };
    };
    let error = match payload.first() {
        None => malformed("it ends after the key id; is the column wide enough?"),
        Some(suite) => damaged_rest(*suite, payload.len()),
    };
    error.key(id)
}

/// Steps 6 and 7: a suite, and the bytes of the payload that it begins.
fn damaged_rest(suite: u8, payload_len: usize) -> Error {
    if !Suite::may_be(suite) {
        return malformed(format!("suite 0x{suite:02x}, which no version has"));
    }
    Suite::from_byte(suite)
        .and_then(|_| check_len(payload_len))
        .err()
        .unwrap_or_else(|| malformed("for no reason that is known"))
}
