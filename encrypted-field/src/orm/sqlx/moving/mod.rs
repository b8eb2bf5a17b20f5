//! Moving stale values through SQLx.

mod database;
mod statement;

pub use database::MovingDatabase;

use sqlx::error::BoxDynError;
use sqlx::{Acquire, Arguments, Database, Encode, Error, Type};
use statement::{Builder, Statement};

use crate::field::{EncryptedModel, Failed, MoveStaleSqlx};
use crate::orm::moving::{Replacement, Stale, moved, replacements, stale};

/// A model that SQLx finds in its table. `#[derive(Encrypted)]` implements it for a struct whose
/// table and primary key it knows.
#[diagnostic::on_unimplemented(
    message = "the table or the primary key of `{Self}` is not known",
    label = "no row of a known table",
    note = "write `#[encrypted(table = \"…\", primary_key(id))]` above the struct, with the fields that are the table's \
            primary key: `primary_key(org_id, user_id)` are two; without `primary_key` it is the field `id`"
)]
pub trait SqlxModel<DB: Database>: EncryptedModel {
    /// The table's name.
    const TABLE: &'static str;
    /// The columns of the primary key.
    const KEY: &'static [&'static str];
    /// The columns of the [fields](EncryptedModel::FIELDS).
    const COLUMNS: &'static [&'static str];

    /// Adds the value of one of the columns of `KEY`.
    fn add_key(&self, at: usize, arguments: &mut DB::Arguments) -> Result<(), BoxDynError>;
}

/// Adds a value of a primary key, for generated code.
pub fn add_key<'t, DB: Database, T>(
    arguments: &mut DB::Arguments,
    value: &'t T,
) -> Result<(), BoxDynError>
where
    T: Encode<'t, DB> + Type<DB>,
{
    arguments.add(value)
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Reading(error) => Self::Decode(error.into()),
            Failed::Writing(error) => Self::Encode(error.into()),
        }
    }
}

impl<'c, M, A, DB> MoveStaleSqlx<'c, A> for M
where
    A: Acquire<'c, Database = DB> + Send,
    DB: MovingDatabase,
    M: SqlxModel<DB> + Sync,
{
    async fn move_stale_sqlx(&self, db: A) -> sqlx::Result<bool> {
        let stale = stale(self, |at| Some((*M::COLUMNS.get(at)?, M::FIELDS.get(at)?.storage)));
        if stale.is_empty() {
            return Ok(false);
        }
        let read = read(self, &stale)?;
        let mut connection = db.acquire().await?;
        let Some(stored) = DB::read(&mut connection, read).await? else { return Ok(false) };
        let replacements = replacements(self, stale, stored)?;
        if replacements.is_empty() {
            return Ok(false);
        }
        let rows = DB::execute(&mut connection, replace(self, &replacements)?).await?;
        Ok(moved(&replacements, rows))
    }
}

/// Reads the stored bytes of some columns of a row.
fn read<M: SqlxModel<DB>, DB: MovingDatabase>(
    row: &M,
    stale: &[Stale],
) -> sqlx::Result<Statement<DB>> {
    let mut read = Builder::<DB>::default();
    for (at, stale) in stale.iter().enumerate() {
        read.push(if at == 0 { "SELECT " } else { ", " });
        read.push_stored_bytes(stale.column, stale.storage);
    }
    read.push(" FROM ");
    read.push_name(M::TABLE);
    read.push_key(row)?;
    Ok(read.build())
}

/// Replaces some values of a row if none of them has changed.
fn replace<M: SqlxModel<DB>, DB: MovingDatabase>(
    row: &M,
    values: &[Replacement],
) -> sqlx::Result<Statement<DB>> {
    let mut update = Builder::<DB>::default();
    update.push("UPDATE ");
    update.push_name(M::TABLE);
    for (at, value) in values.iter().enumerate() {
        update.push(if at == 0 { " SET " } else { ", " });
        update.push_name(value.column);
        update.push(" = ");
        update.push_bind(|arguments| DB::bind_stored(arguments, &value.new))?;
    }
    update.push_key(row)?;
    for value in values {
        update.push(" AND ");
        update.push_stored_bytes(value.column, value.storage);
        update.push(" = ");
        update.push_bind(|arguments| DB::bind(arguments, &value.old))?;
    }
    Ok(update.build())
}
