//! PostgreSQL's COPY.

use diesel::ExecuteCopyFromDsl as _;
use diesel::prelude::*;

use super::run;
use super::suite::{insert, raw, read};
use crate::models::{SlackConnection, Tokens};
use crate::schema::slack_connections as table;

#[test]
fn to_rows() {
    run(|db| {
        let rows = [SlackConnection::full(1), SlackConnection::sparse(2)];
        rows.iter().for_each(|row| insert(db, row));
        let read: Result<Vec<Tokens>, _> =
            diesel::copy_to(table::table).load::<Tokens, _>(db).expect("copy").collect();
        let expected = rows.map(|row| Tokens {
            id: row.id,
            bot_token: row.bot_token,
            signing_secret: row.signing_secret,
        });
        assert_eq!(read.as_deref(), Ok(&expected[..]));
    });
}

/// Diesel copies what it binds by itself, and binds encrypted fields do not count among: so seal
/// them before.
#[derive(Insertable)]
#[diesel(table_name = table, treat_none_as_default_value = false)]
struct Sealed {
    id: i32,
    organization_id: i32,
    bot_token: String,
    signing_secret: Option<String>,
    signing_key: Vec<u8>,
    backup_key: Option<Vec<u8>>,
}

impl Sealed {
    fn new(row: &SlackConnection) -> encrypted_field::Result<Self> {
        Ok(Self {
            id: row.id,
            organization_id: row.organization_id,
            bot_token: row.bot_token.to_stored_text()?,
            signing_secret: row
                .signing_secret
                .as_ref()
                .map(|secret| secret.to_stored_text())
                .transpose()?,
            signing_key: row.signing_key.to_stored()?,
            backup_key: row.backup_key.as_ref().map(|key| key.to_stored()).transpose()?,
        })
    }
}

#[test]
fn from_sealed_rows() {
    run(|db| {
        let rows = [SlackConnection::full(1), SlackConnection::sparse(2)];
        let sealed: Result<Vec<Sealed>, _> = rows.iter().map(Sealed::new).collect();
        diesel::copy_from(table::table)
            .from_insertable(sealed.expect("seal"))
            .execute(db)
            .expect("copy");
        assert_eq!(read(db, 1).as_ref(), Ok(&rows[0]));
        assert_eq!(read(db, 2).as_ref(), Ok(&rows[1]));
        assert!(raw(db, 1).is_under(1));
    });
}
