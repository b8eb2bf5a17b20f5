//! What each ORM needs to find a row of the model again. The library drops what is for an ORM that
//! it is compiled without.

use crate::check::{Model, Row};
use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::parse_quote;

pub(super) fn emit(model: &Model) -> TokenStream {
    let diesel = model.of_diesel.then(|| emit_diesel(model));
    let sqlx = model.row.as_ref().map(|row| emit_sqlx(model, row));
    quote!(#diesel #sqlx)
}

fn emit_diesel(model: &Model) -> TokenStream {
    let Model { input, krate, fields, .. } = model;
    let support = quote!(#krate::__private::diesel_support);
    let columns = fields.iter().map(|field| {
        let Some((table, column)) = &field.diesel else {
            return quote!(::core::option::Option::None);
        };
        quote!(::core::option::Option::Some(#support::DieselColumn::of::<#table::#column>()))
    });
    let name = &input.ident;
    let (parameters, arguments, bounds) = input.generics.split_for_impl();
    quote! {
        #krate::__private::with_diesel! {
            #[automatically_derived]
            impl #parameters #support::DieselModel for #name #arguments #bounds {
                const COLUMNS: &'static [::core::option::Option<#support::DieselColumn>] =
                    &[#(#columns),*];
            }
        }
    }
}

/// For each database that has the types of the key.
fn emit_sqlx(model: &Model, row: &Row) -> TokenStream {
    let Model { input, krate, table, .. } = model;
    let (sqlx, support) =
        (quote!(#krate::__private::sqlx), quote!(#krate::__private::sqlx_support));
    let mut generics = input.generics.clone();
    generics.params.push(parse_quote!(__DB: #sqlx::Database));
    let bounds = generics.make_where_clause();
    for ty in row.key.iter().map(|key| key.ty) {
        let bound = parse_quote!(#ty: for<'__q> #sqlx::Encode<'__q, __DB> + #sqlx::Type<__DB>);
        bounds.predicates.push(bound);
    }
    let adds = row.key.iter().enumerate().map(|(at, key)| {
        let (at, field) = (Literal::usize_unsuffixed(at), key.field);
        quote!(#at => #support::add_key::<__DB, _>(arguments, &self.#field),)
    });
    let key = row.key.iter().map(|key| &key.column);
    let columns = &row.columns;
    let name = &input.ident;
    let (_, arguments, _) = input.generics.split_for_impl();
    let (parameters, _, bounds) = generics.split_for_impl();
    quote! {
        #krate::__private::with_sqlx! {
            #[automatically_derived]
            impl #parameters #support::SqlxModel<__DB> for #name #arguments #bounds {
                const TABLE: &'static ::core::primitive::str = #table;
                const KEY: &'static [&'static ::core::primitive::str] = &[#(#key),*];
                const COLUMNS: &'static [&'static ::core::primitive::str] = &[#(#columns),*];
                fn add_key(
                    &self,
                    at: ::core::primitive::usize,
                    arguments: &mut <__DB as #sqlx::Database>::Arguments,
                ) -> ::core::result::Result<(), #sqlx::error::BoxDynError> {
                    match at {
                        #(#adds)*
                        _ => ::core::result::Result::Ok(()),
                    }
                }
            }
        }
    }
}
