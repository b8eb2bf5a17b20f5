//! What the entries of one `#[encrypted(…)]` mean: names known, values of the right kind, nothing
//! said twice.

use crate::check::row;
use crate::check::scopes::{self, Scope};
use crate::check::{Legacy, Serialize, Storage, types};
use crate::errors::Errors;
use crate::names::{self, Place};
use crate::parse::{Attributes, Entry, Value};
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::Parser as _;
use syn::{Ident, LitStr, Path, Type};

/// Options as given. One whose value was refused is absent, and its error is reported.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) plain: Option<Plain>,
    /// Whether something was written in its place, even if it was refused.
    pub(crate) plain_given: bool,
    pub(crate) context: Option<LitStr>,
    pub(crate) previous: Vec<LitStr>,
    pub(crate) scope: Option<Scope>,
    pub(crate) previous_scopes: Vec<LitStr>,
    pub(crate) storage: Option<Storage>,
    pub(crate) serialize: Option<Serialize>,
    pub(crate) legacy: Option<Legacy>,
    pub(crate) pg_array: bool,
    pub(crate) table: Option<LitStr>,
    pub(crate) primary_key: Option<Vec<Ident>>,
    pub(crate) krate: Option<Path>,
    seen: Vec<String>,
    /// Options that misspelt ones were taken for.
    meant: Vec<&'static str>,
}

/// The plaintext type.
#[derive(Clone)]
pub(crate) struct Plain {
    pub(crate) ty: Type,
    /// Encoded by serde as JSON: `json = TYPE`
    pub(crate) json: bool,
}

impl Plain {
    /// `Text<T>`, by this name.
    pub(crate) fn is_text(&self) -> bool {
        !self.json && types::inside_text(&self.ty).is_some()
    }

    /// The feature of encrypted-field that the type needs, by how it is written.
    pub(crate) fn feature(&self) -> Option<&'static str> {
        (!self.json).then(|| types::feature(&self.ty)).flatten()
    }

    /// What the application handles: `T` of `Text<T>`.
    pub(crate) fn value(&self) -> &Type {
        types::inside_text(&self.ty).filter(|_| self.is_text()).unwrap_or(&self.ty)
    }
}

impl Options {
    pub(crate) fn read(attribute: Option<&Attributes>, place: Place, errors: &mut Errors) -> Self {
        let mut options = Options::default();
        for entry in attribute.map_or(&[][..], |a| &a.entries) {
            match entry {
                Entry::Type(ty) => options.take_type(ty, place, errors),
                Entry::Option(name, value) => options.take(name, value, place, errors),
            }
        }
        options
    }

