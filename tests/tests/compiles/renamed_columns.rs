//! Where context and column come from.

#![deny(warnings)]

use diesel::prelude::*;
use encrypted_field::{Encrypted, EncryptedModel};
use sqlx::FromRow;

diesel::table! {
    #[sql_name = "the_users"]
    users (id) {
        id -> Integer,
        #[sql_name = "type"]
        type_ -> Text,
        bot_token -> Text,
    }
}

#[derive(Queryable, FromRow, Encrypted)]
#[diesel(table_name = users)]
#[encrypted(table = "the_users")]
#[sqlx(rename_all = "camelCase")]
pub struct Both {
    #[encrypted(String, context = "users.kind")]
    #[diesel(column_name = type_)]
    #[sqlx(rename = "type")]
    pub kind: Kind,
    #[encrypted(String)]
    #[sqlx(rename = "bot_token")]
    pub bot_token: BotToken,
}

mod only_sqlx {
    use super::*;

    #[derive(FromRow, Encrypted)]
    #[encrypted(table = "accounts")]
    #[sqlx(rename_all = "SCREAMING_SNAKE_CASE")]
    pub struct Account {
        #[encrypted(String)]
        pub bot_token: BotToken,
        #[encrypted(String)]
        #[sqlx(rename = "lAsT")]
        pub last_name: LastName,
    }
}

mod pinned {
    use super::*;

    #[derive(Encrypted)]
    pub struct Pinned {
        #[encrypted(String, context = "anything at all")]
        pub token: Token,
    }

    #[derive(Queryable, Encrypted)]
    #[diesel(table_name = users)]
    #[encrypted(table = "people")]
    pub struct Renamed {
        #[encrypted(String)]
        pub bot_token: RenamedToken,
    }

    /// Contexts that are written need no name of a table.
    #[derive(Queryable, Encrypted)]
    #[diesel(table_name = users)]
    pub struct Written {
        #[encrypted(String, context = "the_users.bot_token")]
        pub bot_token: WrittenToken,
    }
}

/// What Diesel does not tell is not refused: the name of a table in a schema.
mod in_a_schema {
    use super::*;

    diesel::table! {
        #[sql_name = "the_accounts"]
        app.accounts (id) {
            id -> Integer,
            token -> Text,
        }
    }

    #[derive(Queryable, Encrypted)]
    #[diesel(table_name = accounts)]
    pub struct Account {
        #[encrypted(String)]
        pub token: Token,
    }
}

fn fields<T: EncryptedModel>() -> Vec<(&'static str, &'static str, &'static str)> {
    T::FIELDS.iter().map(|f| (f.table, f.column, f.context)).collect()
}

#[test]
fn runs() {
    assert_eq!(
        fields::<Both>(),
        [("the_users", "type", "users.kind"), ("the_users", "bot_token", "the_users.bot_token")]
    );
    assert_eq!(
        fields::<only_sqlx::Account>(),
        [("accounts", "BOT_TOKEN", "accounts.BOT_TOKEN"), ("accounts", "lAsT", "accounts.lAsT")]
    );
    assert_eq!(fields::<pinned::Pinned>(), [("", "token", "anything at all")]);
    assert_eq!(fields::<pinned::Renamed>(), [("people", "bot_token", "people.bot_token")]);
    assert_eq!(
        fields::<pinned::Written>(),
        [("users", "bot_token", "the_users.bot_token")]
    );
    assert_eq!(fields::<in_a_schema::Account>(), [("accounts", "token", "accounts.token")]);
}
