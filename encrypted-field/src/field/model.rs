//! The facts about the encrypted fields of a model struct.

use std::any::{TypeId, type_name};
use std::fmt;

use super::moving::FieldValue;
#[cfg(feature = "diesel")]
use super::moving::MoveStale;
#[cfg(feature = "diesel-async")]
use super::moving::MoveStaleAsync;
#[cfg(feature = "sqlx")]
use super::moving::MoveStaleSqlx;
use super::{EncryptedField, Storage};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Keyring;
use crate::plaintext::Plaintext;

/// A struct with encrypted fields. `#[derive(Encrypted)]` implements it.
pub trait EncryptedModel {
    /// The encrypted fields, in the order of the struct.
    const FIELDS: &'static [FieldInfo];

    /// For the two methods below. Without a ring, the one in use counts.
    #[doc(hidden)]
    fn __is_any_stale(&self, ring: Option<&Keyring>) -> bool;

    /// The value of one of the `FIELDS`; `None` for NULL.
    #[doc(hidden)]
    fn __value(&self, at: usize) -> Option<&dyn FieldValue>;

    /// Whether writing the row back would move any of its values to the active key: see
    /// [`EncryptedFieldExt::is_stale`](crate::EncryptedFieldExt::is_stale).
    fn is_any_stale(&self) -> bool {
        self.__is_any_stale(None)
    }

    /// As [`is_any_stale`](Self::is_any_stale), against the active keys of `ring`.
    fn is_any_stale_with(&self, ring: &Keyring) -> bool {
        self.__is_any_stale(Some(ring))
    }

    /// Moves the stale values of this row to the active key, through Diesel, in one `UPDATE`. Gives
    /// whether any was moved.
    ///
    /// It changes nothing of a value that somebody else has changed since the row was loaded, nor
    /// of a row that is gone. All other columns keep their bytes. If nothing is stale, it sends no
    /// statement. Otherwise it sends two: it reads the stored bytes of the stale columns, and it
    /// replaces them where they are still the same. They are compared byte by byte, whatever the
    /// column's collation is.
    ///
    /// The row is found by its primary key, so the model is `Identifiable`. Its `table_name` is
    /// that of the columns. (A field with a `select_expression` is left alone.) The values in
    /// memory stay as they are, and so are stale still.
    ///
    /// ```
    /// # #[cfg(feature = "diesel-sqlite")] {
    /// # use diesel::{connection::SimpleConnection as _, prelude::*};
    /// # use encrypted_field::{Encrypted, Keyring, generate_key};
    /// # diesel::table! { slack_connections (id) { id -> Integer, bot_token -> Text, } }
    /// use encrypted_field::EncryptedModel as _;
    ///
    /// #[derive(Queryable, Selectable, Insertable, Identifiable, Encrypted)]
    /// #[diesel(table_name = slack_connections)]
    /// struct SlackConnection {
    ///     id: i32,
    ///     #[encrypted(String)]
    ///     bot_token: BotToken,
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = &mut SqliteConnection::establish(":memory:")?;
    /// # db.batch_execute("CREATE TABLE slack_connections (id INTEGER PRIMARY KEY NOT NULL, bot_token TEXT NOT NULL)")?;
    /// # let (old, new) = (generate_key()?, generate_key()?);
    /// # let ring = Keyring::builder().active(1, old).build()?.hold();
    /// # let row = SlackConnection { id: 1, bot_token: "xoxb-1".into() };
    /// # diesel::insert_into(slack_connections::table).values(&row).execute(db)?;
    /// # drop(ring);
    /// # let _ring = Keyring::builder().retired(1, old).active(2, new).build()?.hold();
    /// let row = slack_connections::table.select(SlackConnection::as_select()).first(db)?;
    /// assert!(row.move_stale(db)?);
    /// # let row = slack_connections::table.select(SlackConnection::as_select()).first(db)?;
    /// # assert!(!row.is_any_stale() && !row.move_stale(db)?);
    /// # Ok(())
    /// # }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database. What is stored does not open any more, or nothing can be sealed: then
    /// [`Error::find`] gets our error out, and the row stays as it is.
    #[cfg(feature = "diesel")]
    fn move_stale<'a, C>(&'a self, connection: &mut C) -> diesel::QueryResult<bool>
    where
        Self: MoveStale<'a, C>,
    {
        MoveStale::move_stale(self, connection)
    }

    /// As [`move_stale`](Self::move_stale), through diesel-async.
    ///
    /// # Errors
    /// As [`move_stale`](Self::move_stale).
    #[cfg(feature = "diesel-async")]
    fn move_stale_async<'a, C>(
        &'a self,
        connection: &'a mut C,
    ) -> impl Future<Output = diesel::QueryResult<bool>> + Send
    where
        Self: MoveStaleAsync<'a, C>,
    {
        MoveStaleAsync::move_stale_async(self, connection)
    }

    /// As `move_stale` of Diesel, through SQLx: moves the stale values of this row to the active
    /// key, in one `UPDATE`. Gives whether any was moved.
    ///
    /// It changes nothing of a value that somebody else has changed since the row was loaded, nor
    /// of a row that is gone. All other columns keep their bytes. If nothing is stale, it takes no
    /// connection. Otherwise it sends two statements: it reads the stored bytes of the stale
    /// columns, and it replaces them where they are still the same. They are compared byte by byte,
    /// whatever the column's collation is. The values in memory stay as they are, and so are stale
    /// still.
    ///
    /// `db` is a `&Pool`, or a `&mut` connection, also that of a transaction: `&mut *transaction`.
    ///
    /// The row is found by its primary key: the field `id`, or those of
    /// `#[encrypted(primary_key(…))]` above the struct. The names of the table and the columns are
    /// quoted, so they are those of the table's definition.
    ///
    /// ```
    /// # #[cfg(feature = "sqlx-sqlite")] {
    /// use encrypted_field::{Encrypted, EncryptedModel as _};
    ///
    /// #[derive(Encrypted)]
    /// #[encrypted(table = "memberships", primary_key(org_id, user_id))]
    /// struct Membership {
    ///     org_id: i64,
    ///     user_id: i64,
    ///     #[encrypted(String)]
    ///     api_key: ApiKey,
    /// }
    ///
    /// async fn loaded(row: &Membership, db: &sqlx::SqlitePool) -> sqlx::Result<()> {
    ///     row.move_stale_sqlx(db).await?;
    ///     Ok(())
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database. What is stored does not open any more, or nothing can be sealed: then
    /// [`Error::find`] gets our error out, and the row stays as it is.
    #[cfg(feature = "sqlx")]
    fn move_stale_sqlx<'c, A>(&self, db: A) -> impl Future<Output = sqlx::Result<bool>> + Send
    where
        Self: MoveStaleSqlx<'c, A>,
    {
        MoveStaleSqlx::move_stale_sqlx(self, db)
    }
}

