//! serde impls of generated types.

#[cfg(feature = "serde")]
#[macro_export]
#[doc(hidden)]
macro_rules! __impl_serde {
    (none $name:ident) => {
        $crate::__impl_serde!(@named $name, deserialize, unsaid);
    };
    (custom $name:ident) => {
        $crate::__impl_serde!(@named $name, deserialize);
    };
    (plaintext $name:ident) => {
        $crate::__impl_serde!(@named $name, deserialize, serialize_plaintext);
    };
    (redacted $name:ident) => {
        $crate::__impl_serde!(@named $name, deserialize_unredacted, serialize_redacted);
    };
    (sealed $name:ident) => {
        $crate::__impl_serde!(@named $name, deserialize_sealed, serialize_sealed);
    };
    (@named $name:ident, $deserialize:ident $(, $serialize:ident)?) => {
        const _: () = {
            // Named before the imports. They would hide a type of the same name, such as that of a
            // column `value: Value`.
            type __Field = $name;
            $crate::__impl_serde!(@deserialize __Field, $deserialize);
            $($crate::__impl_serde!(@serialize __Field, $serialize);)?
        };
    };
    // Never applies. Without it rustc would advise `#[derive(Serialize)]`.
    (@serialize $name:ident, unsaid) => {
        const _: () = {
            use $crate::__private::{serde, std::{unreachable, result::Result}};

            // The bound names a lifetime, so it is not an error.
            #[doc(hidden)]
            #[automatically_derived]
            impl serde::Serialize for $name
            where
                for<'a> &'a $name: $crate::__private::SerializeOption<$name>,
            {
                fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                    unreachable!()
                }
            }
        };
    };
    (@serialize $name:ident, $serialize:ident) => {
        const _: () = {
            use $crate::__private::{serde, std::result::Result};

            #[automatically_derived]
            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    $crate::__private::field_serde::$serialize(self, serializer)
                }
            }
        };
    };
    // A sealed value is text, whatever it holds.
    (@deserialize $name:ident, deserialize_sealed) => {
        const _: () = {
            use $crate::__private::{serde, std::result::Result};

            #[automatically_derived]
            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    $crate::__private::field_serde::deserialize_sealed(deserializer)
                }
            }
        };
    };
    (@deserialize $name:ident, $deserialize:ident) => {
        const _: () = {
            use $crate::__private::{serde, std::result::Result};
            use $crate::{EncryptedField, Plaintext};

            type Value = <<$name as EncryptedField>::Plain as Plaintext>::Value;

            // The bound names a lifetime, so it is not an error if the value's type has no serde.
            #[automatically_derived]
            impl<'de> serde::Deserialize<'de> for $name
            where
                Value: serde::Deserialize<'de>,
            {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    $crate::__private::field_serde::$deserialize(deserializer)
                }
            }
        };
    };
}

#[cfg(not(feature = "serde"))]
#[macro_export]
#[doc(hidden)]
macro_rules! __impl_serde {
    (none $name:ident) => {};
    (custom $name:ident) => {};
    ($serialize:ident $name:ident) => {
        $crate::__private::std::compile_error!(
            "`serialize` needs the feature `serde` of encrypted-field: `cargo add encrypted-field --features serde`"
        );
    };
}
