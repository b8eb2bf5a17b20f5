//! Field types called like something that the generated code uses itself.

use encrypted_field::Encrypted;
use tests::secrets::plaintext;

use crate::databases::sqlite;
use crate::keys;

macro_rules! names {
    ($($name:ident)*) => {
        mod declared {
            $(
                #[derive(encrypted_field::Encrypted)]
                #[encrypted(context = "names.value", legacy = plaintext, serialize = "sealed", pg_array)]
                pub(super) struct $name(encrypted_field::Secret<String>);
            )*
        }

        #[tokio::test]
        async fn of_field_types() {
            let Some(database) = sqlite::open() else { return };
            let _ring = keys::first().hold();
            let mut db = database.connect().await;
            $(
                let written = declared::$name::from(plaintext(stringify!($name)));
                let read: declared::$name =
                    sqlx::query_scalar("SELECT $1").bind(&written).fetch_one(&mut db).await.unwrap();
                assert_eq!((read.key_id(), &read), (keys::id(1), &written));
                assert_eq!(format!("{read:?}"), concat!(stringify!($name), "([encrypted])"));
                // The same through serde.
                let read: declared::$name = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
                assert_eq!(read, written);
            )*
        }
    };
}

names! {
    Binary Column Database Decode Encode EncryptedField Err Field IsNull Json Key KeyId Keyring Nullable Ok Output Plain
    Plaintext Queryable Sealed Secret Serialize Deserialize Storage Text Type Value ValueRef View
}

/// The application's own types of such names, in scope where the field is declared.
mod plaintexts {
    use serde_json::Value;

    use super::*;

    #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Sealed(u8);

    #[derive(Debug, PartialEq, sqlx::FromRow, Encrypted)]
    #[encrypted(table = "names")]
    struct Model {
        #[encrypted(json = Value, serialize = "plaintext")]
        document: Document,
        #[encrypted(json = Sealed, serialize = "plaintext")]
        envelope: Option<Envelope>,
    }

    #[tokio::test]
    async fn of_plaintexts() {
        let Some(database) = sqlite::open() else { return };
        let _ring = keys::first().hold();
        let mut db = database.connect().await;
        let document = Document::from(serde_json::json!({ "a": plaintext("a") }));
        let written = Model { document, envelope: Some(Sealed(7).into()) };
        let select = sqlx::query_as("SELECT $1 AS document, $2 AS envelope");
        let read: Model = select
            .bind(&written.document)
            .bind(&written.envelope)
            .fetch_one(&mut db)
            .await
            .unwrap();
        assert_eq!(read, written);
        assert!(serde_json::to_value(&read.document).unwrap() == *read.document);
    }
}
