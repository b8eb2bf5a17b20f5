//! The type that the derive declares for a field: a bare new name, such as `BotToken`, or `Option`
//! of one.

use crate::case::Case;
use crate::check::options::Plain;
use crate::check::types::{STD, VALUES, bare, bare_name, inside_option, last_segment, wrapper};
use crate::errors::Errors;
use syn::ext::IdentExt;
use syn::{GenericParam, Generics, Ident, Type};

/// What is known of the field whose type is to be declared.
pub(super) struct Wanted<'a> {
    pub(super) field: &'a Ident,
    pub(super) model: &'a Ident,
    pub(super) generics: &'a Generics,
    pub(super) plain: Option<&'a Plain>,
}

/// The new name. After an error too, if one can be made out, so that other code still finds the
/// type.
pub(super) fn declared_name(ty: &Type, wanted: &Wanted, errors: &mut Errors) -> Option<Ident> {
    let inner = bare(inside_option(ty).unwrap_or(ty));
    let suggestion = wanted.suggestion();
    if let Some(name) = bare_name(inner) {
        let mistake = wanted.mistake(name, &suggestion);
        if let Some(message) = &mistake {
            errors.add(inner, message);
        }
        return mistake.is_none().then(|| name.clone());
    }
    // A name inside, as in `Box<BotToken>`, is likely to be new.
    let stub = wrapper(inner).and_then(|(_, argument)| bare_name(argument));
    let elsewhere = format!(
        "write a new name, {suggestion}, or remove `#[encrypted]` if the type is declared elsewhere"
    );
    let message = match inner {
        Type::Reference(_) => {
            format!("the derive declares this field's type, which is no reference: {elsewhere}")
        }
        Type::Path(_) if inside_option(ty).is_some() && inside_option(inner).is_some() => {
            "the outer `Option` is NULL, and a column has no second one: write one `Option`"
                .to_owned()
        }
        Type::Path(path) if stub.is_none() && path.path.segments.len() > 1 => {
            format!(
                "a path names a type that exists, and the derive declares this one: {elsewhere}"
            )
        }
        _ => format!("the derive declares this field's type: write a new name, {suggestion}"),
    };
    errors.add(inner, message);
    stub.filter(|name| wanted.mistake(name, "").is_none()).cloned()
}

impl Wanted<'_> {
    /// `BotToken` for `bot_token`, as code; with the model's name before it where that is taken.
    fn suggestion(&self) -> String {
        let mut name = Case::Pascal.apply(&self.field.unraw().to_string());
        let taken = |n: &str| {
            STD.contains(&n)
                || VALUES.contains(&n)
                || self.model == n
                || syn::parse_str::<Ident>(n).is_err()
        };
        if taken(&name) {
            name = format!("{}{name}", self.model.unraw());
        }
        format!("`{name}`")
    }

    /// Why this name cannot be declared.
    fn mistake(&self, name: &Ident, suggestion: &str) -> Option<String> {
        let text = name.to_string();
        let plain = self.plain.map(|p| bare(&p.ty));
        let same_value = VALUES.contains(&&*text)
            && plain.and_then(last_segment).is_some_and(|last| last == name);
        let parameter = |p: &GenericParam| matches!(p, GenericParam::Type(t) if t.ident == *name);
        let why = if STD.contains(&&*text) || same_value || plain.and_then(bare_name) == Some(name)
        {
            "is what the field holds, and here goes the type that the derive declares for it"
        } else if name == self.model {
            "is the struct itself"
        } else if self.generics.params.iter().any(parameter) {
            "is a parameter of the struct"
        } else {
            return None;
        };
        Some(format!("`{name}` {why}: write a new name, {suggestion}"))
    }
}
