//! The readers as `legacy = …` of a field.

use encrypted_field::plaintext::PlaintextError;
use encrypted_field::{Encrypted, EncryptedFieldExt as _, Error, ErrorKind, Keyring, Secret};
use encrypted_field_foreign::{Fernet, ForeignReader};

use crate::vectors::all;

static TOKENS: ForeignReader = ForeignReader::new();

fn from_fernet(stored: &[u8]) -> Result<String, PlaintextError> {
    TOKENS.read(stored)
}

#[derive(Encrypted)]
#[encrypted(context = "foreign.token", legacy = from_fernet)]
struct Token(Secret<String>);

#[test]
fn a_field_reads_foreign_values_and_writes_its_own() -> Result<(), Error> {
    let vectors = all();
    let vector = vectors.iter().find(|vector| vector.name == "fernet, a token").unwrap();
    let stored = String::from_utf8(vector.stored.clone()).unwrap();
    let key = *b"CANARY-\x01\xf3\x17\x92\xab\x0c\x5d\xee\x61\x38\xd4\x2a\x85\x9b\x70\xc6\x1e\x4f\xb9\x03\xda\x77\x58\xa1\x2c";
    let ring = Keyring::builder().active(1, key).build()?;

    let early = Token::from_stored_text_with(&ring, stored.clone()).unwrap_err();
    assert_eq!(early.kind(), ErrorKind::LegacyRefused);
    assert!(early.to_string().contains("ForeignReader::install"), "{early}");

    TOKENS.install(Fernet::new([vector.settings["key"].as_str()]).unwrap()).unwrap();
    assert!(TOKENS.install(Fernet::new([vector.settings["key"].as_str()]).unwrap()).is_err());
    let token = Token::from_stored_text_with(&ring, stored.clone())?;
    assert!(token.as_bytes() == vector.plaintext.as_ref().unwrap());
    assert!(token.is_legacy());

    // What it writes is not foreign any more.
    let own = token.to_stored_text_with(&ring)?;
    assert!(own.starts_with("ef1:1:"));
    let own = Token::from_stored_text_with(&ring, own)?;
    assert!(!own.is_legacy() && own == token);

    // A changed value is refused by the format; one of ours never gets there.
    let refused = Token::from_stored_text_with(&ring, stored.replace('A', "B")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LegacyRefused);
    let changed = own.to_stored_text_with(&ring)?.replace("ef1:1:", "ef1:2:");
    let refused = Token::from_stored_text_with(&ring, changed).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::UnknownKey);
    Ok(())
}
