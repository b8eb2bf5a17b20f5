//! What the fuzz targets run, and `tests/tests/fuzz_corpus.rs` with the corpus. Each function
//! panics where the library breaks a promise, and tells whether the input opened.

mod types;

use std::sync::LazyLock;

use encrypted_field::legacy::LegacyReader;
use encrypted_field::{
    EncryptedField, EncryptedFieldExt, Error, ErrorKind, Key, Keyring, Plaintext, Secret, format,
    key::KeyState,
};

/// Keys of `tests/vectors`, so that its values open.
static RING: LazyLock<Keyring> = LazyLock::new(|| {
    let key = |id, bytes: &str| Key::new(id, hex::decode(bytes).unwrap().try_into().unwrap());
    Keyring::builder()
        .key(key(7, "0c8d432f63bdf4de37841ba4016d2885468fb7fef684169c00ab9ee5cfd6c18f"))
        .key(
            key(2, "82e96c5b2eb6faa2f618cb0dfdbf37369a5c8929b5d9a0c8405e909c5973e68d")
                .state(KeyState::Retired),
        )
        .key(
            key(1, "6916ffe8fe50eff639e77820877f4bbcff649642fd6137c7b5307ed7e6b3e3c0")
                .state(KeyState::Retired),
        )
        .key(
            key(u32::MAX, "9c6ddf9ddb749c8af94e50610eb873a03e15cc6dbd10dc3534ece30e5a94265c")
                .scope("slack"),
        )
        .key(Key::destroyed(9))
        .build()
        .unwrap()
});

/// FORMAT.md section 13.1, in both forms.
const TEXT: &str = concat!(
    "ef1:7:AXy2CQ3sefRyqXE6Np6kd8S7pMmDivQBydPljd71rWQ7u9th7UdijVbmVR2aXQw-LgwR8S1iSN",
    "VmS3tpedV_lZxs6yvPunfSvVfc0QgO-Yw86A3OpgY"
);
const BINARY: &str = concat!(
    "ef663100000007017cb6090dec79f472a9713a369ea477c4bba4c9838af401c9d3e58ddef5ad643b",
    "bbdb61ed47628d56e6551d9a5d0c3e2e0c11f12d6248d5664b7b6979d57f959c6ceb2bcfba77d2bd",
    "57dcd1080ef98c3ce80dcea606"
);

struct Field<P: Plaintext, const HAS_LEGACY: bool>(Secret<P>);

impl<P: Plaintext, const HAS_LEGACY: bool> EncryptedField for Field<P, HAS_LEGACY> {
    type Plain = P;
    const CONTEXT: &'static str = "slack_connections.bot_token";
    const PREVIOUS_CONTEXTS: &'static [&'static str] = &["old.token"];
    const LEGACY: Option<LegacyReader<P>> = if HAS_LEGACY { Some(P::from_legacy) } else { None };

    fn from_secret(secret: Secret<P>) -> Self {
        Self(secret)
    }

    fn secret(&self) -> &Secret<P> {
        &self.0
    }
}

type Bytes = Field<Vec<u8>, false>;
type LegacyBytes = Field<Vec<u8>, true>;

/// The content of a binary column.
pub fn binary(stored: &[u8]) -> bool {
    let inspected = format::inspect(stored);
    if let Ok(info) = &inspected {
        assert_eq!(stored.len(), 48 + info.ciphertext_len);
        let head = [&b"\xEF\x66\x31"[..], &info.key_id.get().to_be_bytes(), &[info.suite]].concat();
        assert!(stored.starts_with(&head));
    }
    check(
        stored,
        inspected,
        Bytes::from_stored_with(&RING, stored.to_vec()),
        Bytes::open_with(&RING, stored),
        LegacyBytes::from_stored_with(&RING, stored.to_vec()),
    )
}

