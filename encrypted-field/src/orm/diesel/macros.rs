//! Diesel impls of a generated type.

/// `ToSql`, `FromSql`, `Queryable` and `AsExpression` for `Text` and `Binary` columns, nullable or not.
#[macro_export]
#[doc(hidden)]
macro_rules! __impl_diesel {
    ($name:ident) => {
        const _: () = {
            // Named before the imports, which would hide a type of the same name: a column `text: Text`.
            type __Field = $name;
            $crate::__impl_diesel!(@impl __Field);
        };
    };
    (@impl $name:ident) => {
        const _: () = {
            use $crate::__private::diesel::{
                backend::Backend, deserialize::{self, FromSql, Queryable}, expression::AsExpression,
                serialize::{self, Output, ToSql}, sql_types::{Binary, Nullable, SingleValue, Text},
            };
            use $crate::__private::diesel_support::{WriteOnly, WriteSealed, not_text};
            use $crate::__private::std::{primitive::u8, result::Result::Ok, string::String, vec::Vec};
            use $crate::EncryptedField;

            $crate::__impl_diesel!(@sql $name, Text, String, from_stored_text);
            $crate::__impl_diesel!(@sql $name, Binary, Vec<u8>, from_stored);

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
    (@sql $name:ident, $sql:ty, $raw:ty, $from_stored:ident) => {
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

        // The backend's own value becomes the buffer that the plaintext is decrypted in.
        #[automatically_derived]
        impl<DB: Backend> FromSql<$sql, DB> for $name
        where
            $raw: FromSql<$sql, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
                let stored = <$raw as FromSql<$sql, DB>>::from_sql(value).map_err(not_text::<Self>)?;
                Ok(<Self as EncryptedField>::$from_stored(stored)?)
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

/// The name of a column: through Diesel's `Column::NAME`, which knows `#[sql_name]`, where Diesel is there.
#[macro_export]
#[doc(hidden)]
macro_rules! __diesel_column {
    ($($table:ident)::+, $column:ident) => { $crate::__diesel_column!(@ [$($table)::+], $column) };
    (:: $($table:ident)::+, $column:ident) => { $crate::__diesel_column!(@ [:: $($table)::+], $column) };
    (@ [$($table:tt)+], $column:ident) => {
        <$($table)+::$column as $crate::__private::diesel::Column>::NAME
    };
}
