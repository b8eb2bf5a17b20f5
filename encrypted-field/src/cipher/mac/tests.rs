use super::{hmac_sha256, sha256};

/// RFC 4231 section 4.2, whose key is shorter than a block and padded with zeros, as HMAC pads it:
/// with 32 bytes the same MAC.
#[test]
fn rfc_4231_test_case_1() {
    let mut key = [0; 32];
    key[..20].fill(0x0b);
    let mac = hmac_sha256(&key, &[b"Hi ", b"There"]);
    assert_eq!(
        hex::encode(mac),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    );
}

/// FIPS 180-4, "abc" (NIST's example values).
#[test]
fn fips_180_4_abc() {
    let hash = sha256([b"a".as_slice(), b"bc"].into_iter());
    assert_eq!(
        hex::encode(hash),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}
