//! SQLite in a file: what another connection reads, and what a thief of the file does.

use diesel::{Connection as _, SqliteConnection};
use tests::secrets;

use super::{SQL_TYPES, suite};
use crate::models::SlackConnection;
use crate::{keys, schema};

#[test]
fn holds_no_plaintext() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("database.sqlite");
    let connect = || SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("connect");
    let _ring = keys::first().hold();
    let row = SlackConnection::full(1);
    {
        let mut db = connect();
        schema::create(&mut db, &SQL_TYPES);
        suite::insert(&mut db, &row);
    }
    let bytes = std::fs::read(&path).expect("read the file");
    let holds = |wanted: &[u8]| bytes.windows(wanted.len()).any(|window| window == wanted);
    assert!(holds(b"ef1:1:"));
    assert!(!holds(secrets::CANARY.as_bytes()));
    assert!(!holds(&secrets::KEYS[7]) && !holds(&secrets::KEYS[1]));
    assert_eq!(suite::read(&mut connect(), 1), Ok(row));
}
