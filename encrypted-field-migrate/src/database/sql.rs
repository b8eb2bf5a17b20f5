//! A statement, and what is bound to it.

use std::fmt;

use crate::decide::Bytes;

/// What is bound to a statement.
#[derive(Clone)]
pub(crate) enum Value {
    Integer(i64),
    Real(f64),
    Text(String),
    Bytes(Bytes),
    /// Arrays, on PostgreSQL.
    Texts(Vec<String>),
    Blobs(Vec<Bytes>),
}

/// Without what may be a secret.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Integer(_) => "Integer",
            Self::Real(_) => "Real",
            Self::Text(_) => "Text",
            Self::Bytes(_) => "Bytes",
            Self::Texts(_) => "Texts",
            Self::Blobs(_) => "Blobs",
        })
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

/// A statement in the making. Names and expressions are appended as text; data is bound.
#[derive(Debug)]
pub(crate) struct Sql {
    pub(crate) text: String,
    pub(crate) values: Vec<Value>,
    /// How the database writes a place for a value: numbered, or not.
    numbered: bool,
    /// Whether the statement comes again in the same words, and is worth being prepared.
    pub(crate) again: bool,
}

impl Sql {
    pub(crate) fn new(numbered: bool, text: impl Into<String>) -> Self {
        Self { text: text.into(), values: Vec::new(), numbered, again: true }
    }

    /// Of a statement whose words depend on the number of rows.
    pub(crate) fn once(mut self) -> Self {
        self.again = false;
        self
    }

    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Binds a value, and gives the text that stands for it.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        if self.numbered { format!("${}", self.values.len()) } else { "?".to_owned() }
    }

    /// Binds a value and appends its place.
    pub(crate) fn value(&mut self, value: impl Into<Value>) -> &mut Self {
        let place = self.bind(value);
        self.push(&place)
    }
}
