//! Derives of traits that come with `Encrypted`, on a newtype. rustc reports the second
//! implementation, and does not say that the first one is ours.
//!
//! A name is taken for the trait of the standard library, unless the file imports another one. (An
//! import by `*` of a derive that has this name and implements another trait is not seen.)

use crate::check::source::{Place, Source};
use crate::errors::Errors;
use proc_macro2::Span;
use syn::{DeriveInput, Ident, Path};

/// A trait that another derive implements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Derived {
    Clone,
    Debug,
    PartialEq,
    Eq,
}

const ALL: [(Derived, &str); 4] = [
    (Derived::Clone, "Clone"),
    (Derived::Debug, "Debug"),
    (Derived::PartialEq, "PartialEq"),
    (Derived::Eq, "Eq"),
];

/// Reports those that stand above the struct.
pub(super) fn check(
    input: &DeriveInput,
    source: Option<&Source>,
    errors: &mut Errors,
) -> Vec<Derived> {
    let found = source.and_then(|source| find(input, source)).unwrap_or_default();
    if !found.is_empty() {
        let names: Vec<String> =
            ALL.iter().filter(|(d, _)| found.contains(d)).map(|(_, n)| format!("`{n}`")).collect();
        // Where the list is: the word `Encrypted` in it.
        let list = Ident::new("Encrypted", input.ident.span().located_at(Span::call_site()));
        errors.add(list, message(&names));
    }
    found
}

fn find(input: &DeriveInput, source: &Source) -> Option<Vec<Derived>> {
    if !source.has_above(&ALL.map(|(_, name)| name)) {
        return None;
    }
    Some(derived(&source.place(input)?))
}

fn derived(place: &Place) -> Vec<Derived> {
    let paths = place.derives();
    let is_derived = |name: &str| {
        paths.iter().any(|path| match path.get_ident() {
            Some(ident) => ident == name && !place.imports(name),
            None => is_of_std(path, name),
        })
    };
    ALL.iter().filter(|(_, name)| is_derived(name)).map(|(derived, _)| *derived).collect()
}

fn is_of_std(path: &Path, name: &str) -> bool {
    let (first, last) = (path.segments.first(), path.segments.last());
    first.is_some_and(|s| s.ident == "std" || s.ident == "core")
        && last.is_some_and(|s| s.ident == name)
}

fn message(names: &[String]) -> String {
    match names {
        [one] => format!("{one} comes with `Encrypted`: remove it from `#[derive(…)]`"),
        [first @ .., last] => {
            let first = first.join(", ");
            format!("{first} and {last} come with `Encrypted`: remove them from `#[derive(…)]`")
        }
        [] => String::new(),
    }
}
