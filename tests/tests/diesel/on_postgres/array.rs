//! PostgreSQL arrays: a column of many secrets, each sealed on its own.

use diesel::prelude::*;
use diesel::sql_types::{Array, Text};
use diesel::{RunQueryDsl, sql_query};
use tests::secrets;

use super::{Connection, run};
use crate::models::BotToken;

diesel::table! {
    token_lists (id) {
        id -> Integer,
        tokens -> Array<Text>,
    }
}

#[derive(Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset, Identifiable)]
#[diesel(table_name = token_lists)]
struct TokenList {
    id: i32,
    tokens: Vec<BotToken>,
}

fn raw(db: &mut Connection) -> Vec<String> {
    token_lists::table.select(token_lists::tokens).first(db).expect("the raw column")
}

#[test]
fn of_text() {
    run(|db| {
        sql_query("CREATE TABLE token_lists (id INTEGER PRIMARY KEY, tokens TEXT[] NOT NULL)")
            .execute(db)
            .expect("create the table");
        let token = BotToken::from(secrets::BOT_TOKEN);
        let mut list = TokenList { id: 1, tokens: vec![token.clone(), "".into(), token] };
        diesel::insert_into(token_lists::table).values(&list).execute(db).expect("insert");
        assert_eq!(token_lists::table.select(TokenList::as_select()).first(db).as_ref(), Ok(&list));
        let stored = raw(db);
        assert!(stored.iter().all(|stored| stored.starts_with("ef1:1:")), "{stored:?}");
        assert_ne!(stored[0], stored[2]);

        list.tokens.pop();
        diesel::update(&list).set(&list).execute(db).expect("update");
        assert_eq!(token_lists::table.select(TokenList::as_select()).first(db).as_ref(), Ok(&list));

        list.tokens.pop();
        sql_query("UPDATE token_lists SET tokens = $1")
            .bind::<Array<Text>, _>(&list.tokens)
            .execute(db)
            .expect("update by hand");
        assert_eq!(token_lists::table.select(TokenList::as_select()).first(db), Ok(list));
        assert!(raw(db)[0].starts_with("ef1:1:"));
    });
}
