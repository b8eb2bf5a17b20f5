::encrypted_field::__private::field! {
    BotToken[type String] { context : "slack_connections.bot_token", previous : [], scope
    : "slack", previous_scopes : [], legacy : none, storage : text, serialize : none,
    pg_array : no, derived : [], }
}
