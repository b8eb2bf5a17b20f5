//! SQLx impls of a generated type.

/// `Type`, `Encode` and `Decode` for every database whose strings (or byte strings) have them,
/// `Any` included.
#[macro_export]
#[doc(hidden)]
macro_rules! __impl_sqlx {
    (text none $name:ident) => {
        $crate::__impl_sqlx!(@named $name, none, text, str, String, to_stored_text);
    };
    (binary none $name:ident) => {
        $crate::__impl_sqlx!(@named $name, none, binary, [u8], Vec<u8>, to_stored);
    };
    (text $legacy:tt $name:ident) => {
        $crate::__impl_sqlx!(@named $name, legacy, legacy_text, str, String, to_stored_text);
    };
    (binary $legacy:tt $name:ident) => {
        $crate::__impl_sqlx!(@named $name, legacy, binary, [u8], Vec<u8>, to_stored);
    };
    (@named $name:ident, $($form:tt)+) => {
        const _: () = {
            // Named before the imports. They would hide a type of the same name, such as that of a
            // column `type: Type`.
            type __Field = $name;
            $crate::__impl_sqlx!(@impl __Field, $($form)+);
        };
    };
    (@impl $name:ident, $legacy:ident, $form:ident, $borrowed:ty, $owned:ty, $to_stored:ident) => {
        const _: () = {
            use $crate::__private::sqlx::{
                Database, Decode, Encode, Type, ValueRef, encode::IsNull, error::{BoxDynError, UnexpectedNullError},
            };
            use $crate::__private::std::{
                convert::Into, primitive::{bool, str, u8}, result::Result::{self, Err, Ok}, string::String, vec::Vec,
            };
            use $crate::EncryptedFieldExt;

            $crate::__impl_sqlx!(@type $legacy, $name, $borrowed);

            #[automatically_derived]
            impl<'q, DB: Database> Encode<'q, DB> for $name
            where
                $owned: Encode<'q, DB>,
            {
                fn encode_by_ref(&self, buf: &mut <DB as Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
                    <$owned as Encode<'q, DB>>::encode(EncryptedFieldExt::$to_stored(self)?, buf)
                }
            }

            // Read as owned, because the buffer becomes the plaintext. PostgreSQL's simple
            // protocol, in which bytes are hexadecimal, has no borrowed form.
            $crate::__impl_sqlx!(@decode $form, $name);
        };
    };
    // The type is described by the borrowed form: `Any` and every driver have it.
    (@type none, $name:ident, $borrowed:ty) => {
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
    };
    (@type legacy, $name:ident, $borrowed:ty) => {
        #[automatically_derived]
        impl<DB: Database> Type<DB> for $name
        where
            $borrowed: Type<DB>,
            [u8]: Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <$borrowed as Type<DB>>::type_info()
            }

            fn compatible(ty: &DB::TypeInfo) -> bool {
                <$borrowed as Type<DB>>::compatible(ty) || $crate::__private::sqlx_support::may_be_legacy::<DB>(ty)
            }
        }
    };
    (@decode text, $name:ident) => {
        $crate::__impl_sqlx!(@decode [String: Decode<'r, DB>], $name, value => {
            let stored = <String as Decode<'r, DB>>::decode(value);
            let stored = stored.map_err($crate::__private::not_text::<Self>)?;
            <Self as EncryptedFieldExt>::from_stored_text(stored)
        });
    };
    (@decode binary, $name:ident) => {
        $crate::__impl_sqlx!(@decode [Vec<u8>: Decode<'r, DB>], $name, value => {
            <Self as EncryptedFieldExt>::from_stored(<Vec<u8> as Decode<'r, DB>>::decode(value)?)
        });
    };
    (@decode legacy_text, $name:ident) => {
        $crate::__impl_sqlx!(
            @decode [String: Type<DB> + for<'v> Decode<'v, DB>, Vec<u8>: Type<DB> + for<'v> Decode<'v, DB>],
            $name, value => {
                let stored = $crate::__private::sqlx_support::text_as_bytes::<DB>(&value);
                $crate::__private::from_text_column::<Self>(stored.map_err($crate::__private::not_text::<Self>)?)
            }
        );
    };
    (@decode [$($bounds:tt)+], $name:ident, $value:ident => $read:block) => {
        #[automatically_derived]
        impl<'r, DB: Database> Decode<'r, DB> for $name
        where
            $($bounds)+
        {
            fn decode($value: <DB as Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
                // SQLite's driver would give an empty string, and a legacy reader may take that for
                // a value.
                if ValueRef::is_null(&$value) {
                    return Err(Into::into(UnexpectedNullError));
                }
                Ok($read?)
            }
        }
    };
}

/// PostgreSQL arrays of a generated type, on request: `Vec<BotToken>` against `text[]` or
/// `bytea[]`.
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

/// Items that name SQLx.
#[macro_export]
#[doc(hidden)]
macro_rules! __with_sqlx {
    ($($item:item)*) => { $($item)* };
}
