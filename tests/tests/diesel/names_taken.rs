//! A declared type may have the name of anything that this library, Diesel, SQLx or serde has: the
//! generated code hides none of them, nor is it misled by them.

use diesel::prelude::*;
use tests::secrets;

use crate::derive::run;
use crate::schema::{documents, slack_connections};

mod of_diesel {
    use super::*;

    #[derive(Debug, Queryable, Selectable, AsChangeset, encrypted_field::Encrypted)]
    #[diesel(table_name = slack_connections)]
    pub(super) struct Row {
        #[encrypted(String)]
        #[diesel(column_name = bot_token)]
        pub(super) text: Text,
        #[encrypted(String)]
        #[diesel(column_name = signing_secret)]
        pub(super) output: Option<Output>,
        #[encrypted(Vec<u8>)]
        #[diesel(column_name = signing_key)]
        pub(super) binary: Binary,
        #[encrypted(Vec<u8>)]
        #[diesel(column_name = backup_key)]
        pub(super) backend: Option<Backend>,
    }
}

mod of_the_library {
    use super::*;
    use serde_json::Value;

    #[derive(Debug, Queryable, Selectable, Insertable, AsChangeset, encrypted_field::Encrypted)]
    #[diesel(table_name = documents)]
    pub(super) struct Row {
        pub(super) id: i32,
        #[encrypted(String)]
        #[diesel(column_name = words)]
        pub(super) secret: Secret,
        #[encrypted(Vec<u8>)]
        #[diesel(column_name = content)]
        pub(super) storage: Storage,
        #[encrypted(Vec<u8>)]
        #[diesel(column_name = content_as_text)]
        pub(super) sealed: Sealed,
        #[encrypted(i64)]
        #[diesel(column_name = number)]
        pub(super) key_id: KeyId,
        #[encrypted(String, legacy = fmt::read)]
        #[diesel(column_name = reference)]
        pub(super) r#type: Type,
        #[encrypted(json = Value)]
        #[diesel(column_name = profile)]
        pub(super) plain: Option<Plain>,
        #[encrypted(String)]
        #[diesel(column_name = place)]
        pub(super) view: Option<View>,
    }

    /// Of the application, and not of the standard library.
    mod fmt {
        pub(super) fn read(stored: &[u8]) -> Result<String, std::string::FromUtf8Error> {
            String::from_utf8(stored.to_vec())
        }
    }
}

#[test]
fn by_diesel() {
    run(|db| {
        let row =
            slack_connections::table.select(of_diesel::Row::as_select()).first(db).expect("read");
        assert!(&*row.text == secrets::BOT_TOKEN && *row.binary == secrets::KEYS[7]);
        assert!(row.output.as_deref() == Some(secrets::SIGNING_SECRET) && row.backend.is_some());
        diesel::update(slack_connections::table.find(1)).set(&row).execute(db).expect("update");
    });
}

#[test]
fn by_the_library_and_sqlx() {
    run(|db| {
        let row = of_the_library::Row {
            id: 1,
            secret: secrets::BOT_TOKEN.into(),
            storage: Vec::new().into(),
            sealed: Vec::new().into(),
            key_id: secrets::CANARY_INTEGER.into(),
            r#type: "".into(),
            plain: Some(serde_json::json!({ "name": secrets::CANARY }).into()),
            view: None,
        };
        diesel::insert_into(documents::table).values(&row).execute(db).expect("insert");
        diesel::update(documents::table)
            .set(documents::reference.eq("old"))
            .execute(db)
            .expect("a legacy value");
        let read =
            documents::table.select(of_the_library::Row::as_select()).first(db).expect("read");
        assert!(
            read.secret == row.secret && read.plain == row.plain && *read.key_id == *row.key_id
        );
        assert!(&*read.r#type == "old" && read.r#type.is_legacy());
        assert_eq!(
            (read.id, read.view, read.storage, read.sealed),
            (1, None, row.storage, row.sealed)
        );
    });
}
