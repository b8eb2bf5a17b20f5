//! Key scopes: whose keys seal a field, and whose still open it.

use crate::check::options::{self, Options};
use crate::errors::Errors;
use crate::names;
use crate::parse::Value;
use std::collections::HashSet;
use syn::{Ident, LitStr};

/// Whose keys a field uses.
#[derive(Clone)]
pub(crate) enum Scope {
    /// `""` is the default scope.
    Named(String),
    /// Those of the scope that is entered.
    Dynamic,
}

/// The value of `scope = …`.
pub(super) fn scope(name: &Ident, value: &Value, errors: &mut Errors) -> Option<Scope> {
    let word = options::word(value);
    if let Some(word) = &word
        && let Some(near) = names::nearest(&word.to_string(), &["dynamic"])
    {
        if word == near {
            return Some(Scope::Dynamic);
        }
        errors.add(word, "write `scope = dynamic`, or the name of a scope in quotes");
        return None;
    }
    if let Value::Given(tokens) = value
        && word.is_none()
        && syn::parse2::<syn::Lit>(tokens.clone()).is_err()
    {
        let message = "`scope` takes the name of a scope in quotes, or the word `dynamic`: for keys of each tenant write \
                       `scope = dynamic`, and enter the tenant's `Scope` around the work";
        errors.add(tokens, message);
        return None;
    }
    let text = options::text(name, value, errors)?;
    let scope = text.value();
    if scope.is_empty() {
        errors.add(&text, "the default scope goes without saying: remove this, or name a scope");
    } else if scope == "dynamic" {
        let message = "for the scope that is entered write `scope = dynamic`, without quotes; a scope of its own can't have \
                       this name: write another";
        errors.add(&text, message);
    } else if is_unusable(&scope) {
        errors.add(&text, format!("{UNUSABLE}: write a name such as `scope = \"slack\"`"));
    } else {
        return Some(Scope::Named(scope));
    }
    None
}

const UNUSABLE: &str = "a scope has no spaces, control characters, `,`, `:` or `@`";

/// What separates the parts of an entry in `ENCRYPTED_FIELD_KEYS` can't be part of a scope there.
fn is_unusable(scope: &str) -> bool {
    scope.contains(|c: char| c.is_control() || c.is_whitespace() || matches!(c, ',' | ':' | '@'))
}

/// The value of `previous_scope = …`.
pub(super) fn previous_scope(name: &Ident, value: &Value, errors: &mut Errors) -> Option<LitStr> {
    if let Some(word) = options::word(value)
        && word == "dynamic"
    {
        let message = "values come from scopes that are known by name: write each, `previous_scope = \"…\"`, the default \
                       one as `\"\"`";
        errors.add(word, message);
        return None;
    }
    let text = options::text(name, value, errors)?;
    if is_unusable(&text.value()) {
        errors.add(
            &text,
            format!("{UNUSABLE}: write the name of the scope before, `\"\"` for the default one"),
        );
        return None;
    }
    Some(text)
}

/// Previous scopes differ from the present one, and from each other.
pub(super) fn check_previous(options: &Options, errors: &mut Errors) {
    let present = match &options.scope {
        Some(Scope::Named(scope)) => Some(&**scope),
        Some(Scope::Dynamic) => None,
        None => (!options.has("scope")).then_some(""),
    };
    let mut seen = HashSet::new();
    for previous in &options.previous_scopes {
        let scope = previous.value();
        if present == Some(&*scope) {
            let message = match present {
                Some("") => {
                    "this is the present scope, the default one: remove it, or write the one before"
                }
                _ => "this is the present scope: remove it, or write the one before",
            };
            errors.add(previous, message);
        } else if !seen.insert(scope) {
            errors.add(previous, "this previous scope is given twice: keep one");
        }
    }
}
