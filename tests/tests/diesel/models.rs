//! The models of these tests. One struct declares the types of its columns, the others only use
//! them.

use diesel::mysql::Mysql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Integer, Nullable, Text};
use diesel::sqlite::Sqlite;
use encrypted_field::Encrypted;
use tests::secrets;

use crate::schema::{organizations, slack_connections};

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Identifiable, Insertable, AsChangeset)]
#[diesel(table_name = organizations, check_for_backend(Pg, Mysql, Sqlite))]
pub(crate) struct Organization {
    pub(crate) id: i32,
    pub(crate) name: String,
}

/// Everything at once: text and binary, each with and without NULL.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Encrypted,
    Queryable,
    Selectable,
    Identifiable,
    Associations,
    Insertable,
    AsChangeset,
)]
#[diesel(table_name = slack_connections, belongs_to(Organization), check_for_backend(Pg, Mysql, Sqlite))]
pub(crate) struct SlackConnection {
    pub(crate) id: i32,
    pub(crate) organization_id: i32,
    #[encrypted(String)]
    pub(crate) bot_token: BotToken,
    #[encrypted(String)]
    pub(crate) signing_secret: Option<SigningSecret>,
    #[encrypted(Vec<u8>)]
    pub(crate) signing_key: SigningKey,
    #[encrypted(Vec<u8>)]
    pub(crate) backup_key: Option<BackupKey>,
}

/// The same row borrowed, as code that holds the values elsewhere writes it.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = slack_connections)]
pub(crate) struct BorrowedConnection<'a> {
    pub(crate) id: i32,
    pub(crate) organization_id: i32,
    pub(crate) bot_token: &'a BotToken,
    pub(crate) signing_secret: Option<&'a SigningSecret>,
    pub(crate) signing_key: &'a SigningKey,
    pub(crate) backup_key: Option<&'a BackupKey>,
}

/// A query of its own, over some of the columns.
#[derive(Debug, PartialEq, HasQuery)]
#[diesel(table_name = slack_connections)]
pub(crate) struct Tokens {
    pub(crate) id: i32,
    pub(crate) bot_token: BotToken,
    pub(crate) signing_secret: Option<SigningSecret>,
}

/// By the names of the columns, for `sql_query`.
#[derive(Debug, PartialEq, QueryableByName)]
pub(crate) struct NamedRow {
    #[diesel(sql_type = Integer)]
    pub(crate) id: i32,
    #[diesel(sql_type = Text)]
    pub(crate) bot_token: BotToken,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) signing_secret: Option<SigningSecret>,
    #[diesel(embed)]
    pub(crate) keys: NamedKeys,
}

#[derive(Debug, PartialEq, QueryableByName)]
pub(crate) struct NamedKeys {
    #[diesel(sql_type = Binary)]
    pub(crate) signing_key: SigningKey,
    #[diesel(sql_type = Nullable<Binary>)]
    pub(crate) backup_key: Option<BackupKey>,
}

impl SlackConnection {
    /// No column is NULL.
    pub(crate) fn full(id: i32) -> Self {
        Self {
            id,
            organization_id: 1,
            bot_token: secrets::BOT_TOKEN.into(),
            signing_secret: Some(secrets::SIGNING_SECRET.into()),
            signing_key: secrets::KEYS[7].to_vec().into(),
            backup_key: Some(secrets::KEYS[6].to_vec().into()),
        }
    }

    /// Each column is NULL that can be.
    pub(crate) fn sparse(id: i32) -> Self {
        Self { signing_secret: None, backup_key: None, ..Self::full(id) }
    }

    pub(crate) fn borrowed(&self) -> BorrowedConnection<'_> {
        BorrowedConnection {
            id: self.id,
            organization_id: self.organization_id,
            bot_token: &self.bot_token,
            signing_secret: self.signing_secret.as_ref(),
            signing_key: &self.signing_key,
            backup_key: self.backup_key.as_ref(),
        }
    }
}

/// The organization that [`SlackConnection::full`] belongs to.
pub(crate) fn acme() -> Organization {
    Organization { id: 1, name: "Acme".to_owned() }
}
