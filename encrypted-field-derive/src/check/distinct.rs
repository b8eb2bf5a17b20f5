//! What must differ from field to field: the declared types, and the contexts, which keep a
//! ciphertext in its column.

use crate::check::options::Options;
use crate::errors::Errors;
use quote::ToTokens;
use std::collections::{HashMap, HashSet};
use syn::{Ident, LitStr};

#[derive(Default)]
pub(super) struct Seen {
    types: HashSet<String>,
    /// Contexts in use, each with its field.
    contexts: HashMap<String, String>,
    /// Previous contexts, each with the present one of its field.
    previous: Vec<(LitStr, Option<String>)>,
}

impl Seen {
    pub(super) fn new_type(&mut self, name: &Ident, errors: &mut Errors) -> bool {
        let new = self.types.insert(name.to_string());
        if !new {
            errors.add(
                name,
                format!(
                    "`{name}` is the type of another field here: write a new name for this one"
                ),
            );
        }
        new
    }

    pub(super) fn contexts(
        &mut self,
        field: &Ident,
        context: Option<&str>,
        options: &Options,
        errors: &mut Errors,
    ) {
        let mut own = HashSet::new();
        for previous in &options.previous {
            if own.insert(previous.value()) {
                self.previous.push((previous.clone(), context.map(ToOwned::to_owned)));
            } else {
                errors.add(previous, "this previous context is given twice: keep one");
            }
        }
        let Some(context) = context else { return };
        if let Some(other) = self.contexts.get(context) {
            let at = options
                .context
                .as_ref()
                .map_or_else(|| field.to_token_stream(), ToTokens::to_token_stream);
            let message = format!(
                "`{context}` is the context of `{other}` already, so a ciphertext could be moved from one to the \
                 other: write a `context` of its own"
            );
            errors.add(at, message);
        } else {
            self.contexts.insert(context.to_owned(), field.to_string());
        }
    }

    /// Once all fields are known, since the one whose context is meant may come later.
    pub(super) fn check_previous(&self, errors: &mut Errors) {
        let mut before = HashSet::new();
        for (previous, present) in &self.previous {
            let value = previous.value();
            if !before.insert(value.clone()) {
                let message = "this is a previous context of another field too, whose old ciphertexts would open here: \
                               keep it on the one that had it";
                errors.add(previous, message);
            }
            if present.as_ref() == Some(&value) {
                errors.add(
                    previous,
                    "this is the present context: remove it, or write the one before",
                );
            } else if let Some(field) = self.contexts.get(&value) {
                let message = format!(
                    "this is the context of `{field}`, whose ciphertexts would open here: remove it, or give `{field}` a \
                     `context` of its own"
                );
                errors.add(previous, message);
            }
        }
    }
}
