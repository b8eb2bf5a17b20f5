//! The plaintext type: what a field holds in memory.

use crate::check::options::Plain;
use crate::check::types::{bare, bare_name, inside_option, inside_secret, written};
use crate::errors::Errors;
use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{GenericParam, Generics, Type};

/// Whether the plaintext type can be stored; what is left is for the `Plaintext` trait to refuse.
pub(super) fn check_plain(plain: &Plain, generics: &Generics, errors: &mut Errors) -> bool {
    let ty = bare(&plain.ty);
    let name = bare_name(ty).map(ToString::to_string);
    let message = match (ty, name.as_deref()) {
        (Type::Reference(_) | Type::Slice(_), _) | (_, Some("str")) => borrowed(ty),
        _ if inside_option(ty).is_some() && !plain.json => {
            let inner = inside_option(ty).map(written).unwrap_or_default();
            format!(
                "write `Option` around the field's type instead, and here `{inner}`: NULL stays NULL"
            )
        }
        _ if inside_secret(ty).is_some() => {
            let inner = inside_secret(ty).map(written).unwrap_or_default();
            format!("the derive puts `Secret` around the plaintext type: write `{inner}`")
        }
        _ => return independent(ty, generics, errors),
    };
    errors.add(ty, message);
    false
}

fn borrowed(ty: &Type) -> String {
    let referred = match ty {
        Type::Reference(r) => bare(&r.elem),
        other => other,
    };
    let owned = match referred {
        Type::Slice(slice) => format!("Vec<{}>", written(&slice.elem)),
        _ if bare_name(referred).is_some_and(|n| n == "str") => "String".into(),
        _ => written(referred),
    };
    format!("the field owns what it holds: write `{owned}`")
}

/// The declared type stands beside the struct, outside the reach of its parameters.
fn independent(ty: &Type, generics: &Generics, errors: &mut Errors) -> bool {
    let mut names: Vec<String> = vec!["Self".into()];
    names.extend(generics.params.iter().filter_map(|p| match p {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(t) => Some(t.ident.to_string()),
        GenericParam::Const(c) => Some(c.ident.to_string()),
    }));
    let found = mention(ty.to_token_stream(), &names);
    if let Some((at, name)) = &found {
        let message = format!(
            "`{name}` is not in reach of the type declared for this field: write a type without it"
        );
        errors.add(at, message);
    }
    found.is_none()
}

/// The first use of one of `names`, or of a lifetime that is not `'static`.
fn mention(tokens: TokenStream, names: &[String]) -> Option<(TokenStream, String)> {
    let mut before = [' '; 2];
    for token in tokens {
        match &token {
            TokenTree::Group(group) => {
                if let Some(found) = mention(group.stream(), names) {
                    return Some(found);
                }
            }
            TokenTree::Ident(ident) if before[1] == '\'' && ident != "static" => {
                return Some((quote!(#ident), format!("'{ident}")));
            }
            TokenTree::Ident(ident)
                if !matches!(before, [':', ':'] | [_, '\''])
                    && names.iter().any(|n| ident == n) =>
            {
                return Some((quote!(#ident), ident.to_string()));
            }
            _ => {}
        }
        let last = if let TokenTree::Punct(p) = &token { p.as_char() } else { ' ' };
        before = [before[1], last];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn parameters_are_found_where_they_are_meant() {
        let names = ["T".to_owned()];
        let finds = |ty: Type| mention(ty.to_token_stream(), &names).map(|(_, name)| name);
        assert_eq!(finds(parse_quote!(Vec<T>)).as_deref(), Some("T"));
        assert_eq!(finds(parse_quote!([T; 2])).as_deref(), Some("T"));
        assert_eq!(finds(parse_quote!(Cow<'a, str>)).as_deref(), Some("'a"));
        assert_eq!(finds(parse_quote!(Cow<'static, str>)), None);
        assert_eq!(finds(parse_quote!(module::T)), None);
    }
}
