//! Rows as the database holds them.

use diesel::mysql::Mysql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use crate::schema::slack_connections;

/// A [`SlackConnection`](crate::models::SlackConnection) without encrypted types.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = slack_connections, check_for_backend(Pg, Mysql, Sqlite))]
#[diesel(treat_none_as_null = true)]
pub(crate) struct RawConnection {
    pub(crate) id: i32,
    pub(crate) organization_id: i32,
    pub(crate) bot_token: String,
    pub(crate) signing_secret: Option<String>,
    pub(crate) signing_key: Vec<u8>,
    pub(crate) backup_key: Option<Vec<u8>>,
}

impl RawConnection {
    /// Whether all four values are under this key, and none is NULL.
    pub(crate) fn is_under(&self, key_id: u32) -> bool {
        let text = format!("ef1:{key_id}:");
        let binary = [&b"\xEFf1"[..], &key_id.to_be_bytes()].concat();
        self.bot_token.starts_with(&text)
            && self.signing_secret.as_ref().is_some_and(|stored| stored.starts_with(&text))
            && self.signing_key.starts_with(&binary)
            && self.backup_key.as_ref().is_some_and(|stored| stored.starts_with(&binary))
    }
}
