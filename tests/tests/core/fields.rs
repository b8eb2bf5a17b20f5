//! The fields and key rings of these tests.

use encrypted_field::{
    Encrypted, EncryptedField, EncryptedFieldExt, Keyring, Plaintext, Result, Secret,
};
use tests::secrets::KEYS;

#[derive(Encrypted)]
#[encrypted(context = "slack_connections.bot_token")]
pub struct BotToken(Secret<String>);

/// The column of [`BotToken`], taken for bytes.
#[derive(Encrypted)]
#[encrypted(context = "slack_connections.bot_token", storage = "binary")]
pub struct BotTokenBytes(Secret<Vec<u8>>);

#[derive(Encrypted)]
#[encrypted(context = "slack_connections.signing_secret")]
pub struct SigningSecret(Secret<String>);

/// The column of [`BotToken`], of one tenant.
#[derive(Encrypted)]
#[encrypted(context = "slack_connections.bot_token", scope = "slack")]
pub struct SlackToken(Secret<String>);

/// A field of any type. All have one context, so that a value of one type can be offered to
/// another.
pub struct Typed<P: Plaintext>(Secret<P>);

impl<P: Plaintext> Typed<P> {
    pub fn new(value: P::Value) -> Self {
        Self(Secret::new(value))
    }

    pub fn into_inner(self) -> P::Value {
        self.0.into_inner()
    }
}

impl<P: Plaintext> EncryptedField for Typed<P> {
    type Plain = P;
    const CONTEXT: &'static str = "records.value";

    fn from_secret(secret: Secret<P>) -> Self {
        Self(secret)
    }

    fn secret(&self) -> &Secret<P> {
        &self.0
    }
}

/// Under key 7.
pub fn ring() -> Keyring {
    Keyring::builder().active(7, KEYS[0]).build().unwrap()
}

/// After a rotation: key 8 seals, key 7 opens.
pub fn rotated() -> Keyring {
    Keyring::builder().active(8, KEYS[1]).retired(7, KEYS[0]).build().unwrap()
}

/// The two forms of a stored value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Binary,
}

pub const FORMS: [Form; 2] = [Form::Text, Form::Binary];

/// The two kinds of sealed values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Column,
    Detached,
}

pub const KINDS: [Kind; 2] = [Kind::Column, Kind::Detached];

pub fn seal<T: EncryptedField>(
    ring: &Keyring,
    form: Form,
    kind: Kind,
    field: &T,
) -> Result<Vec<u8>> {
    match (form, kind) {
        (Form::Text, Kind::Column) => field.to_stored_text_with(ring).map(String::into_bytes),
        (Form::Binary, Kind::Column) => field.to_stored_with(ring),
        (Form::Text, Kind::Detached) => field.seal_text_with(ring).map(String::into_bytes),
        (Form::Binary, Kind::Detached) => field.seal_with(ring),
    }
}

/// `None` where the value is not UTF-8 and the form is text: no driver and no caller can pass that
/// on.
pub fn try_open<T: EncryptedField>(
    ring: &Keyring,
    form: Form,
    kind: Kind,
    sealed: &[u8],
) -> Option<Result<T>> {
    let text = || str::from_utf8(sealed).ok();
    Some(match (form, kind) {
        (Form::Text, Kind::Column) => T::from_stored_text_with(ring, text()?.into()),
        (Form::Binary, Kind::Column) => T::from_stored_with(ring, sealed.to_vec()),
        (Form::Text, Kind::Detached) => T::open_text_with(ring, text()?),
        (Form::Binary, Kind::Detached) => T::open_with(ring, sealed),
    })
}

pub fn open<T: EncryptedField>(ring: &Keyring, form: Form, kind: Kind, sealed: &[u8]) -> Result<T> {
    try_open(ring, form, kind, sealed).expect("UTF-8")
}

/// The value after one trip through a column, in both forms.
#[track_caller]
pub fn round_trip<P: Plaintext>(value: P::Value) -> [P::Value; 2] {
    let (ring, field) = (ring(), Typed::<P>::new(value));
    FORMS.map(|form| {
        let sealed = seal(&ring, form, Kind::Column, &field).unwrap();
        open::<Typed<P>>(&ring, form, Kind::Column, &sealed).unwrap().into_inner()
    })
}

/// The bytes that a value is encrypted as, read back as such.
#[track_caller]
pub fn plaintext<P: Plaintext>(value: P::Value) -> Vec<u8> {
    let ring = ring();
    let stored = Typed::<P>::new(value).to_stored_with(&ring).unwrap();
    Typed::<Vec<u8>>::from_stored_with(&ring, stored).unwrap().into_inner()
}

/// What a field of type `P` makes of a column that holds these plaintext bytes.
#[track_caller]
pub fn read_as<P: Plaintext>(plaintext: &[u8]) -> Result<P::Value> {
    let ring = ring();
    let stored = Typed::<Vec<u8>>::new(plaintext.to_vec()).to_stored_with(&ring).unwrap();
    Typed::<P>::from_stored_with(&ring, stored).map(Typed::into_inner)
}
