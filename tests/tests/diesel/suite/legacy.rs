//! A column that an application filled before it was encrypted: `legacy` reads it, a write seals
//! it.

use std::sync::{Mutex, PoisonError};

use diesel::prelude::*;
use encrypted_field::{Encrypted, EncryptedModel, ErrorKind, Secret, legacy};
use tests::secrets;

use super::{Connection, run};
use crate::errors::{read_refused, says};
use crate::schema::contacts;

#[derive(
    Debug, Clone, PartialEq, Encrypted, Queryable, Selectable, Identifiable, Insertable, AsChangeset,
)]
#[diesel(table_name = contacts)]
struct Contact {
    id: i32,
    #[encrypted(String, legacy = plaintext)]
    phone: Option<Phone>,
    #[encrypted(Vec<u8>, legacy = reversed)]
    photo: Option<Photo>,
}

/// How the application stored photographs before: backwards.
fn reversed(stored: &[u8]) -> Result<Vec<u8>, &'static str> {
    if stored.is_empty() {
        Err("no photograph")
    } else {
        Ok(stored.iter().rev().copied().collect())
    }
}

fn contact() -> Contact {
    let photo: Vec<u8> = secrets::KEYS[5].to_vec();
    Contact { id: 1, phone: Some(secrets::plaintext("phone").into()), photo: Some(photo.into()) }
}

type Raw = (Option<String>, Option<Vec<u8>>);

/// Writes past this library, as the application did.
fn plant(db: &mut Connection, phone: Option<&str>, photo: Option<&[u8]>) {
    diesel::delete(contacts::table).execute(db).expect("delete");
    diesel::insert_into(contacts::table)
        .values((contacts::id.eq(1), contacts::phone.eq(phone), contacts::photo.eq(photo)))
        .execute(db)
        .expect("insert a raw row");
}

fn read(db: &mut Connection) -> QueryResult<Contact> {
    contacts::table.select(Contact::as_select()).first(db)
}

fn raw(db: &mut Connection) -> Raw {
    contacts::table.select((contacts::phone, contacts::photo)).first(db).expect("the raw row")
}

fn plant_legacy(db: &mut Connection) {
    let photo: Vec<u8> = secrets::KEYS[5].iter().rev().copied().collect();
    plant(db, Some(&secrets::plaintext("phone")), Some(&photo));
}

#[test]
fn is_read_and_written_back_encrypted() {
    run(|db| {
        plant_legacy(db);
        let row = read(db).expect("legacy values");
        assert_eq!(row, contact());
        assert!(row.phone.as_ref().is_some_and(|phone| phone.is_legacy() && phone.is_stale()));
        assert!(
            row.photo.as_ref().is_some_and(|photo| photo.is_legacy() && photo.key_id().is_none())
        );
        assert!(row.is_any_stale());

        diesel::update(&row).set(&row).execute(db).expect("write it back");
        let (phone, photo) = raw(db);
        assert!(phone.is_some_and(|stored| stored.starts_with("ef1:1:")));
        assert!(photo.is_some_and(|stored| stored.starts_with(b"\xEFf1")));
        let row = read(db).expect("encrypted values");
        assert_eq!(row, contact());
        assert!(!row.is_any_stale() && row.phone.is_some_and(|phone| !phone.is_legacy()));
    });
}

#[test]
fn null_and_empty() {
    run(|db| {
        plant(db, None, None);
        let row = read(db).expect("NULL");
        assert_eq!((&row.phone, &row.photo), (&None, &None));
        assert!(!row.is_any_stale());

        plant(db, Some(""), None);
        let row = read(db).expect("an empty text");
        assert!(row.phone.as_ref().is_some_and(|phone| phone.is_empty() && phone.is_legacy()));
    });
}

