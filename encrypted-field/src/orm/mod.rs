//! What a generated type implements, as hidden macros that `#[derive(Encrypted)]` calls: its own
//! methods, Diesel, SQLx, serde. Their `cfg` is this crate's, so the derive needs no features of
//! its own. Each has an empty fallback.

#[cfg(feature = "diesel")]
pub mod diesel;
mod field;
#[cfg(any(feature = "diesel", feature = "sqlx"))]
mod moving;
#[cfg(any(feature = "diesel", feature = "sqlx"))]
mod not_text;
mod serde;
#[cfg(feature = "sqlx")]
pub mod sqlx;

#[cfg(any(feature = "diesel", feature = "sqlx"))]
pub use not_text::not_text;

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

#[cfg(not(feature = "diesel"))]
#[macro_export]
#[doc(hidden)]
macro_rules! __diesel_name {
    ($($ignored:tt)*) => {};
}

#[cfg(not(feature = "diesel"))]
#[macro_export]
#[doc(hidden)]
macro_rules! __diesel_table_name {
    ($($ignored:tt)*) => {};
}

#[cfg(not(feature = "diesel"))]
#[macro_export]
#[doc(hidden)]
macro_rules! __with_diesel {
    ($($ignored:tt)*) => {};
}

#[cfg(not(feature = "sqlx"))]
#[macro_export]
#[doc(hidden)]
macro_rules! __impl_sqlx {
    ($($ignored:tt)*) => {};
}

#[cfg(not(feature = "sqlx"))]
#[macro_export]
#[doc(hidden)]
macro_rules! __with_sqlx {
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
