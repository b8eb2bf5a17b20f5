//! Processes that are killed in the middle of a change.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Duration;

use encrypted_field::envelope::{Clock, KeyManager};
use encrypted_field::{
    EncryptedFieldExt as _, ErrorKind, KeyId,
    key::{KeyState, Purpose},
};
use tests::{Database, secrets};

use crate::board::{self, Writer};
use crate::keys::{Token, by_hand, place_by_hand};
use crate::places::Place;
use crate::worker;

#[test]
fn a_few_times_on_a_key_file() {
    on_file(20);
}

#[test]
fn a_few_times_on_postgres() {
    on_postgres(20);
}

#[test]
#[ignore = "takes minutes"]
fn two_hundred_times_on_a_key_file() {
    on_file(200);
}

#[test]
#[ignore = "takes minutes"]
fn two_hundred_times_on_postgres() {
    on_postgres(200);
}

fn on_file(times: u32) {
    let folder = tempfile::tempdir().unwrap();
    run(&Place::file(folder.path()), times);
}

fn on_postgres(times: u32) {
    let Some(database) = Database::postgres() else { return };
    run(&Place::postgres(&database), times);
}

const BOTH: &[(&str, usize)] = &[("eu", 0), ("us", 1)];
const ONE: &[(&str, usize)] = &[("eu", 0)];

fn run(place: &Place, times: u32) {
    let folder = tempfile::tempdir().unwrap();
    by_hand(place, BOTH).initialize().wait().unwrap();
    let mut revisions = Vec::new();
    for time in 0..times {
        let mut child = worker::start(
            &format!("killed {time}"),
            place,
            folder.path(),
            &format!("worker-{time}"),
        );
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        // After some of its steps, and somewhere within the next one.
        let mut steps = time % 9;
        loop {
            let line = output.next().expect("the worker goes on").unwrap();
            if line.contains("begins") || line.contains("step") {
                if steps == 0 {
                    break;
                }
                steps -= 1;
            }
        }
        std::thread::sleep(Duration::from_micros(u64::from(time) * 1_370 % 9_700));
        child.kill().unwrap();
        child.wait().unwrap();

        // The eu KEK wraps everything at any moment.
        let keys = by_hand(place, ONE);
        keys.load().wait().unwrap_or_else(|e| panic!("after kill {time}: {e}"));
        check(&keys, folder.path());
        revisions.push(keys.status().store.unwrap().revision);
    }
    let status = by_hand(place, ONE);
    status.load().wait().unwrap();
    let keys = status.status().store.unwrap().keys;
    let destroyed = keys.iter().filter(|key| key.state == KeyState::Destroyed).count();
    println!(
        "{times} kills, {} revisions, {} keys, {destroyed} destroyed",
        revisions.last().unwrap(),
        keys.len()
    );
    assert!(destroyed > 0, "they came as far as destroying");
    assert!(revisions.windows(2).all(|pair| pair[0] <= pair[1]), "nothing was set back");
}

/// Every value under a key that was not destroyed opens.
fn check(keys: &KeyManager, folder: &Path) {
    let ring = keys.keyring().unwrap();
    for value in board::all(folder) {
        let opened = Token::from_stored_text_with(&ring, value.clone());
        let id = value.split(':').nth(1).unwrap().parse().unwrap();
        match ring.get(id).expect("every key that sealed is there").state {
            KeyState::Destroyed | KeyState::Disabled => {
                assert_eq!(opened.map(drop).unwrap_err().kind(), ErrorKind::KeyUnusable);
            }
            _ => assert!(*opened.unwrap() == *secrets::BOT_TOKEN),
        }
    }
}

/// Rotates, rewraps and destroys until it is killed. It sets its clock, so that it takes no time.
pub fn work(place: &Place, folder: &Path, name: &str, _: u64) {
    let mut board = Writer::new(folder, name);
    let known = by_hand(place, ONE);
    known.load().wait().unwrap();
    // Where the one before was killed, this one goes on; its dates are those of the store. Each
    // step is a day and more: dates alone are enough then to make a key active. A key is destroyed
    // by whoever has seen it disabled one step before.
    let step = Duration::from_hours(30);
    let clock = Clock::manual(known.status().store.unwrap().signed + step);
    let keys = place_by_hand(place, BOTH, &clock);
    // Where the us KEK was left out, it is added again.
    keys.rewrap().wait().unwrap();
    println!("{name} begins");
    loop {
        keys.load().wait().unwrap();
        let states = keys.status().store.unwrap().keys;
        let in_state =
            |state| states.iter().filter(move |key| key.state == state).map(|key| key.id);
        let pending: Vec<KeyId> = in_state(KeyState::Pending).collect();
        match pending.first() {
            Some(id) => keys.activate(*id).wait().unwrap(),
            None => drop(keys.publish("", Purpose::Field).wait().unwrap()),
        }
        println!("{name} step");
        let ring = keys.keyring().unwrap();
        board.write(&Token::from(secrets::BOT_TOKEN).to_stored_text_with(&ring).unwrap());
        clock.advance(step);
        keys.load().wait().unwrap();
        for id in in_state(KeyState::Disabled) {
            keys.destroy(id, &format!("destroy key {id} of processes")).wait().unwrap();
            println!("{name} step");
        }
        for id in in_state(KeyState::Retired) {
            keys.disable(id).wait().unwrap();
            println!("{name} step");
        }
        clock.advance(step);
        let one = place_by_hand(place, ONE, &clock);
        one.leave_out_kek("us", "leave out KEK us of processes").wait().unwrap();
        println!("{name} step");
        keys.rewrap().wait().unwrap();
        println!("{name} step");
    }
}
