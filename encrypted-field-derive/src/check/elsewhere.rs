//! A type that another struct of the same scope declares already, which rustc would report once for
//! each of its impls.
//!
//! A macro sees one struct. So what was declared is remembered, by file, as long as the compiler
//! runs, and the file is asked whether the two structs stand side by side: in two modules, or under
//! a `cfg`, they may well declare types of one name. In doubt nothing is said here, and rustc
//! speaks.

use crate::check::source::{self, Source, attributes_above, file_of, is_input_of_macro};
use crate::check::types::{bare, bare_name, inside_option};
use crate::errors::Errors;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use syn::{DeriveInput, FieldsNamed, Ident};

/// One type that a struct declared.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Declared {
    pub(super) name: String,
    /// The struct; the type itself where it is a newtype.
    pub(super) by: String,
    pub(super) context: Option<String>,
}

static SEEN: Mutex<Vec<(PathBuf, Declared)>> = Mutex::new(Vec::new());

/// Whether nothing else declares the type; reports it on `name` otherwise.
pub(super) fn check(
    (input, source): (&DeriveInput, Option<&Source>),
    name: &Ident,
    declared: &Declared,
    errors: &mut Errors,
) -> bool {
    if let Some(item) = source.and_then(|source| item(input, source, name)) {
        let other = Declared {
            name: declared.name.clone(),
            by: declared.name.clone(),
            context: item.context(),
        };
        errors.add(
            name,
            if item.newtype { already(&other, declared) } else { is_item(item.keyword, declared) },
        );
        return false;
    }
    let Some(other) = file_of(name).and_then(|file| other(file, declared)) else { return true };
    errors.add(name, already(&other, declared));
    false
}

fn already(other: &Declared, declared: &Declared) -> String {
    let name = &declared.name;
    let by = if other.by == other.name { "a newtype" } else { &format!("`{}`", other.by) };
    let fix = if declared.by == declared.name {
        "remove this struct, or write another name".to_owned()
    } else if other.context == declared.context {
        "remove `#[encrypted(…)]` here, and the field has that type".to_owned()
    } else {
        let column = other.context.as_ref();
        let column = column.map_or("another column".to_owned(), |column| format!("`{column}`"));
        format!("that is for {column}, so write a new name here, `{}{name}`", declared.by)
    };
    format!("`{name}` is declared by {by} already: {fix}")
}

fn is_item(keyword: &str, declared: &Declared) -> String {
    let Declared { name, by, .. } = declared;
    let article = if keyword == "enum" { "an" } else { "a" };
    format!(
        "`{name}` is {article} {keyword} here already, and the derive declares this field's type: write a new \
         name, `{by}{name}`, or remove `#[encrypted]` if the field has that type"
    )
}

/// An item that has the name of the type, beside the struct. The newtype itself is none.
fn item(input: &DeriveInput, source: &Source, name: &Ident) -> Option<source::Item> {
    if input.ident == *name {
        return None;
    }
    let name = name.to_string();
    if !source.has_item(source::ITEMS, &name) {
        return None;
    }
    source.place(input)?.beside(&name)
}

/// Remembers the type, and gives one of its name beside it.
fn other(file: PathBuf, declared: &Declared) -> Option<Declared> {
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let before: Vec<Declared> = seen
        .iter()
        .filter(|(at, other)| *at == file && other.name == declared.name && other.by != declared.by)
        .map(|(_, other)| other.clone())
        .collect();
    let this = (file, declared.clone());
    if !before.is_empty() {
        let source: TokenStream = std::fs::read_to_string(&this.0).ok()?.parse().ok()?;
        let beside = |other: &Declared| side_by_side(&source, [other, declared]);
        if let Some(other) = before.into_iter().find(beside) {
            return Some(other);
        }
    }
    if !seen.contains(&this) {
        seen.push(this);
    }
    None
}

/// Whether some scope in these tokens has both structs.
fn side_by_side(scope: &TokenStream, both: [&Declared; 2]) -> bool {
    let tokens: Vec<TokenTree> = scope.clone().into_iter().collect();
    let here = |one: &Declared| (0..tokens.len()).any(|at| declares(&tokens, at, one));
    both.into_iter().all(here)
        || (0..tokens.len()).any(|at| match &tokens[at] {
            TokenTree::Group(group) if !is_input_of_macro(&tokens[..at]) => {
                side_by_side(&group.stream(), both)
            }
            _ => false,
        })
}

