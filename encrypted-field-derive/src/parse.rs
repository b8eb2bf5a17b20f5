//! The input as it was written, with its spans. Only syntax is refused here; what it means is for
//! `check`.

use crate::errors::Errors;
use crate::names;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Result};
use syn::{Attribute, Data, DeriveInput, Fields, Ident, Lit, LitStr, Meta, Token, Type, token};

pub(crate) struct Item<'a> {
    pub(crate) input: &'a DeriveInput,
    /// The struct's own `#[encrypted(…)]`.
    pub(crate) attribute: Option<Attributes<'a>>,
    pub(crate) shape: Shape<'a>,
}

pub(crate) enum Shape<'a> {
    Named(Vec<Field<'a>>),
    Tuple(Vec<Field<'a>>),
    Unit,
    /// An enum or a union, by its keyword.
    Other(&'static str, TokenStream),
}

pub(crate) struct Field<'a> {
    pub(crate) syn: &'a syn::Field,
    pub(crate) attribute: Option<Attributes<'a>>,
}

/// All `#[encrypted(…)]` of one struct or field, as one list.
pub(crate) struct Attributes<'a> {
    pub(crate) first: &'a Attribute,
    pub(crate) entries: Vec<Entry>,
    /// Some of it could not be read, so that what seems missing may not be.
    pub(crate) faulty: bool,
}

pub(crate) enum Entry {
    /// The plaintext type: `String`
    Type(Type),
    /// `context = "…"`, `pg_array`
    Option(Ident, Value),
}

pub(crate) enum Value {
    None,
    /// After `=`, up to the next comma.
    Given(TokenStream),
    /// After `json =`.
    Type(Box<Type>),
    /// In parentheses, with them.
    List(TokenStream),
}

impl<'a> Item<'a> {
    pub(crate) fn new(input: &'a DeriveInput, errors: &mut Errors) -> Self {
        let attribute = Attributes::new(&input.attrs, errors);
        let mut fields = |fields: &'a Fields| -> Vec<Field<'a>> {
            fields
                .iter()
                .map(|f| Field { syn: f, attribute: Attributes::new(&f.attrs, errors) })
                .collect()
        };
        let shape = match &input.data {
            Data::Struct(s) => match &s.fields {
                named @ Fields::Named(_) => Shape::Named(fields(named)),
                tuple @ Fields::Unnamed(_) => Shape::Tuple(fields(tuple)),
                Fields::Unit => Shape::Unit,
            },
            Data::Enum(e) => Shape::Other("enum", e.enum_token.to_token_stream()),
            Data::Union(u) => Shape::Other("union", u.union_token.to_token_stream()),
        };
        Item { input, attribute, shape }
    }
}

/// `#[sea_orm::model]` copies the model, derives and all, into a struct `ModelEx`; `Model` has
/// declared the types.
pub(crate) fn is_sea_orm_copy(input: &DeriveInput) -> bool {
    input.ident == "ModelEx" && input.attrs.iter().any(|a| a.path().is_ident("sea_orm"))
}

impl<'a> Attributes<'a> {
    fn new(attrs: &'a [Attribute], errors: &mut Errors) -> Option<Self> {
        let before = errors.len();
        let mut found: Option<Self> = None;
        for attr in attrs.iter().filter(|a| a.path().is_ident("encrypted")) {
            let entries = &mut found
                .get_or_insert_with(|| Attributes {
                    first: attr,
                    entries: Vec::new(),
                    faulty: false,
                })
                .entries;
            match &attr.meta {
                Meta::Path(_) => {}
                Meta::List(list) => {
                    let read = |input: ParseStream| {
                        entries_until_end(input, entries, errors);
                        Ok(())
                    };
                    if let Err(error) = list.parse_args_with(read) {
                        errors.add(attr, error);
                    }
                }
                Meta::NameValue(pair) => {
                    errors
                        .add(&pair.value, "write the type in parentheses: `#[encrypted(String)]`");
                }
            }
        }
        if let Some(found) = &mut found {
            found.faulty = errors.len() > before;
        }
        found
    }
}

fn entries_until_end(input: ParseStream, entries: &mut Vec<Entry>, errors: &mut Errors) {
    while !input.is_empty() {
        match entry(input, errors) {
            Some(entry) => entries.push(entry),
            None => drop(until_comma(input)),
        }
        // Without its comma, what follows is still read as an entry of its own.
        if !input.is_empty() && input.parse::<Token![,]>().is_err() {
            errors.add(next(input), "expected a comma before this");
        }
    }
}

/// One entry; `None` after a mistake that has been reported.
fn entry(input: ParseStream, errors: &mut Errors) -> Option<Entry> {
    if input.peek(Ident::peek_any) {
        let ahead = input.fork();
        let name = ahead.call(Ident::parse_any).ok()?;
        let option = names::is_option(&name.to_string());
        if ahead.peek(Token![=]) && !ahead.peek(Token![==]) {
            ahead.parse::<Token![=]>().ok()?;
            input.advance_to(&ahead);
            return value(&name, input, errors).map(|value| Entry::Option(name, value));
        }
        if option && at_end(&ahead) {
            input.advance_to(&ahead);
            return Some(Entry::Option(name, Value::None));
        }
        if option && ahead.peek(token::Paren) {
            input.advance_to(&ahead);
            let list = until_comma(input);
            return Some(Entry::Option(name, Value::List(list)));
        }
        if option && ahead.peek(Token![:]) && !ahead.peek(Token![::]) {
            errors.add(&name, format!("`{name}` takes its value after `=`: write `{name} = …`"));
            return None;
        }
    }
    let ahead = input.fork();
    if let Ok(ty) = ahead.parse::<Type>() {
        input.advance_to(&ahead);
        return Some(Entry::Type(ty));
    }
    if input.peek(LitStr) {
        errors.add(next(input), "write the plaintext type without quotes, such as `String`");
    } else {
        errors.add(
            next(input),
            "expected the plaintext type, such as `String`, or an option, such as `context = \"…\"`",
        );
    }
    None
}

fn value(name: &Ident, input: ParseStream, errors: &mut Errors) -> Option<Value> {
    if at_end(input) {
        errors.add(name, format!("`{name} =` has no value"));
        return None;
    }
    if input.peek(Lit) && name != "json" {
        return input.parse::<Lit>().ok().map(|lit| Value::Given(lit.into_token_stream()));
    }
    // A type has commas of its own (`HashMap<K, V>`).
    let ahead = input.fork();
    let ty = ahead.parse::<Type>().ok().filter(|_| at_end(&ahead));
    if ty.is_some() {
        input.advance_to(&ahead);
    }
    match ty {
        Some(ty) if name == "json" => Some(Value::Type(Box::new(ty))),
        Some(ty) => Some(Value::Given(ty.into_token_stream())),
        None if name == "json" => {
            errors.add(
                until_comma(input),
                "`json` takes a type that serde can read and write: `json = Profile`",
            );
            None
        }
        None => Some(Value::Given(until_comma(input))),
    }
}

fn at_end(input: ParseStream) -> bool {
    input.is_empty() || input.peek(Token![,])
}

fn until_comma(input: ParseStream) -> TokenStream {
    let mut skipped = TokenStream::new();
    while !at_end(input) {
        match input.parse::<TokenTree>() {
            Ok(token) => skipped.extend([token]),
            Err(_) => break,
        }
    }
    skipped
}

/// The token that stands next, for its span.
fn next(input: ParseStream) -> Option<TokenTree> {
    let token: Result<TokenTree> = input.fork().parse();
    token.ok()
}
