//! Processes that rotate, seal and open at once.

use std::path::Path;
use std::time::{Duration, Instant};

use encrypted_field::{EncryptedFieldExt as _, ErrorKind, key::KeyState};
use tests::{Database, secrets};

use crate::board::{self, Writer};
use crate::keys::{INTERVAL, PROPAGATION, Token, rotating};
use crate::places::Place;
use crate::worker;

#[test]
fn a_few_on_a_key_file() {
    on_file(6, Duration::from_secs(20));
}

#[test]
fn a_few_on_postgres() {
    on_postgres(6, Duration::from_secs(20));
}

#[test]
#[ignore = "takes a minute"]
fn twenty_on_a_key_file() {
    on_file(20, Duration::from_mins(1));
}

#[test]
#[ignore = "takes a minute"]
fn twenty_on_postgres() {
    on_postgres(20, Duration::from_mins(1));
}

fn on_file(processes: usize, time: Duration) {
    let folder = tempfile::tempdir().unwrap();
    run(&Place::file(folder.path()), processes, time);
}

fn on_postgres(processes: usize, time: Duration) {
    let Some(database) = Database::postgres() else { return };
    run(&Place::postgres(&database), processes, time);
}

fn run(place: &Place, processes: usize, time: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let keys = rotating(place);
    keys.initialize().wait().unwrap();
    let role = format!("at-once {}", time.as_millis());
    let workers: Vec<_> = (0..processes)
        .map(|number| worker::start(&role, place, folder.path(), &format!("worker-{number}")))
        .collect();
    let mut expired = 0;
    for worker in workers {
        let output = worker.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let line = text
            .lines()
            .find(|line| line.contains(" sealed, "))
            .expect("a worker says what it did");
        println!("{line}");
        expired += usize::from(!line.contains(" 0 expired"));
    }
    println!("{expired} of {processes} processes had moments in which they did nothing");

    // Every value opens, for a process that starts now.
    let fresh = rotating(place);
    fresh.load().wait().unwrap();
    let ring = fresh.keyring().unwrap();
    let values = board::all(folder.path());
    assert!(values.len() > 100 * processes, "{} values", values.len());
    for value in &values {
        let token = Token::from_stored_text_with(&ring, value.clone()).unwrap();
        assert!(*token == *secrets::BOT_TOKEN);
    }

    // Exactly the rotations that the policy allows: one after the other, each at its time.
    let status = fresh.status().store.unwrap();
    let active: Vec<_> = status.keys.iter().filter(|key| key.activated.is_some()).collect();
    let pending = status.keys.len() - active.len();
    assert!(pending <= 1, "one key is pending at a time");
    assert_eq!(active.iter().filter(|key| key.state == KeyState::Active).count(), 1);
    for (pair, version) in active.windows(2).zip(2..) {
        assert_eq!(pair[1].version, version);
        assert_eq!(pair[0].retired, pair[1].activated);
        let between =
            pair[1].activated.unwrap().duration_since(pair[0].activated.unwrap()).unwrap();
        assert!(between >= INTERVAL, "{between:?} is sooner than the policy allows");
        let published = pair[1].activated.unwrap().duration_since(pair[1].created).unwrap();
        assert!(published >= PROPAGATION, "it was published for {published:?}");
    }
    let rotations = active.len() - 1;
    let most = usize::try_from(time.as_secs() / INTERVAL.as_secs()).unwrap() + 1;
    assert!((1..=most).contains(&rotations), "{rotations} rotations in {time:?}");
    // Each is two changes of the store. All others are signatures of the head, and a second has
    // one.
    let changes = 1 + 2 * u64::try_from(rotations).unwrap() + u64::try_from(pending).unwrap();
    let signatures = status.revision.checked_sub(changes).expect("a rotation is two changes");
    let seconds = status.signed.duration_since(active[0].created).unwrap().as_secs();
    assert!(signatures <= seconds, "{signatures} signatures in {seconds} s");
    println!("{rotations} rotations, {signatures} signatures, {} values", values.len());
}

/// Seals and opens until the time is over.
pub fn work(place: &Place, folder: &Path, name: &str, milliseconds: u64) {
    let keys = rotating(place);
    keys.install().wait().unwrap();
    let mut board = Writer::new(folder, name);
    let (mut sealed, mut opened, mut expired) = (0, 0, 0);
    let end = Instant::now() + Duration::from_millis(milliseconds);
    while Instant::now() < end {
        match Token::from(secrets::BOT_TOKEN).to_stored_text() {
            Ok(value) => {
                board.write(&value);
                sealed += 1;
            }
            // A process that gets no processor for longer than its keys are good does nothing, and
            // goes on.
            Err(error) if is_out_of_date(error.kind()) => expired += 1,
            Err(error) => panic!("sealing: {error}"),
        }
        for value in board::latest(folder) {
            match Token::from_stored_text(value) {
                Ok(token) => {
                    assert!(*token == *secrets::BOT_TOKEN);
                    opened += 1;
                }
                Err(error) if is_out_of_date(error.kind()) => expired += 1,
                // Above all a key that is not loaded: somebody seals with a key that this process
                // has not.
                Err(error) => panic!("opening: {error}"),
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("{name}: {sealed} sealed, {opened} opened, {expired} expired");
    assert!(sealed > 0 && opened > 0);
}

/// What a process meets that has not refreshed for too long.
fn is_out_of_date(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::KeysExpired | ErrorKind::KeyStoreFrozen)
}
