//! What `orm` needs to move stale values, and what it gives to [`EncryptedModel`].

#[cfg(doc)]
use super::EncryptedModel;
use super::convert::{from_column_again, stored_binary, stored_text};
use super::{EncryptedField, Storage, Stored, convert, open};
use crate::error::Result;

/// A value of a model, whatever its type.
pub trait FieldValue {
    /// What it is bound to.
    fn context(&self) -> &'static str;

    /// Whether a write would move it.
    fn is_stale(&self) -> bool;

    /// Whether these stored bytes hold the same plaintext, and are stale.
    fn is_still_stale(&self, storage: Storage, stored: Vec<u8>) -> Result<bool>;

    /// What a write stores.
    fn stored(&self, storage: Storage) -> Result<Stored>;
}

impl<T: EncryptedField> FieldValue for T {
    fn context(&self) -> &'static str {
        T::CONTEXT
    }

    fn is_stale(&self) -> bool {
        convert::is_stale(self, None)
    }

    fn is_still_stale(&self, storage: Storage, stored: Vec<u8>) -> Result<bool> {
        let open = match storage {
            Storage::Text => open::text,
            Storage::Binary => open::binary,
        };
        let now: T = from_column_again(stored, open)?;
        Ok(convert::is_stale(&now, None)
            && crate::plaintext::equal(now.secret().plain(), self.secret().plain()))
    }

    fn stored(&self, storage: Storage) -> Result<Stored> {
        Ok(match storage {
            Storage::Text => Stored::Text(stored_text(self, None)?),
            Storage::Binary => Stored::Binary(stored_binary(self, None)?),
        })
    }
}

/// A row that [`EncryptedModel::move_stale`] moves through the connection `C`.
#[cfg(feature = "diesel")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be moved through Diesel",
    note = "its primary key finds the row: add `Identifiable` to the derives of the struct, and \
            `#[diesel(primary_key(…))]` if the key is not `id`",
    note = "its columns are those of its table: write `#[diesel(table_name = …)]` above the struct"
)]
pub trait MoveStale<'a, C> {
    /// What the method does.
    fn move_stale(&'a self, connection: &mut C) -> diesel::QueryResult<bool>;
}

/// A row that [`EncryptedModel::move_stale_async`] moves through the connection `C`.
#[cfg(feature = "diesel-async")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be moved through Diesel",
    note = "its primary key finds the row: add `Identifiable` to the derives of the struct, and \
            `#[diesel(primary_key(…))]` if the key is not `id`",
    note = "its columns are those of its table: write `#[diesel(table_name = …)]` above the struct"
)]
pub trait MoveStaleAsync<'a, C> {
    /// What the method does.
    fn move_stale_async(
        &'a self,
        connection: &'a mut C,
    ) -> impl Future<Output = diesel::QueryResult<bool>> + Send;
}

/// A row that [`EncryptedModel::move_stale_sqlx`] moves through `A`.
#[cfg(feature = "sqlx")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be moved through SQLx",
    note = "write `#[encrypted(table = \"…\", primary_key(id))]` above the struct, with the fields that are the table's \
            primary key: `primary_key(org_id, user_id)` are two; without `primary_key` it is the field `id`"
)]
pub trait MoveStaleSqlx<'c, A> {
    /// What the method does.
    fn move_stale_sqlx(&self, db: A) -> impl Future<Output = sqlx::Result<bool>> + Send;
}
