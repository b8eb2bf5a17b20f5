//! The reader's checks before any cryptography, once more, written from FORMAT.md sections 3 and
//! 9.2 and from nothing else: slow and plain, so that it can be compared with the text line by
//! line.

use encrypted_field::ErrorKind;

use crate::fields::Form;

/// Why the value is refused before the cipher is asked; nothing if only the cipher can tell. Two
/// answers where the format leaves the choice to the reader.
pub fn refusals(form: Form, stored: &[u8], known_ids: &[u32]) -> Vec<ErrorKind> {
    match check(form, stored, known_ids) {
        Ok(()) => Vec::new(),
        Err(kinds) => kinds,
    }
}

fn check(form: Form, stored: &[u8], known_ids: &[u32]) -> Result<(), Vec<ErrorKind>> {
    // Step 1: the value is ours.
    let found = match recognise(stored) {
        Recognised::Foreign => return Err(vec![ErrorKind::NotEncrypted]),
        // Step 2: it begins as it was written, and its form belongs to the storage.
        Recognised::Changed => return Err(vec![ErrorKind::Malformed]),
        Recognised::Ours(found, version) => (found, version),
    };
    if found.0 != form {
        return Err(vec![ErrorKind::WrongStorage]);
    }
    // Step 3: its version is 1.
    if found.1 != b'1' {
        return Err(vec![ErrorKind::UnsupportedVersion]);
    }
    // Step 4: it is not the pending value.
    if stored == b"ef1:0:" || stored == [0xEF, 0x66, 0x31, 0, 0, 0, 0] {
        return Err(vec![ErrorKind::Pending]);
    }
    // Step 5: key id, canonical payload, not empty.
    let (id, payload, canonical) = match form {
        Form::Text => split_text(stored),
        Form::Binary => split_binary(stored),
    }
    .ok_or(vec![ErrorKind::Malformed])?;
    let suite = payload.first().copied();
    let known_suite = matches!(suite, Some(0x01 | 0x11 | 0x21 | 0x31));
    if !canonical || suite.is_none() {
        let mut kinds = vec![ErrorKind::Malformed];
        // A reader that decodes piece by piece may see the unknown suite first.
        if suite.is_some_and(may_be_suite) && !known_suite {
            kinds.push(ErrorKind::UnsupportedSuite);
        }
        return Err(kinds);
    }
    // Step 6: the suite may be assigned, and is known.
    if !suite.is_some_and(may_be_suite) {
        return Err(vec![ErrorKind::Malformed]);
    }
    if !known_suite {
        return Err(vec![ErrorKind::UnsupportedSuite]);
    }
    // Step 7: 41 bytes and 2^28 more.
    if payload.len() < 41 || payload.len() > 41 + (1 << 28) {
        return Err(vec![ErrorKind::Malformed]);
    }
    // Step 8: the key ring holds the key; its scope, purpose and state are right (steps 9 to 11)
    // here.
    if !known_ids.contains(&id) {
        return Err(vec![ErrorKind::UnknownKey]);
    }
    // Step 12: no bound columns.
    if matches!(suite, Some(0x21 | 0x31)) {
        return Err(vec![ErrorKind::BoundColumns]);
    }
    Ok(())
}

enum Recognised {
    Ours(Form, u8),
    Changed,
    Foreign,
}

/// Section 3.4.
fn recognise(stored: &[u8]) -> Recognised {
    if let [b'e', b'f', version @ b'1'..=b'9', b':', rest @ ..] = stored
        && fits_text(*version, rest)
    {
        return Recognised::Ours(Form::Text, *version);
    }
    if stored.starts_with(&[0xEF, 0x66, 0x31]) && fits_binary(&stored[3..]) {
        return Recognised::Ours(Form::Binary, b'1');
    }
    for version in b'2'..=b'9' {
        if stored.starts_with(&[0xEF, 0x66, version, 0xEF, 0x66, version]) {
            return Recognised::Ours(Form::Binary, version);
        }
    }
    // What may stand before a text form.
    for before in 0..=64.min(stored.len()) {
        let (before, value) = stored.split_at(before);
        if before.iter().all(|byte| stands_around(*byte))
            && let [b'E' | b'e', b'F' | b'f', version @ b'1'..=b'9', b':', rest @ ..] = value
        {
            let pending = *version == b'1' && is_pending(rest);
            let whole = split_id(rest).is_some_and(|(_, payload)| has_nonce(payload));
            if pending || whole {
                return Recognised::Changed;
            }
        }
    }
    Recognised::Foreign
}

