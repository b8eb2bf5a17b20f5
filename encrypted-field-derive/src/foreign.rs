//! What the attributes of other derives say: `#[diesel(…)]`, `#[sqlx(…)]`, `#[sea_orm(…)]`.
//!
//! They are read leniently. Their own derives refuse what is wrong in them, and may know keys that
//! are not known here.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Attribute, LitStr, Path, Token};

/// One `key`, `key = value` or `key(…)`.
pub(crate) struct Part {
    pub(crate) key: Ident,
    value: TokenStream,
}

pub(crate) struct Foreign {
    pub(crate) diesel: Vec<Part>,
    pub(crate) sqlx: Vec<Part>,
    pub(crate) sea_orm: Vec<Part>,
}

impl Foreign {
    pub(crate) fn new(attrs: &[Attribute]) -> Self {
        Foreign {
            diesel: parts(attrs, "diesel"),
            sqlx: parts(attrs, "sqlx"),
            sea_orm: parts(attrs, "sea_orm"),
        }
    }
}

impl Part {
    pub(crate) fn path(&self) -> Option<Path> {
        syn::parse2(self.value.clone()).ok()
    }

    /// The names in parentheses.
    pub(crate) fn names(&self) -> Option<Vec<Ident>> {
        let group = syn::parse2::<proc_macro2::Group>(self.value.clone()).ok()?;
        let names = Punctuated::<Ident, Token![,]>::parse_terminated.parse2(group.stream());
        names.ok().map(|names| names.into_iter().collect())
    }

    /// What an identifier, a path (its last segment) or a string names.
    pub(crate) fn name(&self) -> Option<String> {
        if let Some(path) = self.path() {
            return path.segments.last().map(|s| s.ident.unraw().to_string());
        }
        let text = syn::parse2::<LitStr>(self.value.clone()).ok()?.value();
        Some(text.strip_prefix("r#").map_or(text.clone(), ToString::to_string))
    }
}

/// For a span on all of it.
impl ToTokens for Part {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.key.to_tokens(tokens);
        self.value.to_tokens(tokens);
    }
}

pub(crate) fn find<'a>(parts: &'a [Part], key: &str) -> Option<&'a Part> {
    parts.iter().find(|p| p.key == key)
}

fn parts(attrs: &[Attribute], of: &str) -> Vec<Part> {
    let lists =
        attrs.iter().filter(|a| a.path().is_ident(of)).filter_map(|a| a.meta.require_list().ok());
    lists.flat_map(|list| split(list.tokens.clone())).collect()
}

/// At top-level commas. Those between angle brackets split too, into pieces that look like no key
/// of interest.
fn split(tokens: TokenStream) -> Vec<Part> {
    let is_comma = |t: &TokenTree| matches!(t, TokenTree::Punct(p) if p.as_char() == ',');
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    tokens.split(is_comma).filter_map(part).collect()
}

fn part(tokens: &[TokenTree]) -> Option<Part> {
    let (TokenTree::Ident(key), rest) = tokens.split_first()? else { return None };
    let value = match rest {
        [TokenTree::Punct(eq), value @ ..] if eq.as_char() == '=' => value,
        [TokenTree::Group(_)] | [] => rest,
        _ => return None,
    };
    Some(Part { key: key.clone(), value: value.iter().cloned().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn reads_the_keys_it_wants_among_others() {
        let item: syn::ItemStruct = parse_quote! {
            #[diesel(check_for_backend(diesel::pg::Pg), sql_type = Map<A, B>, table_name = crate::schema::r#type)]
            #[sqlx(rename_all = "camelCase", default)]
            #[sea_orm]
            #[other(table_name = no)]
            struct S;
        };
        let foreign = Foreign::new(&item.attrs);
        assert_eq!(
            find(&foreign.diesel, "table_name").and_then(Part::name).as_deref(),
            Some("type")
        );
        assert_eq!(
            find(&foreign.sqlx, "rename_all").and_then(Part::name).as_deref(),
            Some("camelCase")
        );
        assert!(find(&foreign.sqlx, "default").is_some());
        assert!(foreign.sea_orm.is_empty());
    }

    #[test]
    fn column_names_by_identifier_or_string() {
        let item: syn::ItemStruct = parse_quote! {
            #[diesel(column_name = r#type)]
            #[sqlx(rename = "r#type")]
            #[sea_orm(column_name = "lAsT nAmE")]
            struct S;
        };
        let foreign = Foreign::new(&item.attrs);
        let name = |parts, key| find(parts, key).and_then(Part::name);
        assert_eq!(name(&foreign.diesel, "column_name").as_deref(), Some("type"));
        assert_eq!(name(&foreign.sea_orm, "column_name").as_deref(), Some("lAsT nAmE"));
    }
}
