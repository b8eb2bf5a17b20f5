//! What time it is at Vault.

use std::time::{Duration, SystemTime};

use encrypted_field::envelope::{Clock, Document, KeyEncryptionKey};
use encrypted_field::generate_key;
use encrypted_field_vault::Vault;
use vault_tests::{Fault, Place, run};

use crate::place::{Backends as _, of};

const HOUR: Duration = Duration::from_hours(1);

/// 2026-01-01, in whole seconds as a header has it.
fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + 490_896 * HOUR
}

#[test]
fn the_date_of_the_last_answer_and_the_time_since() {
    run(async {
        let mut place = Place::stand_in().await;
        // The clock of this host is an hour behind Vault's.
        let (ours, theirs) = (Clock::manual(start() - HOUR), Clock::manual(start()));
        let auth = place.app_role_auth().await;
        let vault = Vault::builder(&place.admin.address, auth).clock(ours.clone()).build().unwrap();
        let (kek, document) = (place.kek(&vault), place.document(&vault));
        let key = generate_key().unwrap();
        place.server().date_by(&theirs);
        assert_eq!(kek.time(), None, "there was no answer yet");

        let wrapped = kek.wrap(&of(""), &key).await.unwrap();
        assert_eq!(kek.time(), Some(start()));
        ours.advance(HOUR / 2);
        assert_eq!(kek.time(), Some(start() + HOUR / 2), "it goes on between calls");
        ours.set_wall(start() + 1000 * HOUR);
        assert_eq!(
            kek.time(),
            Some(start() + HOUR / 2),
            "whoever sets the clock of this host changes nothing"
        );

        theirs.advance(HOUR);
        kek.unwrap(&of(""), &wrapped).await.unwrap();
        assert_eq!(kek.time(), Some(start() + HOUR), "the last answer counts");
        theirs.advance(HOUR);
        assert_eq!(document.read().await.unwrap(), None);
        assert_eq!(
            kek.time(),
            Some(start() + HOUR),
            "that nothing is there has HTTP's status of an error"
        );
        assert!(document.replace(None, "first".into()).await.unwrap());
        assert_eq!(kek.time(), Some(start() + 2 * HOUR), "that of the other engine is one");

        theirs.advance(HOUR);
        place.server().fail(Fault::Status(503));
        kek.unwrap(&of(""), &wrapped).await.unwrap_err();
        assert_eq!(kek.time(), Some(start() + 2 * HOUR));
    });
}

#[test]
fn without_a_date_it_has_no_time() {
    run(async {
        let place = Place::stand_in().await;
        let kek = place.kek(&place.vault());
        kek.wrap(&of(""), &generate_key().unwrap()).await.unwrap();
        assert_eq!(kek.time(), None);
    });
}