fn fits_text(version: u8, rest: &[u8]) -> bool {
    let is_cut_off = rest.is_empty()
        || rest == b"0"
        || split_id(&[rest, b":"].concat()).is_some_and(|(_, payload)| payload.is_empty());
    if is_cut_off || version == b'1' && is_pending(rest) {
        return true;
    }
    let Some((_, payload)) = split_id(rest) else { return false };
    // Every suite that may be, as its beginning of one or two characters.
    let begins = (0..=u8::MAX).filter(|suite| may_be_suite(*suite)).any(|suite| {
        let alphabet =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".as_bytes();
        let first = alphabet[usize::from(suite >> 2)];
        let second = &alphabet[usize::from(suite & 3) * 16..][..16];
        match payload {
            [] => true,
            [one] => *one == first,
            [one, two, ..] => *one == first && second.contains(two),
        }
    });
    begins || has_nonce(payload)
}

fn fits_binary(rest: &[u8]) -> bool {
    if rest.len() <= 4 {
        return true;
    }
    let (id, payload) = rest.split_at(4);
    if id == [0, 0, 0, 0] {
        payload.iter().all(|byte| *byte == 0)
    } else {
        may_be_suite(payload[0])
    }
}

/// `0:`, and nothing but what programs put around a value.
fn is_pending(rest: &[u8]) -> bool {
    rest.strip_prefix(b"0:").is_some_and(|after| after.iter().all(|byte| stands_around(*byte)))
}

fn stands_around(byte: u8) -> bool {
    byte <= 0x20 || byte >= 0x7F || b"\"'`\\".contains(&byte)
}

fn may_be_suite(suite: u8) -> bool {
    matches!(suite & 0x0F, 1..=3) && matches!(suite & 0xF0, 0 | 0x10 | 0x20 | 0x30)
}

/// After two characters, whatever they are, 32 of base64url.
fn has_nonce(payload: &[u8]) -> bool {
    let is_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    payload.len() >= 34 && payload[2..34].iter().all(is_base64url)
}

/// Key id in its one spelling, and what stands after its colon.
fn split_id(rest: &[u8]) -> Option<(u32, &[u8])> {
    let colon = rest.iter().position(|byte| *byte == b':')?;
    let id = str::from_utf8(&rest[..colon]).ok()?.parse::<u32>().ok()?;
    (id != 0 && id.to_string().as_bytes() == &rest[..colon]).then(|| (id, &rest[colon + 1..]))
}

fn split_binary(stored: &[u8]) -> Option<(u32, Vec<u8>, bool)> {
    let id = u32::from_be_bytes(stored.get(3..7)?.try_into().ok()?);
    (id != 0).then(|| (id, stored[7..].to_vec(), true))
}

fn split_text(stored: &[u8]) -> Option<(u32, Vec<u8>, bool)> {
    let (id, payload) = split_id(&stored[4..])?;
    let (payload, canonical) = base64url(payload);
    Some((id, payload, canonical))
}

/// What can be decoded, and whether that was all, spelt as it must be.
fn base64url(text: &[u8]) -> (Vec<u8>, bool) {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bytes, mut bits, mut have) = (Vec::new(), 0u32, 0);
    for character in text {
        let Some(six) = alphabet.iter().position(|letter| letter == character) else {
            return (bytes, false);
        };
        bits = bits << 6 | u32::try_from(six).unwrap();
        have += 6;
        if have >= 8 {
            have -= 8;
            bytes.push(u8::try_from(bits >> have).unwrap());
            bits &= (1 << have) - 1;
        }
    }
    // 6 bits left over: 4n + 1 characters. Others must be zero.
    (bytes, have != 6 && bits == 0)
}

#[test]
fn the_reference_decodes_base64url() {
    assert_eq!(base64url(b"-_8"), (vec![0xFB, 0xFF], true));
    assert_eq!(base64url(b"-_9"), (vec![0xFB, 0xFF], false));
    assert!(!base64url(b"-_8=").1 && !base64url(b"A").1 && !base64url(b"+/8").1);
}
