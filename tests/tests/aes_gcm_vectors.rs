//! AES-GCM of the backend against all of Wycheproof and CAVP, at every key, nonce and tag size that
//! the backend takes, not only at ours.

use std::collections::BTreeMap;
use std::fs;

use aes_gcm::aead::array::{ArraySize, sizes::*};
use aes_gcm::aead::{AeadInOut as _, KeyInit};
use aes_gcm::aes::cipher::{BlockCipherEncrypt, BlockSizeUser};
use aes_gcm::aes::{Aes128, Aes192, Aes256};
use aes_gcm::{AesGcm, TagSize};
use wycheproof::TestResult;
use wycheproof::aead::{TestName, TestSet};

/// What the library uses, in bytes: AES-256, 96-bit nonce, 128-bit tag.
const OURS: (usize, usize, usize) = (32, 12, 16);

/// One test case, whatever file it came from.
struct Case {
    name: String,
    key: Vec<u8>,
    nonce: Vec<u8>,
    associated: Vec<u8>,
    ciphertext: Vec<u8>,
    tag: Vec<u8>,
    expected: Expected,
}

enum Expected {
    Opens { plaintext: Vec<u8> },
    Fails,
}

impl Case {
    fn sizes(&self) -> (usize, usize, usize) {
        (self.key.len(), self.nonce.len(), self.tag.len())
    }

    fn run<Aes, Nonce, Tag>(&self)
    where
        Aes: BlockSizeUser<BlockSize = U16> + BlockCipherEncrypt + KeyInit,
        Nonce: ArraySize,
        Tag: TagSize,
    {
        let cipher = AesGcm::<Aes, Nonce, Tag>::new_from_slice(&self.key).expect("key size");
        let nonce = self.nonce[..].try_into().expect("nonce size");
        let open = |associated: &[u8], ciphertext: &[u8], tag: &[u8]| {
            let mut buffer = ciphertext.to_vec();
            let tag = tag.try_into().expect("tag size");
            let opened =
                cipher.decrypt_inout_detached(nonce, associated, buffer.as_mut_slice().into(), tag);
            // A refusal must leave nothing of the plaintext behind either.
            assert!(
                opened.is_ok() || buffer == ciphertext,
                "{}: refused, but deciphered",
                self.name
            );
            opened.ok().map(|()| buffer)
        };
        let Expected::Opens { plaintext } = &self.expected else {
            let opened = open(&self.associated, &self.ciphertext, &self.tag);
            assert!(opened.is_none(), "{}: opened", self.name);
            return;
        };

        let mut sealed = plaintext.clone();
        let tag = cipher
            .encrypt_inout_detached(nonce, &self.associated, sealed.as_mut_slice().into())
            .expect("seal");
        assert_eq!(
            (&sealed, &tag[..]),
            (&self.ciphertext, &self.tag[..]),
            "{}: sealed differently",
            self.name
        );
        let opened = open(&self.associated, &self.ciphertext, &self.tag);
        assert_eq!(opened.as_ref(), Some(plaintext), "{}: did not open", self.name);

        for associated in first_and_last_bit_flipped(&self.associated) {
            let opened = open(&associated, &self.ciphertext, &self.tag);
            assert!(opened.is_none(), "{}: opened under other associated data", self.name);
        }
        for ciphertext in first_and_last_bit_flipped(&self.ciphertext) {
            let opened = open(&self.associated, &ciphertext, &self.tag);
            assert!(opened.is_none(), "{}: opened another ciphertext", self.name);
        }
        for tag in first_and_last_bit_flipped(&self.tag) {
            let opened = open(&self.associated, &self.ciphertext, &tag);
            assert!(opened.is_none(), "{}: opened with another tag", self.name);
        }
    }
}

/// Nothing for no bytes.
fn first_and_last_bit_flipped(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Some(last) = bytes.len().checked_sub(1) else { return Vec::new() };
    [(0, 0x80), (last, 0x01)]
        .into_iter()
        .map(|(at, bit)| {
            let mut changed = bytes.to_vec();
            changed[at] ^= bit;
            changed
        })
        .collect()
}

