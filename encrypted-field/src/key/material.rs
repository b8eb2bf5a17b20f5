//! The content of a loaded key: only what its purpose needs, and nothing that serves another
//! purpose.

use std::sync::Arc;

use super::{Purpose, derive};
use crate::cipher::Cipher;
use crate::format::Suite;
use crate::secret::SecretBytes;

/// The secret part of a loaded key. A clone shares it. It has no `Debug`, so nothing prints it.
#[derive(Clone)]
pub(crate) enum Material {
    /// The cipher of the field key. It keeps what it has learned of subkeys for all its clones.
    Field(Arc<Cipher>),
    /// The data key itself, wiped with the last clone: blind indexes will derive from it.
    Index(#[cfg_attr(not(test), allow(dead_code))] Arc<SecretBytes>),
    /// The data key itself, wiped with the last clone: files will derive from it.
    File(#[cfg_attr(not(test), allow(dead_code))] Arc<SecretBytes>),
}

impl Material {
    /// Derives what `purpose` needs of a data key. The caller has refused [weak](super::weak) keys.
    ///
    /// `epochs` is for field keys only: values for columns share subkeys with it, see
    /// [`KeyringBuilder::subkey_per_value`](super::KeyringBuilder::subkey_per_value).
    pub(crate) fn of(purpose: Purpose, key: &SecretBytes, epochs: bool) -> Self {
        match purpose {
            Purpose::Field => {
                let field_key = derive::field_key(key, Suite::XAES_256_GCM.algorithm());
                Self::Field(Arc::new(Cipher::new(field_key.expose(), epochs)))
            }
            Purpose::Index => Self::Index(Arc::new(key.clone())),
            Purpose::File => Self::File(Arc::new(key.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::error::ErrorKind;
    use crate::key::{Key, KeyEntry, KeyState, Keyring, generate_key};
    use crate::key_id::KeyId;

    fn data_key() -> [u8; 32] {
        let mut key = generate_key().unwrap();
        key[..7].copy_from_slice(b"CANARY-");
        key
    }

    /// As the values of the key 7 and the default scope would be opened.
    fn field_cipher_of(purpose: Purpose, material: Material) -> Option<ErrorKind> {
        let entry = KeyEntry {
            id: KeyId::new(7).unwrap(),
            scope: "".into(),
            purpose,
            state: KeyState::Active,
            refused: None,
            check: None,
            material: Some(material),
            seal_until: None,
        };
        entry.field_cipher("").err().map(|error| error.kind())
    }

    #[test]
    fn a_field_key_becomes_the_cipher_of_its_field_key() {
        let key = SecretBytes::new(data_key());
        let Material::Field(cipher) = Material::of(Purpose::Field, &key, true) else {
            panic!("no cipher")
        };
        let mut body = [&[0; 24][..], b"CANARY-plain", &[0; 16]].concat();
        cipher.seal(false, b"", &mut body).unwrap();
        let (nonce, sealed) = body.split_first_chunk_mut().unwrap();

        let opens = |key: &SecretBytes| {
            let cipher = Cipher::new(key.expose(), true);
            cipher.open(false, nonce, |subkey| {
                subkey.open(nonce, b"", &mut sealed.to_vec()).then_some(())
            })
        };
        assert_eq!(opens(&derive::field_key(&key, 1)), Some(()));
        // Neither under the data key itself nor under that of another algorithm.
        assert_eq!(opens(&key), None);
        assert_eq!(opens(&derive::field_key(&key, 2)), None);
    }

    #[test]
    fn a_key_of_another_purpose_derives_no_field_cipher() {
        let bytes = data_key();
        for purpose in [Purpose::Index, Purpose::File] {
            let material = Material::of(purpose, &SecretBytes::new(bytes), true);
            match (purpose, &material) {
                (Purpose::Index, Material::Index(key)) | (Purpose::File, Material::File(key)) => {
                    assert!(*key.expose() == bytes);
                }
                _ => panic!("{purpose:?} has the material of another purpose"),
            }
            assert_eq!(
                field_cipher_of(purpose, material.clone()),
                Some(ErrorKind::PurposeMismatch)
            );
            // Nor if whoever made the entry took it for a field key.
            assert_eq!(field_cipher_of(Purpose::Field, material), Some(ErrorKind::PurposeMismatch));
        }
        let material = Material::of(Purpose::Field, &SecretBytes::new(bytes), true);
        assert_eq!(
            field_cipher_of(Purpose::Index, material.clone()),
            Some(ErrorKind::PurposeMismatch)
        );
        assert_eq!(field_cipher_of(Purpose::Field, material), None);
    }

    #[test]
    fn a_ring_holds_of_each_key_what_its_purpose_needs() {
        let key = |id, purpose| Key::new(id, data_key()).purpose(purpose);
        let ring = Keyring::builder()
            .keys([key(1, Purpose::Index), key(2, Purpose::File)])
            .build()
            .unwrap();
        let find = |id| ring.find(KeyId::new(id).unwrap(), true).unwrap();
        assert!(matches!(find(1).material, Some(Material::Index(_))));
        assert!(matches!(find(2).material, Some(Material::File(_))));
        for id in [1, 2] {
            let refused = find(id).field_cipher("").err().map(|error| error.kind());
            assert_eq!(refused, Some(ErrorKind::PurposeMismatch));
        }
        let refused = ring.active_field_key("").err().map(|error| error.kind());
        assert_eq!(refused, Some(ErrorKind::NoActiveKey));
    }
}
