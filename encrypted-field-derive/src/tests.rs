//! What the derive says and what it generates, without a compiler run. `tests/ui` has the same in
//! real programs.

mod expansion;
#[rustfmt::skip] // tables read better with a case a line
mod messages;

use quote::ToTokens;
use syn::DeriveInput;

/// The messages, after making sure that what is emitted beside them is a program.
fn messages(source: &str) -> Vec<String> {
    let input: DeriveInput = syn::parse_str(source).unwrap_or_else(|e| panic!("{e} in {source}"));
    let mut errors = crate::errors::Errors::default();
    let item = crate::parse::Item::new(&input, &mut errors);
    let code = crate::check::check(&item, &mut errors).into_token_stream();
    if let Err(error) = syn::parse2::<syn::File>(code.clone()) {
        panic!("{error} in the expansion of {source}: {code}");
    }
    errors.messages()
}

fn expansion(source: &str) -> String {
    let input: DeriveInput = syn::parse_str(source).unwrap_or_else(|e| panic!("{e} in {source}"));
    let file = syn::parse2(crate::expand(&input))
        .unwrap_or_else(|e| panic!("{e} in the expansion of {source}"));
    prettyplease::unparse(&file)
}
