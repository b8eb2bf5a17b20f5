//! SQLx, text: the code of the guide, and what the scenarios need to drive it.

use encrypted_field::legacy;
use sqlx::Connection as _;
use tokio::runtime::{Builder, Runtime};

use super::database::{Database, READ, Sqlx as Connection, UPDATE};
use super::{Application, Raw, Result, Value, Version, as_it_is};
use new::ApiKey;

mod old {
    use super::{Connection, READ, UPDATE};

    #[derive(sqlx::FromRow)]
    pub struct Account {
        pub id: i64,
        pub plan: i64,
        pub api_key: String,
    }

    pub async fn set_plan(db: &mut Connection, id: i64, plan: i64) -> sqlx::Result<()> {
        let account: Account = sqlx::query_as(READ).bind(id).fetch_one(&mut *db).await?;
        update(db, &Account { plan, ..account }).await
    }

    pub async fn update(db: &mut Connection, account: &Account) -> sqlx::Result<()> {
        let update = sqlx::query(UPDATE).bind(account.plan).bind(&account.api_key).bind(account.id);
        update.execute(db).await?;
        Ok(())
    }
}

mod new {
    use super::{Connection, READ, UPDATE};

    use std::error::Error;

    use encrypted_field::Encrypted;

    #[derive(sqlx::FromRow, Encrypted)]
    #[encrypted(table = "accounts")]
    pub struct Account {
        pub id: i64,
        pub plan: i64,
        #[encrypted(String, legacy = plaintext)]
        pub api_key: ApiKey,
    }

    pub async fn set_plan(db: &mut Connection, id: i64, plan: i64) -> Result<(), Box<dyn Error>> {
        let account: Account = sqlx::query_as(READ).bind(id).fetch_one(&mut *db).await?;
        update(db, &Account { plan, ..account }).await
    }

    pub async fn update(db: &mut Connection, account: &Account) -> Result<(), Box<dyn Error>> {
        let api_key = account.api_key.to_stored_value()?;
        let update = sqlx::query(UPDATE).bind(account.plan).bind(api_key).bind(account.id);
        update.execute(db).await?;
        Ok(())
    }
}

/// Stores each row that `next` finds as this process writes. Stop it and run it again at any time.
pub async fn move_rows(
    db: &mut Connection,
    next: &'static str,
    replace: &'static str,
) -> sqlx::Result<u64> {
    let (mut last, mut moved) = (i64::MIN, 0);
    loop {
        let rows: Vec<(i64, String)> = sqlx::query_as(next).bind(last).fetch_all(&mut *db).await?;
        let Some(&(end, _)) = rows.last() else { return Ok(moved) };
        last = end;
        for (id, api_key) in rows {
            match ApiKey::from_stored_text(api_key.clone()).and_then(|key| key.to_stored_text()) {
                Ok(new) => {
                    let replace = sqlx::query(replace).bind(new).bind(id).bind(api_key);
                    moved += replace.execute(&mut *db).await?.rows_affected();
                }
                Err(error) => eprintln!("account {id} stays as it is: {error}"),
            }
        }
    }
}

/// At start-up, and whenever the setting changes. `seals` is false in phase 1.
pub fn set_write_mode(seals: bool) -> encrypted_field::Result<()> {
    if seals {
        encrypted_field::legacy::write_sealed::<ApiKey>();
        return Ok(());
    }
    encrypted_field::legacy::write_plaintext::<ApiKey>()
}

pub fn close_the_door() {
    encrypted_field::legacy::close::<ApiKey>(); // `reopen` undoes it
}

pub struct App(Runtime, Connection);

impl Application for App {
    const STORAGE: &'static str = <String as Raw>::STORAGE;

    fn connect(database: &Database) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let connection = runtime.block_on(Connection::connect(&database.url())).unwrap();
        Self(runtime, connection)
    }

    fn read(&mut self, version: Version, id: i64) -> Result<Value> {
        self.0.block_on(async {
            Ok(match version {
                Version::Old => {
                    let select = sqlx::query_as(READ).bind(id);
                    let account: old::Account = select.fetch_one(&mut self.1).await?;
                    as_it_is(account.api_key)
                }
                Version::New => {
                    let select = sqlx::query_as(READ).bind(id);
                    let account: new::Account = select.fetch_one(&mut self.1).await?;
                    let is_legacy = account.api_key.is_legacy();
                    Value { bytes: account.api_key.into_inner().bytes(), is_legacy }
                }
            })
        })
    }

    fn set_plan(&mut self, version: Version, id: i64, plan: i64) -> Result<()> {
        self.0.block_on(async {
            match version {
                Version::Old => old::set_plan(&mut self.1, id, plan).await?,
                Version::New => new::set_plan(&mut self.1, id, plan).await?,
            }
            Ok(())
        })
    }

    fn write(&mut self, version: Version, id: i64, value: &[u8]) -> Result<()> {
        let (api_key, plan): (String, _) = (Raw::of(value), 1);
        self.0.block_on(async {
            let db = &mut self.1;
            match version {
                Version::Old => old::update(db, &old::Account { id, plan, api_key }).await?,
                Version::New => {
                    let api_key = api_key.into();
                    new::update(db, &new::Account { id, plan, api_key }).await?;
                }
            }
            Ok(())
        })
    }

    fn move_rows(&mut self, next: &'static str, replace: &'static str) -> Result<u64> {
        Ok(self.0.block_on(move_rows(&mut self.1, next, replace))?)
    }

    fn set_write_mode(seals: bool) -> encrypted_field::Result<()> {
        set_write_mode(seals)
    }

    fn close_the_door() {
        close_the_door();
    }

    fn reopen_the_door() {
        legacy::reopen::<ApiKey>();
    }

    fn sealed(value: &[u8]) -> Vec<u8> {
        let api_key: String = Raw::of(value);
        ApiKey::from(api_key).to_stored_text().unwrap().bytes()
    }
}
