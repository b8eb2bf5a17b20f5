//! The derive macro of [`encrypted-field`](https://docs.rs/encrypted-field). Use that crate: what
//! this one generates calls into it, and each release of it needs this very version.

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

/// Declares an encrypted type for each `#[encrypted(…)]` field of a model, or makes one of a
/// newtype written by hand.
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
/// The types have the struct's visibility. Other structs over the same columns use them and
/// annotate nothing. The struct implements `EncryptedModel`.
///
/// On the struct, `#[encrypted(…)]` takes
///
/// - `table = "…"`: the table's name, where neither `#[diesel(table_name)]` nor
///   `#[sea_orm(table_name)]` says it, or where it is not the name in the database;
/// - `primary_key(org_id, user_id)`: the fields that are the table's primary key, for
///   `move_stale_sqlx`. Without it, they are those of `#[diesel(primary_key(…))]`, or the field
///   `id`;
/// - `crate = path`: this library's path, if it is not `::encrypted_field`.
///
/// On a field it takes the plaintext type, any Rust type that is `Plaintext`, `Text<TYPE>` for a
/// type that is `Display` and `FromStr`, or `json = TYPE` for a serde type, and
///
/// - `context = "…"`: what its values are bound to, instead of `table.column`. Write it before you
///   rename a table or a column, with the old name. Write it also where Diesel's `#[sql_name]`
///   gives a column another name in the database. (For a table, `table = "…"` on the struct will
///   do.) The derive refuses the name in Rust there. It can't see the `#[sql_name]` of a table in a
///   schema, `table! { app.users (id) { … } }`;
/// - `previous_context = "…"`, repeatable: values bound to this open too, and are stale;
/// - `scope = "…"`: the scope of its keys; `scope = dynamic`: the one that is entered, see `Scope`;
/// - `previous_scope = "…"`, repeatable: values under keys of this scope (`""`: the default one)
///   open too, and are stale;
/// - `storage = "text"` (the default) or `"binary"`: the form that SQLx stores. Diesel goes by the
///   column's SQL type;
/// - `serialize = "sealed"`, `"redacted"` or `"plaintext"`: makes it `Serialize`. `"sealed"` also
///   deserializes sealed. With `"custom"` you implement `Serialize` for it yourself;
/// - `legacy = path`, a function `fn(&[u8]) -> Result<TYPE, _>`, or `legacy = plaintext`: reads
///   what was stored before;
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
/// For a secret that many tables share. `context` is required; the other options are those of a
/// field, and `crate`. JSON is `Secret<Json<TYPE>>`.
///
/// # Errors that rustc reports in its own words
///
/// - **E0255**, **E0428**, "the name `BotToken` is defined multiple times": another struct declares
///   `BotToken`, or an import brings it in, and `#[encrypted]` would declare it once more. One
///   struct declares the type of a column; remove `#[encrypted]` in the others, and import the type
///   there. For another column write a new name. (E0119 and E0592 for `BotToken` follow from it.)
/// - **E0119**, "conflicting implementations of trait `Clone`", on a newtype: `Clone`, `Debug`,
///   `PartialEq` and `Eq` come with `Encrypted`. Remove them from `#[derive(…)]`. (The derive says
///   so itself, unless a macro wrote the struct.)
/// - **E0277**, "the trait bound `BotToken: Serialize` is not satisfied", with the advice to derive
///   it: that can't be done. Turn on the feature `serde` of `encrypted-field`, and write
///   `serialize = "sealed"`, `"redacted"` or `"plaintext"` in the `#[encrypted(…)]` that declares
///   the type.
/// - **E0308**, "`changes::BotToken` and `users::BotToken` have similar names, but are actually
///   distinct types": two structs declare the type, each in its own module. One struct declares it.
///   Remove `#[encrypted]` in the other, and import the type there.
/// - **E0308** on the path of a `legacy` function: it is `fn(&[u8]) -> Result<TYPE, _>`, with the
///   plaintext type of the field.
/// - **E0271**, "expected `IsoSqlDefaultKeyword`", on an insert into SQLite: the feature
///   `diesel-sqlite` of `encrypted-field` is off. The error after it says so.
/// - **E0425**, "cannot find type `token` in module `users`": Diesel's `table!` has no such column.
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
