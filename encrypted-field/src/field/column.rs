//! For tools that move whole tables: a field as data, where there is no Rust type for it.
//!
//! An application declares its fields with `#[derive(Encrypted)]`. A tool that re-encrypts a table,
//! or a job that is described in a file, has no such type. It has a [`Column`].
//!
//! ```
//! use encrypted_field::column::Column;
//! use encrypted_field::plaintext::PlaintextType;
//! use encrypted_field::{Keyring, generate_key};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ring = Keyring::builder().active(1, generate_key()?).build()?;
//! let column = Column::new("slack_connections.bot_token")?;
//! let text = PlaintextType::named("text").ok_or("no such type")?;
//!
//! let encoded = text.from_plain(b"xoxb-1")?;
//! let stored = column.seal(&ring, &encoded)?;
//! assert!(stored.starts_with(b"ef1:1:"));
//!
//! let opened = column.open(&ring, stored)?;
//! assert_eq!(text.to_plain(opened.encoded)?.as_slice(), b"xoxb-1");
//! # Ok(())
//! # }
//! ```

use std::borrow::Cow;
use std::fmt;

use zeroize::Zeroizing;

use super::model::FieldInfo;
use super::{FieldSpec, Storage, open, seal};
use crate::error::{Error, ErrorKind, Result};
use crate::format::aad::{ContextAad, Kind};
use crate::key::Keyring;
use crate::key_id::KeyId;

/// The most bytes of a context (`FORMAT.md` section 2).
const MAX_CONTEXT: usize = 65_535;

/// What `#[encrypted(…)]` says of a field, as data.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Column {
    context: Cow<'static, str>,
    previous_contexts: Vec<Cow<'static, str>>,
    /// `None` is a dynamic scope that was not named yet.
    scope: Option<Cow<'static, str>>,
    dynamic_scope: bool,
    previous_scopes: Vec<Cow<'static, str>>,
    storage: Storage,
}

/// A value that opened.
#[non_exhaustive]
pub struct OpenedValue {
    /// The plaintext in its encoding (`FORMAT.md` section 7). [`PlaintextType`] reads it.
    ///
    /// [`PlaintextType`]: crate::plaintext::PlaintextType
    pub encoded: Zeroizing<Vec<u8>>,
    /// The key that it was under.
    pub key_id: KeyId,
    /// Whether sealing it anew would move it: to the active key, to the scope, or to the context.
    pub is_stale: bool,
}

impl fmt::Debug for OpenedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { encoded: _, key_id, is_stale } = self;
        f.debug_struct("OpenedValue")
            .field("key_id", key_id)
            .field("is_stale", is_stale)
            .finish_non_exhaustive()
    }
}

impl Column {
    /// A column with this context, by default `table.column`. Its values are text, under keys of
    /// the default scope.
    ///
    /// # Errors
    /// [`ErrorKind::AmbiguousContext`] unless the context has 1 to 65,535 bytes.
    pub fn new(context: impl Into<Cow<'static, str>>) -> Result<Self> {
        let context = checked(context.into())?;
        let (previous_contexts, previous_scopes) = (Vec::new(), Vec::new());
        let (scope, dynamic_scope, storage) = (Some("".into()), false, Storage::Text);
        Ok(Self { context, previous_contexts, scope, dynamic_scope, previous_scopes, storage })
    }

    /// The column of a model's field. If its scope is dynamic, name one with
    /// [`scope`](Self::scope): until then nothing is sealed or opened, and the error is
    /// [`ErrorKind::NoScope`].
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of(field: &FieldInfo) -> Result<Self> {
        let mut column = Self::new(field.context)?.storage(field.storage);
        column.scope = (!field.dynamic_scope).then(|| field.scope.into());
        column.dynamic_scope = field.dynamic_scope;
        column.previous_contexts = field.previous_contexts.iter().map(|c| (*c).into()).collect();
        column.previous_scopes = field.previous_scopes.iter().map(|s| (*s).into()).collect();
        Ok(column)
    }

