//! A backup of the store was restored.

use encrypted_field::envelope::RestoredStore;
use encrypted_field::{ErrorKind, KeyId, key::Purpose};

use crate::support::*;

#[test]
fn a_restored_store_is_accepted_by_hand_and_by_everybody() {
    let world = World::new();
    let (keys, other) = (world.loaded(), world.loaded());
    let stored = seal(&keys).unwrap();
    let backup = world.store.backup();
    let lost = keys.publish("", Purpose::Field).wait().unwrap();
    keys.activate_at_once(lost).wait().unwrap();
    other.load().wait().unwrap();
    let under_lost = seal(&keys).unwrap();

    world.store.restore(backup.clone());
    for keys in [&keys, &other] {
        assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    }
    let accept =
        |revision, next_id| keys.accept_restored(RestoredStore::new(revision, next_id)).wait();
    assert_kind(accept(2, 3), ErrorKind::NotConfirmed);
    assert_kind(accept(1, 1), ErrorKind::NotConfirmed);
    assert_kind(accept(1, u32::MAX), ErrorKind::NotConfirmed);
    accept(1, 3).unwrap();

    for keys in [&keys, &other] {
        keys.load().wait().unwrap();
        let status = keys.status().store.unwrap();
        assert!(status.epoch > 1, "a new epoch begins");
        assert_eq!(status.next_id, 3);
        assert!(status.revision > 3, "above what anybody has seen");
        open(keys, &stored).unwrap();
        assert_eq!(key_of(&seal(keys).unwrap()), 1);
        // The key is lost, and nobody else gets its id.
        assert_kind(open(keys, &under_lost), ErrorKind::UnknownKey);
    }
    assert_eq!(keys.publish("", Purpose::Field).wait().unwrap(), KeyId::new(3).unwrap());
    // The backup again: it is of the epoch before.
    world.store.restore(backup);
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
}

/// The acceptance makes a new store key, which only the KEKs that are here wrap. The one in the
/// safe could not load the store until `rewrap`, and the status says so.
#[test]
fn an_offline_kek_that_dropped_out_is_told() {
    let world = World::new();
    world.loaded();
    let backup = world.store.backup();
    let builder = world.without_keks().kek("eu", world.eu.clone()).offline_kek("us");
    let keys = builder.build().unwrap();
    keys.load().wait().unwrap();
    keys.publish("", Purpose::Field).wait().unwrap();
    world.store.restore(backup);
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    keys.accept_restored(RestoredStore::new(1, 9)).wait().unwrap();
    let status = keys.status();
    let us = status.keks.iter().find(|kek| kek.name == "us").unwrap();
    assert!(us.is_offline && !us.is_in_store);
    let missing = status.missing_wraps.iter().find(|missing| missing.kek == "us").unwrap();
    assert!(missing.store_key);

    world.loaded().rewrap().wait().unwrap();
    keys.load().wait().unwrap();
    assert!(keys.status().missing_wraps.is_empty());
}

#[test]
fn a_restored_store_that_was_tampered_with_is_not_accepted() {
    let world = World::new();
    let keys = world.loaded();
    let backup = world.store.backup();
    keys.publish("", Purpose::Field).wait().unwrap();
    world.store.restore(backup);
    world.store.tamper(|records| {
        let record = records.get_mut(&process_record("")).unwrap();
        record.body = record.body.replace("\"active\"", "\"retired\"");
    });
    let accepted = keys.accept_restored(RestoredStore::new(1, 9)).wait();
    assert_kind(accepted, ErrorKind::KeyStoreTampered);
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
}

/// By a process that starts after the restore, and knows the revision from its configuration only.
#[test]
fn an_acceptance_satisfies_the_configured_minimum() {
    let world = World::new();
    let backup = world.store.backup();
    let keys = world.loaded();
    keys.publish("", Purpose::Field).wait().unwrap();
    world.store.restore(backup);
    let fresh = world.builder().min_revision(2).build().unwrap();
    assert_kind(fresh.load().wait(), ErrorKind::KeyStoreRolledBack);
    fresh.accept_restored(RestoredStore::new(1, 3)).wait().unwrap();
    fresh.load().wait().unwrap();
    assert!(fresh.status().store.unwrap().revision > 2);
    keys.load().wait().unwrap();
}

/// An operator who has seen nothing accepts a backup twice: the second time it is newer than the
/// first.
#[test]
fn a_backup_is_accepted_again() {
    let world = World::new();
    let keys = world.loaded();
    let backup = world.store.backup();
    for next_id in [9, 10] {
        keys.publish("", Purpose::Field).wait().unwrap();
        world.store.restore(backup.clone());
        world.clock.advance(MINUTE);
        let operator = world.process();
        operator.accept_restored(RestoredStore::new(1, next_id)).wait().unwrap();
        keys.load().wait().unwrap();
    }
    // An id that was given meanwhile is not given again: not to this process, which knows.
    world.store.restore(backup);
    let accept = |keys: &encrypted_field::envelope::KeyManager, next_id| {
        keys.accept_restored(RestoredStore::new(1, next_id)).wait()
    };
    assert_kind(accept(&keys, 9), ErrorKind::NotConfirmed);
    accept(&world.process(), 9).unwrap();
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    assert!(keys.status().store.unwrap().epoch > 1);
}

