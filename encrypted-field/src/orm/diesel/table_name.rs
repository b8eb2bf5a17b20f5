//! The name that a table of Diesel's `table!` has in the database. Diesel has no public constant
//! for it, as it has for a column. So it is taken from what `table!` makes for its own use.

use std::marker::PhantomData;

use diesel::internal::table_macro::{Identifier, StaticQueryFragment};

/// Asks for the name of the table `T`. The constant of the type goes before the one of the trait
/// [`UnknownTableName`].
#[derive(Debug)]
pub struct TableName<T>(PhantomData<T>);

impl<T: StaticQueryFragment<Component = Identifier<'static>>> TableName<T> {
    /// What `#[sql_name]` says, or else the name in Rust.
    pub const IN_DATABASE: Option<&'static str> = Some(T::STATIC_COMPONENT.0);
}

/// The answer for a table in a schema, and for one that `table!` has not made.
pub trait UnknownTableName {
    /// `None`.
    const IN_DATABASE: Option<&'static str> = None;
}

impl<T> UnknownTableName for TableName<T> {}
