//! The derive macro of [`encrypted-field`](https://docs.rs/encrypted-field). Use that crate: what this one generates
//! calls into it, and each release of it needs this very version.

mod case;
mod check;
mod emit;
mod errors;
mod foreign;
mod names;
mod parse;
#[cfg(test)]
mod tests;

use quote::ToTokens;
use syn::{DeriveInput, parse_macro_input};

/// Declares an encrypted type for each `#[encrypted(…)]` field of a model, or makes one of a newtype written by hand.
///
/// # On a model
///
/// ```ignore
/// #[derive(Debug, Queryable, Selectable, Insertable, Encrypted)]
/// #[diesel(table_name = slack_connections)]
/// pub struct SlackConnection {
///     pub id: i32,
///     #[encrypted(String)]                       // the plaintext type
///     pub bot_token: BotToken,                   // a new name: the derive declares this type
///     #[encrypted(String)]
///     pub signing_secret: Option<SigningSecret>, // NULL stays NULL
/// }
/// ```
///
/// The types have the struct's visibility. Other structs over the same columns use them and annotate nothing. The
/// struct implements `EncryptedModel`.
///
/// On the struct, `#[encrypted(…)]` takes
///
/// - `table = "…"`: the table's name, where neither `#[diesel(table_name)]` nor `#[sea_orm(table_name)]` says it;
/// - `crate = path`: this library's path, if it is not `::encrypted_field`.
///
/// On a field it takes the plaintext type, any Rust type that is `Plaintext`, or `json = TYPE` for a serde type, and
///
/// - `context = "…"`: what its values are bound to, instead of `table.column`. Write it before you rename a table or
///   a column, with the old name;
/// - `previous_context = "…"`, repeatable: values bound to this open too, and are stale;
/// - `scope = "…"`: the scope of its keys; `scope = dynamic`: the one that is entered, see `Scope`;
/// - `previous_scope = "…"`, repeatable: values under keys of this scope (`""`: the default one) open too, and are stale;
/// - `storage = "text"` (the default) or `"binary"`: the form that SQLx stores. Diesel goes by the column's SQL type;
/// - `serialize = "sealed"`, `"redacted"` or `"plaintext"`: makes it `Serialize`. `"sealed"` also deserializes sealed;
/// - `legacy = path`, a function `fn(&[u8]) -> Result<TYPE, _>`, or `legacy = plaintext`: reads what was stored before;
/// - `pg_array`: `Vec` of it works as a PostgreSQL array in SQLx.
///
/// # On a newtype
///
/// ```ignore
/// #[derive(Encrypted)]
/// #[encrypted(context = "slack_connections.bot_token")]
/// pub struct BotToken(Secret<String>);
/// ```
///
/// For a secret that many tables share. `context` is required; the other options are those of a field, and `crate`.
/// JSON is `Secret<Json<TYPE>>`.
#[proc_macro_derive(Encrypted, attributes(encrypted))]
pub fn derive_encrypted(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).into()
}

fn expand(input: &DeriveInput) -> proc_macro2::TokenStream {
    if parse::is_sea_orm_copy(input) {
        return proc_macro2::TokenStream::new();
    }
    let mut errors = errors::Errors::default();
    let item = parse::Item::new(input, &mut errors);
    let checked = check::check(&item, &mut errors);
    let mut code = checked.into_token_stream();
    errors.to_tokens(&mut code);
    code
}