/// An acceptance that fails forgets nothing of what was seen.
#[test]
fn an_acceptance_that_fails_leaves_everything() {
    let world = World::new();
    let keys = world.loaded();
    let backup = world.store.backup();
    keys.publish("", Purpose::Field).wait().unwrap();
    world.store.restore(backup);
    world.us.set_fault(Fault::Fails(encrypted_field::envelope::BackendErrorKind::Unavailable));
    let accepted = keys.accept_restored(RestoredStore::new(1, 9)).wait();
    assert_kind(accepted, ErrorKind::KeyServiceUnavailable);
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
}

/// One process with a wrong clock has dated the store into the future.
#[test]
fn accepting_it_mends_a_date_in_the_future() {
    let world = World::new();
    let ahead = World {
        clock: encrypted_field::envelope::Clock::manual(world.now() + 400 * DAY),
        ..world.clone()
    };
    let wrong = ahead.loaded();
    wrong.publish("", Purpose::Field).wait().unwrap();
    let keys = world.loaded();
    let error = assert_kind(keys.provision("acme").wait(), ErrorKind::ClockSkew);
    assert!(error.to_string().contains("behind"), "{error}");
    keys.accept_restored(RestoredStore::new(2, 3)).wait().unwrap();
    keys.provision("acme").wait().unwrap();
}

/// An id that values use is not given again, whoever knows of it.
#[test]
fn a_next_id_that_values_use_is_refused() {
    let world = World::new();
    let backup = world.store.backup();
    let keys = world.loaded();
    for _ in 0..2 {
        let id = keys.publish("", Purpose::Field).wait().unwrap();
        keys.activate_at_once(id).wait().unwrap();
    }
    let stored = seal(&keys).unwrap();
    assert_eq!(key_of(&stored), 3);
    world.store.restore(backup);
    // A census has found it.
    let operator = world.process();
    let census = || [1, 3].map(|id| KeyId::new(id).unwrap());
    let accepted = operator.accept_restored(RestoredStore::new(1, 3).in_use(census())).wait();
    let error = assert_kind(accepted, ErrorKind::NotConfirmed);
    assert!(error.to_string().contains("key 3"), "{error}");
    // Or this process has met it in a row.
    let reader = world.process();
    reader.load().wait().unwrap();
    assert_kind(open(&reader, &stored), ErrorKind::KeyNotLoaded);
    let error = assert_kind(
        reader.accept_restored(RestoredStore::new(1, 3)).wait(),
        ErrorKind::NotConfirmed,
    );
    assert!(error.to_string().contains("key 3"), "{error}");
    // What somebody has made up to keep the store from being accepted does not count.
    let forged = stored.replacen("ef1:3:", "ef1:4000000000:", 1);
    assert_kind(open(&reader, &forged), ErrorKind::KeyNotLoaded);
    reader.accept_restored(RestoredStore::new(1, 4).in_use(census())).wait().unwrap();
    assert_eq!(reader.publish("", Purpose::Field).wait().unwrap().get(), 4);
}

/// Somebody who can write rows can't keep the store from being accepted, and is told to those who
/// look.
#[test]
fn an_id_that_somebody_has_made_up_is_told_as_that() {
    let world = World::new();
    let backup = world.store.backup();
    world.loaded().publish("", Purpose::Field).wait().unwrap();
    world.store.restore(backup);
    let operator = world.process();
    let census = [1, 4_000_000_000].map(|id| KeyId::new(id).unwrap());
    let accepted = operator.accept_restored(RestoredStore::new(1, 3).in_use(census)).wait();
    let error = assert_kind(accepted, ErrorKind::NotConfirmed);
    assert!(
        error.to_string().contains("4000000000") && error.to_string().contains("made it up"),
        "{error}"
    );
}

/// Cookies that anybody sends don't push out what this process has met in rows.
#[test]
fn forged_cookies_do_not_hide_which_ids_rows_use() {
    use encrypted_field::EncryptedFieldExt as _;
    let world = World::new();
    let backup = world.store.backup();
    let keys = world.loaded();
    for _ in 0..2 {
        let id = keys.publish("", Purpose::Field).wait().unwrap();
        keys.activate_at_once(id).wait().unwrap();
    }
    let stored = seal(&keys).unwrap();
    let cookie =
        Token::from(tests::secrets::BOT_TOKEN).seal_text_with(&keys.keyring().unwrap()).unwrap();
    world.store.restore(backup);
    let reader = world.process();
    reader.load().wait().unwrap();
    assert_kind(open(&reader, &stored), ErrorKind::KeyNotLoaded);
    let ring = reader.keyring().unwrap();
    for id in 10_000..12_000 {
        let forged = cookie.replacen("ef1:3:", &format!("ef1:{id}:"), 1);
        assert!(Token::open_text_with(&ring, &forged).is_err());
    }
    assert_kind(reader.accept_restored(RestoredStore::new(1, 3)).wait(), ErrorKind::NotConfirmed);
}
