//! What `#[derive(Encrypted)]` calls for each field type. The bodies are single calls into the
//! library.

/// Implements everything for one field type.
#[macro_export]
#[doc(hidden)]
macro_rules! __field {
    ($name:ident [$kind:tt $value:ty] {
        context: $context:literal,
        previous: [$($previous:literal),* $(,)?],
        scope: $scope:tt,
        previous_scopes: [$($previous_scope:literal),* $(,)?],
        legacy: $legacy:tt,
        storage: $storage:ident,
        serialize: $serialize:ident,
        pg_array: $pg_array:ident,
        derived: [$($derived:ident)*] $(,)?
    }) => {
        const _: () = {
            // Named before the imports below. They would hide types of the same names, such as
            // those of a field `secret: Secret`, or `json = Value`.
            type __Field = $name;
            type __Plain = $crate::__plaintext!($kind $value);
            type __Value = $value;
            type __View = <__Plain as $crate::Plaintext>::View;
            const __LEGACY: $crate::__private::std::option::Option<$crate::legacy::LegacyReader<__Plain>> =
                $crate::__field!(@legacy $legacy);

            $crate::__field!(
                @impl $name, [$($previous),*], $context, $scope, [$($previous_scope),*], $storage,
                [$($derived)*]
            );
        };
        $crate::__private::impl_diesel!($legacy $name);
        $crate::__private::impl_sqlx!($storage $legacy $name);
        $crate::__private::impl_pg_array!($pg_array $storage $name);
        $crate::__private::impl_serde!($serialize $name);
    };

    (
        @impl $name:ident, [$($previous:literal),*], $context:literal, $scope:tt, [$($previous_scope:literal),*],
        $storage:ident, $derived:tt
    ) => {
        const _: () = {
            use $crate::__private::std::{
                borrow::ToOwned, clone::Clone, cmp::{Eq, PartialEq}, convert::{AsRef, From}, fmt, ops::{Deref, Drop},
                option::Option, primitive::{bool, str, u8}, string::String, vec::Vec,
            };
            use $crate::{EncryptedField, EncryptedFieldExt, KeyId, Secret, Storage, StoredValue, ToStoredValue};

            #[automatically_derived]
            impl EncryptedField for __Field {
                type Plain = __Plain;
                const CONTEXT: &'static str = $context;
                const PREVIOUS_CONTEXTS: &'static [&'static str] = &[$($previous),*];
                const SCOPE: &'static str = $crate::__field!(@scope $scope);
                const DYNAMIC_SCOPE: bool = $crate::__field!(@is_dynamic $scope);
                const PREVIOUS_SCOPES: &'static [&'static str] = &[$($previous_scope),*];
                const STORAGE: Storage = $crate::__field!(@storage $storage);
                const LEGACY: Option<$crate::legacy::LegacyReader<__Plain>> = __LEGACY;

                fn from_secret(secret: Secret<__Plain>) -> Self {
                    Self(secret)
                }

                fn secret(&self) -> &Secret<__Plain> {
                    &self.0
                }
            }

            #[allow(dead_code)]
            impl __Field {
                /// The plaintext. From here on nothing wipes it.
                pub fn into_inner(mut self) -> __Value {
                    self.0.__take()
                }

                /// A detached value in binary form, for outside of rows: it does not open as a
                /// column.
                pub fn seal(&self) -> $crate::Result<Vec<u8>> {
                    EncryptedFieldExt::seal(self)
                }

                /// A detached value in text form, for cookies, queues and JSON: it does not open as
                /// a column.
                pub fn seal_text(&self) -> $crate::Result<String> {
                    EncryptedFieldExt::seal_text(self)
                }

                /// Opens what `seal` made.
                pub fn open(sealed: &[u8]) -> $crate::Result<Self> {
                    EncryptedFieldExt::open(sealed)
                }

                /// Opens what `seal_text` made.
                pub fn open_text(sealed: &str) -> $crate::Result<Self> {
                    EncryptedFieldExt::open_text(sealed)
                }

                /// What a binary column would get.
                pub fn to_stored(&self) -> $crate::Result<Vec<u8>> {
                    EncryptedFieldExt::to_stored(self)
                }

                /// What a text column would get.
                pub fn to_stored_text(&self) -> $crate::Result<String> {
                    EncryptedFieldExt::to_stored_text(self)
                }

                /// The value sealed for one write to its column, so that binding it can't fail.
                pub fn to_stored_value(&self) -> $crate::Result<StoredValue<Self>> {
                    ToStoredValue::to_stored_value(self)
                }

                /// The value out of a binary column.
                pub fn from_stored(stored: Vec<u8>) -> $crate::Result<Self> {
                    EncryptedFieldExt::from_stored(stored)
                }

                /// The value out of a text column.
                pub fn from_stored_text(stored: String) -> $crate::Result<Self> {
                    EncryptedFieldExt::from_stored_text(stored)
                }

                /// The key that the value was read under.
                pub fn key_id(&self) -> Option<KeyId> {
                    EncryptedFieldExt::key_id(self)
                }

                /// Whether writing the value back would move it to the active key.
                pub fn is_stale(&self) -> bool {
                    EncryptedFieldExt::is_stale(self)
                }

                /// Whether the value was not encrypted by this library.
                pub fn is_legacy(&self) -> bool {
                    EncryptedFieldExt::is_legacy(self)
                }
            }

            $crate::__field!(@unless Clone, $derived, {
                #[automatically_derived]
                impl Clone for __Field {
                    fn clone(&self) -> Self {
                        Self(Clone::clone(&self.0))
                    }
                }
            });

            $crate::__field!(@unless Debug, $derived, {
                #[automatically_derived]
                impl fmt::Debug for __Field {
                    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        $crate::__private::redacted(f, $crate::__private::std::stringify!($name))
                    }
                }
            });

            #[automatically_derived]
            impl Deref for __Field {
                type Target = __View;

                fn deref(&self) -> &__View {
                    self.0.expose()
                }
            }

            #[automatically_derived]
            impl AsRef<__View> for __Field {
                fn as_ref(&self) -> &__View {
                    self.0.expose()
                }
            }

            #[automatically_derived]
            impl From<__Value> for __Field {
                fn from(value: __Value) -> Self {
                    Self(Secret::new(value))
                }
            }

            #[automatically_derived]
            impl From<&__View> for __Field
            where
                __View: ToOwned<Owned = __Value>,
            {
                fn from(value: &__View) -> Self {
                    Self(Secret::new(ToOwned::to_owned(value)))
                }
            }

            $crate::__field!(@unless PartialEq, $derived, {
                /// The time depends on lengths only. JSON compares as its type does.
                #[automatically_derived]
                impl PartialEq for __Field {
                    fn eq(&self, other: &Self) -> bool {
                        $crate::__private::equal(self, other)
                    }
                }
            });

            $crate::__field!(@unless Eq, $derived, {
                #[automatically_derived]
                impl Eq for __Field {}
            });

            #[automatically_derived]
            impl Drop for __Field {
                fn drop(&mut self) {
                    #[allow(unused_imports)]
                    use $crate::__private::{WipeElsewhere as _, WipeZeroize as _};
                    if let Option::Some(plain) = self.0.__plain_mut() {
                        (&mut $crate::__private::Wipe(plain)).wipe();
                    }
                }
            }
        };
    };

    // An implementation, unless another derive has made it. That is an error already.
    (@unless $trait:ident, [], { $($impl:tt)* }) => { $($impl)* };
    (@unless Clone, [Clone $($ignored:ident)*], $impl:tt) => {};
    (@unless Debug, [Debug $($ignored:ident)*], $impl:tt) => {};
    (@unless PartialEq, [PartialEq $($ignored:ident)*], $impl:tt) => {};
    (@unless Eq, [Eq $($ignored:ident)*], $impl:tt) => {};
    (@unless $trait:ident, [$other:ident $($derived:ident)*], $impl:tt) => {
        $crate::__field!(@unless $trait, [$($derived)*], $impl);
    };

    (@scope dynamic) => { "" };
    (@scope $scope:literal) => { $scope };
    (@is_dynamic dynamic) => { true };
    (@is_dynamic $scope:literal) => { false };

    (@storage text) => { $crate::Storage::Text };
    (@storage binary) => { $crate::Storage::Binary };

    (@legacy none) => { $crate::__private::std::option::Option::None };
    (@legacy plaintext) => {
        $crate::__private::std::option::Option::Some(<__Plain as $crate::Plaintext>::from_legacy)
    };
    // Bound to its type first. So a function of another type is an error on the user's path.
    (@legacy ($($path:tt)+)) => {{
        fn __legacy<'a>(
            __stored: &'a [$crate::__private::std::primitive::u8],
        ) -> $crate::__private::std::result::Result<__Plain, $crate::plaintext::PlaintextError> {
            let __read: fn(
                &'a [$crate::__private::std::primitive::u8],
            ) -> $crate::__private::std::result::Result<__Value, _> = $($path)+;
            #[allow(unused_imports)]
            use $crate::__private::DroppedError as _;
            __read(__stored)
                .map(<__Plain as $crate::Plaintext>::from_value)
                .map_err(|__error| $crate::__private::LegacyError(__error).reason())
        }
        $crate::__private::std::option::Option::Some(__legacy)
    }};
}

/// The plaintext type of a field: `type String`, `{uuid} Uuid`, `(Text<Currency>) Currency` or
/// `json Profile`. It is checked in a constant, see `Checked`.
#[macro_export]
#[doc(hidden)]
macro_rules! __plaintext {
    (type $plain:ty) => {
        <$plain as $crate::__private::Checked<{ $crate::__private::is_plaintext::<$plain>() }>>::Plain
    };
    ({$feature:ident} $plain:ty) => {
        <$plain as $crate::__private::Checked<{ $crate::__private::of_crate::$feature::<$plain>() }>>::Plain
    };
    (($plain:ty) $value:ty) => { $crate::__plaintext!(type $plain) };
    (json $value:ty) => {
        <$crate::Json<$value> as $crate::__private::Checked<{ $crate::__private::is_json_value::<$value>() }>>::Plain
    };
}
