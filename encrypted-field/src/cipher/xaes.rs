//! XAES-256-GCM, <https://c2sp.org/XAES-256-GCM>: AES-256-GCM under a key derived from the first 96 bits of a
//! 192-bit nonce, so that nonces can be random for any number of messages.
//!
//! ```text
//! L  = AES-256(K, 0^128)            K1 = L << 1, XOR 0x87 if the top bit of L was set
//! M1 = 00 01 58 00 | N[:12]         M2 = 00 02 58 00 | N[:12]
//! Kx = AES-256(K, M1 XOR K1) | AES-256(K, M2 XOR K1)
//! ciphertext, tag = AES-256-GCM(Kx, N[12:])
//! ```

use zeroize::Zeroizing;

use super::backend::{BlockCipher, Gcm};

/// One key, ready for use: its AES key schedule and the CMAC subkey K1.
pub(crate) struct Xaes256Gcm {
    cipher: BlockCipher,
    k1: Zeroizing<[u8; 16]>,
}

impl Xaes256Gcm {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let cipher = BlockCipher::new(key);
        let mut block = Zeroizing::new([0; 16]);
        cipher.encrypt(&mut block);
        let l = Zeroizing::new(u128::from_be_bytes(*block));
        // Without a branch on the secret bit.
        let k1 = (*l << 1) ^ ((*l >> 127) * 0x87);
        Self { cipher, k1: Zeroizing::new(k1.to_be_bytes()) }
    }

    /// The key for all messages whose nonces begin like this one: derive once, then try several contexts.
    pub(crate) fn message_key(&self, nonce: &[u8; 24]) -> MessageKey {
        let kx = self.derive(nonce);
        let mut gcm_nonce = [0; 12];
        gcm_nonce.copy_from_slice(&nonce[12..]);
        MessageKey { gcm: Gcm::new(&kx), nonce: gcm_nonce }
    }

    fn derive(&self, nonce: &[u8; 24]) -> Zeroizing<[u8; 32]> {
        let mut kx = Zeroizing::new([0; 32]);
        for (counter, half) in (1..).zip(kx.as_chunks_mut::<16>().0) {
            half[..4].copy_from_slice(&[0, counter, b'X', 0]);
            half[4..].copy_from_slice(&nonce[..12]);
            half.iter_mut().zip(self.k1.iter()).for_each(|(m, k)| *m ^= k);
            self.cipher.encrypt(half);
        }
        kx
    }
}

/// The derived key Kx and the GCM nonce of one message.
pub(crate) struct MessageKey {
    gcm: Gcm,
    nonce: [u8; 12],
}

impl MessageKey {
    /// Encrypts in place; `None` above GCM's limit of 2^36 - 32 bytes.
    pub(crate) fn seal(&self, aad: &[u8], buffer: &mut [u8]) -> Option<[u8; 16]> {
        self.gcm.seal(&self.nonce, aad, buffer)
    }

    /// Decrypts in place; where it does not authenticate, the buffer is left as it was.
    pub(crate) fn open(&self, aad: &[u8], buffer: &mut [u8], tag: &[u8; 16]) -> bool {
        self.gcm.open(&self.nonce, aad, buffer, tag)
    }
}

#[cfg(test)]
mod tests {
    //! The C2SP vectors: two known answers with intermediates, and the accumulated test.
    #![allow(clippy::unwrap_used)]

    use shake::digest::{ExtendableOutput as _, Update as _, XofReader as _};

    use super::*;

    const NONCE: &[u8; 24] = b"ABCDEFGHIJKLMNOPQRSTUVWX";

    fn known_answer(key: [u8; 32], aad: &[u8], k1: &str, subkey: &str, sealed: &str) {
        let xaes = Xaes256Gcm::new(&key);
        assert_eq!(hex::encode(*xaes.k1), k1);
        assert_eq!(hex::encode(*xaes.derive(NONCE)), subkey);
        let mut buffer = *b"XAES-256-GCM";
        let tag = xaes.message_key(NONCE).seal(aad, &mut buffer).unwrap();
        assert_eq!(hex::encode(buffer) + &hex::encode(tag), sealed);
        assert!(xaes.message_key(NONCE).open(aad, &mut buffer, &tag));
        assert_eq!(&buffer, b"XAES-256-GCM");
    }

    #[test]
    fn c2sp_vector_top_bit_of_l_clear() {
        known_answer(
            [1; 32],
            b"",
            "e531954aca063d5b8d9c47a47d4cc6f0",
            "c8612c9ed53fe43e8e005b828a1631a0bbcb6ab2f46514ec4f439fcfd0fa969b",
            "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271",
        );
    }

    #[test]
    fn c2sp_vector_top_bit_of_l_set() {
        known_answer(
            [3; 32],
            b"c2sp.org/XAES-256-GCM",
            "23810ec50edb99f374409466ed1f4b7b",
            "e9c621d4cdd9b11b00a6427ad7e559aeedd66b3857646677748f8ca796cb3fd8",
            "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
        );
    }

    fn accumulate(rounds: usize) -> String {
        let mut source = shake::Shake128::default().finalize_xof();
        let mut collector = shake::Shake128::default();
        let (mut key, mut nonce, mut len) = ([0; 32], [0; 24], [0; 1]);
        for _ in 0..rounds {
            source.read(&mut key);
            source.read(&mut nonce);
            source.read(&mut len);
            let mut plaintext = vec![0; len[0].into()];
            source.read(&mut plaintext);
            source.read(&mut len);
            let mut aad = vec![0; len[0].into()];
            source.read(&mut aad);

            let xaes = Xaes256Gcm::new(&key);
            let mut buffer = plaintext.clone();
            let tag = xaes.message_key(&nonce).seal(&aad, &mut buffer).unwrap();
            collector.update(&buffer);
            collector.update(&tag);
            assert!(xaes.message_key(&nonce).open(&aad, &mut buffer, &tag));
            assert_eq!(buffer, plaintext);
        }
        let mut digest = [0; 32];
        collector.finalize_xof().read(&mut digest);
        hex::encode(digest)
    }

    #[test]
    fn c2sp_accumulated_10_000() {
        assert_eq!(accumulate(10_000), "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
    }

    #[test]
    #[ignore = "slow: a minute without optimisation"]
    fn c2sp_accumulated_1_000_000() {
        assert_eq!(accumulate(1_000_000), "2163ae1445985a30b60585ee67daa55674df06901b890593e824b8a7c885ab15");
    }

    #[test]
    fn a_refused_open_leaves_the_buffer() {
        let xaes = Xaes256Gcm::new(&[7; 32]);
        let mut buffer = *b"some plaintext";
        let tag = xaes.message_key(NONCE).seal(b"", &mut buffer).unwrap();
        let sealed = buffer;
        assert!(!xaes.message_key(NONCE).open(b"other", &mut buffer, &tag));
        assert_eq!(buffer, sealed);
    }
}
