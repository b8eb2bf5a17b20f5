//! What a model struct says of its encrypted fields.

use super::{EncryptedField, Storage};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Keyring;

/// A struct with encrypted fields; `#[derive(Encrypted)]` implements it.
pub trait EncryptedModel {
    /// The encrypted fields, in the order of the struct.
    const FIELDS: &'static [FieldInfo];

    /// For the two methods below: without a ring, against the one in use.
    #[doc(hidden)]
    fn __is_any_stale(&self, ring: Option<&Keyring>) -> bool;

    /// Whether writing the row back would move any of its values to the active key: see
    /// [`EncryptedField::is_stale`].
    fn is_any_stale(&self) -> bool {
        self.__is_any_stale(None)
    }

    /// As [`is_any_stale`](Self::is_any_stale), against the active keys of `ring`.
    fn is_any_stale_with(&self, ring: &Keyring) -> bool {
        self.__is_any_stale(Some(ring))
    }
}

/// One encrypted field of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldInfo {
    /// The table as the model names it, `""` where it names none. With Diesel this is the module of the `table!`, which
    /// `#[sql_name]` or a schema may call otherwise in the database.
    pub table: &'static str,
    /// The column; with Diesel its name in SQL.
    pub column: &'static str,
    /// What its values are bound to.
    pub context: &'static str,
    /// Contexts that it had before.
    pub previous_contexts: &'static [&'static str],
    /// The scope of its keys, `""` by default; without meaning where that is dynamic.
    pub scope: &'static str,
    /// Whether its keys are those of the [scope that is entered](crate::Scope).
    pub dynamic_scope: bool,
    /// Scopes that the keys of its values had before.
    pub previous_scopes: &'static [&'static str],
    /// The form that SQLx stores.
    pub storage: Storage,
    /// Whether it reads values that this library did not write.
    pub has_legacy_reader: bool,
}

impl FieldInfo {
    /// The field of type `T` in a table and a column.
    pub const fn of<T: EncryptedField>(table: &'static str, column: &'static str) -> Self {
        Self {
            table,
            column,
            context: T::CONTEXT,
            previous_contexts: T::PREVIOUS_CONTEXTS,
            scope: T::SCOPE,
            dynamic_scope: T::DYNAMIC_SCOPE,
            previous_scopes: T::PREVIOUS_SCOPES,
            storage: T::STORAGE,
            has_legacy_reader: T::LEGACY.is_some(),
        }
    }
}

/// A field or an optional one, for generated code.
pub trait MaybeStale {
    /// Against the ring in use without one; `false` for a field that is `None`.
    fn is_stale(&self, ring: Option<&Keyring>) -> bool;
}

impl<T: EncryptedField> MaybeStale for T {
    fn is_stale(&self, ring: Option<&Keyring>) -> bool {
        super::is_stale(self, ring)
    }
}

impl<T: EncryptedField> MaybeStale for Option<T> {
    fn is_stale(&self, ring: Option<&Keyring>) -> bool {
        self.as_ref().is_some_and(|field| MaybeStale::is_stale(field, ring))
    }
}

/// Refuses models whose values could be swapped between columns: two columns with one context, or a previous
/// context that another field has or had. Within one model the derive checks this; call it in a test for all, through
/// [`check_models!`](crate::check_models). Two tables of one name in two schemas look like one: give their fields a
/// `context`.
///
/// ```
/// # mod models {
/// # #[derive(encrypted_field::Encrypted)] #[encrypted(table = "a")]
/// # pub struct A { #[encrypted(String)] pub token: TokenA }
/// # #[derive(encrypted_field::Encrypted)] #[encrypted(table = "b")]
/// # pub struct B { #[encrypted(String)] pub token: TokenB }
/// # }
/// # use models::{A, B};
/// encrypted_field::check_models!(A, B).unwrap();
/// ```
///
/// # Errors
/// [`ErrorKind::AmbiguousContext`], with the context.
pub fn check_contexts(models: &[&[FieldInfo]]) -> Result<()> {
    let fields = || models.iter().copied().flatten();
    for (at, field) in fields().enumerate() {
        let other = fields().enumerate().find(|(other_at, other)| {
            let other_column = (other.table, other.column) != (field.table, field.column);
            *other_at != at
                && other_column
                && (other.context == field.context
                    || other.previous_contexts.contains(&field.context)
                    || other
                        .previous_contexts
                        .iter()
                        .any(|context| field.previous_contexts.contains(context)))
        });
        if let Some((_, other)) = other {
            return Err(Error::new(ErrorKind::AmbiguousContext).at(field.context).detail(format!(
                "{}.{} and {}.{} accept the same values; give one of them a context of its own",
                field.table, field.column, other.table, other.column
            )));
        }
    }
    Ok(())
}

/// Runs [`check_contexts`](crate::check_contexts) over models: `check_models!(User, SlackConnection)`.
#[macro_export]
macro_rules! check_models {
    ($($model:ty),+ $(,)?) => {
        $crate::check_contexts(&[$(<$model as $crate::EncryptedModel>::FIELDS),+])
    };
}
