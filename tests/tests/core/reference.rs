//! The reader's checks before any cryptography, once more, written from FORMAT.md sections 3 and 9.2 and from
//! nothing else: slow and plain, so that it can be compared with the text line by line.

use encrypted_field::ErrorKind;

use crate::fields::Form;

/// Why the value is refused before the cipher is asked; nothing if only the cipher can tell. Two answers where
/// the format leaves the choice to the reader.
pub fn refusals(form: Form, stored: &[u8], known_ids: &[u32]) -> Vec<ErrorKind> {
    match check(form, stored, known_ids) {
        Ok(()) => Vec::new(),
        Err(kinds) => kinds,
    }
}

fn check(form: Form, stored: &[u8], known_ids: &[u32]) -> Result<(), Vec<ErrorKind>> {
    // Step 1: the value is ours.
    let Some((found, version)) = marker(stored) else { return Err(vec![ErrorKind::NotEncrypted]) };
    // Step 2: its form belongs to the storage.
    if found != form {
        return Err(vec![ErrorKind::WrongStorage]);
    }
    // Step 3: its version is 1.
    if version != "1" {
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
        if suite.is_some() && !known_suite {
            kinds.push(ErrorKind::UnsupportedSuite);
        }
        return Err(kinds);
    }
    // Step 6: the suite is known.
    if !known_suite {
        return Err(vec![ErrorKind::UnsupportedSuite]);
    }
    // Step 7: 41 bytes and 2^28 more.
    if payload.len() < 41 || payload.len() > 41 + (1 << 28) {
        return Err(vec![ErrorKind::Malformed]);
    }
    // Step 8: the key ring holds the key; its scope, purpose and state are right (steps 9 to 11) here.
    if !known_ids.contains(&id) {
        return Err(vec![ErrorKind::UnknownKey]);
    }
    // Step 12: no bound columns.
    if matches!(suite, Some(0x21 | 0x31)) {
        return Err(vec![ErrorKind::BoundColumns]);
    }
    Ok(())
}

fn marker(stored: &[u8]) -> Option<(Form, String)> {
    if let [0xEF, 0x66, digit @ 0x30..=0x39, ..] = stored {
        return Some((Form::Binary, char::from(*digit).to_string()));
    }
    let rest = stored.strip_prefix(b"ef")?;
    let colon = rest.iter().position(|byte| *byte == b':')?;
    let digits = &rest[..colon];
    let is_version = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_version.then(|| (Form::Text, String::from_utf8_lossy(digits).into_owned()))
}

fn split_binary(stored: &[u8]) -> Option<(u32, Vec<u8>, bool)> {
    let id = u32::from_be_bytes(stored.get(3..7)?.try_into().ok()?);
    (id != 0).then(|| (id, stored[7..].to_vec(), true))
}

fn split_text(stored: &[u8]) -> Option<(u32, Vec<u8>, bool)> {
    let rest = &stored[4..];
    let colon = rest.iter().position(|byte| *byte == b':')?;
    let id = str::from_utf8(&rest[..colon]).ok()?;
    let is_id = !id.is_empty() && !id.starts_with('0') && id.bytes().all(|byte| byte.is_ascii_digit());
    let id = id.parse::<u32>().ok().filter(|_| is_id)?;
    let (payload, canonical) = base64url(&rest[colon + 1..]);
    Some((id, payload, canonical))
}

/// What can be decoded, and whether that was all, spelt as it must be.
fn base64url(text: &[u8]) -> (Vec<u8>, bool) {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bytes, mut bits, mut have) = (Vec::new(), 0u32, 0);
    for character in text {
        let Some(six) = alphabet.iter().position(|letter| letter == character) else { return (bytes, false) };
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
