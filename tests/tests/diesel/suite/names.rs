//! Columns whose name in SQL is another than in Rust.

use diesel::prelude::*;
use diesel::sql_query;
use encrypted_field::{Encrypted, EncryptedModel};
use tests::secrets;

use super::run;
use crate::models::SlackConnection;
use crate::schema::webhooks;

#[derive(
    Debug, Clone, PartialEq, Encrypted, Queryable, Selectable, Identifiable, Insertable, AsChangeset,
)]
#[diesel(table_name = webhooks)]
struct Webhook {
    id: i32,
    /// Renamed by `sql_name` in the schema, so that the context has to say which name it goes by.
    #[encrypted(String, context = "webhooks.type")]
    type_: WebhookType,
    /// Renamed by both. Values were there before the column had its name of today.
    #[encrypted(String, context = "webhooks.address")]
    #[diesel(column_name = address)]
    url: Option<Url>,
    /// Renamed here.
    #[encrypted(String)]
    #[diesel(column_name = "secret")]
    shared_secret: SharedSecret,
}

#[derive(Debug, QueryableByName)]
struct RawWebhook {
    #[diesel(sql_type = diesel::sql_types::Text, column_name = "type")]
    type_: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    target_url: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    secret: String,
}

#[test]
fn of_the_fields() {
    let names = |model: &'static [encrypted_field::FieldInfo]| -> Vec<(&str, &str, &str)> {
        model.iter().map(|field| (field.table, field.column, field.context)).collect()
    };
    assert_eq!(
        names(Webhook::FIELDS),
        [
            ("webhooks", "type", "webhooks.type"),
            ("webhooks", "target_url", "webhooks.address"),
            ("webhooks", "secret", "webhooks.secret"),
        ]
    );
    let columns: Vec<&str> = SlackConnection::FIELDS.iter().map(|field| field.column).collect();
    assert_eq!(columns, ["bot_token", "signing_secret", "signing_key", "backup_key"]);
    encrypted_field::check_models!(SlackConnection, Webhook)
        .expect("each column has its own context");
}

#[test]
fn in_queries() {
    run(|db| {
        let mut row = Webhook {
            id: 1,
            type_: secrets::plaintext("type").into(),
            url: Some(secrets::plaintext("url").into()),
            shared_secret: secrets::SIGNING_SECRET.into(),
        };
        diesel::insert_into(webhooks::table).values(&row).execute(db).expect("insert");
        assert_eq!(webhooks::table.select(Webhook::as_select()).first(db).as_ref(), Ok(&row));
        assert_eq!(webhooks::table.first::<Webhook>(db).as_ref(), Ok(&row));

        row.url = Some(secrets::plaintext("another url").into());
        diesel::update(&row).set(&row).execute(db).expect("update a row");
        row.type_ = secrets::plaintext("another type").into();
        diesel::update(&row)
            .set(webhooks::type_.eq(&row.type_))
            .execute(db)
            .expect("update a column");
        assert_eq!(webhooks::table.select(Webhook::as_select()).first(db), Ok(row));

        let raw: RawWebhook =
            sql_query("SELECT * FROM webhooks").get_result(db).expect("the raw row");
        for stored in [&raw.type_, &raw.target_url, &raw.secret] {
            assert!(stored.starts_with("ef1:1:"), "{raw:?}");
        }
    });
}
