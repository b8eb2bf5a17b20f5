//! Fields with the contexts of the vectors, over any type.

use std::marker::PhantomData;

use encrypted_field::{
    EncryptedField, EncryptedFieldExt, Error, Key, Keyring, Plaintext, Result, Secret,
    key::{KeyState, Purpose},
};
use serde_json::Value;

use crate::Vector;

trait Names: 'static {
    const CONTEXT: &'static str;
    const PREVIOUS_CONTEXTS: &'static [&'static str];
    const SCOPE: &'static str;
}

/// What an application declares with the derive, here for any type at once.
struct Field<P: Plaintext, N>(Secret<P>, PhantomData<N>);

impl<P: Plaintext, N: Names> EncryptedField for Field<P, N> {
    type Plain = P;
    const CONTEXT: &'static str = N::CONTEXT;
    const PREVIOUS_CONTEXTS: &'static [&'static str] = N::PREVIOUS_CONTEXTS;
    const SCOPE: &'static str = N::SCOPE;

    fn from_secret(secret: Secret<P>) -> Self {
        Self(secret, PhantomData)
    }

    fn secret(&self) -> &Secret<P> {
        &self.0
    }
}

macro_rules! fields {
    ($($name:ident: $context:expr, [$($previous:literal),*], $scope:literal;)+) => {
        $(
            struct $name;

            impl Names for $name {
                const CONTEXT: &'static str = $context;
                const PREVIOUS_CONTEXTS: &'static [&'static str] = &[$($previous),*];
                const SCOPE: &'static str = $scope;
            }
        )+

        /// What a field as the vector declares it makes of the stored value; `None` where Rust
        /// can't pass it on.
        pub fn open<P: Plaintext>(vector: &Vector) -> Option<Result<P::Value>> {
            let previous: Vec<_> =
                vector["previous_contexts"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
            let names = (vector.str("context"), &previous[..], vector.str("scope"));
            $(
                if names == ($name::CONTEXT, $name::PREVIOUS_CONTEXTS, $name::SCOPE) {
                    return open_as::<P, $name>(vector);
                }
            )+
            panic!("{}: no field is declared with {names:?}: add one to `fields!`", vector.name);
        }
    };
}

/// `ttt….ccc…`, longer than what the associated data keeps on the stack.
const LONG: &str = {
    const BYTES: [u8; 300] = {
        let mut bytes = [b't'; 300];
        bytes[200] = b'.';
        let (_, column) = bytes.split_at_mut(201);
        let mut at = 0;
        while at < column.len() {
            column[at] = b'c';
            at += 1;
        }
        bytes
    };
    match str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => unreachable!(),
    }
};

fields! {
    Token: "slack_connections.bot_token", [], "";
    TokenOfSlack: "slack_connections.bot_token", [], "slack";
    TokenRenamed: "slack_connections.bot_token", ["old.token", "older.token"], "";
    TokenMoved: "slack_connections.bot_token", ["slack.token"], "";
    Secrets: "slack_connections.signing_secret", [], "";
    Teams: "teams.bot_token", [], "";
    Short: "slack_connections.bot_toke", [], "";
    Plural: "slack_connections.bot_tokens", [], "";
    Upper: "SLACK_CONNECTIONS.BOT_TOKEN", [], "";
    WithNul: "slack_connections.bot_token\0", [], "";
    Quoted: "\"slack_connections\".\"bot_token\"", [], "";
    OneLetter: "c", [], "";
    NotAscii: "schlüssel.größe", [], "";
    Long: LONG, [], "";
    Others: "a.b", ["c.d", "e.f"], "";
}

fn open_as<P: Plaintext, N: Names>(vector: &Vector) -> Option<Result<P::Value>> {
    let ring = ring(vector);
    let stored = match &vector["stored"]["text"] {
        Value::String(text) => text.clone().into_bytes(),
        _ => hex::decode(vector["stored"]["hex"].as_str().unwrap()).unwrap(),
    };
    let text = || String::from_utf8(stored.clone()).ok();
    type Of<P, N> = Field<P, N>;
    let field = match (vector.str("storage"), vector.str("kind")) {
        ("text", "column") => Of::<P, N>::from_stored_text_with(&ring, text()?),
        ("text", "detached") => Of::<P, N>::open_text_with(&ring, &text()?),
        ("binary", "column") => Of::<P, N>::from_stored_with(&ring, stored),
        ("binary", "detached") => Of::<P, N>::open_with(&ring, &stored),
        other => panic!("{}: {other:?}", vector.name),
    };
    if let Ok(field) = &field {
        let with = &vector["opens_with"];
        assert_eq!(
            field.key_id().map(|id| u64::from(id.get())),
            with["key_id"].as_u64(),
            "{}",
            vector.name
        );
        let previous = with["context"] != vector["context"];
        let active = ring.active_key(vector.str("scope"), Purpose::Field) == field.key_id();
        assert!(!previous || field.is_stale_with(&ring), "{}", vector.name);
        assert!(!active || field.is_stale_with(&ring) == previous, "{}", vector.name);
    }
    Some(field.map(|field| field.0.into_inner()).inspect_err(|error: &Error| {
        assert_eq!(error.column(), Some(N::CONTEXT));
    }))
}

fn ring(vector: &Vector) -> Keyring {
    let keys = vector["keys"].as_array().unwrap().iter().map(|key| {
        let bytes = hex::decode(key["data_key"].as_str().unwrap()).unwrap().try_into().unwrap();
        let id = u32::try_from(key["id"].as_u64().unwrap()).unwrap();
        Key::new(id, bytes)
            .scope(key["scope"].as_str().unwrap())
            .purpose(match key["purpose"].as_str().unwrap() {
                "field" => Purpose::Field,
                "index" => Purpose::Index,
                "file" => Purpose::File,
                other => panic!("purpose {other}"),
            })
            .state(match key["state"].as_str().unwrap() {
                "pending" => KeyState::Pending,
                "active" => KeyState::Active,
                "retired" => KeyState::Retired,
                "disabled" => KeyState::Disabled,
                "destroyed" => KeyState::Destroyed,
                other => panic!("state {other}"),
            })
    });
    Keyring::builder().keys(keys).build().unwrap()
}
