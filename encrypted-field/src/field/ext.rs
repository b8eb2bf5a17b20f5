//! What can be done with the values of a field.

use super::convert::{
    all_from_column, detached, from_column, is_stale, sealed, stored_binary, stored_text,
};
use super::{EncryptedField, StoredValue, open, seal};
use crate::error::Result;
use crate::format::aad::Kind;
use crate::key::Keyring;
use crate::key_id::KeyId;
#[cfg(doc)]
use crate::{ErrorKind, ToStoredValue};

/// Sealing and opening, for every [`EncryptedField`]. This is for generic code, and for a
/// [`Keyring`] that is passed by hand (`…_with`). The declared types have the other methods
/// themselves.
///
/// Two kinds of sealed values exist, and neither opens as the other. *Stored* values are for the
/// field's column. *Detached* values (`seal`, `seal_text`) are for cookies, queues and JSON.
///
/// No type implements this trait by itself, so that nothing can replace what it does.
pub trait EncryptedFieldExt: EncryptedField {
    /// The form for the column, binary. Each time with a fresh nonce and under the active key.
    ///
    /// # Errors
    /// [`ErrorKind::NoActiveKey`] and the other key errors, [`ErrorKind::NoScope`],
    /// [`ErrorKind::DoubleEncryption`], [`ErrorKind::TooLarge`], [`ErrorKind::Unrepresentable`].
    /// While [`write_plaintext`](crate::legacy::write_plaintext) holds,
    /// [`ErrorKind::PlaintextWrite`].
    fn to_stored(&self) -> Result<Vec<u8>> {
        stored_binary(self, None)
    }

    /// As [`to_stored`](Self::to_stored), under a key of `ring`.
    fn to_stored_with(&self, ring: &Keyring) -> Result<Vec<u8>> {
        stored_binary(self, Some(ring))
    }

    /// The form for the column, text.
    ///
    /// # Errors
    /// As [`to_stored`](Self::to_stored).
    fn to_stored_text(&self) -> Result<String> {
        stored_text(self, None)
    }

    /// As [`to_stored_text`](Self::to_stored_text), under a key of `ring`.
    fn to_stored_text_with(&self, ring: &Keyring) -> Result<String> {
        stored_text(self, Some(ring))
    }

    /// The value out of a binary column. The buffer becomes the plaintext.
    ///
    /// # Errors
    /// Every kind of the families `Data` and `Keys`, and [`ErrorKind::NoScope`].
    fn from_stored(stored: Vec<u8>) -> Result<Self> {
        from_column(None, stored, open::binary)
    }

    /// As [`from_stored`](Self::from_stored), with the keys of `ring`.
    fn from_stored_with(ring: &Keyring, stored: Vec<u8>) -> Result<Self> {
        from_column(Some(ring), stored, open::binary)
    }

    /// The value out of a text column. The buffer becomes the plaintext.
    ///
    /// # Errors
    /// As [`from_stored`](Self::from_stored).
    fn from_stored_text(stored: String) -> Result<Self> {
        from_column(None, stored.into_bytes(), open::text)
    }

    /// As [`from_stored_text`](Self::from_stored_text), with the keys of `ring`.
    fn from_stored_text_with(ring: &Keyring, stored: String) -> Result<Self> {
        from_column(Some(ring), stored.into_bytes(), open::text)
    }

    /// Many values out of a binary column, in the order given, opened on all processors. For a list
    /// that is loaded whole: collect the column's bytes first. A few hundred values are opened on
    /// this thread, since starting another one takes as long.
    ///
    /// A value that can't be opened is an error in its place.
    ///
    /// # Errors
    /// [`ErrorKind::NoScope`] and [`ErrorKind::NoKeys`], before any value is looked at. For each
    /// value, those of [`from_stored`](Self::from_stored).
    fn from_stored_all(stored: Vec<Vec<u8>>) -> Result<Vec<Result<Self>>>
    where
        Self: Send,
    {
        all_from_column(None, stored, open::binary_with)
    }

