//! Every single-bit flip, every truncation and every addition to a stored value is refused, with
//! the error that FORMAT.md section 9.2 gives.

use encrypted_field::{Error, ErrorKind, Keyring};
use tests::secrets::{BOT_TOKEN, CANARY, UNUSUAL_TEXT};
use tests::{assert_no_secret, refused};

use crate::fields::{BotToken, FORMS, Form, KINDS, Kind, open, ring, seal, try_open};
use crate::reference::refusals;

/// Around the block of the cipher, and around the pieces in which the text form is coded (192
/// bytes, of which the first holds 41 of overhead).
const SIZES: [usize; 12] = [0, 1, 15, 16, 17, 45, 150, 151, 152, 342, 343, 344];

fn text_of(len: usize) -> String {
    CANARY.chars().cycle().take(len).collect()
}

/// Opens what was tampered with, which must be refused for the right reason. Gives whether it could
/// be tried.
#[track_caller]
fn must_fail(
    ring: &Keyring,
    form: Form,
    kind: Kind,
    tampered: &[u8],
    what: &dyn Fn() -> String,
) -> bool {
    let Some(result) = try_open::<BotToken>(ring, form, kind, tampered) else { return false };
    let Err(error) = result else { panic!("{form:?} {kind:?} opened: {}", what()) };
    check(&error, form, tampered, what);
    true
}

#[track_caller]
fn check(error: &Error, form: Form, tampered: &[u8], what: &dyn Fn() -> String) {
    let mut expected = refusals(form, tampered, &[7]);
    if expected.is_empty() {
        expected.push(ErrorKind::Authentication);
    }
    assert!(expected.contains(&error.kind()), "{}: {error}, and not {expected:?}", what());
    assert_eq!(error.column(), Some("slack_connections.bot_token"));
}

#[test]
fn every_bit_flip() {
    let ring = ring();
    let mut flips = [0, 0];
    for form in FORMS {
        for kind in KINDS {
            for size in SIZES {
                let sealed = seal(&ring, form, kind, &BotToken::from(text_of(size))).unwrap();
                assert!(open::<BotToken>(&ring, form, kind, &sealed).is_ok());
                for bit in 0..sealed.len() * 8 {
                    let mut tampered = sealed.clone();
                    tampered[bit / 8] ^= 1 << (bit % 8);
                    let tried = must_fail(&ring, form, kind, &tampered, &|| {
                        format!("{size} bytes, bit {bit}")
                    });
                    flips[usize::from(tried)] += 1;
                }
            }
        }
    }
    let [not_utf8, tried] = flips;
    println!(
        "bit flips: {tried} refused; {not_utf8} are not UTF-8, which a text column can't hold"
    );
    // One of eight in the text form makes a byte that is no ASCII.
    assert!(tried > 50_000 && not_utf8 < tried / 5, "{flips:?}");
}

#[test]
fn every_truncation() {
    let ring = ring();
    for form in FORMS {
        for kind in KINDS {
            for size in SIZES {
                let sealed = seal(&ring, form, kind, &BotToken::from(text_of(size))).unwrap();
                for len in 0..sealed.len() {
                    let cut = |what: &'static str| move || format!("{size} bytes, {what} {len}");
                    assert!(must_fail(&ring, form, kind, &sealed[..len], &cut("the first")));
                    assert!(must_fail(
                        &ring,
                        form,
                        kind,
                        &sealed[sealed.len() - len..],
                        &cut("the last")
                    ));
                }
            }
        }
    }
}

#[test]
fn every_byte_added_left_out_or_said_twice() {
    let ring = ring();
    for form in FORMS {
        let sealed = seal(&ring, form, Kind::Column, &BotToken::from(BOT_TOKEN)).unwrap();
        let fails = |tampered: &[u8], what: &dyn Fn() -> String| {
            must_fail(&ring, form, Kind::Column, tampered, what);
        };
        for byte in 0..=u8::MAX {
            fails(&[&sealed[..], &[byte]].concat(), &|| format!("{byte:#x} after it"));
            fails(&[&[byte], &sealed[..]].concat(), &|| format!("{byte:#x} before it"));
        }
        for at in 0..sealed.len() {
            fails(&[&sealed[..at], &sealed[at + 1..]].concat(), &|| format!("without byte {at}"));
            fails(&[&sealed[..=at], &sealed[at..]].concat(), &|| format!("byte {at} twice"));
            fails(&[&sealed[..=at], &sealed[..]].concat(), &|| {
                format!("itself before it, up to byte {at}")
            });
            fails(&[&sealed[..], &sealed[..=at]].concat(), &|| {
                format!("itself after it, up to byte {at}")
            });
        }
    }
}

#[test]
fn parts_of_two_values_do_not_fit() {
    let ring = ring();
    for form in FORMS {
        // The same text twice, so that all lengths agree and only the nonce differs.
        let [one, other] =
            [(); 2].map(|()| seal(&ring, form, Kind::Column, &BotToken::from(BOT_TOKEN)).unwrap());
        assert_eq!(one.len(), other.len());
        for at in 0..one.len() {
            let spliced = [&one[..at], &other[at..]].concat();
            if spliced != one && spliced != other {
                must_fail(&ring, form, Kind::Column, &spliced, &|| format!("spliced at {at}"));
            }
        }
    }
}

#[test]
fn a_wrong_key_under_the_id_is_an_authentication_failure() {
    let other = Keyring::builder().active(7, tests::secrets::KEYS[3]).build().unwrap();
    for form in FORMS {
        for kind in KINDS {
            let sealed = seal(&ring(), form, kind, &BotToken::from(UNUSUAL_TEXT)).unwrap();
            let error =
                refused(open::<BotToken>(&other, form, kind, &sealed), ErrorKind::Authentication);
            assert_eq!(error.key_id().map(encrypted_field::KeyId::get), Some(7));
        }
    }
}

/// The error of a tampered value tells column and key, and never what the value holds.
#[test]
fn errors_hold_nothing_of_the_value() {
    let ring = ring();
    let sealed = seal(&ring, Form::Binary, Kind::Column, &BotToken::from(BOT_TOKEN)).unwrap();
    for at in 0..sealed.len() {
        let mut tampered = sealed.clone();
        tampered[at] ^= 0x10;
        let error = open::<BotToken>(&ring, Form::Binary, Kind::Column, &tampered).unwrap_err();
        assert_no_secret(&error);
        let texts = format!("{error}{error:?}").to_lowercase();
        for piece in sealed[8..].chunks_exact(4) {
            assert!(!texts.contains(&hex::encode(piece)), "ciphertext in an error");
        }
    }
}
