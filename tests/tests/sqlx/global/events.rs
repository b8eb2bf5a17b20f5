//! The event hook sees each read that an operator wants to count. One hook for all tests here: each
//! field type, of which every database has its own, is a column to tell the events apart by.

use std::sync::{Mutex, Once};

use encrypted_field::event::{self, Event};
use encrypted_field::{
    Encrypted, EncryptedField, ErrorKind, Key, KeyId, Keyring, Secret, key::KeyState, legacy,
};
use sqlx::Connection as _;
use tests::secrets::{KEYS, plaintext};

#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Stale(Option<KeyId>),
    Legacy,
    Compromised(Option<KeyId>),
    Failed(ErrorKind, Option<KeyId>),
}

static SEEN: Mutex<Vec<(String, Seen)>> = Mutex::new(Vec::new());

fn watch() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        event::set_hook(|event| {
            let (column, seen) = match event {
                Event::StaleRead { column, key_id, .. } => (column, Seen::Stale(Some(*key_id))),
                Event::LegacyRead { column, .. } => (column, Seen::Legacy),
                Event::CompromisedRead { column, key_id, .. } => {
                    (column, Seen::Compromised(Some(*key_id)))
                }
                Event::OpenFailed { column, key_id, kind, .. } => {
                    (column, Seen::Failed(*kind, *key_id))
                }
                // Of the ring, which other tests here install.
                Event::KeysInstalled { .. } => return,
                other => panic!("{other:?}"),
            };
            // What an event shows is none of the value.
            assert!(tests::leaks::Scanner::new().scan(format!("{event:?}").as_bytes()).is_empty());
            SEEN.lock().unwrap().push(((*column).to_owned(), seen));
        });
    });
}

/// What was seen of a field since the last time.
fn seen<T: EncryptedField>() -> Vec<Seen> {
    let mut all = SEEN.lock().unwrap();
    all.extract_if(.., |(column, _)| column == T::CONTEXT).map(|(_, seen)| seen).collect()
}

fn first_in_state(state: KeyState) -> Keyring {
    Keyring::builder().key(Key::new(1, KEYS[0]).state(state)).active(2, KEYS[1]).build().unwrap()
}

