//! The ciphers that the formats share: AES-256-GCM, AES-CBC and HMAC, of `RustCrypto`.

use aes::Aes256;
use aes::cipher::array::ArraySize;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::consts::U12;
use aes::cipher::{BlockCipherDecrypt, BlockModeDecrypt as _, KeyInit, KeyIvInit as _};
use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInOut as _;
use encrypted_field::plaintext::{PlaintextError, Zeroizing};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::refused::{IV_LENGTH, MAX_PLAINTEXT, NOT_AUTHENTIC, TAG_LENGTH, TOO_LONG};

/// AES-256-GCM with nonces of `N` bytes and tags of 16. Wiped on drop by the crates' own features.
pub(crate) struct Gcm<N: ArraySize = U12>(Box<AesGcm<Aes256, N>>);

impl<N: ArraySize> Gcm<N> {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Box::new(AesGcm::new(key.into())))
    }

    pub(crate) fn open(
        &self,
        nonce: &[u8],
        associated_data: &[u8],
        ciphertext: &[u8],
        tag: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        let nonce = nonce.try_into().map_err(|_| IV_LENGTH)?;
        let tag = tag.try_into().map_err(|_| TAG_LENGTH)?;
        if ciphertext.len() > MAX_PLAINTEXT {
            return Err(TOO_LONG);
        }
        let mut text = Zeroizing::new(ciphertext.to_vec());
        self.0
            .decrypt_inout_detached(nonce, associated_data, text.as_mut_slice().into(), tag)
            .map_err(|_| NOT_AUTHENTIC)?;
        Ok(text)
    }

    /// As [`open`](Self::open), with the tag after the ciphertext.
    pub(crate) fn open_postfix(
        &self,
        nonce: &[u8],
        associated_data: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        let (ciphertext, tag) = crate::refused::split_last(sealed, 16)?;
        self.open(nonce, associated_data, ciphertext, tag)
    }
}

/// AES-CBC with the padding of PKCS #7. It authenticates nothing: call [`is_hmac_sha256`] first.
pub(crate) fn open_cbc<C: BlockCipherDecrypt + KeyInit>(
    key: &[u8],
    iv: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
    if ciphertext.len() > MAX_PLAINTEXT {
        return Err(TOO_LONG);
    }
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).map_err(|_| IV_LENGTH)?;
    let mut text = Zeroizing::new(ciphertext.to_vec());
    let length = cipher
        .decrypt_padded::<Pkcs7>(&mut text)
        .map_err(|_| PlaintextError::new("authenticates, but is not padded as AES-CBC is"))?
        .len();
    text.truncate(length);
    Ok(text)
}

/// Whether `mac` is the HMAC-SHA-256 of the parts, one after the other, in constant time.
pub(crate) fn is_hmac_sha256(key: &[u8], parts: &[&[u8]], mac: &[u8]) -> bool {
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(key) else { return false };
    for part in parts {
        hmac.update(part);
    }
    hmac.verify_slice(mac).is_ok()
}

/// What the first key gives that is not refused for its authentication.
pub(crate) fn first_authentic<K>(
    keys: impl IntoIterator<Item = K>,
    open: impl Fn(K) -> Result<Zeroizing<Vec<u8>>, PlaintextError>,
) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
    keys.into_iter()
        .map(open)
        .find(|opened| !matches!(opened, Err(refused) if *refused == NOT_AUTHENTIC))
        .unwrap_or(Err(NOT_AUTHENTIC))
}
