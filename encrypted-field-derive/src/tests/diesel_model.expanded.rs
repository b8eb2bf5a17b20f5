#[allow(dead_code)]
/**The column `bot_token` of [`SlackConnection`](struct@SlackConnection), encrypted at rest.

Holds `String`. `Debug` does not show it, and its memory is wiped on drop.

- context: `slack_connections.bot_token`; a value moved here from another column does not open
- storage: text; with Diesel, what the column is declared as*/
pub struct BotToken(
    ::encrypted_field::Secret<::encrypted_field::__private::plaintext!(type String)>,
);
::encrypted_field::__private::field! {
    BotToken[type String] { context : "slack_connections.bot_token", previous : [], scope
    : "", previous_scopes : [], legacy : none, storage : text, serialize : none, pg_array
    : no, derived : [], }
}
#[allow(dead_code)]
/**The column `signing_secret` of [`SlackConnection`](struct@SlackConnection), encrypted at rest.

Holds `String`. `Debug` does not show it, and its memory is wiped on drop.

- context: `slack_connections.signing_secret`; a value moved here from another column does not open
- key scope: `slack`
- storage: text; with Diesel, what the column is declared as
- serialized: redacted*/
pub struct SigningSecret(
    ::encrypted_field::Secret<::encrypted_field::__private::plaintext!(type String)>,
);
::encrypted_field::__private::field! {
    SigningSecret[type String] { context : "slack_connections.signing_secret", previous :
    [], scope : "slack", previous_scopes : [], legacy : none, storage : text, serialize :
    redacted, pg_array : no, derived : [], }
}
#[allow(dead_code)]
/**The column `type_` of [`SlackConnection`](struct@SlackConnection), encrypted at rest.

Holds `chrono::DateTime<chrono::Utc>`. `Debug` does not show it, and its memory is wiped on drop.

- context: `slack_connections.type_`; a value moved here from another column does not open
- storage: text; with Diesel, what the column is declared as*/
pub struct Type(
    ::encrypted_field::Secret<
        ::encrypted_field::__private::plaintext!(
            { chrono } chrono::DateTime < chrono::Utc >
        ),
    >,
);
::encrypted_field::__private::field! {
    Type[{ chrono } chrono::DateTime < chrono::Utc >] { context :
    "slack_connections.type_", previous : [], scope : "", previous_scopes : [], legacy :
    none, storage : text, serialize : none, pg_array : no, derived : [], }
}
::encrypted_field::__private::diesel_name!(
    "bot_token",
    "the column `bot_token` has another name in the database (`#[sql_name]`), so `slack_connections.bot_token` is no context that others find too: write `context = \"slack_connections.…\"` with that name, or with the one that its values were written under",
    crate ::schema::slack_connections, bot_token
);
::encrypted_field::__private::diesel_name!(
    "signing_secret",
    "the column `signing_secret` has another name in the database (`#[sql_name]`), so `slack_connections.signing_secret` is no context that others find too: write `context = \"slack_connections.…\"` with that name, or with the one that its values were written under",
    crate ::schema::slack_connections, signing_secret
);
::encrypted_field::__private::diesel_name!(
    "type_",
    "the column `type_` has another name in the database (`#[sql_name]`), so `slack_connections.type_` is no context that others find too: write `context = \"slack_connections.…\"` with that name, or with the one that its values were written under",
    crate ::schema::slack_connections, type_
);
::encrypted_field::__private::diesel_table_name!(
    "slack_connections",
    "the table `slack_connections` has another name in the database (`#[sql_name]`), so `slack_connections.bot_token` is no context that others find too: write `#[encrypted(table = \"…\")]` above the struct, with that name, or with the one that its values were written under; or write `context = \"…\"` on each field",
    crate ::schema::slack_connections, bot_token
);
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
    fn __value(
        &self,
        at: ::core::primitive::usize,
    ) -> ::core::option::Option<&dyn ::encrypted_field::__private::FieldValue> {
        match at {
            0 => ::encrypted_field::__private::MaybeStale::value(&self.bot_token),
            1 => ::encrypted_field::__private::MaybeStale::value(&self.signing_secret),
            2 => ::encrypted_field::__private::MaybeStale::value(&self.r#type),
            _ => ::core::option::Option::None,
        }
    }
}
::encrypted_field::__private::with_diesel! {
    #[automatically_derived] impl
    ::encrypted_field::__private::diesel_support::DieselModel for SlackConnection { const
    COLUMNS : & 'static [::core::option::Option <
    ::encrypted_field::__private::diesel_support::DieselColumn >] = &
    [::core::option::Option::Some(::encrypted_field::__private::diesel_support::DieselColumn::of::
    < crate ::schema::slack_connections::bot_token > ()),
    ::core::option::Option::Some(::encrypted_field::__private::diesel_support::DieselColumn::of::
    < crate ::schema::slack_connections::signing_secret > ()),
    ::core::option::Option::Some(::encrypted_field::__private::diesel_support::DieselColumn::of::
    < crate ::schema::slack_connections::type_ > ())]; }
}
::encrypted_field::__private::with_sqlx! {
    #[automatically_derived] impl < __DB : ::encrypted_field::__private::sqlx::Database >
    ::encrypted_field::__private::sqlx_support::SqlxModel < __DB > for SlackConnection
    where i32 : for < '__q > ::encrypted_field::__private::sqlx::Encode < '__q, __DB > +
    ::encrypted_field::__private::sqlx::Type < __DB > { const TABLE : & 'static
    ::core::primitive::str = "slack_connections"; const KEY : & 'static [& 'static
    ::core::primitive::str] = & ["id"]; const COLUMNS : & 'static [& 'static
    ::core::primitive::str] = & ["bot_token", "signing_secret", "type_"]; fn add_key(&
    self, at : ::core::primitive::usize, arguments : & mut < __DB as
    ::encrypted_field::__private::sqlx::Database > ::Arguments,) ->
    ::core::result::Result < (), ::encrypted_field::__private::sqlx::error::BoxDynError >
    { match at { 0 => ::encrypted_field::__private::sqlx_support::add_key:: < __DB, _ >
    (arguments, & self.id), _ => ::core::result::Result::Ok(()), } } }
}
