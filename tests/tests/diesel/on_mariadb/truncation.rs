//! MariaDB outside strict mode cuts what does not fit, and only warns.

use diesel::prelude::*;
use diesel::sql_query;
use encrypted_field::ErrorKind;

use super::run;
use crate::errors::{read_refused, says};
use crate::models::{BotToken, SlackConnection};
use crate::schema::narrow_tokens;

#[test]
fn is_noticed_when_the_value_is_read() {
    run(|db| {
        sql_query("SET SESSION sql_mode = ''").execute(db).expect("leave strict mode");
        let token = SlackConnection::full(1).bot_token;
        let written = diesel::insert_into(narrow_tokens::table)
            .values((narrow_tokens::id.eq(1), narrow_tokens::token.eq(&token)))
            .execute(db);
        assert_eq!(written, Ok(1));
        let stored: String =
            narrow_tokens::table.select(narrow_tokens::token).first(db).expect("read");
        assert_eq!(stored.len(), 20);
        let result = narrow_tokens::table.select(narrow_tokens::token).first::<BotToken>(db);
        assert_eq!(
            read_refused(result),
            says(ErrorKind::Malformed, "slack_connections.bot_token", 1)
        );
    });
}
