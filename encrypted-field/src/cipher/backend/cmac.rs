//! AES-256-CMAC over the AES of a library.

use zeroize::Zeroizing;

/// AES-256 in the forward direction.
pub(in crate::cipher) trait BlockCipher {
    fn new(key: &[u8; 32]) -> Self;

    fn encrypt(&self, blocks: &mut [[u8; 16]]);
}

/// AES-256-CMAC (NIST SP 800-38B) of messages of exactly one block: `AES-256(K, M XOR K1)`.
pub(in crate::cipher) struct Cmac<C> {
    cipher: C,
    k1: Zeroizing<[u8; 16]>,
}

impl<C: BlockCipher> Cmac<C> {
    pub(in crate::cipher) fn new(key: &[u8; 32]) -> Self {
        let cipher = C::new(key);
        let mut block = Zeroizing::new([[0; 16]]);
        cipher.encrypt(&mut *block);
        let l = Zeroizing::new(u128::from_be_bytes(block[0]));
        // Without a branch on the secret bit.
        let k1 = (*l << 1) ^ ((*l >> 127) * 0x87);
        Self { cipher, k1: Zeroizing::new(k1.to_be_bytes()) }
    }

    /// Replaces each message of one block by its MAC.
    pub(in crate::cipher) fn sign_blocks(&self, blocks: &mut [[u8; 16]]) {
        for block in &mut *blocks {
            block.iter_mut().zip(self.k1.iter()).for_each(|(m, k)| *m ^= k);
        }
        self.cipher.encrypt(blocks);
    }
}

#[cfg(all(test, not(feature = "fips")))]
mod tests {
    use crate::cipher::backend::Cmac;

    /// The subkeys that C2SP gives with its XAES-256-GCM vectors.
    #[test]
    fn c2sp_subkey_k1() {
        for (key, k1) in [
            ([1; 32], "e531954aca063d5b8d9c47a47d4cc6f0"),
            ([3; 32], "23810ec50edb99f374409466ed1f4b7b"),
        ] {
            assert_eq!(hex::encode(*Cmac::new(&key).k1), k1);
        }
    }
}
