//! A type whose `PartialEq` leaves something out: what is moved is what stands in the row.

use encrypted_field::{Encrypted, EncryptedModel as _, Keyring};
use serde::{Deserialize, Serialize};
use sqlx::{Connection as _, SqliteConnection};
use tests::secrets::{KEYS, plaintext};
use tokio::runtime::Builder;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Contact {
    id: u32,
    note: String,
}

impl PartialEq for Contact {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

#[derive(sqlx::FromRow, Encrypted)]
#[encrypted(table = "people")]
struct Person {
    id: i64,
    #[encrypted(json = Contact)]
    contact: TheContact,
}

fn contact(note: &str) -> TheContact {
    Contact { id: 1, note: plaintext(note) }.into()
}

async fn write(db: &mut SqliteConnection, contact: &TheContact) {
    let stored = contact.to_stored_value().unwrap();
    let write =
        sqlx::query("INSERT INTO people VALUES (1, ?1) ON CONFLICT DO UPDATE SET contact = ?1");
    write.bind(stored).execute(db).await.unwrap();
}

async fn read(db: &mut SqliteConnection) -> Person {
    sqlx::query_as("SELECT id, contact FROM people").fetch_one(db).await.unwrap()
}

#[test]
fn a_newer_value_that_looks_equal_stays() {
    let before = Keyring::builder().active(1, KEYS[1]).build().unwrap();
    let after = Keyring::builder().retired(1, KEYS[1]).active(2, KEYS[2]).build().unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut db = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let create = "CREATE TABLE people (id INTEGER PRIMARY KEY, contact TEXT NOT NULL)";
        sqlx::query(create).execute(&mut db).await.unwrap();
        let (loaded, held) = {
            let _ring = before.hold();
            write(&mut db, &contact("as it was loaded")).await;
            let loaded = read(&mut db).await;
            // Somebody else, who does not know the new key yet.
            write(&mut db, &contact("as it is now")).await;
            (loaded, after)
        };
        let _ring = held.hold();
        assert!(loaded.move_stale_sqlx(&mut db).await.unwrap());
        let moved = read(&mut db).await;
        assert!(moved.contact.note == plaintext("as it is now"));
        assert!(!moved.is_any_stale());
    });
}
