//! This program, as one of many processes.

use std::env;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::places::Place;

/// What a worker does; it is one where this is set.
pub const ROLE: &str = "EF_TEST_WORKER";
const PLACE: &str = "EF_TEST_WORKER_PLACE";
const FOLDER: &str = "EF_TEST_WORKER_FOLDER";
const NAME: &str = "EF_TEST_WORKER_NAME";

/// Starts a worker. No secret is in its arguments or its environment: it takes its keys from where
/// the tests have theirs.
pub fn start(role: &str, place: &Place, folder: &Path, name: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["worker::is_one_of_many_processes", "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .env(PLACE, place.as_text())
        .env(FOLDER, folder)
        .env(NAME, name)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Not a test of its own: nothing, unless another test has started it.
#[test]
fn is_one_of_many_processes() {
    let Ok(role) = env::var(ROLE) else { return };
    let place = Place::from_text(&env::var(PLACE).unwrap());
    let (folder, name) = (env::var(FOLDER).unwrap(), env::var(NAME).unwrap());
    let (kind, argument) = role.split_once(' ').unwrap();
    let number = argument.parse().unwrap();
    match kind {
        "at-once" => crate::at_once::work(&place, Path::new(&folder), &name, number),
        "killed" => crate::killed::work(&place, Path::new(&folder), &name, number),
        other => panic!("{other} is no role"),
    }
}