    /// As [`from_stored_all`](Self::from_stored_all), out of a text column.
    ///
    /// ```
    /// # use encrypted_field::{Encrypted, EncryptedFieldExt as _, Keyring, Secret, generate_key};
    /// # #[derive(Encrypted)] #[encrypted(context = "slack_connections.bot_token")] struct BotToken(Secret<String>);
    /// # fn main() -> encrypted_field::Result<()> {
    /// # let _ring = Keyring::builder().active(1, generate_key()?).build()?.hold();
    /// # let column = vec![BotToken::from("xoxb-1").to_stored_text()?; 1000];
    /// let tokens = BotToken::from_stored_text_all(column)?;
    /// let tokens = tokens.into_iter().collect::<encrypted_field::Result<Vec<_>>>()?;
    /// # assert!(tokens.len() == 1000 && tokens.iter().all(|token| &**token == "xoxb-1"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`from_stored_all`](Self::from_stored_all).
    fn from_stored_text_all(stored: Vec<String>) -> Result<Vec<Result<Self>>>
    where
        Self: Send,
    {
        let stored = stored.into_iter().map(String::into_bytes).collect();
        all_from_column(None, stored, open::text_with)
    }

    /// A detached value, binary: for outside of rows. It does not open as a column, nor a column as
    /// it.
    ///
    /// # Errors
    /// As [`to_stored`](Self::to_stored).
    fn seal(&self) -> Result<Vec<u8>> {
        sealed(self, None, Kind::Detached, seal::binary)
    }

    /// As [`seal`](Self::seal), under a key of `ring`.
    fn seal_with(&self, ring: &Keyring) -> Result<Vec<u8>> {
        sealed(self, Some(ring), Kind::Detached, seal::binary)
    }

    /// A detached value, text: characters that need no escaping in cookies, URLs and JSON.
    ///
    /// # Errors
    /// As [`to_stored`](Self::to_stored).
    fn seal_text(&self) -> Result<String> {
        sealed(self, None, Kind::Detached, seal::text)
    }

    /// As [`seal_text`](Self::seal_text), under a key of `ring`.
    fn seal_text_with(&self, ring: &Keyring) -> Result<String> {
        sealed(self, Some(ring), Kind::Detached, seal::text)
    }

    /// Opens what [`seal`](Self::seal) made.
    ///
    /// # Errors
    /// As [`from_stored`](Self::from_stored), but legacy readers are not asked. A value that opens
    /// and is not of the field's type is an [`ErrorKind::Authentication`], too, because whoever
    /// offers values must not learn which of them open.
    fn open(sealed: &[u8]) -> Result<Self> {
        detached(None, sealed, open::binary)
    }

    /// As [`open`](Self::open), with the keys of `ring`.
    fn open_with(ring: &Keyring, sealed: &[u8]) -> Result<Self> {
        detached(Some(ring), sealed, open::binary)
    }

    /// Opens what [`seal_text`](Self::seal_text) made.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    fn open_text(sealed: &str) -> Result<Self> {
        detached(None, sealed.as_bytes(), open::text)
    }

    /// As [`open_text`](Self::open_text), with the keys of `ring`.
    fn open_text_with(ring: &Keyring, sealed: &str) -> Result<Self> {
        detached(Some(ring), sealed.as_bytes(), open::text)
    }

    /// The key that the value was read under. `None` for a value that was not read from anywhere.
    fn key_id(&self) -> Option<KeyId> {
        self.secret().key_id()
    }

    /// Whether writing the value back would move it. It was read under a key that is not active now
    /// (nor [pending](crate::key::KeyState::Pending)) or is compromised, of a previous scope, under
    /// a previous context, or by a legacy reader. If the field's scope is
    /// [dynamic](EncryptedField::DYNAMIC_SCOPE), the active key is that of the scope entered here.
    /// Without a scope or without a key ring, no key is out of date. While
    /// [`write_plaintext`](crate::legacy::write_plaintext) holds for the field, no value is stale.
    fn is_stale(&self) -> bool {
        is_stale(self, None)
    }

    /// As [`is_stale`](Self::is_stale), against the active key of `ring`.
    fn is_stale_with(&self, ring: &Keyring) -> bool {
        is_stale(self, Some(ring))
    }

    /// Whether a legacy reader read it. Then this library had not encrypted it.
    fn is_legacy(&self) -> bool {
        self.secret().is_legacy()
    }

    /// As [`ToStoredValue::to_stored_value`], under a key of `ring`.
    fn to_stored_value_with(&self, ring: &Keyring) -> Result<StoredValue<Self>> {
        StoredValue::new(self, Some(ring))
    }
}

impl<T: EncryptedField> EncryptedFieldExt for T {}
