//! A field as data seals and opens what the field as a type does.

use encrypted_field::column::Column;
use encrypted_field::{
    Encrypted, EncryptedFieldExt as _, EncryptedModel, Error, ErrorKind, Key, Keyring, Result,
    Secret, Storage,
};
use tests::secrets;

#[derive(Encrypted)]
#[encrypted(
    context = "connections.token",
    previous_context = "tokens.token",
    scope = "slack",
    previous_scope = ""
)]
struct Token(Secret<String>);

#[derive(Encrypted)]
#[encrypted(table = "connections")]
#[allow(dead_code)]
struct Connection {
    #[encrypted(Vec<u8>, storage = "binary", previous_context = "old.pin")]
    pin: Pin,
    #[encrypted(String, scope = dynamic)]
    iban: Iban,
}

const TOKEN: &str = secrets::BOT_TOKEN;

fn ring() -> Keyring {
    let builder = Keyring::builder().active(1, secrets::KEYS[1]).retired(2, secrets::KEYS[2]);
    builder.key(Key::new(3, secrets::KEYS[3]).scope("slack")).build().unwrap()
}

fn column() -> Column {
    let column = Column::new("connections.token").unwrap().scope("slack").previous_scope("");
    column.previous_context("tokens.token").unwrap()
}

#[track_caller]
fn kind<T>(result: Result<T>) -> ErrorKind {
    let error: Error = result.err().expect("an error");
    assert_eq!(error.column(), Some("connections.token"), "{error}");
    assert!(!format!("{error:?}").contains(TOKEN));
    error.kind()
}

#[test]
fn each_opens_what_the_other_has_sealed() {
    let ring = ring();
    let stored = column().seal(&ring, TOKEN.as_bytes()).unwrap();
    assert!(stored.starts_with(b"ef1:3:"));
    let token = Token::from_stored_text_with(&ring, String::from_utf8(stored).unwrap()).unwrap();
    assert!(*token == *TOKEN && !token.is_stale_with(&ring));

    let stored = Token::from(TOKEN).to_stored_text_with(&ring).unwrap();
    let opened = column().open(&ring, stored.into_bytes()).unwrap();
    assert!(*opened.encoded == *TOKEN.as_bytes());
    assert_eq!((opened.key_id.get(), opened.is_stale), (3, false));
    assert!(!format!("{opened:?}").contains("encoded"), "{opened:?}");
}

#[test]
fn what_was_before_opens_and_is_stale() {
    let ring = ring();
    for before in [
        Column::new("tokens.token").unwrap().scope("slack"),
        Column::new("connections.token").unwrap(),
        Column::new("tokens.token").unwrap(),
    ] {
        let stored = before.seal(&ring, TOKEN.as_bytes()).unwrap();
        let opened = column().open(&ring, stored).unwrap();
        assert!(opened.is_stale && *opened.encoded == *TOKEN.as_bytes(), "{before:?}");
    }
    let retired = Keyring::builder().active(2, secrets::KEYS[2]).build().unwrap();
    let plain = Column::new("connections.token").unwrap();
    let stored = plain.seal(&retired, TOKEN.as_bytes()).unwrap();
    assert!(plain.open(&ring, stored).unwrap().is_stale, "under a retired key");
}

#[test]
fn nothing_else_opens() {
    let ring = ring();
    let other = Column::new("connections.other").unwrap().scope("slack");
    let stored = other.seal(&ring, TOKEN.as_bytes()).unwrap();
    assert_eq!(kind(column().open(&ring, stored)), ErrorKind::Authentication);

    let narrow = Column::new("connections.token").unwrap();
    let stored = column().seal(&ring, TOKEN.as_bytes()).unwrap();
    assert_eq!(kind(narrow.open(&ring, stored.clone())), ErrorKind::ScopeMismatch);
    let binary = column().storage(Storage::Binary);
    assert_eq!(kind(binary.open(&ring, stored.clone())), ErrorKind::WrongStorage);
    assert_eq!(kind(column().seal(&ring, &stored)), ErrorKind::DoubleEncryption);
    assert_eq!(kind(column().open(&ring, TOKEN.into())), ErrorKind::NotEncrypted);
    let alone = Keyring::builder().active(1, secrets::KEYS[1]).build().unwrap();
    assert_eq!(kind(column().open(&alone, stored)), ErrorKind::UnknownKey);
    assert_eq!(kind(column().seal(&alone, b"x")), ErrorKind::NoActiveKey);
}

#[test]
fn a_model_gives_its_columns() {
    let [pin, iban] = Connection::FIELDS else { panic!("two fields") };
    let expected = Column::new("connections.pin").unwrap().storage(Storage::Binary);
    let expected = expected.previous_context("old.pin").unwrap();
    assert_eq!(Column::of(pin).unwrap(), expected);
    let tenant = Column::of(iban).unwrap().scope("acme");
    assert_eq!((tenant.context(), tenant.scope_name()), ("connections.iban", "acme"));
    assert_eq!(tenant.form(), Storage::Text);
    assert_eq!((pin.encoding(), iban.encoding()), (Some("bytes"), Some("text")));
}

/// A job that forgets the tenant, and one whose tenant's name got lost.
#[test]
fn a_dynamic_scope_has_to_be_named() {
    let [_, iban] = Connection::FIELDS else { panic!("two fields") };
    let ring = ring();
    let unnamed = Column::of(iban).unwrap();
    let lost = unnamed.clone().scope("slack").scope("");
    for column in [unnamed, lost] {
        let sealed = column.seal(&ring, TOKEN.as_bytes()).unwrap_err();
        let opened = column.open(&ring, b"ef1:1:".to_vec()).unwrap_err();
        for error in [sealed, opened] {
            assert_eq!(error.kind(), ErrorKind::NoScope);
            assert_eq!(error.column(), Some("connections.iban"));
            assert!(error.to_string().contains("Column::scope"), "{error}");
        }
        assert_eq!(column.scope_name(), "");
    }
}

#[test]
fn a_context_has_a_length() {
    for context in [String::new(), "x".repeat(65_536)] {
        let error = Column::new(context).unwrap_err();
        assert!(error.to_string().contains("65535 bytes"), "{error}");
    }
    assert!(Column::new("x".repeat(65_535)).is_ok());
}