    /// Values under this earlier context open, too, and are stale. Repeatable.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn previous_context(mut self, context: impl Into<Cow<'static, str>>) -> Result<Self> {
        self.previous_contexts.push(checked(context.into())?);
        Ok(self)
    }

    /// The scope of its keys. `""` is the default scope, and no scope at all where the field
    /// declares a dynamic one: a tenant whose name got lost does not share its keys.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<Cow<'static, str>>) -> Self {
        let scope = scope.into();
        self.scope = (!self.dynamic_scope || !scope.is_empty()).then_some(scope);
        self
    }

    /// Values under keys of this earlier scope open, too, and are stale. Repeatable.
    #[must_use]
    pub fn previous_scope(mut self, scope: impl Into<Cow<'static, str>>) -> Self {
        self.previous_scopes.push(scope.into());
        self
    }

    /// The form of its values.
    #[must_use]
    pub fn storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// What its values are bound to.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// The name of the scope of its keys; empty if it was not named yet.
    pub fn scope_name(&self) -> &str {
        self.scope.as_deref().unwrap_or_default()
    }

    /// The form of its values.
    pub fn form(&self) -> Storage {
        self.storage
    }

    /// Seals a plaintext in its encoding, with a fresh nonce under the active key of the scope. The
    /// text form is given as its bytes, which are ASCII.
    ///
    /// # Errors
    /// [`ErrorKind::NoScope`], [`ErrorKind::NoActiveKey`] and the other key errors,
    /// [`ErrorKind::DoubleEncryption`], [`ErrorKind::TooLarge`].
    pub fn seal(&self, ring: &Keyring, encoded: &[u8]) -> Result<Vec<u8>> {
        let sealed = self.with_spec(|field| match self.storage {
            Storage::Text => {
                seal::text_with(ring, field, Kind::Column, encoded).map(String::into_bytes)
            }
            Storage::Binary => seal::binary_with(ring, field, Kind::Column, encoded),
        });
        self.located(sealed)
    }

    /// Opens a stored value.
    ///
    /// # Errors
    /// [`ErrorKind::NoScope`], and every kind of the families `Data` and `Keys`. No legacy reader
    /// is asked: for a value that this library did not write, the kind is
    /// [`ErrorKind::NotEncrypted`].
    pub fn open(&self, ring: &Keyring, stored: Vec<u8>) -> Result<OpenedValue> {
        let opened = self.with_spec(|field| match self.storage {
            Storage::Text => open::text_with(ring, field, Kind::Column, stored.into()),
            Storage::Binary => open::binary_with(ring, field, Kind::Column, stored.into()),
        });
        let opened = self.located(opened)?;
        let (key_id, is_stale) = (opened.under.key_id, opened.is_stale);
        Ok(OpenedValue { encoded: opened.plaintext, key_id, is_stale })
    }

    fn with_spec<R>(&self, f: impl FnOnce(&FieldSpec<'_>) -> Result<R>) -> Result<R> {
        let Some(scope) = &self.scope else {
            let detail = "name the scope of the column: `Column::scope`, with the tenant's name";
            return Err(Error::new(ErrorKind::NoScope).detail(detail));
        };
        let contexts: Vec<&str> = self.previous_contexts.iter().map(AsRef::as_ref).collect();
        let scopes: Vec<&str> = self.previous_scopes.iter().map(AsRef::as_ref).collect();
        f(&FieldSpec {
            context: &ContextAad::new(&self.context),
            previous_contexts: &contexts,
            scope,
            previous_scopes: &scopes,
            dynamic_scope: false,
            scope_has_ring: false,
            may_ask: true,
        })
    }

    fn located<R>(&self, result: Result<R>) -> Result<R> {
        result.map_err(|error| error.at(self.context.clone()))
    }
}

fn checked(context: Cow<'static, str>) -> Result<Cow<'static, str>> {
    if (1..=MAX_CONTEXT).contains(&context.len()) {
        return Ok(context);
    }
    let detail =
        format!("a context has 1 to {MAX_CONTEXT} bytes, and this one has {}", context.len());
    Err(Error::new(ErrorKind::AmbiguousContext).detail(detail))
}