/// One encrypted field of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldInfo {
    /// The table as the model names it, or `""` if it names none. With Diesel this is the module of
    /// the `table!`. Through `#[sql_name]` or a schema it may have another name in the database.
    pub table: &'static str,
    /// The column. With Diesel this is its name in SQL.
    pub column: &'static str,
    /// The context that its values are bound to, by default `table.column`.
    pub context: &'static str,
    /// Contexts that it had before.
    pub previous_contexts: &'static [&'static str],
    /// The scope of its keys, `""` by default. It means nothing if the scope is dynamic.
    pub scope: &'static str,
    /// Whether its keys are those of the [scope that is entered](crate::Scope).
    pub dynamic_scope: bool,
    /// Scopes that the keys of its values had before.
    pub previous_scopes: &'static [&'static str],
    /// The form that SQLx stores.
    pub storage: Storage,
    /// Whether it reads values that this library did not write.
    pub has_legacy_reader: bool,
    types: Types,
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
            types: Types {
                plaintext: TypeId::of::<T::Plain>(),
                encoding: T::Plain::ENCODING,
                names: type_names::<T>,
            },
        }
    }

    /// The name of the encoding of its values, for [`PlaintextType`]. `None` if it is one of the
    /// application's own.
    ///
    /// [`PlaintextType`]: crate::plaintext::PlaintextType
    pub fn encoding(&self) -> Option<&'static str> {
        self.types.encoding
    }

    /// As part of an error: what it says of its column.
    fn declaration(&self) -> String {
        let Names { declared, plaintext } = (self.types.names)();
        let storage = match self.storage {
            Storage::Text => "text",
            Storage::Binary => "binary",
        };
        let scope = match (self.dynamic_scope, self.scope) {
            (true, _) => "the scope that is entered".to_owned(),
            (false, "") => "the default scope".to_owned(),
            (false, scope) => format!("the scope `{scope}`"),
        };
        let context = self.context;
        format!("`{declared}` ({plaintext}, {storage}, context `{context}`, keys of {scope})")
    }

    /// Whether the other one may read what this one writes, and the other way round.
    fn agrees(&self, other: &Self) -> bool {
        let key = |field: &Self| (!field.dynamic_scope).then_some(field.scope);
        self.types == other.types
            && self.storage == other.storage
            && self.context == other.context
            && key(self) == key(other)
    }

    /// Whether both are for one column. Without a table, only the context can tell.
    fn is_same_column(&self, other: &Self) -> bool {
        (self.table, self.column) == (other.table, other.column)
            && (!self.table.is_empty() || self.context == other.context)
    }
}

