//! Types written by hand, by any path to `Secret`.

#![deny(warnings)]

use encrypted_field::{Encrypted, EncryptedField, Json, Secret};

#[derive(Encrypted)]
#[encrypted(context = "slack_connections.bot_token")]
pub struct BotToken(Secret<String>);

#[derive(Encrypted)]
#[encrypted(
    context = "a.b",
    previous_context = "b.a",
    scope = "s",
    storage = "binary",
    serialize = "plaintext"
)]
pub(crate) struct Bytes(encrypted_field::Secret<Vec<u8>>);

#[derive(Encrypted)]
#[encrypted(context = "a.c")]
#[encrypted(legacy = plaintext, pg_array)]
struct Structured(::encrypted_field::Secret<Json<Vec<String>>>);

/// Derives of other traits, one of which has a name that comes with `Encrypted`.
mod with_derives {
    use super::*;
    use serde::Serialize as Clone;

    #[derive(Clone, Encrypted)]
    #[encrypted(context = "a.d", serialize = "custom")]
    pub struct Hidden(#[serde(serialize_with = "hide")] Secret<String>);

    fn hide<S: serde::Serializer>(_: &Secret<String>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str("hidden")
    }
}

#[test]
fn runs() {
    let hidden = with_derives::Hidden::from("x");
    assert_eq!(serde_json::to_string(&hidden.clone()).unwrap(), "\"hidden\"");
    assert_eq!(BotToken::CONTEXT, "slack_connections.bot_token");
    assert_eq!((Bytes::PREVIOUS_CONTEXTS, Bytes::SCOPE), (&["b.a"][..], "s"));
    let structured = Structured::from(vec!["x".to_owned()]);
    assert_eq!(structured.len(), 1);
    assert_eq!(structured.into_inner(), ["x"]);
    assert_eq!(Bytes::from(&[1, 2][..]).into_inner(), [1, 2]);
}
