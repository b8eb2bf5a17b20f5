//! Diesel, binary: the code of the guide, and what the scenarios need to drive it.

use diesel::prelude::*;
use encrypted_field::legacy;

use super::database::{Database, Diesel as Connection};
use super::{Application, Raw, Result, Value, Version, as_it_is};
use new::ApiKey;

diesel::table! {
    accounts (id) {
        id -> BigInt,
        plan -> BigInt,
        api_key -> Binary,
    }
}

mod old {
    use diesel::prelude::*;

    use super::{Connection, accounts};

    #[derive(Queryable, Selectable, Insertable, AsChangeset)]
    #[diesel(table_name = accounts)]
    pub struct Account {
        pub id: i64,
        pub plan: i64,
        pub api_key: Vec<u8>,
    }

    pub fn set_plan(db: &mut Connection, id: i64, plan: i64) -> QueryResult<usize> {
        let account: Account = accounts::table.find(id).select(Account::as_select()).first(db)?;
        let account = Account { plan, ..account };
        diesel::update(accounts::table.find(id)).set(&account).execute(db)
    }
}

mod new {
    use super::{Connection, accounts};

    use diesel::prelude::*;
    use encrypted_field::Encrypted;

    #[derive(Queryable, Selectable, Insertable, AsChangeset, Encrypted)]
    #[diesel(table_name = accounts)]
    pub struct Account {
        pub id: i64,
        pub plan: i64,
        #[encrypted(Vec<u8>, legacy = plaintext)]
        pub api_key: ApiKey,
    }

    pub fn set_plan(db: &mut Connection, id: i64, plan: i64) -> QueryResult<usize> {
        let account: Account = accounts::table.find(id).select(Account::as_select()).first(db)?;
        let account = Account { plan, ..account };
        diesel::update(accounts::table.find(id)).set(&account).execute(db)
    }
}

use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary};

#[derive(QueryableByName)]
struct Stored {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Binary)]
    api_key: Vec<u8>,
}

/// Stores each row that `next` finds as this process writes. Stop it and run it again at any time.
pub fn move_rows(db: &mut Connection, next: &str, replace: &str) -> QueryResult<usize> {
    let (mut last, mut moved) = (i64::MIN, 0);
    loop {
        let rows: Vec<Stored> = sql_query(next).bind::<BigInt, _>(last).load(db)?;
        let Some(end) = rows.last() else { return Ok(moved) };
        last = end.id;
        for Stored { id, api_key } in rows {
            match ApiKey::from_stored(api_key.clone()).and_then(|key| key.to_stored()) {
                Ok(new) => {
                    let replace = sql_query(replace).bind::<Binary, _>(new);
                    let replace = replace.bind::<BigInt, _>(id).bind::<Binary, _>(api_key);
                    moved += replace.execute(db)?;
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

pub struct App(Connection);

impl Application for App {
    const STORAGE: &'static str = <Vec<u8> as Raw>::STORAGE;

    fn connect(database: &Database) -> Self {
        Self(database.connect())
    }

    fn read(&mut self, version: Version, id: i64) -> Result<Value> {
        let (row, db) = (accounts::table.find(id), &mut self.0);
        Ok(match version {
            Version::Old => {
                let account: old::Account = row.select(old::Account::as_select()).first(db)?;
                as_it_is(account.api_key)
            }
            Version::New => {
                let account = row.select(new::Account::as_select()).first(db)?;
                assert!(account.id == id && account.plan > 0);
                let is_legacy = account.api_key.is_legacy();
                Value { bytes: account.api_key.into_inner().bytes(), is_legacy }
            }
        })
    }

    fn set_plan(&mut self, version: Version, id: i64, plan: i64) -> Result<()> {
        let set_plan = match version {
            Version::Old => old::set_plan,
            Version::New => new::set_plan,
        };
        assert_eq!(set_plan(&mut self.0, id, plan)?, 1);
        Ok(())
    }

    fn write(&mut self, version: Version, id: i64, value: &[u8]) -> Result<()> {
        let (api_key, plan): (Vec<u8>, _) = (Raw::of(value), 1);
        let update = diesel::update(accounts::table.find(id));
        let written = match version {
            Version::Old => update.set(&old::Account { id, plan, api_key }).execute(&mut self.0)?,
            Version::New => {
                let api_key = api_key.into();
                update.set(&new::Account { id, plan, api_key }).execute(&mut self.0)?
            }
        };
        assert_eq!(written, 1);
        Ok(())
    }

    fn move_rows(&mut self, next: &'static str, replace: &'static str) -> Result<u64> {
        Ok(move_rows(&mut self.0, next, replace)?.try_into()?)
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
        let api_key: Vec<u8> = Raw::of(value);
        ApiKey::from(api_key).to_stored().unwrap().bytes()
    }
}