/// The content of a text column.
pub fn text(stored: &[u8]) -> bool {
    let Ok(stored) = str::from_utf8(stored) else { return false };
    let inspected = format::inspect_text(stored);
    if let Ok(info) = &inspected {
        // One spelling: of the prefix, of the length, of each character, and of the last one's
        // bits.
        let payload =
            stored.strip_prefix(&format!("ef1:{}:", info.key_id)).expect("the one spelling");
        assert_eq!(payload.len(), (4 * (41 + info.ciphertext_len)).div_ceil(3));
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        assert!(payload.chars().all(|character| alphabet.contains(character)));
        let last =
            alphabet.find(&payload[payload.len() - 1..]).expect("a character of the alphabet");
        assert_eq!(last % [1, 64, 16, 4][payload.len() % 4], 0);
    }
    check(
        stored.as_bytes(),
        inspected,
        Bytes::from_stored_text_with(&RING, stored.to_owned()),
        Bytes::open_text_with(&RING, stored),
        LegacyBytes::from_stored_text_with(&RING, stored.to_owned()),
    )
}

/// What opening says, as a column's value, as a detached one, and with a legacy reader, fits
/// together.
fn check(
    stored: &[u8],
    inspected: Result<format::StoredInfo, Error>,
    column: Result<Bytes, Error>,
    detached: Result<Bytes, Error>,
    legacy: Result<LegacyBytes, Error>,
) -> bool {
    assert!(column.is_err() || detached.is_err(), "both a column's value and a detached one");
    for opened in [&column, &detached] {
        match (&inspected, opened) {
            (Ok(info), Ok(field)) => {
                assert_eq!(field.key_id(), Some(info.key_id));
                assert!(field.secret().expose().len() <= info.ciphertext_len);
                seal_again(field);
            }
            (Ok(info), Err(error)) => {
                assert!(needs_a_key(error.kind()), "{error}");
                assert_eq!(error.key_id(), Some(info.key_id));
            }
            (Err(inspected), Err(error)) => assert_eq!(inspected.kind(), error.kind()),
            (Err(error), Ok(_)) => panic!("it opens, but can't be inspected: {error}"),
        }
    }
    // A legacy reader takes everything here; it gets what is not ours, and nothing else.
    let ours = inspected.as_ref().err().is_none_or(|error| error.kind() != ErrorKind::NotEncrypted);
    match legacy {
        Ok(field) if field.is_legacy() => assert!(!ours && field.secret().expose() == stored),
        Ok(_) => assert!(column.is_ok()),
        Err(error) => assert_eq!(column.as_ref().err().map(Error::kind), Some(error.kind())),
    }
    column.is_ok() || detached.is_ok()
}

fn needs_a_key(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnknownKey
            | ErrorKind::ScopeMismatch
            | ErrorKind::KeyUnusable
            | ErrorKind::BoundColumns
            | ErrorKind::Authentication
            | ErrorKind::InvalidPlaintext
    )
}

fn seal_again(field: &Bytes) {
    // Refused only where the plaintext is itself a stored value of this field.
    if let Ok(stored) = field.to_stored_text_with(&RING) {
        let again = Bytes::from_stored_text_with(&RING, stored).expect("what was sealed opens");
        assert!(again.secret().expose() == field.secret().expose());
    }
}

/// The first byte chooses: changes to a stored value, in either form, or a plaintext for each type.
pub fn open(input: &[u8]) -> bool {
    let Some((choice, rest)) = input.split_first() else { return false };
    match choice % 4 {
        0 => changed(TEXT.as_bytes(), rest, text),
        1 => changed(&hex::decode(BINARY).unwrap(), rest, binary),
        2 => types::decode(rest),
        _ => types::legacy(rest),
    }
}

/// Each change is four bytes: what, where (two), with which byte.
fn changed(original: &[u8], changes: &[u8], opens: fn(&[u8]) -> bool) -> bool {
    let mut stored = original.to_vec();
    for change in changes.as_chunks::<4>().0 {
        let [what, high, low, byte] = *change;
        let at = usize::from(u16::from_be_bytes([high, low])) % (stored.len() + 1);
        match what % 5 {
            0 if at < stored.len() => stored[at] ^= byte,
            1 => stored.insert(at, byte),
            2 if at < stored.len() => drop(stored.remove(at)),
            3 => stored.truncate(at),
            4 if at < stored.len() => stored[at] = byte,
            _ => {}
        }
    }
    let opened = opens(&stored);
    assert!(opened == (stored == original), "a changed value opens, or the original does not");
    opened
}
