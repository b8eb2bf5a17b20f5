//! What a generated type implements, as hidden macros that `#[derive(Encrypted)]` calls: its own methods, Diesel, SQLx,
//! serde. Their `cfg` is this crate's, so the derive needs no features of its own; each has an empty fallback.

#[cfg(feature = "diesel")]
pub mod diesel;
mod field;
mod serde;
#[cfg(feature = "sqlx")]
mod sqlx;

#[cfg(not(feature = "diesel"))]
#[macro_export]
#[doc(hidden)]
macro_rules! __impl_diesel {
    ($($ignored:tt)*) => {};
}

#[cfg(not(feature = "diesel"))]
#[macro_export]
#[doc(hidden)]
macro_rules! __diesel_column {
    ($table:path, $column:ident) => {
        $crate::__private::std::stringify!($column)
    };
}

#[cfg(not(feature = "sqlx"))]
#[macro_export]
#[doc(hidden)]
macro_rules! __impl_sqlx {
    ($($ignored:tt)*) => {};
}

#[cfg(not(feature = "sqlx-postgres"))]
#[macro_export]
#[doc(hidden)]
macro_rules! __impl_pg_array {
    (no $storage:ident $name:ident) => {};
    (yes $storage:ident $name:ident) => {
        $crate::__private::std::compile_error!(
            "`pg_array` needs the feature `sqlx-postgres` of encrypted-field: `cargo add encrypted-field --features sqlx-postgres`"
        );
    };
}
