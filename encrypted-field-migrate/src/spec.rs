//! What is to be moved, described by data.

use std::fmt;
use std::sync::Arc;

use encrypted_field::Storage;
use encrypted_field::column::Column;
use encrypted_field::plaintext::{PlaintextError, PlaintextType, Zeroizing};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Reads one value of a foreign format: the bytes that stand in the row, to the plaintext in its
/// encoding (`FORMAT.md` section 7; for texts and bytes that is the value itself).
pub type Reader =
    Arc<dyn Fn(&[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> + Send + Sync + 'static>;

/// A column and what `#[encrypted(…)]` says of it, as a configuration or a job in the ledger holds
/// it. It has no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The table, as the database names it.
    pub table: String,
    /// Its schema on PostgreSQL, or its database on MySQL. By default the one of the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The columns of its key. By default those of its primary key, or of a unique key without
    /// NULL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// The column that is read.
    pub column: String,
    /// The column that is written. By default it is the one that is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The context, by default `table.column`, of the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Contexts that it had before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previous_contexts: Vec<String>,
    /// The scope of its keys; `""` is the default scope.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// The column of the table that holds the scope of each row, for a field whose scope is
    /// dynamic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_column: Option<String>,
    /// Scopes that the keys of its values had before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previous_scopes: Vec<String>,
    /// The form of its values.
    #[serde(default, skip_serializing_if = "Form::is_text")]
    pub storage: Form,
    /// The encoding of its plaintexts: one that [`PlaintextType::named`] knows.
    pub plaintext: String,
}

/// The form of stored values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// `ef1:…`, in a column of text.
    #[default]
    Text,
    /// Bytes, in a binary column.
    Binary,
}

impl Form {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    fn is_text(&self) -> bool {
        *self == Self::Text
    }

    /// The width that a column needs for plaintexts of at most so many bytes, under any key id:
    /// bytes in binary, characters (all ASCII) in text. `FORMAT.md` section 10.
    pub const fn width(self, longest: u64) -> u64 {
        match self {
            Self::Binary => 48 + longest,
            Self::Text => text_width(longest, 10),
        }
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Text => Self::Binary,
            Self::Binary => Self::Text,
        }
    }
}

/// Marker, key id of so many digits, and base64url of suite, nonce, ciphertext and tag.
pub(crate) const fn text_width(plaintext: u64, digits: u64) -> u64 {
    5 + digits + (4 * (41 + plaintext)).div_ceil(3)
}

impl From<Form> for Storage {
    fn from(form: Form) -> Self {
        match form {
            Form::Text => Self::Text,
            Form::Binary => Self::Binary,
        }
    }
}

impl From<Storage> for Form {
    fn from(storage: Storage) -> Self {
        match storage {
            Storage::Text => Self::Text,
            Storage::Binary => Self::Binary,
        }
    }
}

impl Description {
    /// Of a column of texts, with nothing but defaults.
    pub fn new(table: impl Into<String>, column: impl Into<String>) -> Self {
        Self {
            table: table.into(),
            schema: None,
            key: Vec::new(),
            column: column.into(),
            target: None,
            context: None,
            previous_contexts: Vec::new(),
            scope: String::new(),
            scope_column: None,
            previous_scopes: Vec::new(),
            storage: Form::Text,
            plaintext: "text".to_owned(),
        }
    }

    /// The column that is written.
    pub fn target(&self) -> &str {
        self.target.as_deref().unwrap_or(&self.column)
    }

    /// `table.column` of the target, with the schema if it has one.
    pub fn place(&self) -> String {
        let schema = self.schema.as_ref().map(|schema| format!("{schema}.")).unwrap_or_default();
        format!("{schema}{}.{}", self.table, self.target())
    }

    /// What the library needs to know of the target, to seal and open one of its values.
    ///
    /// # Errors
    /// [`ErrorKind::Job`](crate::ErrorKind::Job) if the context is empty or too long.
    pub fn declaration(&self) -> Result<Column> {
        let context = match &self.context {
            Some(context) => context.clone(),
            None => format!("{}.{}", self.table, self.target()),
        };
        let mut column =
            Column::new(context)?.scope(self.scope.clone()).storage(self.storage.into());
        for context in &self.previous_contexts {
            column = column.previous_context(context.clone())?;
        }
        for scope in &self.previous_scopes {
            column = column.previous_scope(scope.clone());
        }
        Ok(column)
    }
}

