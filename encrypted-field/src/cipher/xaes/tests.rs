//! The C2SP vectors: two known answers with intermediates, and the accumulated test. Sealing takes
//! a nonce there, which the validated module does not. Opening is tested with either.
#![allow(clippy::unwrap_used)]

use super::*;

const NONCE: &[u8; 24] = b"ABCDEFGHIJKLMNOPQRSTUVWX";
const MESSAGE: &[u8; 12] = b"XAES-256-GCM";

fn known_answer(key: [u8; 32], aad: &[u8], subkey: &str, sealed: &str) {
    let xaes = Xaes256Gcm::new(&key);
    let prefix = *NONCE.first_chunk().unwrap();
    assert_eq!(hex::encode(*xaes.derive(&prefix)), subkey);
    let subkey = xaes.subkey(prefix);
    let mut buffer = hex::decode(sealed).unwrap();
    assert!(subkey.open(NONCE, aad, &mut buffer));
    assert_eq!(buffer[..MESSAGE.len()], *MESSAGE);
    #[cfg(not(feature = "fips"))]
    {
        let mut body = [&NONCE[..], MESSAGE, &[0; 16]].concat();
        subkey.seal_as_is(aad, &mut body);
        assert_eq!(hex::encode(&body[24..]), sealed);
    }
}

#[test]
fn c2sp_vector_top_bit_of_l_clear() {
    known_answer(
        [1; 32],
        b"",
        "c8612c9ed53fe43e8e005b828a1631a0bbcb6ab2f46514ec4f439fcfd0fa969b",
        "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271",
    );
}

#[test]
fn c2sp_vector_top_bit_of_l_set() {
    known_answer(
        [3; 32],
        b"c2sp.org/XAES-256-GCM",
        "e9c621d4cdd9b11b00a6427ad7e559aeedd66b3857646677748f8ca796cb3fd8",
        "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
    );
}

#[cfg(not(feature = "fips"))]
mod accumulated {
    use shake::digest::{ExtendableOutput as _, Update as _, XofReader as _};

    use super::*;

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

            let subkey = Xaes256Gcm::new(&key).subkey(*nonce.first_chunk().unwrap());
            let mut body = [&nonce[..], &plaintext, &[0; 16]].concat();
            subkey.seal_as_is(&aad, &mut body);
            let sealed = &mut body[24..];
            collector.update(sealed);
            assert!(subkey.open(&nonce, &aad, sealed));
            assert_eq!(sealed[..plaintext.len()], plaintext);
        }
        let mut digest = [0; 32];
        collector.finalize_xof().read(&mut digest);
        hex::encode(digest)
    }

    #[test]
    fn c2sp_10_000() {
        assert_eq!(
            accumulate(10_000),
            "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"
        );
    }

    #[test]
    #[ignore = "slow: a minute without optimisation"]
    fn c2sp_1_000_000() {
        assert_eq!(
            accumulate(1_000_000),
            "2163ae1445985a30b60585ee67daa55674df06901b890593e824b8a7c885ab15"
        );
    }
}

/// Fresh nonces under a kept prefix, and none twice.
#[test]
fn sealed_values_open() {
    let subkey =
        Xaes256Gcm::new(&[7; 32]).random_subkey().unwrap_or_else(|error| panic!("{error}"));
    let mut nonces = std::collections::HashSet::new();
    for len in 0..100 {
        let plaintext: Vec<u8> = (0..len).collect();
        let mut body = [&[0; 24], &plaintext[..], &[0; 16]].concat();
        subkey.seal(b"aad", &mut body).unwrap_or_else(|error| panic!("length {len}: {error}"));
        let (nonce, sealed) = body.split_first_chunk_mut().unwrap();
        assert!(nonce.starts_with(&subkey.prefix) && nonces.insert(*nonce));
        assert!(!subkey.open(nonce, b"other", &mut sealed.to_vec()));
        assert!(subkey.open(nonce, b"aad", sealed));
        assert_eq!(sealed[..plaintext.len()], plaintext);
        assert!(!subkey.open(nonce, b"aad", &mut [0; 15]));
    }
}