/// The Rust types of a field.
#[derive(Clone, Copy)]
struct Types {
    plaintext: TypeId,
    encoding: Option<&'static str>,
    names: fn() -> Names,
}

struct Names {
    declared: &'static str,
    plaintext: &'static str,
}

fn type_names<T: EncryptedField>() -> Names {
    Names { declared: type_name::<T>(), plaintext: type_name::<T::Plain>() }
}

/// By the plaintext type: two structs over a column may declare a type each.
impl PartialEq for Types {
    fn eq(&self, other: &Self) -> bool {
        self.plaintext == other.plaintext
    }
}

impl Eq for Types {}

impl fmt::Debug for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Names { declared, plaintext } = (self.names)();
        write!(f, "{declared}: {plaintext}")
    }
}

/// A field or an optional one, for generated code.
pub trait MaybeStale {
    /// Against the ring in use if none is given. `false` for a field that is `None`.
    fn is_stale(&self, ring: Option<&Keyring>) -> bool;

    /// The field, if it is not `None`.
    fn value(&self) -> Option<&dyn FieldValue>;
}

impl<T: EncryptedField> MaybeStale for T {
    fn is_stale(&self, ring: Option<&Keyring>) -> bool {
        super::convert::is_stale(self, ring)
    }

    fn value(&self) -> Option<&dyn FieldValue> {
        Some(self)
    }
}

impl<T: EncryptedField> MaybeStale for Option<T> {
    fn is_stale(&self, ring: Option<&Keyring>) -> bool {
        self.as_ref().is_some_and(|field| MaybeStale::is_stale(field, ring))
    }

    fn value(&self) -> Option<&dyn FieldValue> {
        self.as_ref().map(|field| field as &dyn FieldValue)
    }
}

/// Refuses models that do not fit together. Call it in a test for all models, through
/// [`check_models!`](crate::check_models).
///
/// - Two columns have one context, or a field has a previous context that another field has or had.
///   Then values could be swapped between them. (Within one model the derive refuses this.)
/// - Two models declare one column with different plaintext types, storages, contexts or scopes.
///   Then one would write what the other can't read.
///
/// A column is known by its table and its name. Two tables of one name in two schemas look like
/// one. Give their fields a `context`, and the structs `#[encrypted(table = "…")]`.
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
/// [`ErrorKind::AmbiguousContext`] and [`ErrorKind::ConflictingModels`], with the context.
pub fn check_contexts(models: &[&[FieldInfo]]) -> Result<()> {
    let fields = || models.iter().copied().flatten();
    for (at, field) in fields().enumerate() {
        let other = fields().enumerate().find(|(other_at, other)| {
            *other_at != at
                && !other.is_same_column(field)
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
        let other = fields().take(at).find(|other| other.is_same_column(field));
        if let Some(other) = other.filter(|other| !other.agrees(field)) {
            return Err(Error::new(ErrorKind::ConflictingModels).at(field.context).detail(
                format!(
                    "{}.{} is {} and {}; declare it once, and use that type in the other struct",
                    field.table,
                    field.column,
                    other.declaration(),
                    field.declaration()
                ),
            ));
        }
    }
    Ok(())
}

/// Refuses models that contradict each other: `check_models!(User, SlackConnection)`.
#[macro_export]
macro_rules! check_models {
    ($($model:ty),+ $(,)?) => {
        $crate::__private::check_contexts(&[$(<$model as $crate::EncryptedModel>::FIELDS),+])
    };
}
