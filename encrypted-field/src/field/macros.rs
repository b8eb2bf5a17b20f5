//! What `#[derive(Encrypted)]` calls for each field type. The bodies are single calls into the library.

/// Implements everything for one field type.
#[macro_export]
#[doc(hidden)]
macro_rules! __field {
    ($name:ident [$plain:ty] [$value:ty] {
        context: $context:literal,
        previous: [$($previous:literal),* $(,)?],
        scope: $scope:literal,
        legacy: $legacy:tt,
        storage: $storage:ident,
        serialize: $serialize:ident,
        pg_array: $pg_array:ident $(,)?
    }) => {
        const _: () = {
            use $crate::__private::std::{
                borrow::ToOwned, clone::Clone, cmp::{Eq, PartialEq}, convert::{AsRef, From}, fmt, ops::{Deref, Drop},
                option::Option, primitive::{bool, str, u8}, result::Result, string::String, vec::Vec,
            };
            use $crate::{EncryptedField, KeyId, Plaintext, Sealed, Secret, Storage};

            type Plain = $plain;
            type Value = $value;
            type View = <Plain as Plaintext>::View;

            #[automatically_derived]
            impl EncryptedField for $name {
                type Plain = Plain;
                const CONTEXT: &'static str = $context;
                const PREVIOUS_CONTEXTS: &'static [&'static str] = &[$($previous),*];
                const SCOPE: &'static str = $scope;
                const STORAGE: Storage = $crate::__field!(@storage $storage);
                const LEGACY: Option<$crate::legacy::LegacyReader<Plain>> = $crate::__field!(@legacy $legacy);

                fn from_secret(secret: Secret<Plain>) -> Self {
                    Self(secret)
                }

                fn secret(&self) -> &Secret<Plain> {
                    &self.0
                }
            }

            #[allow(dead_code)]
            impl $name {
                /// The plaintext; from here on nothing wipes it.
                pub fn into_inner(mut self) -> Value {
                    self.0.__take()
                }

                /// A detached value in binary form, for outside of rows: it does not open as a column.
                pub fn seal(&self) -> $crate::Result<Vec<u8>> {
                    EncryptedField::seal(self)
                }

                /// A detached value in text form, for cookies, queues and JSON: it does not open as a column.
                pub fn seal_text(&self) -> $crate::Result<String> {
                    EncryptedField::seal_text(self)
                }

                /// Opens what `seal` made.
                pub fn open(sealed: &[u8]) -> $crate::Result<Self> {
                    EncryptedField::open(sealed)
                }

                /// Opens what `seal_text` made.
                pub fn open_text(sealed: &str) -> $crate::Result<Self> {
                    EncryptedField::open_text(sealed)
                }

                /// What a binary column would get.
                pub fn to_stored(&self) -> $crate::Result<Vec<u8>> {
                    EncryptedField::to_stored(self)
                }

                /// What a text column would get.
                pub fn to_stored_text(&self) -> $crate::Result<String> {
                    EncryptedField::to_stored_text(self)
                }

                /// The value sealed for one write, so that binding it can't fail.
                pub fn sealed(&self) -> $crate::Result<Sealed<Self>> {
                    EncryptedField::sealed(self)
                }

                /// The key that the value was read under.
                pub fn key_id(&self) -> Option<KeyId> {
                    EncryptedField::key_id(self)
                }

                /// Whether writing the value back would move it to the active key.
                pub fn is_stale(&self) -> bool {
                    EncryptedField::is_stale(self)
                }

                /// Whether the value was not encrypted by this library.
                pub fn is_legacy(&self) -> bool {
                    EncryptedField::is_legacy(self)
                }
            }

            #[automatically_derived]
            impl Clone for $name {
                fn clone(&self) -> Self {
                    Self(Clone::clone(&self.0))
                }
            }

            #[automatically_derived]
            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    $crate::__private::redacted(f, $crate::__private::std::stringify!($name))
                }
            }

            #[automatically_derived]
            impl Deref for $name {
                type Target = View;

                fn deref(&self) -> &View {
                    self.0.expose()
                }
            }

            #[automatically_derived]
            impl AsRef<View> for $name {
                fn as_ref(&self) -> &View {
                    self.0.expose()
                }
            }

            #[automatically_derived]
            impl From<Value> for $name {
                fn from(value: Value) -> Self {
                    Self(Secret::new(value))
                }
            }

            #[automatically_derived]
            impl From<&View> for $name
            where
                View: ToOwned<Owned = Value>,
            {
                fn from(value: &View) -> Self {
                    Self(Secret::new(ToOwned::to_owned(value)))
                }
            }

            /// In time that depends on lengths only.
            #[automatically_derived]
            impl PartialEq for $name {
                fn eq(&self, other: &Self) -> bool {
                    $crate::__private::ct_eq(self, other)
                }
            }

            #[automatically_derived]
            impl Eq for $name {}

            #[automatically_derived]
            impl Drop for $name {
                fn drop(&mut self) {
                    #[allow(unused_imports)]
                    use $crate::__private::{WipeElsewhere as _, WipeZeroize as _};
                    if let Option::Some(plain) = self.0.__plain_mut() {
                        (&mut $crate::__private::Wipe(plain)).wipe();
                    }
                }
            }
        };
        $crate::__private::impl_diesel!($name);
        $crate::__private::impl_sqlx!($storage $name);
        $crate::__private::impl_pg_array!($pg_array $storage $name);
        $crate::__private::impl_serde!($serialize $name);
    };

    (@storage text) => { $crate::Storage::Text };
    (@storage binary) => { $crate::Storage::Binary };

    (@legacy none) => { Option::None };
    (@legacy plaintext) => { Option::Some(<Plain as Plaintext>::from_legacy) };
    (@legacy ($($path:tt)+)) => {
        Option::Some(|stored: &[u8]| -> Result<Plain, $crate::PlaintextError> {
            $crate::__private::legacy_result::<Plain, _>($($path)+(stored))
        })
    };
}

/// The name of a column: through Diesel's `Column::NAME`, which knows `#[sql_name]`, where Diesel is there.
#[cfg(feature = "diesel")]
#[macro_export]
#[doc(hidden)]
macro_rules! __diesel_column {
    ($($table:ident)::+, $column:ident) => { $crate::__diesel_column!(@ [$($table)::+], $column) };
    (:: $($table:ident)::+, $column:ident) => { $crate::__diesel_column!(@ [:: $($table)::+], $column) };
    (@ [$($table:tt)+], $column:ident) => {
        <$($table)+::$column as $crate::__private::diesel::Column>::NAME
    };
}

#[cfg(not(feature = "diesel"))]
#[macro_export]
#[doc(hidden)]
macro_rules! __diesel_column {
    ($table:path, $column:ident) => {
        $crate::__private::std::stringify!($column)
    };
}

/// Runs [`check_contexts`](crate::check_contexts) over models: `check_models!(User, SlackConnection)`.
#[macro_export]
macro_rules! check_models {
    ($($model:ty),+ $(,)?) => {
        $crate::check_contexts(&[$(<$model as $crate::EncryptedModel>::FIELDS),+])
    };
}
