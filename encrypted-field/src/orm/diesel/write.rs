//! How a backend takes a value that was sealed just now. Nothing is kept in the field, so each
//! write seals afresh.

use diesel::backend::Backend;
use diesel::serialize::{self, Output};

/// A Diesel backend that `T` can be written to, as SQL type `ST` (`Text` or `Binary`).
///
/// Implemented for PostgreSQL, MySQL and SQLite behind `diesel-postgres`, `diesel-mysql` and
/// `diesel-sqlite`. For a `#[derive(MultiConnection)]` enum, write
/// [`diesel_multi_backend!`](crate::diesel_multi_backend) once.
#[diagnostic::on_unimplemented(
    message = "encrypted fields can't be written through the Diesel backend `{Self}`",
    note = "enable the feature of encrypted-field for it: `cargo add encrypted-field --features diesel-postgres` \
            (or `diesel-mysql`, `diesel-sqlite`)",
    note = "for a `#[derive(MultiConnection)]` enum, write `encrypted_field::diesel_multi_backend!(…)` once"
)]
pub trait WriteSealed<T, ST>: Backend {
    /// Seals `value` and hands it over.
    fn write_sealed<'b>(value: &'b T, out: &mut Output<'b, '_, Self>) -> serialize::Result;
}

/// Backends that collect their binds as bytes, and SQLite, which collects owned values. One impl
/// for all whose `BindCollector` is `RawBytesBindCollector` would be neater, but outside of Diesel
/// it overlaps (E0119).
#[cfg_attr(
    not(any(feature = "diesel-postgres", feature = "diesel-mysql", feature = "diesel-sqlite")),
    allow(unused_macros)
)]
macro_rules! backend {
    ($backend:ty, $out:ident, $stored:ident => $put:expr) => {
        impl<T: crate::EncryptedField> WriteSealed<T, diesel::sql_types::Text> for $backend {
            fn write_sealed<'b>(
                value: &'b T,
                $out: &mut Output<'b, '_, Self>,
            ) -> serialize::Result {
                let $stored = crate::EncryptedFieldExt::to_stored_text(value)?;
                $put;
                Ok(serialize::IsNull::No)
            }
        }

        impl<T: crate::EncryptedField> WriteSealed<T, diesel::sql_types::Binary> for $backend {
            fn write_sealed<'b>(
                value: &'b T,
                $out: &mut Output<'b, '_, Self>,
            ) -> serialize::Result {
                let $stored = crate::EncryptedFieldExt::to_stored(value)?;
                $put;
                Ok(serialize::IsNull::No)
            }
        }
    };
}

#[cfg(feature = "diesel-postgres")]
backend!(diesel::pg::Pg, out, stored => std::io::Write::write_all(out, stored.as_ref())?);
#[cfg(feature = "diesel-mysql")]
backend!(diesel::mysql::Mysql, out, stored => std::io::Write::write_all(out, stored.as_ref())?);
#[cfg(feature = "diesel-sqlite")]
backend!(diesel::sqlite::Sqlite, out, stored => out.set_value(stored));

/// Lets encrypted fields be written through a `#[derive(diesel::MultiConnection)]` enum. Call it
/// once for each enum, beside it, with the backends of its variants.
///
/// ```ignore
/// #[derive(diesel::MultiConnection)]
/// pub enum AnyConnection {
///     Postgres(PgConnection),
///     Sqlite(SqliteConnection),
/// }
/// encrypted_field::diesel_multi_backend!(MultiBackend: diesel::pg::Pg, diesel::sqlite::Sqlite);
/// ```
///
/// (`MultiBackend` is what that derive calls the backend it makes.)
#[macro_export]
macro_rules! diesel_multi_backend {
    // A list of types can't be repeated inside another repetition, so it goes on as one token tree.
    ($multi:ty: $($backend:ty),+ $(,)?) => {
        $crate::diesel_multi_backend!(@impl $multi, Text, [$($backend),+]);
        $crate::diesel_multi_backend!(@impl $multi, Binary, [$($backend),+]);
    };
    // The value goes on as it is, and the backend of the variant in use seals it.
    (@impl $multi:ty, $sql:ident, [$($backend:ty),+]) => {
        impl<T> $crate::__private::diesel_support::WriteSealed<T, $crate::__private::diesel::sql_types::$sql> for $multi
        where
            T: $($crate::__private::diesel::serialize::ToSql<
                $crate::__private::diesel::sql_types::$sql, $backend,
            > +)+ $crate::__private::std::marker::Send + $crate::__private::std::marker::Sync + 'static,
        {
            fn write_sealed<'b>(
                value: &'b T,
                out: &mut $crate::__private::diesel::serialize::Output<'b, '_, Self>,
            ) -> $crate::__private::diesel::serialize::Result {
                out.set_value(($crate::__private::diesel::sql_types::$sql, value));
                $crate::__private::std::result::Result::Ok($crate::__private::diesel::serialize::IsNull::No)
            }
        }
    };
}
