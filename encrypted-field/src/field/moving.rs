//! What `orm` needs to move stale values, and what it gives to [`EncryptedModel`].

#[cfg(doc)]
use super::EncryptedModel;
use super::convert::{from_column_again, stored_binary, stored_text};
use super::{EncryptedField, Storage, Stored, convert, open};
use crate::error::Error;

/// A value of a model, whatever its type.
pub trait FieldValue {
    /// What it is bound to.
    fn context(&self) -> &'static str;

    /// Whether a write would move it.
    fn is_stale(&self) -> bool;

    /// What is to be stored in place of these bytes. `None` if they hold another plaintext, or are
    /// not stale.
    fn anew(&self, storage: Storage, stored: Vec<u8>) -> Result<Option<Stored>, Failed>;
}

/// Why a stale value is not moved.
#[derive(Debug)]
pub enum Failed {
    /// What is stored does not open.
    Reading(Error),
    /// The value can't be sealed.
    Writing(Error),
}

impl<T: EncryptedField> FieldValue for T {
    fn context(&self) -> &'static str {
        T::CONTEXT
    }

    fn is_stale(&self) -> bool {
        convert::is_stale(self, None)
    }

    fn anew(&self, storage: Storage, stored: Vec<u8>) -> Result<Option<Stored>, Failed> {
        let open = match storage {
            Storage::Text => open::text,
            Storage::Binary => open::binary,
        };
        let now: T = from_column_again(stored, open).map_err(Failed::Reading)?;
        let is_same = crate::plaintext::equal(now.secret().plain(), self.secret().plain());
        if !is_same || !convert::is_stale(&now, None) {
            return Ok(None);
        }
        // What stands there, and not what was loaded: a user's `PartialEq` may leave something out,
        // and then the two differ.
        let anew = match storage {
            Storage::Text => stored_text(&now, None).map(Stored::Text),
            Storage::Binary => stored_binary(&now, None).map(Stored::Binary),
        };
        anew.map(Some).map_err(Failed::Writing)
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
