//! `legacy::close` and `legacy::reopen`. The switch is the process's, by context, so each database
//! has a field type of its own here.

use encrypted_field::{Encrypted, ErrorKind, Secret, legacy};
use sqlx::Connection;
use tests::secrets::plaintext;

use crate::errors::found;
use crate::keys;

macro_rules! on {
    ($database:ident, $context:literal, $other:literal) => {
        mod $database {
            use super::*;
            use crate::databases::$database::{Db, TEXT, open, sql};

            #[derive(Encrypted)]
            #[encrypted(context = $context, legacy = plaintext)]
            struct Token(Secret<String>);

            #[derive(Encrypted)]
            #[encrypted(context = $other, legacy = plaintext)]
            struct Other(Secret<String>);

            async fn read<T>(db: &mut <Db as sqlx::Database>::Connection) -> sqlx::Result<T>
            where
                T: for<'r> sqlx::Decode<'r, Db> + sqlx::Type<Db> + Send + Unpin,
            {
                sqlx::query_scalar("SELECT token FROM imports").fetch_one(db).await
            }

            #[tokio::test]
            async fn closes_and_reopens() {
                let Some(database) = open() else { return };
                let _ring = keys::first().hold();
                let mut db = database.connect().await;
                let create = format!("CREATE TABLE imports (token {TEXT})");
                sqlx::query(sql(&create)).execute(&mut db).await.unwrap();
                let insert =
                    sqlx::query(sql("INSERT INTO imports VALUES ($1)")).bind(plaintext("old"));
                insert.execute(&mut db).await.unwrap();

                assert!(!legacy::is_closed::<Token>());
                let old: Token = read(&mut db).await.unwrap();
                legacy::close::<Token>();
                assert!(legacy::is_closed::<Token>() && !legacy::is_closed::<Other>());
                let error = read::<Token>(&mut db).await.unwrap_err();
                assert_eq!(found(&error), (ErrorKind::LegacyClosed, $context));
                assert_eq!(*read::<Other>(&mut db).await.unwrap(), *old, "other columns stay open");

                legacy::reopen::<Token>();
                assert_eq!(read::<Token>(&mut db).await.unwrap(), old);

                // What is encrypted opens behind a closed door.
                legacy::close::<Token>();
                let update = sqlx::query(sql("UPDATE imports SET token = $1")).bind(&old);
                update.execute(&mut db).await.unwrap();
                let new: Token = read(&mut db).await.unwrap();
                assert_eq!((new.is_legacy(), &new), (false, &old));
                db.close().await.unwrap();
            }
        }
    };
}

on!(sqlite, "switch_sqlite.token", "switch_sqlite.other");
on!(postgres, "switch_postgres.token", "switch_postgres.other");
on!(mariadb, "switch_mariadb.token", "switch_mariadb.other");