    /// Whether the option was written, even if its value was refused or it was misspelt.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.seen.iter().any(|s| s == name) || self.meant.contains(&name)
    }

    fn take_type(&mut self, ty: &Type, place: Place, errors: &mut Errors) {
        self.plain_given = true;
        if let Some(word) = types::bare_name(ty)
            && (types::is_stray_word(word) && (self.plain.is_some() || place != Place::Field)
                || names::nearest(&word.to_string(), place.options()).is_some()
                    && types::is_stray_word(word))
        {
            return self.meant.extend(unknown(word, place, errors));
        }
        match place {
            Place::Model => errors.add(
                ty,
                "the plaintext type belongs to one field: write `#[encrypted(…)]` above that field",
            ),
            Place::Newtype => {
                errors.add(ty, "remove this: the plaintext type is the one inside `Secret<…>`");
            }
            Place::Field => self.set_plain(Plain { ty: ty.clone(), json: false }, ty, errors),
        }
    }

    fn set_plain(&mut self, plain: Plain, at: impl ToTokens, errors: &mut Errors) {
        match &self.plain {
            Some(first) if first.json != plain.json => {
                errors.add(at, "a plaintext type and `json = …` exclude each other: keep one");
            }
            Some(_) => errors.add(at, "the plaintext type is given twice: keep one"),
            None => self.plain = Some(plain),
        }
    }

    fn take(&mut self, name: &Ident, value: &Value, place: Place, errors: &mut Errors) {
        let key = name.to_string();
        self.plain_given |= matches!(&*key, "json" | "type" | "ty");
        if !place.options().contains(&&*key) {
            return self.meant.extend(misplaced(name, place, errors));
        }
        if self.seen.contains(&key) && !matches!(&*key, "previous_context" | "previous_scope") {
            let joint = if key == "json" { "give the type once" } else { "keep one" };
            return errors.add(name, format!("`{key}` is given twice: {joint}"));
        }
        match &*key {
            "context" => self.context = context(name, value, errors),
            "previous_context" => self.previous.extend(context(name, value, errors)),
            "scope" => self.scope = scopes::scope(name, value, errors),
            "previous_scope" => {
                self.previous_scopes.extend(scopes::previous_scope(name, value, errors));
            }
            "table" => self.table = table(name, value, errors),
            "primary_key" => self.primary_key = primary_key(name, value, errors),
            "storage" => {
                let all = [("text", Storage::Text), ("binary", Storage::Binary)];
                self.storage = choice(name, value, &all, errors);
            }
            "serialize" => {
                let all = [
                    ("sealed", Serialize::Sealed),
                    ("redacted", Serialize::Redacted),
                    ("plaintext", Serialize::Plaintext),
                    ("custom", Serialize::Custom),
                ];
                self.serialize = choice(name, value, &all, errors);
            }
            "legacy" => {
                let path = path(
                    name,
                    value,
                    "the path of a function, `legacy = crate::old::read`, or `plaintext`",
                    errors,
                );
                self.legacy = path.map(|p| {
                    if p.is_ident("plaintext") { Legacy::Plaintext } else { Legacy::Reader(p) }
                });
            }
            "crate" => {
                self.krate =
                    path(name, value, "a path, such as `crate = ::encrypted_field`", errors);
            }
            "pg_array" => match value {
                Value::None => self.pg_array = true,
                _ => errors.add(name, "`pg_array` takes no value: write it alone"),
            },
            "json" => match value {
                Value::Type(ty) => {
                    self.set_plain(Plain { ty: (**ty).clone(), json: true }, name, errors);
                }
                _ => errors.add(
                    name,
                    "`json` takes a type that serde can read and write: `json = Profile`",
                ),
            },
            _ => {}
        }
        self.seen.push(key);
    }
}

/// An option that has no meaning here. Gives the one that is meant.
fn misplaced(name: &Ident, place: Place, errors: &mut Errors) -> Option<&'static str> {
    let key = name.to_string();
    let message = match (&*key, place) {
        (key, _) if names::is_reserved(key) => {
            format!("`{key}` is reserved for a later release and not available yet: remove it")
        }
        ("table", Place::Field) => {
            "`table` holds for the whole struct: write `#[encrypted(table = \"…\")]` above the struct".into()
        }
        ("crate", Place::Field) => {
            "`crate` holds for the whole struct: write `#[encrypted(crate = …)]` above the struct".into()
        }
        ("primary_key", Place::Field) => {
            "`primary_key` holds for the whole struct: write `#[encrypted(primary_key(…))]` above the struct".into()
        }
        ("primary_key", Place::Newtype) => "a newtype belongs to no table: remove this".into(),
        ("table", Place::Newtype) => {
            "a newtype belongs to no table: remove this and write `context = \"table.column\"`".into()
        }
        ("json", Place::Newtype) => {
            "remove this: the plaintext type is the one inside `Secret<…>`, for JSON `Secret<Json<Profile>>`"
                .into()
        }
        ("type" | "ty", Place::Field) => "write the plaintext type alone: `#[encrypted(String)]`".into(),
        (key, Place::Model) if names::is_option(key) => {
            format!("`{key}` belongs to one field: write it in the `#[encrypted(…)]` above that field")
        }
        _ => return unknown(name, place, errors),
    };
    errors.add(name, message);
    None
}

fn unknown(name: &Ident, place: Place, errors: &mut Errors) -> Option<&'static str> {
    let all = names::one_of(place.options());
    let near = names::nearest(&name.to_string(), place.options());
    let message = match near {
        Some(near) => {
            format!("unknown option `{name}`: write `{near}`? (the options here are {all})")
        }
        None => format!("unknown option `{name}`: write one of {all}"),
    };
    errors.add(name, message);
    near
}

