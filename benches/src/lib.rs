//! What the binaries share: fields to seal and open.

use encrypted_field::{EncryptedField, EncryptedFieldExt, Keyring, Secret, generate_key};

/// A field of bytes: what the cipher alone costs.
#[derive(encrypted_field::Encrypted)]
#[encrypted(context = "tokens.secret", storage = "binary")]
pub struct Bytes(Secret<Vec<u8>>);

/// A field of text.
#[derive(encrypted_field::Encrypted)]
#[encrypted(context = "tokens.secret")]
pub struct Text(Secret<String>);

/// A ring of one key.
pub fn ring() -> Keyring {
    Keyring::builder().active(1, generate_key().unwrap()).build().unwrap()
}

/// Printable, so that it is a plaintext of either field.
pub fn secret(len: usize) -> String {
    (0..len).map(|at| char::from(b'!' + u8::try_from(at * 7 % 90).unwrap())).collect()
}

/// One value to its stored form and back.
pub fn round_trip<T: EncryptedField>(ring: &Keyring, value: &T) -> T {
    T::from_stored_with(ring, value.to_stored_with(ring).unwrap()).unwrap()
}