/// What is done to each row.
#[derive(Clone)]
pub enum Operation {
    /// Plaintext, in the form that `legacy = plaintext` reads, to ours.
    Encrypt,
    /// Values under earlier keys, to the active key of their scope.
    Rotate,
    /// Values under an earlier context or scope, to the declared one.
    Rename,
    /// Ours, back to plaintext.
    Decrypt,
    /// Values of a foreign format to ours, through this reader. The name is kept with the job.
    Import(String, Reader),
    /// Values in the other form, text or binary, to the declared one.
    Restore,
}

impl Operation {
    /// Such as `encrypt`; for an import with its format.
    pub fn name(&self) -> String {
        match self {
            Self::Encrypt => "encrypt".to_owned(),
            Self::Rotate => "rotate".to_owned(),
            Self::Rename => "rename".to_owned(),
            Self::Decrypt => "decrypt".to_owned(),
            Self::Import(format, _) => format!("import {format}"),
            Self::Restore => "storage".to_owned(),
        }
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// A job: a column and what is done to it.
#[derive(Debug, Clone)]
pub struct Job {
    pub(crate) name: String,
    pub(crate) description: Description,
    pub(crate) operation: Operation,
    pub(crate) plaintext: PlaintextType,
    /// As it will be.
    pub(crate) declared: Column,
    /// As it is read, where the two differ.
    pub(crate) source: Option<Column>,
}

impl Job {
    /// Any job but one that decrypts. Its name is such as `encrypt users.token`.
    ///
    /// # Errors
    /// [`ErrorKind::Job`](crate::ErrorKind::Job) if the description contradicts itself.
    pub fn new(description: Description, operation: Operation) -> Result<Self> {
        if matches!(operation, Operation::Decrypt) {
            return Err(Error::job(
                "decrypting has to be confirmed: describe it with `Job::decrypt`",
            ));
        }
        Self::any(description, operation)
    }

    /// A job that turns stored values back into plaintext. `confirm` is
    /// [`confirmation`](Self::confirmation).
    ///
    /// # Errors
    /// [`ErrorKind::Job`](crate::ErrorKind::Job) if it is not confirmed, or the description
    /// contradicts itself.
    pub fn decrypt(description: Description, confirm: &str) -> Result<Self> {
        let expected = Self::confirmation(&description);
        if confirm != expected {
            return Err(Error::job(format!(
                "this writes plaintext and was not confirmed; the text that confirms it is \"{expected}\""
            )));
        }
        Self::any(description, Operation::Decrypt)
    }

    /// The text that confirms [`decrypt`](Self::decrypt).
    pub fn confirmation(description: &Description) -> String {
        format!("decrypt {}", description.place())
    }

    fn any(description: Description, operation: Operation) -> Result<Self> {
        let plaintext = PlaintextType::named(&description.plaintext).ok_or_else(|| {
            Error::job(format!(
                "there is no plaintext type \"{}\", or this build is without its feature",
                description.plaintext
            ))
        })?;
        let named = [&description.table, &description.column];
        if named.iter().any(|name| name.is_empty()) {
            return Err(Error::job("a job has a table and a column"));
        }
        if matches!(operation, Operation::Rename)
            && description.previous_contexts.is_empty()
            && description.previous_scopes.is_empty()
        {
            return Err(Error::job("a rename names the previous context or the previous scope"));
        }
        let declared = description.declaration()?;
        let other = || declared.clone().storage(description.storage.other().into());
        let source = matches!(operation, Operation::Restore).then(other);
        let name = format!("{} {}", operation.name(), description.place());
        Ok(Self { name, description, operation, plaintext, declared, source })
    }

    /// Gives it another name in the ledger. Processes that share a job give it the same.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Its name in the ledger.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The column.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// What is done to each row.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Whether another column is written than the one that is read.
    pub(crate) fn is_between_columns(&self) -> bool {
        self.description.target() != self.description.column
    }

    /// What the ledger keeps, to tell whether two jobs are one.
    pub(crate) fn as_json(&self) -> Result<String> {
        #[derive(Serialize)]
        struct Kept<'a> {
            operation: String,
            #[serde(flatten)]
            description: &'a Description,
        }
        let kept = Kept { operation: self.operation.name(), description: &self.description };
        serde_json::to_string(&kept)
            .map_err(|error| Error::job(format!("the job can't be written as JSON: {error}")))
    }
}