/// The bare word after `=`.
pub(super) fn word(value: &Value) -> Option<Ident> {
    let Value::Given(tokens) = value else { return None };
    syn::parse2(tokens.clone()).ok()
}

/// The string after `=`.
pub(super) fn text(name: &Ident, value: &Value, errors: &mut Errors) -> Option<LitStr> {
    let Value::Given(tokens) = value else {
        errors.add(name, format!("`{name}` takes a string: write `{name} = \"…\"`"));
        return None;
    };
    if let Ok(text) = syn::parse2::<LitStr>(tokens.clone()) {
        return Some(text);
    }
    match word(value) {
        Some(word) => {
            errors.add(tokens, format!("write the value in quotes: `{name} = \"{word}\"`"));
        }
        None => errors.add(tokens, format!("`{name}` takes a string: write `{name} = \"…\"`")),
    }
    None
}

fn context(name: &Ident, value: &Value, errors: &mut Errors) -> Option<LitStr> {
    let text = text(name, value, errors)?;
    match context_mistake(&text.value()) {
        Some(mistake) => errors.add(&text, format!("{mistake}: write `{name} = \"table.column\"`")),
        None => return Some(text),
    }
    None
}

/// A context is hashed as it stands and its length is counted; the limit keeps it a name.
pub(super) fn context_mistake(context: &str) -> Option<&'static str> {
    if context.is_empty() {
        Some("an empty context does not tell one column from another")
    } else if context.len() > 65535 {
        Some("a context has at most 65535 bytes")
    } else if context.contains(char::is_control) {
        Some("a context has no control characters")
    } else {
        None
    }
}

fn table(name: &Ident, value: &Value, errors: &mut Errors) -> Option<LitStr> {
    let text = text(name, value, errors)?;
    match table_mistake(&text.value()) {
        Some(mistake) => errors.add(&text, mistake),
        None => return Some(text),
    }
    None
}

pub(super) fn table_mistake(table: &str) -> Option<&'static str> {
    if table.is_empty() {
        Some("an empty table name: write the table's name")
    } else if table.contains('.') {
        // `a.b` + `c` and `a` + `b.c` would be one context.
        Some(
            "a table name has no dots: write it without the schema, or give each field its `context = \"…\"`",
        )
    } else if table.contains(char::is_control) {
        Some("a table name has no control characters: write the table's name")
    } else {
        None
    }
}

fn primary_key(name: &Ident, value: &Value, errors: &mut Errors) -> Option<Vec<Ident>> {
    let fields = match value {
        Value::List(list) => {
            let group = syn::parse2::<proc_macro2::Group>(list.clone());
            group.and_then(|group| row::Names::parse_terminated.parse2(group.stream())).ok()
        }
        _ => None,
    };
    match fields {
        Some(fields) if !fields.is_empty() => Some(fields.into_iter().collect()),
        _ => {
            let at = match value {
                Value::Given(at) | Value::List(at) => at.clone(),
                _ => name.to_token_stream(),
            };
            errors.add(at, "`primary_key` takes fields in parentheses: write `primary_key(id)`");
            None
        }
    }
}

fn choice<T: Clone>(
    name: &Ident,
    value: &Value,
    all: &[(&str, T)],
    errors: &mut Errors,
) -> Option<T> {
    let text = text(name, value, errors)?;
    let found = all.iter().find(|(word, _)| *word == text.value());
    if found.is_none() {
        let words: Vec<String> =
            all.iter().map(|(word, _)| format!("{name} = \"{word}\"")).collect();
        let words: Vec<&str> = words.iter().map(|w| &**w).collect();
        errors.add(&text, format!("write {}", names::one_of(&words)));
    }
    found.map(|(_, value)| value.clone())
}

fn path(name: &Ident, value: &Value, takes: &str, errors: &mut Errors) -> Option<Path> {
    let at = match value {
        Value::Given(tokens) => match syn::parse2(tokens.clone()) {
            Ok(path) => return Some(path),
            Err(_) => tokens.clone(),
        },
        _ => TokenStream::from_iter([proc_macro2::TokenTree::from(name.clone())]),
    };
    errors.add(at, format!("`{name}` takes {takes}"));
    None
}
