//! The code. It is thin: one struct and one call into the library for each type, so that what the
//! library generates can change and be tested there.

mod docs;
mod row;

use crate::check::{
    Checked, Declaration, Derived, EncryptedField, Legacy, Model, Scope, Serialize, Storage,
};
use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Path};

impl ToTokens for Checked<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match self {
            Checked::Model(model) => emit_model(model),
            Checked::Newtype(krate, declaration, derived) => {
                emit_impls(krate, declaration, derived)
            }
            Checked::Nothing => TokenStream::new(),
        });
    }
}

fn emit_model(model: &Model) -> TokenStream {
    let types = model.fields.iter().map(|field| emit_type(model, field));
    // With a mistake somewhere, only what other code names must be there.
    let fields = if model.faulty { &[][..] } else { &model.fields };
    let infos = fields.iter().map(|field| emit_info(model, field));
    let names = fields.iter().map(|field| emit_name_check(model, field));
    let table_name = fields.iter().find_map(|field| emit_table_name_check(model, field));
    let krate = &model.krate;
    let stale = fields.iter().map(|field| {
        let name = field.name;
        quote!(#krate::__private::MaybeStale::is_stale(&self.#name, ring))
    });
    let stale = if fields.is_empty() { quote!(ring.is_none()) } else { quote!(#(#stale)||*) };
    let values = fields.iter().enumerate().map(|(at, field)| {
        let (at, name) = (Literal::usize_unsuffixed(at), field.name);
        quote!(#at => #krate::__private::MaybeStale::value(&self.#name),)
    });
    let rows = (!model.faulty).then(|| row::emit(model));
    let name = &model.input.ident;
    let (parameters, arguments, bounds) = model.input.generics.split_for_impl();
    quote! {
        #(#types)*
        #(#names)*
        #table_name
        #[automatically_derived]
        impl #parameters #krate::EncryptedModel for #name #arguments #bounds {
            const FIELDS: &'static [#krate::FieldInfo] = &[#(#infos),*];
            fn __is_any_stale(
                &self,
                ring: ::core::option::Option<&#krate::Keyring>,
            ) -> ::core::primitive::bool {
                #stale
            }
            fn __value(
                &self,
                at: ::core::primitive::usize,
            ) -> ::core::option::Option<&dyn #krate::__private::FieldValue> {
                match at {
                    #(#values)*
                    _ => ::core::option::Option::None,
                }
            }
        }
        #rows
    }
}

/// The visibility is the model's. Diesel's derives put a field's type into associated types of
/// public traits, so a less visible one would be refused (E0446).
fn emit_type(model: &Model, field: &EncryptedField) -> TokenStream {
    let Model { input, krate, .. } = model;
    let name = &field.declaration.name;
    // Declared twice, it is an error on the second field's type.
    let place = place_of(name);
    let visibility = placed(&input.vis, place);
    let allowed = input.attrs.iter().filter(|a| a.path().is_ident("allow"));
    let docs = docs::of_field(model, field);
    let plain = emit_plain(&field.declaration);
    // Not placed: rustc would advise `pub` in the attribute to somebody who reaches for what is
    // inside.
    let secret = quote!(#krate::Secret<#krate::__private::plaintext!(#plain)>);
    let impls = emit_impls(krate, &field.declaration, &[]);
    let item = quote_spanned!(place=> #visibility struct #name(#secret););
    quote! {
        #(#allowed)*
        #[doc = #docs]
        #item
        #impls
    }
}

/// A place to show in errors, without the hygiene of what stands there.
fn place_of(written: &impl Spanned) -> Span {
    Span::call_site().located_at(written.span())
}

fn placed(tokens: &impl ToTokens, place: Span) -> TokenStream {
    let tokens = tokens.to_token_stream().into_iter();
    tokens
        .map(|mut token| {
            token.set_span(token.span().located_at(place));
            token
        })
        .collect()
}

fn emit_plain(declaration: &Declaration) -> TokenStream {
    let plain = &declaration.plain;
    let (ty, value) = (&plain.ty, plain.value());
    match plain {
        plain if plain.json => quote!(json #ty),
        plain if plain.is_text() => quote!((#ty) #value),
        plain => {
            let feature = plain.feature().map(|name| Ident::new(name, Span::call_site()));
            feature.map_or_else(|| quote!(type #ty), |feature| quote!({#feature} #ty))
        }
    }
}

/// All that the type implements, but for what is `derived` beside it.
fn emit_impls(krate: &Path, declaration: &Declaration, derived: &[Derived]) -> TokenStream {
    let Declaration {
        name,
        context,
        previous,
        scope,
        previous_scopes,
        legacy,
        storage,
        serialize,
        pg_array,
        ..
    } = declaration;
    let plain = emit_plain(declaration);
    let scope = match scope {
        Scope::Named(scope) => quote!(#scope),
        Scope::Dynamic => quote!(dynamic),
    };
    let legacy = match legacy {
        None => quote!(none),
        Some(Legacy::Plaintext) => quote!(plaintext),
        Some(Legacy::Reader(path)) => quote!((#path)),
    };
    let storage = match storage {
        Storage::Text => quote!(text),
        Storage::Binary => quote!(binary),
    };
    let serialize = match serialize {
        None => quote!(none),
        Some(Serialize::Sealed) => quote!(sealed),
        Some(Serialize::Redacted) => quote!(redacted),
        Some(Serialize::Plaintext) => quote!(plaintext),
        Some(Serialize::Custom) => quote!(custom),
    };
    let pg_array = if *pg_array { quote!(yes) } else { quote!(no) };
    let derived = derived.iter().map(|derived| match derived {
        Derived::Clone => quote!(Clone),
        Derived::Debug => quote!(Debug),
        Derived::PartialEq => quote!(PartialEq),
        Derived::Eq => quote!(Eq),
    });
    // Errors in what the library makes of it are shown at the declared type.
    let place = place_of(name);
    let krate = placed(krate, place);
    quote_spanned! {place=>
        #krate::__private::field! {
            #name [#plain] {
                context: #context,
                previous: [#(#previous),*],
                scope: #scope,
                previous_scopes: [#(#previous_scopes),*],
                legacy: #legacy,
                storage: #storage,
                serialize: #serialize,
                pg_array: #pg_array,
                derived: [#(#derived)*],
            }
        }
    }
}

/// A context made of Diesel's name for a column must be the one that any other access to the column
/// makes of its name in SQL.
fn emit_name_check(model: &Model, field: &EncryptedField) -> Option<TokenStream> {
    let Model { krate, table: context_table, .. } = model;
    let (table, column) = field.diesel.as_ref().filter(|_| !field.pinned)?;
    let name = &field.column;
    let message = format!(
        "the column `{name}` has another name in the database (`#[sql_name]`), so `{context_table}.{name}` is no context \
         that others find too: write `context = \"{context_table}.…\"` with that name, or with the one that its values \
         were written under"
    );
    let place = place_of(field.name);
    let krate = placed(krate, place);
    Some(quote_spanned! {place=>
        #krate::__private::diesel_name!(#name, #message, #table, #column);
    })
}

/// The same for the table. Diesel tells it by a column.
fn emit_table_name_check(model: &Model, field: &EncryptedField) -> Option<TokenStream> {
    let Model { krate, table: name, table_given, .. } = model;
    let (table, column) = field.diesel.as_ref().filter(|_| !field.pinned && !table_given)?;
    let message = format!(
        "the table `{name}` has another name in the database (`#[sql_name]`), so `{}` is no context that others find \
         too: write `#[encrypted(table = \"…\")]` above the struct, with that name, or with the one that its values \
         were written under; or write `context = \"…\"` on each field",
        field.declaration.context
    );
    let place = place_of(table);
    let krate = placed(krate, place);
    Some(quote_spanned! {place=>
        #krate::__private::diesel_table_name!(#name, #message, #table, #column);
    })
}

fn emit_info(model: &Model, field: &EncryptedField) -> TokenStream {
    let Model { krate, table, .. } = model;
    let (name, column) = (&field.declaration.name, &field.column);
    let diesel = field.diesel.as_ref();
    let column = diesel.map_or_else(
        || quote!(#column),
        |(table, column)| quote!(#krate::__private::diesel_column!(#table, #column)),
    );
    quote!(#krate::FieldInfo::of::<#name>(#table, #column))
}
