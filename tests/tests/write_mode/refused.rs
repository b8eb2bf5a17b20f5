//! When there is no plaintext to be written.

use encrypted_field::plaintext::{Encoded, PlaintextError, Zeroizing};
use encrypted_field::{
    Encrypted, EncryptedField, Error, ErrorFamily, ErrorKind, Plaintext, Scope, Secret, legacy,
};
use tests::secrets::plaintext;

use crate::ring;

#[track_caller]
fn says<T: EncryptedField, R>(result: Result<R, Error>, expected: &str) {
    let Err(error) = result else { panic!("accepted") };
    assert_eq!(error.kind(), ErrorKind::PlaintextWrite);
    assert_eq!(error.kind().family(), ErrorFamily::Misuse);
    assert_eq!(error.column(), Some(T::CONTEXT));
    let message = error.to_string();
    assert!(message.contains(expected), "{message}");
    tests::assert_no_secret(&error);
}

#[derive(Encrypted)]
#[encrypted(context = "refused.no_reader")]
struct NoReader(Secret<String>);

/// It has no form in the clear.
#[derive(Clone)]
struct Opaque;

impl Plaintext for Opaque {
    type Value = Self;
    type View = Self;

    fn from_value(value: Self) -> Self {
        value
    }

    fn into_value(self) -> Self {
        self
    }

    fn view(&self) -> &Self {
        self
    }

    fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
        Ok(Encoded::borrowed(b""))
    }

    fn decode(_: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        Ok(Self)
    }
}

#[derive(Encrypted)]
#[encrypted(context = "refused.no_form", legacy = opaque)]
struct NoForm(Secret<Opaque>);

fn opaque(_: &[u8]) -> Result<Opaque, PlaintextError> {
    Ok(Opaque)
}

#[derive(Encrypted)]
#[encrypted(context = "refused.closed", legacy = plaintext)]
struct Closed(Secret<String>);

/// At the call.
#[test]
fn fields_that_can_not() {
    let _ring = ring().hold();
    says::<NoReader, _>(legacy::write_plaintext::<NoReader>(), "`legacy = plaintext`");
    says::<NoForm, _>(legacy::write_plaintext::<NoForm>(), "`to_legacy` and `from_legacy`");
    assert!(!legacy::writes_plaintext::<NoReader>() && !legacy::writes_plaintext::<NoForm>());
    assert!(NoReader::from("").to_stored_text().unwrap().starts_with("ef1:1:"));
    assert!(NoForm::from(Opaque).to_stored_text().unwrap().starts_with("ef1:1:"));
}

/// Closing the door ends it, and nothing but the call brings it back.
#[test]
fn a_closed_door() {
    let _ring = ring().hold();
    let is_plain = || !Closed::from("").to_stored_text().unwrap().starts_with("ef1:1:");
    legacy::close::<Closed>();
    says::<Closed, _>(legacy::write_plaintext::<Closed>(), "`reopen`");
    assert!(legacy::is_closed::<Closed>() && !legacy::writes_plaintext::<Closed>() && !is_plain());
    legacy::write_sealed::<Closed>();
    assert!(legacy::is_closed::<Closed>(), "that opens no door");

    legacy::reopen::<Closed>();
    legacy::write_plaintext::<Closed>().unwrap();
    legacy::write_plaintext::<Closed>().unwrap();
    assert!(!legacy::is_closed::<Closed>() && is_plain());
    legacy::reopen::<Closed>();
    assert!(legacy::writes_plaintext::<Closed>() && is_plain(), "the door was open");

    legacy::close::<Closed>();
    assert!(legacy::is_closed::<Closed>() && !legacy::writes_plaintext::<Closed>() && !is_plain());
    legacy::reopen::<Closed>();
    assert!(!legacy::writes_plaintext::<Closed>() && !is_plain());
}

#[derive(Encrypted)]
#[encrypted(context = "refused.text", legacy = plaintext)]
struct Text(Secret<String>);

#[derive(Encrypted)]
#[encrypted(context = "refused.bytes", legacy = plaintext)]
struct Bytes(Secret<Vec<u8>>);

/// Reads another form, and none of its values in the clear.
#[derive(Encrypted)]
#[encrypted(context = "refused.foreign", legacy = reversed)]
struct Foreign(Secret<String>);

fn reversed(stored: &[u8]) -> Result<String, std::string::FromUtf8Error> {
    String::from_utf8(stored.iter().rev().copied().collect())
}

/// What would not be read back as it was.
#[test]
fn values_that_can_not() {
    let _ring = ring().hold();
    legacy::write_plaintext::<Text>().unwrap();
    legacy::write_plaintext::<Bytes>().unwrap();
    legacy::write_plaintext::<Foreign>().unwrap();

    let alike = format!("ef1:7:{}", plaintext(&"A".repeat(64)));
    let binary = [b"\xEFf1\0\0\0\x01\x01", plaintext("").as_bytes()].concat();
    for value in [alike.clone(), alike.to_uppercase(), format!(" {alike}"), "ef1:".to_owned()] {
        says::<Text, _>(Text::from(value).to_stored_text(), "looks like a stored value");
    }
    says::<Bytes, _>(Bytes::from(binary).to_stored(), "looks like a stored value");
    let other = format!("ef0:7:{}", plaintext(""));
    assert!(Text::from(&*other).to_stored_text().unwrap() == other);

    let no_text = Bytes::from([plaintext("").as_bytes(), &[0xFF]].concat());
    says::<Bytes, _>(no_text.to_stored_text(), "not UTF-8");
    assert!(no_text.to_stored().unwrap() == *no_text);

    says::<Foreign, _>(Foreign::from(plaintext("ab")).to_stored(), "does not read it back");
}

#[derive(Encrypted)]
#[encrypted(context = "refused.dynamic", legacy = plaintext, scope = dynamic)]
struct Dynamic(Secret<String>);

/// As little as it is read then.
#[test]
fn not_outside_of_a_scope() {
    let _ring = ring().hold();
    legacy::write_plaintext::<Dynamic>().unwrap();
    let value = Dynamic::from(plaintext("in the clear"));
    let error = value.to_stored_text().unwrap_err();
    assert_eq!((error.kind(), error.column()), (ErrorKind::NoScope, Some("refused.dynamic")));
    let stored = Scope::named("acme").unwrap().run(|| value.to_stored_text());
    assert!(stored.unwrap() == *value);
}
