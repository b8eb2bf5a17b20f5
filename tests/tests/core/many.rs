//! Many values at once: on several threads what one thread would do, in the order given.

use std::thread;

use encrypted_field::{EncryptedFieldExt as _, ErrorKind, Keyring, Result, Scope};
use tests::secrets::KEYS;
use tests::{refused, secrets};

use crate::fields::BotToken;

fn token(number: usize) -> String {
    format!("{}-{number}", secrets::BOT_TOKEN)
}

fn stored(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| BotToken::from(&*token(number)).to_stored_text().unwrap()).collect()
}

/// None, few, and more than one thread takes; every count around the ends of its parts.
#[test]
fn all_of_them_in_order() {
    let _ring = crate::fields::ring().hold();
    for count in [0, 1, 2, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025, 5000] {
        let tokens = BotToken::from_stored_text_all(stored(0..count)).unwrap();
        let tokens: Vec<_> = tokens.into_iter().map(Result::unwrap).collect();
        assert_eq!(tokens.len(), count);
        assert!(tokens.iter().enumerate().all(|(number, read)| **read == *token(number)));
    }
    let binary = (0..1000).map(|number| BotToken::from(&*token(number)).to_stored().unwrap());
    let tokens = BotToken::from_stored_all(binary.collect()).unwrap();
    assert!(
        tokens.iter().enumerate().all(|(number, read)| **read.as_ref().unwrap() == *token(number))
    );
}

#[test]
fn a_value_that_does_not_open_keeps_its_place() {
    let _ring = crate::fields::ring().hold();
    let mut column = stored(0..2000);
    for at in [0, 999, 1999] {
        column[at].truncate(60);
    }
    for (at, read) in BotToken::from_stored_text_all(column).unwrap().into_iter().enumerate() {
        if [0, 999, 1999].contains(&at) {
            let error = refused(read.map(drop), ErrorKind::Malformed);
            assert_eq!(error.column(), Some("slack_connections.bot_token"));
        } else {
            assert_eq!(**read.as_ref().unwrap(), *token(at));
        }
    }
}

/// The keys are those that the calling thread holds, and the scope is the one that it has entered.
#[test]
fn the_callers_keys_and_scope() {
    use encrypted_field::{Encrypted, Key, Secret};

    #[derive(Encrypted)]
    #[encrypted(context = "customers.iban", scope = dynamic)]
    struct Iban(Secret<String>);

    let keys = [Key::new(1, KEYS[0]).scope("acme"), Key::new(2, KEYS[1]).scope("globex")];
    let ring = keys.into_iter().fold(Keyring::builder(), |ring, key| ring.key(key)).build();
    let _ring = ring.unwrap().hold();
    let [acme, globex] = ["acme", "globex"].map(|name| Scope::named(name).unwrap());
    let column: Vec<String> = (0..2000)
        .map(|number| acme.run(|| Iban::from(&*token(number)).to_stored_text()).unwrap())
        .collect();
    let read = acme.run(|| Iban::from_stored_text_all(column.clone())).unwrap();
    assert!(read.iter().all(Result::is_ok));
    for read in globex.run(|| Iban::from_stored_text_all(column.clone())).unwrap() {
        refused(read.map(drop), ErrorKind::ScopeMismatch);
    }
    refused(Iban::from_stored_text_all(column).map(drop), ErrorKind::NoScope);
}

/// With one processor, or in a process that may not start threads at will, nothing else happens.
#[test]
fn from_many_threads_at_once() {
    let column = {
        let _ring = crate::fields::ring().hold();
        stored(0..1500)
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let _ring = crate::fields::ring().hold();
                let read = BotToken::from_stored_text_all(column.clone()).unwrap();
                assert!(read.iter().all(Result::is_ok));
            });
        }
    });
}