/// What carries the marker is never legacy, however damaged.
#[test]
fn is_not_what_carries_the_marker() {
    run(|db| {
        for (kind, stored) in [
            (ErrorKind::Malformed, "ef1:"),
            (ErrorKind::Malformed, "ef1:1:AQAA"),
            (ErrorKind::UnsupportedVersion, "ef2:1:AQAA"),
            (ErrorKind::UnsupportedSuite, "ef1:1:AgAA"),
            (ErrorKind::Pending, "ef1:0:"),
            (ErrorKind::Malformed, "ef1:1"),
            (ErrorKind::Malformed, "'ef1:0:'"),
        ] {
            plant(db, Some(stored), None);
            let (refused, column, _) = read_refused(read(db));
            assert_eq!((refused, column.as_deref()), (kind, Some("contacts.phone")), "{stored}");
        }
        for (kind, stored) in [
            (ErrorKind::Malformed, &b"\xEFf1\0\0\0"[..]),
            (ErrorKind::UnsupportedVersion, b"\xEFf2\xEFf2"),
            (ErrorKind::WrongStorage, b"ef1:1:AQAA"),
        ] {
            plant(db, None, Some(stored));
            let (refused, column, _) = read_refused(read(db));
            assert_eq!((refused, column.as_deref()), (kind, Some("contacts.photo")), "{stored:?}");
        }
        // Close, and yet a phone number.
        for number in ["ef:1", "ef1: 555", "ef12:555", "EF1:"] {
            plant(db, Some(number), None);
            assert!(read(db).expect("a legacy value").is_any_stale());
        }
    });
}

/// What something put around a stored value is damage, whatever the reader would take.
#[test]
fn is_not_what_something_was_put_around() {
    run(|db| {
        plant_legacy(db);
        let row = read(db).expect("legacy values");
        diesel::update(&row).set(&row).execute(db).expect("write it back");
        let stored = raw(db).0.expect("a stored value");
        for damaged in [
            format!("\"{stored}\""),
            format!(" {stored}"),
            format!("\u{feff}{stored}"),
            format!("\n{stored}"),
            format!("{stored}\n"),
            format!("{stored}   "),
            stored.to_uppercase(),
            stored.to_lowercase(),
            stored[..20].to_owned(),
        ] {
            plant(db, Some(&damaged), None);
            let (refused, column, _) = read_refused(read(db));
            assert_eq!(
                (refused, column.as_deref()),
                (ErrorKind::Malformed, Some("contacts.phone"))
            );
        }
    });
}

#[derive(Encrypted)]
#[encrypted(context = "scans.scan", legacy = plaintext)]
struct ScanBytes(Secret<Vec<u8>>);

#[derive(Debug, QueryableByName)]
struct Scan {
    #[diesel(sql_type = diesel::sql_types::Text)]
    scan: ScanBytes,
}

/// A reader gets what is there: no text of PostgreSQL or MariaDB holds such bytes, but a column
/// that is binary in the database and text in the schema does, and in SQLite any.
#[test]
fn bytes_that_are_no_text_reach_the_reader() {
    run(|db| {
        let photo = [&secrets::KEYS[5][..], b"\xFF\0\xC3"].concat();
        plant(db, None, Some(&photo));
        let query = || diesel::sql_query("SELECT photo AS scan FROM contacts");
        let row: Scan = query().get_result(db).expect("legacy bytes");
        assert!(row.scan.is_legacy() && *row.scan == *photo);
        // Ours, in the wrong storage, never gets there.
        let stored = row.scan.to_stored().expect("seal");
        plant(db, None, Some(&stored));
        let refused = read_refused(query().get_result::<Scan>(db));
        assert_eq!(refused, says(ErrorKind::WrongStorage, "scans.scan", None));
    });
}

#[test]
fn the_reader_may_refuse() {
    run(|db| {
        plant(db, None, Some(b""));
        assert_eq!(read_refused(read(db)), says(ErrorKind::LegacyRefused, "contacts.photo", None));
    });
}

/// Open to all tests of this process, so only one of them at a time may close it.
static DOOR: Mutex<()> = Mutex::new(());

/// A column of its own, so that closing it disturbs no other test.
#[derive(Debug, Queryable, Selectable, Encrypted)]
#[diesel(table_name = contacts)]
struct Migrated {
    #[encrypted(String, legacy = plaintext, context = "migrated_contacts.phone")]
    phone: Option<MigratedPhone>,
}

#[test]
fn can_be_closed_at_run_time() {
    run(|db| {
        let _alone = DOOR.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |db: &mut Connection| contacts::table.select(Migrated::as_select()).first(db);
        plant_legacy(db);
        assert!(read(db).is_ok());

        legacy::close::<MigratedPhone>();
        let refused = read_refused(read(db));
        let open_to_others = super::legacy::read(db);
        legacy::reopen::<MigratedPhone>();

        assert_eq!(refused, says(ErrorKind::LegacyClosed, "migrated_contacts.phone", None));
        assert!(open_to_others.is_ok());
        assert!(read(db).expect("reopened").phone.is_some_and(|phone| phone.is_legacy()));
    });
}
