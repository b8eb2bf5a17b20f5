//! SQLx impls of a generated type.

/// `Type`, `Encode` and `Decode` for every database whose strings (or byte strings) have them, `Any` included.
#[macro_export]
#[doc(hidden)]
macro_rules! __impl_sqlx {
    (text $name:ident) => {
        $crate::__impl_sqlx!(@named $name, str, String, to_stored_text, from_stored_text);
    };
    (binary $name:ident) => {
        $crate::__impl_sqlx!(@named $name, [u8], Vec<u8>, to_stored, from_stored);
    };
    (@named $name:ident, $($form:tt)+) => {
        const _: () = {
            // Named before the imports, which would hide a type of the same name: a column `type: Type`.
            type __Field = $name;
            $crate::__impl_sqlx!(@impl __Field, $($form)+);
        };
    };
    (@impl $name:ident, $borrowed:ty, $owned:ty, $to_stored:ident, $from_stored:ident) => {
        const _: () = {
            use $crate::__private::sqlx::{
                Database, Decode, Encode, Type, ValueRef, encode::IsNull, error::{BoxDynError, UnexpectedNullError},
            };
            use $crate::__private::std::{
                convert::Into, primitive::{bool, str, u8}, result::Result::{self, Err, Ok}, string::String, vec::Vec,
            };
            use $crate::EncryptedField;

            // The type is described by the borrowed form: `Any` and every driver have it.
            #[automatically_derived]
            impl<DB: Database> Type<DB> for $name
            where
                $borrowed: Type<DB>,
            {
                fn type_info() -> DB::TypeInfo {
                    <$borrowed as Type<DB>>::type_info()
                }

                fn compatible(ty: &DB::TypeInfo) -> bool {
                    <$borrowed as Type<DB>>::compatible(ty)
                }
            }

            #[automatically_derived]
            impl<'q, DB: Database> Encode<'q, DB> for $name
            where
                $owned: Encode<'q, DB>,
            {
                fn encode_by_ref(&self, buf: &mut <DB as Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
                    <$owned as Encode<'q, DB>>::encode(EncryptedField::$to_stored(self)?, buf)
                }
            }

            // Read as owned: the buffer becomes the plaintext, and PostgreSQL's simple protocol, in which bytes are
            // hexadecimal, has no borrowed form.
            #[automatically_derived]
            impl<'r, DB: Database> Decode<'r, DB> for $name
            where
                $owned: Decode<'r, DB>,
            {
                fn decode(value: <DB as Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
                    // SQLite's driver would give an empty string, which a legacy reader may take for a value.
                    if ValueRef::is_null(&value) {
                        return Err(Into::into(UnexpectedNullError));
                    }
                    let stored = <$owned as Decode<'r, DB>>::decode(value)?;
                    Ok(<Self as EncryptedField>::$from_stored(stored)?)
                }
            }
        };
    };
}

/// PostgreSQL arrays of a generated type, on request: `Vec<BotToken>` against `text[]` or `bytea[]`.
#[cfg(feature = "sqlx-postgres")]
#[macro_export]
#[doc(hidden)]
macro_rules! __impl_pg_array {
    (no $storage:ident $name:ident) => {};
    (yes text $name:ident) => { $crate::__impl_pg_array!(@named $name, String); };
    (yes binary $name:ident) => { $crate::__impl_pg_array!(@named $name, Vec<u8>); };
    (@named $name:ident, $($owned:tt)+) => {
        const _: () = {
            // As above.
            type __Field = $name;
            $crate::__impl_pg_array!(@impl __Field, $($owned)+);
        };
    };
    (@impl $name:ident, $owned:ty) => {
        const _: () = {
            use $crate::__private::sqlx::postgres::{PgHasArrayType, PgTypeInfo};
            use $crate::__private::std::{primitive::{bool, u8}, string::String, vec::Vec};

            #[automatically_derived]
            impl PgHasArrayType for $name {
                fn array_type_info() -> PgTypeInfo {
                    <$owned as PgHasArrayType>::array_type_info()
                }

                fn array_compatible(ty: &PgTypeInfo) -> bool {
                    <$owned as PgHasArrayType>::array_compatible(ty)
                }
            }
        };
    };
}
