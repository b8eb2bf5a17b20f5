//! Values that a process writes share nonce prefixes for a while, and readers keep the keys of
//! prefixes that they have met. Neither may be seen in what opens and what does not.

use std::collections::{HashMap, HashSet};
use std::thread;

use encrypted_field::{EncryptedFieldExt, ErrorKind, Key, Keyring, key::KeyState};
use tests::refused;
use tests::secrets::{BOT_TOKEN, KEYS};

use crate::fields::{BotToken, SigningSecret, ring};

/// The most values of one epoch.
const VALUES: usize = 1 << 12;

type Nonce = [u8; 24];

fn seal(ring: &Keyring) -> Vec<u8> {
    BotToken::from(BOT_TOKEN).to_stored_with(ring).unwrap()
}

fn nonce(sealed: &[u8]) -> Nonce {
    sealed[8..32].try_into().unwrap()
}

/// How many of the nonces begin alike. None may be there twice.
fn prefixes(nonces: impl IntoIterator<Item = Nonce>) -> HashMap<[u8; 12], usize> {
    let (mut seen, mut prefixes) = (HashSet::new(), HashMap::new());
    for nonce in nonces {
        assert!(seen.insert(nonce), "a nonce came twice");
        *prefixes.entry(nonce[..12].try_into().unwrap()).or_default() += 1;
    }
    prefixes
}

#[test]
fn an_epoch_ends() {
    let ring = ring();
    let prefixes = prefixes((0..3 * VALUES + 10).map(|_| nonce(&seal(&ring))));
    let mut counts: Vec<_> = prefixes.into_values().collect();
    counts.sort_unstable();
    assert_eq!(counts, [10, VALUES, VALUES, VALUES]);
}

/// More threads than an epoch's slots, so that some share one.
#[test]
fn threads_that_share_an_epoch_keep_to_its_limit() {
    let ring = ring();
    let nonces: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..24)
            .map(|_| scope.spawn(|| (0..3000).map(|_| nonce(&seal(&ring))).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let prefixes = prefixes(nonces);
    assert!(prefixes.len() >= 24 * 3000 / VALUES);
    assert!(prefixes.into_values().all(|count| count <= VALUES));
}

#[test]
fn without_epochs_no_two_values_share_a_prefix() {
    let ring = Keyring::builder().active(7, KEYS[0]).subkey_per_value().build().unwrap();
    assert_eq!(prefixes((0..2000).map(|_| nonce(&seal(&ring)))).len(), 2000);
    let value = BotToken::from_stored_with(&self::ring(), seal(&ring)).unwrap();
    assert_eq!(&*value, BOT_TOKEN);
}

/// They go to people who must not learn of each other's.
#[test]
fn detached_values_share_no_prefix() {
    let ring = ring();
    let value = BotToken::from(BOT_TOKEN);
    seal(&ring);
    let sealed: Vec<_> = (0..2000).map(|_| value.seal_with(&ring).unwrap()).collect();
    assert_eq!(prefixes(sealed.iter().map(|sealed| nonce(sealed))).len(), 2000);
    for sealed in sealed.iter().flat_map(|sealed| [sealed; 3]) {
        assert_eq!(&*BotToken::open_with(&ring, sealed).unwrap(), BOT_TOKEN);
    }
}

/// So that a ring that is installed anew, or built from a restored key file, begins where nobody
/// was.
#[test]
fn every_ring_has_epochs_of_its_own() {
    let prefixes = prefixes((0..500).map(|_| nonce(&seal(&ring()))));
    assert_eq!(prefixes.len(), 500);
}

/// So many values, each of another epoch.
fn of_many_epochs(number: usize) -> Vec<Vec<u8>> {
    (0..number).map(|_| seal(&ring())).collect()
}

/// Fewer and more epochs than a reader keeps; one after the other, each several times, and back.
#[test]
fn values_of_many_epochs_open_in_any_order() {
    for number in [1, 5, 64, 300] {
        let sealed = of_many_epochs(number);
        let ring = ring();
        let open = |sealed: &Vec<u8>| {
            let value = BotToken::from_stored_with(&ring, sealed.clone()).unwrap();
            assert_eq!(&*value, BOT_TOKEN);
        };
        for _ in 0..4 {
            sealed.iter().for_each(open);
            sealed.iter().rev().for_each(open);
            sealed.iter().flat_map(|sealed| [sealed; 3]).for_each(open);
        }
    }
}

#[test]
fn threads_open_values_of_many_epochs() {
    let (sealed, ring) = (of_many_epochs(100), ring());
    thread::scope(|scope| {
        for start in 0..8 {
            let (sealed, ring) = (&sealed, &ring);
            scope.spawn(move || {
                for at in (0..2000).map(|step| (start * 13 + step * (start + 1)) % sealed.len()) {
                    let value = BotToken::from_stored_with(ring, sealed[at].clone()).unwrap();
                    assert_eq!(&*value, BOT_TOKEN);
                }
            });
        }
    });
}

/// A prefix that is known is no reason to accept anything.
#[test]
fn under_a_known_prefix_everything_is_still_checked() {
    let ring = ring();
    let sealed = seal(&ring);
    for _ in 0..5 {
        assert!(BotToken::from_stored_with(&ring, sealed.clone()).is_ok());
    }
    for at in 32..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        refused(BotToken::from_stored_with(&ring, changed), ErrorKind::Authentication);
    }
    // The half of the nonce that is not the prefix, and the prefix.
    for at in 8..32 {
        let mut changed = sealed.clone();
        changed[at] ^= 0x80;
        refused(BotToken::from_stored_with(&ring, changed), ErrorKind::Authentication);
    }
    refused(SigningSecret::from_stored_with(&ring, sealed.clone()), ErrorKind::Authentication);
    refused(BotToken::open_with(&ring, &sealed), ErrorKind::Authentication);
    assert!(BotToken::from_stored_with(&ring, sealed).is_ok());
}

/// What is kept of a key goes with the key.
#[test]
fn a_value_opened_before_needs_its_key() {
    let sealed = {
        let ring = ring();
        let sealed = seal(&ring);
        for _ in 0..5 {
            assert!(BotToken::from_stored_with(&ring, sealed.clone()).is_ok());
        }
        sealed
    };
    let refused_by =
        |ring: Keyring, kind| refused(BotToken::from_stored_with(&ring, sealed.clone()), kind);
    let builder = || Keyring::builder().active(8, KEYS[1]);
    refused_by(builder().build().unwrap(), ErrorKind::UnknownKey);
    refused_by(builder().key(Key::destroyed(7)).build().unwrap(), ErrorKind::KeyUnusable);
    let disabled = Key::new(7, KEYS[0]).state(KeyState::Disabled);
    refused_by(builder().key(disabled).build().unwrap(), ErrorKind::KeyUnusable);
    let compromised = Key::new(7, KEYS[0]).state(KeyState::Compromised);
    refused_by(
        builder().key(compromised).refuse_compromised().build().unwrap(),
        ErrorKind::KeyUnusable,
    );
    refused_by(Keyring::builder().active(7, KEYS[2]).build().unwrap(), ErrorKind::Authentication);
    refused_by(
        builder().key(Key::new(7, KEYS[0]).scope("slack")).build().unwrap(),
        ErrorKind::ScopeMismatch,
    );
}
