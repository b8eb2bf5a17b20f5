//! Diesel impls of a generated type.

/// `ToSql`, `FromSql`, `Queryable` and `AsExpression` for `Text` and `Binary` columns, nullable or
/// not.
#[macro_export]
#[doc(hidden)]
macro_rules! __impl_diesel {
    (none $name:ident) => { $crate::__impl_diesel!(@named $name, none); };
    ($legacy:tt $name:ident) => { $crate::__impl_diesel!(@named $name, legacy); };
    (@named $name:ident, $legacy:ident) => {
        const _: () = {
            // Named before the imports. They would hide a type of the same name, such as that of a
            // column `text: Text`.
            type __Field = $name;
            $crate::__impl_diesel!(@impl __Field, $legacy);
        };
    };
    (@impl $name:ident, $legacy:ident) => {
        const _: () = {
            use $crate::__private::diesel::{
                backend::Backend, deserialize::{self, FromSql, Queryable}, expression::AsExpression,
                serialize::{self, Output, ToSql}, sql_types::{Binary, Nullable, SingleValue, Text},
            };
            use $crate::__private::diesel_support::{WriteOnly, WriteSealed};
            use $crate::__private::std::{primitive::u8, result::Result::Ok, string::String, vec::Vec};
            use $crate::EncryptedFieldExt;

            $crate::__impl_diesel!(@sql $name, Text);
            $crate::__impl_diesel!(@sql $name, Binary);
            $crate::__impl_diesel!(@text $legacy, $name);

            // The backend's own value becomes the buffer that the plaintext is decrypted in.
            #[automatically_derived]
            impl<DB: Backend> FromSql<Binary, DB> for $name
            where
                Vec<u8>: FromSql<Binary, DB>,
            {
                fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
                    let stored = <Vec<u8> as FromSql<Binary, DB>>::from_sql(value)?;
                    Ok(<Self as EncryptedFieldExt>::from_stored(stored)?)
                }
            }

            #[automatically_derived]
            impl<ST, DB> Queryable<ST, DB> for $name
            where
                DB: Backend,
                ST: SingleValue,
                Self: FromSql<ST, DB>,
            {
                type Row = Self;

                fn build(row: Self) -> deserialize::Result<Self> {
                    Ok(row)
                }
            }
        };
    };
    (@text none, $name:ident) => {
        #[automatically_derived]
        impl<DB: Backend> FromSql<Text, DB> for $name
        where
            String: FromSql<Text, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
                let stored = <String as FromSql<Text, DB>>::from_sql(value);
                let stored = stored.map_err($crate::__private::not_text::<Self>)?;
                Ok(<Self as EncryptedFieldExt>::from_stored_text(stored)?)
            }
        }
    };
    // A legacy reader takes bytes, whether they are UTF-8 or not. (Not for all fields: SQLite copies
    // a text once more to give its bytes.)
    (@text legacy, $name:ident) => {
        #[automatically_derived]
        impl<DB: Backend> FromSql<Text, DB> for $name
        where
            Vec<u8>: FromSql<Binary, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
                let stored = <Vec<u8> as FromSql<Binary, DB>>::from_sql(value)?;
                Ok($crate::__private::from_text_column::<Self>(stored)?)
            }
        }
    };
    (@sql $name:ident, $sql:ty) => {
        #[automatically_derived]
        impl<DB: WriteSealed<Self, $sql>> ToSql<$sql, DB> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                <DB as WriteSealed<Self, $sql>>::write_sealed(self, out)
            }
        }

        #[automatically_derived]
        impl<DB: WriteSealed<Self, $sql>> ToSql<Nullable<$sql>, DB> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                <DB as WriteSealed<Self, $sql>>::write_sealed(self, out)
            }
        }

        $crate::__impl_diesel!(@expression $sql, [], $name);
        $crate::__impl_diesel!(@expression $sql, ['a], &'a $name);
        $crate::__impl_diesel!(@expression $sql, ['a, 'b], &'a &'b $name);
        $crate::__impl_diesel!(@expression Nullable<$sql>, [], $name);
        $crate::__impl_diesel!(@expression Nullable<$sql>, ['a], &'a $name);
        $crate::__impl_diesel!(@expression Nullable<$sql>, ['a, 'b], &'a &'b $name);
    };
    (@expression $sql:ty, [$($lifetime:lifetime),*], $for:ty) => {
        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        impl<$($lifetime),*> AsExpression<$sql> for $for {
            type Expression = WriteOnly<$sql, Self>;

            fn as_expression(self) -> Self::Expression {
                WriteOnly::new(self)
            }
        }
    };
}

/// The name of a column. If Diesel is there, it comes through Diesel's `Column::NAME`, which knows
/// `#[sql_name]`.
#[macro_export]
#[doc(hidden)]
macro_rules! __diesel_column {
    ($($table:ident)::+, $column:ident) => { $crate::__diesel_column!(@ [$($table)::+], $column) };
    (:: $($table:ident)::+, $column:ident) => { $crate::__diesel_column!(@ [:: $($table)::+], $column) };
    (@ [$($table:tt)+], $column:ident) => {
        <$($table)+::$column as $crate::__private::diesel::Column>::NAME
    };
}

/// Refuses a column that `#[sql_name]` calls something else than `$name`.
#[macro_export]
#[doc(hidden)]
macro_rules! __diesel_name {
    ($name:literal, $message:literal, $($column:tt)+) => {
        const _: () = $crate::__private::std::assert!(
            $crate::__private::is_same_name($crate::__diesel_column!($($column)+), $name),
            $message
        );
    };
}

/// Refuses a table that `#[sql_name]` calls something else than `$name`. The column is one of it.
#[macro_export]
#[doc(hidden)]
macro_rules! __diesel_table_name {
    ($name:literal, $message:literal, $($table:ident)::+, $column:ident) => {
        $crate::__diesel_table_name!(@ [$($table)::+::$column], $name, $message);
    };
    ($name:literal, $message:literal, :: $($table:ident)::+, $column:ident) => {
        $crate::__diesel_table_name!(@ [:: $($table)::+::$column], $name, $message);
    };
    (@ [$($column:tt)+], $name:literal, $message:literal) => {
        const _: () = {
            #[allow(unused_imports)]
            use $crate::__private::diesel_support::UnknownTableName as _;
            $crate::__private::std::assert!(
                match $crate::__private::diesel_support::TableName::<
                    <$($column)+ as $crate::__private::diesel::Column>::Table,
                >::IN_DATABASE
                {
                    $crate::__private::std::option::Option::Some(found) => {
                        $crate::__private::is_same_name(found, $name)
                    }
                    $crate::__private::std::option::Option::None => true,
                },
                $message
            );
        };
    };
}

/// Items that name Diesel.
#[macro_export]
#[doc(hidden)]
macro_rules! __with_diesel {
    ($($item:item)*) => { $($item)* };
}
