//! What operators see.

use std::cell::RefCell;

use encrypted_field::event::{self, Event};
use encrypted_field::{Encrypted, Secret, legacy};
use tests::secrets::plaintext;

use crate::ring;

thread_local! {
    static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn see(event: &Event<'_>) {
    if let Event::WriteModeChanged { .. } | Event::PlaintextWrite { .. } = event {
        SEEN.with_borrow_mut(|seen| seen.push(format!("{event:?}")));
    }
}

#[derive(Encrypted)]
#[encrypted(context = "events.token", legacy = plaintext)]
struct Token(Secret<String>);

#[derive(Encrypted)]
#[encrypted(context = "events.bytes", legacy = plaintext)]
struct Bytes(Secret<Vec<u8>>);

/// The last such event decides when a door may close, so nothing that is refused counts.
#[test]
fn what_is_refused_is_no_write() {
    event::set_hook(see);
    let _ring = ring().hold();
    legacy::write_plaintext::<Bytes>().unwrap();
    SEEN.take();
    Bytes::from(b"\xFF".to_vec()).to_stored_text().unwrap_err();
    assert!(SEEN.take().is_empty());
    Bytes::from(b"\xFF".to_vec()).to_stored().unwrap();
    assert_eq!(SEEN.take(), [r#"PlaintextWrite { column: "events.bytes" }"#]);
}

/// Each switch that changes something, and each value.
#[test]
fn switches_and_writes() {
    event::set_hook(see);
    let _ring = ring().hold();
    legacy::write_sealed::<Token>();
    legacy::reopen::<Token>();
    assert!(SEEN.take().is_empty());

    legacy::write_plaintext::<Token>().unwrap();
    legacy::write_plaintext::<Token>().unwrap();
    let on = r#"WriteModeChanged { column: "events.token", plaintext: true }"#;
    let off = r#"WriteModeChanged { column: "events.token", plaintext: false }"#;
    assert_eq!(SEEN.take(), [on]);
    let token = Token::from(plaintext("in the clear"));
    token.to_stored().unwrap();
    token.to_stored_text().unwrap();
    token.seal().unwrap();
    let write = r#"PlaintextWrite { column: "events.token" }"#;
    assert_eq!(SEEN.take(), [write, write]);

    legacy::write_sealed::<Token>();
    assert_eq!(SEEN.take(), [off]);
    legacy::write_plaintext::<Token>().unwrap();
    legacy::close::<Token>();
    assert_eq!(SEEN.take(), [on, off]);
    token.to_stored().unwrap();
    assert!(SEEN.take().is_empty());
}