macro_rules! on {
    ($database:ident, $imported:literal, $strict:literal, $rotated:literal) => {
        mod $database {
            use super::*;
            use crate::databases::$database::{Db, TEXT, TestDatabase, open, sql};

            type Connection = <Db as sqlx::Database>::Connection;

            /// Has a legacy reader.
            #[derive(Encrypted)]
            #[encrypted(context = $imported, legacy = plaintext)]
            struct Imported(Secret<String>);

            /// Has none.
            #[derive(Encrypted)]
            #[encrypted(context = $strict)]
            struct Strict(Secret<String>);

            #[derive(Encrypted)]
            #[encrypted(context = $rotated)]
            struct Rotated(Secret<String>);

            async fn connect(database: &TestDatabase) -> Connection {
                watch();
                let mut db = database.connect().await;
                let create = format!("CREATE TABLE events (imported {TEXT}, strict {TEXT})");
                sqlx::query(sql(&create)).execute(&mut db).await.unwrap();
                sqlx::query("INSERT INTO events VALUES (NULL, NULL)")
                    .execute(&mut db)
                    .await
                    .unwrap();
                db
            }

            async fn write<'q, T>(db: &mut Connection, column: &str, value: T)
            where
                T: sqlx::Encode<'q, Db> + sqlx::Type<Db>,
            {
                let update = sql(&format!("UPDATE events SET {column} = $1"));
                sqlx::query(update).bind(value).execute(db).await.unwrap();
            }

            /// Reads both columns, each as one read, and tells how that went.
            async fn read(db: &mut Connection) -> (bool, bool) {
                let imported =
                    sqlx::query_as::<_, (Option<Imported>,)>("SELECT imported FROM events");
                let strict = sqlx::query_as::<_, (Option<Strict>,)>("SELECT strict FROM events");
                (imported.fetch_one(&mut *db).await.is_ok(), strict.fetch_one(db).await.is_ok())
            }

            #[tokio::test]
            async fn each_kind_of_read() {
                let Some(database) = open() else { return };
                let ring = first_in_state(KeyState::Retired).hold();
                let mut db = connect(&database).await;

                // NULL is no value, and writing is no read.
                assert_eq!(read(&mut db).await, (true, true));
                write(&mut db, "imported", plaintext("old")).await;
                write(&mut db, "strict", plaintext("planted")).await;
                assert_eq!((seen::<Imported>(), seen::<Strict>()), (vec![], vec![]));

                // Not encrypted: with a reader, without, with a closed one. Each read again.
                assert_eq!(read(&mut db).await, (true, false));
                assert_eq!(read(&mut db).await, (true, false));
                assert_eq!(seen::<Imported>(), [Seen::Legacy, Seen::Legacy]);
                let refused = Seen::Failed(ErrorKind::NotEncrypted, None);
                assert_eq!(seen::<Strict>(), [refused.clone(), refused]);
                legacy::close::<Imported>();
                assert_eq!(read(&mut db).await, (false, false));
                assert_eq!(seen::<Imported>(), [Seen::Failed(ErrorKind::LegacyClosed, None)]);
                assert_eq!(seen::<Strict>().len(), 1);
                legacy::reopen::<Imported>();

                // Under the active key: nothing to tell.
                write(&mut db, "imported", Imported::from(plaintext("new"))).await;
                write(&mut db, "strict", Strict::from(plaintext("new"))).await;
                assert_eq!(read(&mut db).await, (true, true));
                assert_eq!((seen::<Imported>(), seen::<Strict>()), (vec![], vec![]));

                // Another column's value, which the legacy reader never sees.
                let moved = Strict::from(plaintext("moved")).to_stored_text().unwrap();
                write(&mut db, "imported", moved).await;
                assert_eq!(read(&mut db).await, (false, true));
                let failed = Seen::Failed(ErrorKind::Authentication, KeyId::new(2));
                assert_eq!((seen::<Imported>(), seen::<Strict>()), (vec![failed], vec![]));
                drop(ring);
            }

            #[tokio::test]
            async fn the_state_of_the_key_in_a_row_of_many() {
                let Some(database) = open() else { return };
                let mut db = connect(&database).await;
                let ring = Keyring::builder().active(1, KEYS[0]).build().unwrap().hold();
                sqlx::query("DELETE FROM events").execute(&mut db).await.unwrap();
                for number in 0..3 {
                    let insert = sqlx::query(sql("INSERT INTO events (strict) VALUES ($1)"));
                    let value = Rotated::from(plaintext(&number.to_string()));
                    insert.bind(value).execute(&mut db).await.unwrap();
                }
                drop(ring);
                let key = KeyId::new(1);
                let failed = Seen::Failed(ErrorKind::KeyUnusable, key);
                for (state, expected) in [
                    (KeyState::Retired, vec![Seen::Stale(key); 3]),
                    // The next active key: other processes seal with it already.
                    (KeyState::Pending, vec![]),
                    (KeyState::Compromised, vec![Seen::Compromised(key); 3]),
                    // The first one ends the query.
                    (KeyState::Disabled, vec![failed]),
                ] {
                    let _ring = first_in_state(state).hold();
                    let rows = sqlx::query_scalar::<_, Rotated>("SELECT strict FROM events")
                        .fetch_all(&mut db)
                        .await;
                    assert_eq!(rows.is_ok(), state != KeyState::Disabled);
                    assert_eq!(seen::<Rotated>(), expected, "{state:?}");
                }
                db.close().await.unwrap();
            }
        }
    };
}

on!(sqlite, "events_sqlite.imported", "events_sqlite.strict", "events_sqlite.rotated");
on!(postgres, "events_postgres.imported", "events_postgres.strict", "events_postgres.rotated");
on!(mariadb, "events_mariadb.imported", "events_mariadb.strict", "events_mariadb.rotated");
