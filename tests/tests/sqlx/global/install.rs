//! The key ring of the process, swapped while other threads seal and open: every value opens.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use encrypted_field::{Encrypted, Keyring, Secret, install};
use sqlx::Connection as _;
use tests::secrets::{KEYS, plaintext};

const WRITERS: i64 = 3;
const ROWS: i64 = 40;

#[derive(Encrypted)]
#[encrypted(context = "install.token")]
struct Token(Secret<String>);

/// Rings as a rotating application has them one after the other: all keys, another one active.
fn ring(active: usize) -> Keyring {
    let ids = (10..).zip(KEYS).enumerate();
    let ring = ids.fold(Keyring::builder(), |ring, (at, (id, key))| {
        if at == active { ring.active(id, key) } else { ring.retired(id, key) }
    });
    ring.build().unwrap()
}

macro_rules! on {
    ($($database:ident)*) => {$(
        mod $database {
            use crate::databases::$database::{Db, TEXT, open, sql};
            use super::*;

            type Connection = <Db as sqlx::Database>::Connection;

            async fn write_and_read(url: &str, writer: i64) {
                let mut db = Connection::connect(url).await.unwrap();
                for row in 0..ROWS {
                    let (id, token) = (writer * ROWS + row, Token::from(plaintext(&format!("{writer}/{row}"))));
                    let insert = sqlx::query(sql("INSERT INTO tokens VALUES ($1, $2)"));
                    insert.bind(id).bind(&token).execute(&mut db).await.unwrap();
                    let select = sqlx::query_scalar(sql("SELECT token FROM tokens WHERE id = $1"));
                    let read: Token = select.bind(id).fetch_one(&mut db).await.unwrap();
                    assert_eq!(read, token);
                }
                db.close().await.unwrap();
            }

            #[test]
            fn every_value_opens() {
                let Some(database) = open() else { return };
                install(ring(0)).unwrap();
                let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime().block_on(async {
                    let mut db = database.connect().await;
                    let create = format!("CREATE TABLE tokens (id BIGINT, token {TEXT})");
                    sqlx::query(sql(&create)).execute(&mut db).await.unwrap();
                    db.close().await.unwrap();
                });

                let done = AtomicBool::new(false);
                thread::scope(|scope| {
                    scope.spawn(|| {
                        for active in (0..KEYS.len()).cycle() {
                            install(ring(active)).unwrap();
                            if done.load(Ordering::Relaxed) {
                                break;
                            }
                        }
                    });
                    let writers: Vec<_> = (0..WRITERS)
                        .map(|writer| {
                            let url = &database.url;
                            scope.spawn(move || runtime().block_on(write_and_read(url, writer)))
                        })
                        .collect();
                    let written = writers.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>();
                    done.store(true, Ordering::Relaxed);
                    assert!(written.iter().all(Result::is_ok));
                });

                runtime().block_on(async {
                    let mut db = database.connect().await;
                    let tokens: Vec<Token> =
                        sqlx::query_scalar("SELECT token FROM tokens").fetch_all(&mut db).await.unwrap();
                    assert_eq!(tokens.len() as i64, WRITERS * ROWS);
                    let keys: BTreeSet<_> = tokens.iter().map(Token::key_id).collect();
                    assert!(keys.len() > 1, "the ring was not swapped while they wrote");
                    db.close().await.unwrap();
                });
            }
        }
    )*};
}

on! { sqlite postgres mariadb }
