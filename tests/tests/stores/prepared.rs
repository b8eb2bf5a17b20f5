//! Statements that stay prepared.

use encrypted_field::envelope::sql::SqlxStore;
use encrypted_field::envelope::{KeyStore as _, Query};
use sqlx::mysql::MySqlPoolOptions;

use crate::places::{SqlxMariaDb, Table};
use crate::support::{record, run, swap};

/// After a statement is closed, the next one may wait 40 ms for its turn.
#[test]
fn mariadb_closes_none() {
    let Some(table) = Table::<SqlxMariaDb>::open() else { return };
    run(async {
        let pool = MySqlPoolOptions::new().max_connections(1).connect(&table.url).await.unwrap();
        let count = async |what: &'static str| -> u64 {
            let (_, count): (String, String) =
                sqlx::query_as(what).persistent(true).fetch_one(&pool).await.unwrap();
            count.parse().unwrap()
        };
        let store = SqlxStore::new(pool.clone());
        swap(&store, 0, &[record("head", 1, "head"), record("process", 1, "")]).await;
        let names = (0..40).map(|number| format!("tree/{number:02x}"));
        let query = Query::head().names(names).prefix("demand/").after(1);
        for revision in 1..4 {
            store.load(&query).await.unwrap();
            let changed = ["head", "process", "tree/3f"].map(|name| record(name, revision + 1, ""));
            swap(&store, revision, &changed).await;
        }
        let executed = count("SHOW SESSION STATUS LIKE 'Com_stmt_execute'").await;
        assert!(executed >= 11, "{executed} on this connection");
        assert_eq!(count("SHOW SESSION STATUS LIKE 'Com_stmt_close'").await, 0);
    });
}
