//! What is asked of a model.

use std::any::TypeId;
use std::fmt;

use diesel::Expression;
use diesel::associations::{HasTable, Identifiable};
use diesel::expression_methods::EqAll;
use diesel::query_source::{Column, QuerySource, Table};
use diesel::sql_types::{Binary, Nullable};

use crate::field::{EncryptedModel, Storage};

/// A model whose columns Diesel knows. `#[derive(Encrypted)]` implements it for a struct with a
/// `table_name`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no columns of Diesel to be moved",
    label = "its table is not known to Diesel",
    note = "write `#[diesel(table_name = …)]` above the struct"
)]
pub trait DieselModel: EncryptedModel {
    /// Those of its [fields](EncryptedModel::FIELDS). `None` is another table's.
    const COLUMNS: &'static [Option<DieselColumn>];
}

/// A column of Diesel's `table!`.
#[derive(Clone, Copy)]
pub struct DieselColumn {
    name: &'static str,
    storage: fn() -> Storage,
}

impl DieselColumn {
    /// The column `C`.
    pub const fn of<C: Column>() -> Self
    where
        <C as Expression>::SqlType: 'static,
    {
        Self { name: C::NAME, storage: storage_of::<<C as Expression>::SqlType> }
    }

    pub(super) fn named(self) -> (&'static str, Storage) {
        (self.name, (self.storage)())
    }
}

impl fmt::Debug for DieselColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DieselColumn").field(&self.name).finish()
    }
}

fn storage_of<ST: 'static>() -> Storage {
    let binary = [TypeId::of::<Binary>(), TypeId::of::<Nullable<Binary>>()];
    if binary.contains(&TypeId::of::<ST>()) { Storage::Binary } else { Storage::Text }
}

/// A row that its primary key finds.
#[diagnostic::on_unimplemented(
    message = "the primary key of `{Self}` is not known",
    label = "not `Identifiable`",
    note = "add `Identifiable` to the derives of the struct, and `#[diesel(primary_key(…))]` if its key is not `id`"
)]
pub trait DieselKey<'a> {
    /// The table, as it stands in a statement.
    type From;
    /// A condition that holds for this row.
    type Key;

    /// The table.
    fn from() -> Self::From;

    /// The condition.
    fn key(&'a self) -> Self::Key;
}

type TableOf<T> = <T as HasTable>::Table;
type KeyOf<T> = <TableOf<T> as Table>::PrimaryKey;

#[diagnostic::do_not_recommend]
impl<'a, M: 'a> DieselKey<'a> for M
where
    &'a M: Identifiable,
    KeyOf<&'a M>: EqAll<<&'a M as Identifiable>::Id>,
{
    type From = <TableOf<&'a M> as QuerySource>::FromClause;
    type Key = <KeyOf<&'a M> as EqAll<<&'a M as Identifiable>::Id>>::Output;

    fn from() -> Self::From {
        <&M>::table().from_clause()
    }

    fn key(&'a self) -> Self::Key {
        <&M>::table().primary_key().eq_all(self.id())
    }
}
