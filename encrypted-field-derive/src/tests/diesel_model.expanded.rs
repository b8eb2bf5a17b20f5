#[allow(dead_code)]
/**The column `bot_token` of [`SlackConnection`](struct@SlackConnection), encrypted at rest.

Holds `String`. `Debug` does not show it, and its memory is wiped on drop.

- context: `slack_connections.bot_token`; a value moved here from another column does not open
- storage: text; with Diesel, what the column is declared as*/
pub struct BotToken(::encrypted_field::Secret<String>);
::encrypted_field::__private::field! {
    BotToken[String] [String] { context : "slack_connections.bot_token", previous : [],
    scope : "", previous_scopes : [], legacy : none, storage : text, serialize : none,
    pg_array : no, }
}
#[allow(dead_code)]
/**The column `signing_secret` of [`SlackConnection`](struct@SlackConnection), encrypted at rest.

Holds `String`. `Debug` does not show it, and its memory is wiped on drop.

- context: `slack_connections.signing_secret`; a value moved here from another column does not open
- key scope: `slack`
- storage: text; with Diesel, what the column is declared as
- serialized: redacted*/
pub struct SigningSecret(::encrypted_field::Secret<String>);
::encrypted_field::__private::field! {
    SigningSecret[String] [String] { context : "slack_connections.signing_secret",
    previous : [], scope : "slack", previous_scopes : [], legacy : none, storage : text,
    serialize : redacted, pg_array : no, }
}
#[allow(dead_code)]
/**The column `type_` of [`SlackConnection`](struct@SlackConnection), encrypted at rest.

Holds `chrono::DateTime<chrono::Utc>`. `Debug` does not show it, and its memory is wiped on drop.

- context: `slack_connections.type_`; a value moved here from another column does not open
- storage: text; with Diesel, what the column is declared as*/
pub struct Type(::encrypted_field::Secret<chrono::DateTime<chrono::Utc>>);
::encrypted_field::__private::field! {
    Type[chrono::DateTime < chrono::Utc >] [chrono::DateTime < chrono::Utc >] { context :
    "slack_connections.type_", previous : [], scope : "", previous_scopes : [], legacy :
    none, storage : text, serialize : none, pg_array : no, }
}
#[automatically_derived]
impl ::encrypted_field::EncryptedModel for SlackConnection {
    const FIELDS: &'static [::encrypted_field::FieldInfo] = &[
        ::encrypted_field::FieldInfo::of::<
            BotToken,
        >(
            "slack_connections",
            ::encrypted_field::__private::diesel_column!(
                crate ::schema::slack_connections, bot_token
            ),
        ),
        ::encrypted_field::FieldInfo::of::<
            SigningSecret,
        >(
            "slack_connections",
            ::encrypted_field::__private::diesel_column!(
                crate ::schema::slack_connections, signing_secret
            ),
        ),
        ::encrypted_field::FieldInfo::of::<
            Type,
        >(
            "slack_connections",
            ::encrypted_field::__private::diesel_column!(
                crate ::schema::slack_connections, type_
            ),
        ),
    ];
    fn __is_any_stale(
        &self,
        ring: ::core::option::Option<&::encrypted_field::Keyring>,
    ) -> ::core::primitive::bool {
        ::encrypted_field::__private::MaybeStale::is_stale(&self.bot_token, ring)
            || ::encrypted_field::__private::MaybeStale::is_stale(
                &self.signing_secret,
                ring,
            ) || ::encrypted_field::__private::MaybeStale::is_stale(&self.r#type, ring)
    }
}