/// Runs the case at the sizes it has, or tells why `aes-gcm` does not take them.
fn dispatch(case: &Case) -> Result<(), String> {
    let (key, nonce, tag) = case.sizes();
    macro_rules! at_sizes {
        ($($nonce_bytes:literal $nonce_type:ident: $($tag_bytes:literal $tag_type:ident)+;)+) => {
            match (key, nonce, tag) {
                $($(
                    (16, $nonce_bytes, $tag_bytes) => case.run::<Aes128, $nonce_type, $tag_type>(),
                    (24, $nonce_bytes, $tag_bytes) => case.run::<Aes192, $nonce_type, $tag_type>(),
                    (32, $nonce_bytes, $tag_bytes) => case.run::<Aes256, $nonce_type, $tag_type>(),
                )+)+
                // The type takes it, the standard does not (SP 800-38D, 5.2.1.1: at least one bit),
                // and the crate leaves that to whoever chooses the type.
                (_, 0, _) => return Err("a nonce of no bits".to_owned()),
                _ => panic!("{}: add key {key}, nonce {nonce}, tag {tag} to the table", case.name),
            }
        };
    }
    at_sizes! {
        1 U1: 4 U4  8 U8  12 U12  13 U13  14 U14  15 U15  16 U16;
        2 U2: 16 U16;
        4 U4: 16 U16;
        6 U6: 16 U16;
        8 U8: 16 U16;
        10 U10: 16 U16;
        12 U12: 4 U4  8 U8  12 U12  13 U13  14 U14  15 U15  16 U16;
        15 U15: 16 U16;
        16 U16: 16 U16;
        20 U20: 16 U16;
        32 U32: 16 U16;
        64 U64: 16 U16;
        128 U128: 4 U4  8 U8  12 U12  13 U13  14 U14  15 U15  16 U16;
        257 U257: 16 U16;
    }
    Ok(())
}

/// Runs all cases and prints the counts. Returns how many ran at [`OURS`] and how many were
/// skipped.
fn run_all(suite: &str, cases: &[Case]) -> (usize, usize) {
    let mut skipped = BTreeMap::<String, usize>::new();
    let mut ours = 0;
    for case in cases {
        match dispatch(case) {
            Ok(()) => ours += usize::from(case.sizes() == OURS),
            Err(reason) => {
                assert_ne!(case.sizes(), OURS, "{}: skipped at our sizes", case.name);
                *skipped.entry(reason).or_default() += 1;
            }
        }
    }
    let skips: usize = skipped.values().sum();
    println!(
        "{suite}: {} cases, {} run ({ours} at our sizes), {skips} skipped",
        cases.len(),
        cases.len() - skips
    );
    for (reason, count) in skipped {
        println!("{suite}: {count} skipped: {reason}");
    }
    (ours, skips)
}

#[test]
fn wycheproof() {
    let cases: Vec<Case> = TestSet::load(TestName::AesGcm)
        .expect("the vectors of the crate")
        .test_groups
        .into_iter()
        .flat_map(|group| group.tests)
        .map(|test| Case {
            name: format!("Wycheproof {} ({})", test.tc_id, test.comment),
            key: test.key.to_vec(),
            nonce: test.nonce.to_vec(),
            associated: test.aad.to_vec(),
            ciphertext: test.ct.to_vec(),
            tag: test.tag.to_vec(),
            expected: match test.result {
                TestResult::Valid => Expected::Opens { plaintext: test.pt.to_vec() },
                TestResult::Invalid => Expected::Fails,
                TestResult::Acceptable => panic!("{}: either result is allowed", test.tc_id),
            },
        })
        .collect();
    assert_eq!(cases.len(), 316);
    let at_our_sizes = cases.iter().filter(|case| case.sizes() == OURS).count();
    assert_eq!(run_all("Wycheproof AES-GCM", &cases), (at_our_sizes, 6));
    assert_eq!(at_our_sizes, 66);
}

#[test]
fn cavp() {
    let Some(folder) = tests::cavp_dir() else { return };
    let mut cases = Vec::new();
    for bits in [128, 192, 256] {
        for file in [format!("gcmDecrypt{bits}.rsp"), format!("gcmEncryptExtIV{bits}.rsp")] {
            let text = fs::read_to_string(folder.join(&file)).expect("a file of CAVP vectors");
            cases.extend(rsp_cases(&file, &text));
        }
    }
    assert_eq!(cases.len(), 47_250);
    let at_our_sizes = cases.iter().filter(|case| case.sizes() == OURS).count();
    assert_eq!(run_all("CAVP AES-GCM", &cases), (at_our_sizes, 0));
    assert_eq!(at_our_sizes, 750);
}

/// NIST's response files: paragraphs of `Name = value`, with `FAIL` in place of the plaintext where
/// a message must not open. Headers in brackets repeat what the lengths of the values say.
fn rsp_cases(file: &str, text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut header = String::new();
    for paragraph in text.replace("\r\n", "\n").split("\n\n") {
        let values: BTreeMap<&str, &str> = paragraph
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(n, v)| (n.trim(), v.trim()))
            .collect();
        let Some(count) = values.get("Count") else {
            if paragraph.contains('[') {
                header = paragraph.trim().replace('\n', " ");
            }
            continue;
        };
        let name = format!("{file} {header} Count {count}");
        let value =
            |name: &str| hex::decode(values.get(name).expect("the value of a case")).expect("hex");
        let fails = paragraph.lines().any(|line| line.trim() == "FAIL");
        assert_ne!(fails, values.contains_key("PT"), "{name}: a plaintext or FAIL");
        cases.push(Case {
            name,
            key: value("Key"),
            nonce: value("IV"),
            associated: value("AAD"),
            ciphertext: value("CT"),
            tag: value("Tag"),
            expected: if fails {
                Expected::Fails
            } else {
                Expected::Opens { plaintext: value("PT") }
            },
        });
    }
    cases
}