/// Whether the struct stands at this place, without a `cfg`, and declares the type.
fn declares(tokens: &[TokenTree], at: usize, declared: &Declared) -> bool {
    let is = |at: usize, word: &str| matches!(tokens.get(at), Some(TokenTree::Ident(ident)) if ident == word);
    if !is(at, "struct") || !is(at + 1, &declared.by) || is_under_cfg(&tokens[..at]) {
        return false;
    }
    let group = tokens[at..].iter().find_map(|token| match token {
        TokenTree::Group(group) => Some(group),
        _ => None,
    });
    match group {
        Some(group) if group.delimiter() == Delimiter::Parenthesis => declared.by == declared.name,
        Some(group) => has_field(TokenTree::Group(group.clone()).into(), &declared.name),
        None => false,
    }
}

fn has_field(body: TokenStream, name: &str) -> bool {
    let Ok(fields) = syn::parse2::<FieldsNamed>(body) else { return false };
    fields.named.iter().any(|field| {
        let ty = bare(&field.ty);
        let has = |attribute: &str| field.attrs.iter().any(|a| a.path().is_ident(attribute));
        has("encrypted")
            && !has("cfg")
            && bare_name(inside_option(ty).unwrap_or(ty)).is_some_and(|ident| ident == name)
    })
}

/// Whether one of the attributes that end here is `#[cfg(…)]`.
fn is_under_cfg(before: &[TokenTree]) -> bool {
    attributes_above(before).iter().any(|token| match token {
        TokenTree::Group(group) => matches!(
            group.stream().into_iter().next(),
            Some(TokenTree::Ident(ident)) if ident == "cfg"
        ),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(by: &str) -> Declared {
        Declared { name: "Token".into(), by: by.into(), context: None }
    }

    fn beside(source: &str) -> bool {
        let source = source.parse().expect(source);
        side_by_side(&source, [&declared("User"), &declared("NewUser")])
    }

    const USER: &str = "#[derive(Encrypted)] pub(crate) struct User { id: i32, #[encrypted(String)] token: Token }";
    const NEW: &str = "#[derive(Encrypted)] struct NewUser<'a> where u8: Copy \
                       { #[encrypted(String)] pub token: Option<Token>, x: &'a str }";

    #[test]
    fn two_structs_of_one_scope() {
        assert!(beside(&format!("use a::b; {USER} fn f() {{}} {NEW}")));
        assert!(beside(&format!("{NEW} {USER}")));
        assert!(beside(&format!("mod a {{ mod b {{ {USER} {NEW} }} }}")));
        assert!(beside(&format!("fn f() {{ {USER} {{ 1 }} {NEW} }}")));
    }

    #[test]
    fn a_newtype_and_a_struct() {
        let source = format!("struct Token(Secret<String>); {USER}").parse().expect("tokens");
        assert!(side_by_side(&source, [&declared("Token"), &declared("User")]));
        let source = format!("struct Token {{}} {USER}").parse().expect("tokens");
        assert!(!side_by_side(&source, [&declared("Token"), &declared("User")]));
    }

    #[test]
    fn what_may_be_apart_is_not_claimed() {
        for source in [
            format!("mod a {{ {USER} }} mod b {{ {NEW} }}"),
            format!("{USER} mod b {{ {NEW} }}"),
            format!("{USER} fn f() {{ {NEW} }}"),
            format!("each_in_a_module! {{ {USER} {NEW} }}"),
            format!("macro_rules! models {{ () => {{ {USER} {NEW} }} }}"),
            format!("#[cfg(a)] {USER} {NEW}"),
            format!("{USER} #[cfg(a)] {NEW}"),
            format!("{USER} struct NewUser {{ token: Token }}"),
            format!("{USER} struct NewUser {{ #[encrypted(String)] #[cfg(a)] token: Token }}"),
            format!("{USER} struct NewUser {{ #[encrypted(String)] token: Other }}"),
            USER.to_owned(),
        ] {
            assert!(!beside(&source), "{source}");
        }
    }

    /// The `cfg` of the item before is none of this one.
    #[test]
    fn a_cfg_elsewhere_does_not_count() {
        assert!(beside(&format!("#[cfg(a)] use b; {USER} #[cfg(a)] fn f() {{}} {NEW}")));
        assert!(beside(&format!("#[cfg(a)] struct Unit; {USER} #[cfg(a)] mod m {{}} {NEW}")));
    }
}
