//! diesel-async, on PostgreSQL.

use diesel::{
    BelongingToDsl as _, ExpressionMethods, HasQuery as _, QueryDsl, SelectableHelper as _,
};
use diesel_async::{
    AsyncConnection as _, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _,
};
use encrypted_field::{EncryptedModel as _, ErrorKind};
use tests::{Database, secrets};

use crate::databases::postgres::SQL_TYPES;
use crate::errors::{read_refused, says, write_refused};
use crate::keys;
use crate::models::{BotToken, SlackConnection, Tokens, acme};
use crate::schema::{self, organizations, slack_connections as table};

/// Runs a test in a database of its own, under [`keys::first`], on one thread: the one that holds
/// the ring.
fn run(test: impl AsyncFnOnce(&mut AsyncPgConnection)) {
    let Some(database) = Database::postgres() else { return };
    drop(schema::open::<diesel::PgConnection>(&database, &SQL_TYPES));
    let _held = keys::first().hold();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(async {
            let mut connection =
                AsyncPgConnection::establish(&database.url()).await.expect("connect");
            test(&mut connection).await;
        });
}

async fn read(db: &mut AsyncPgConnection, id: i32) -> diesel::QueryResult<SlackConnection> {
    table::table.find(id).select(SlackConnection::as_select()).first(db).await
}

async fn raw_token(db: &mut AsyncPgConnection, id: i32) -> String {
    table::table.find(id).select(table::bot_token).first(db).await.expect("the raw column")
}

#[test]
fn writes_and_reads() {
    run(async |db| {
        let mut row = SlackConnection::full(1);
        diesel::insert_into(table::table).values(&row).execute(db).await.expect("insert");
        let batch = vec![SlackConnection::full(2), SlackConnection::sparse(3)];
        diesel::insert_into(table::table).values(&batch).execute(db).await.expect("insert a batch");
        assert_eq!(read(db, 1).await.as_ref(), Ok(&row));
        assert_eq!(read(db, 3).await.as_ref(), Ok(&batch[1]));
        let (first, second) = (raw_token(db, 1).await, raw_token(db, 2).await);
        assert!(first.starts_with("ef1:1:") && first != second);

        row.bot_token = secrets::plaintext("a new token").into();
        let returned = diesel::update(table::table.find(1))
            .set(table::bot_token.eq(&row.bot_token))
            .returning(SlackConnection::as_returning())
            .get_result(db)
            .await;
        assert_eq!(returned.as_ref(), Ok(&row));
        diesel::update(&row).set(&row).execute(db).await.expect("update the row");
        diesel::insert_into(table::table)
            .values(&row)
            .on_conflict(table::id)
            .do_update()
            .set(table::bot_token.eq(diesel::upsert::excluded(table::bot_token)))
            .execute(db)
            .await
            .expect("upsert");
        assert_eq!(
            Tokens::query().find(1).first(db).await.map(|read| read.bot_token),
            Ok(row.bot_token)
        );
    });
}

#[test]
fn belonging_to() {
    run(async |db| {
        diesel::insert_into(organizations::table).values(acme()).execute(db).await.expect("insert");
        diesel::insert_into(table::table)
            .values(SlackConnection::full(1))
            .execute(db)
            .await
            .expect("insert");
        let acme = acme();
        let rows = SlackConnection::belonging_to(&acme).select(SlackConnection::as_select());
        assert_eq!(rows.load(db).await, Ok(vec![SlackConnection::full(1)]));
    });
}

#[test]
fn rotation() {
    run(async |db| {
        diesel::insert_into(table::table)
            .values(SlackConnection::full(1))
            .execute(db)
            .await
            .expect("insert");
        let _rotated = keys::rotated().hold();
        let row = read(db, 1).await.expect("read");
        assert!(row.is_any_stale());
        diesel::update(&row).set(&row).execute(db).await.expect("write it back");
        assert!(raw_token(db, 1).await.starts_with("ef1:2:"));
    });
}

#[test]
fn refusals_and_transactions() {
    run(async |db| {
        diesel::insert_into(table::table)
            .values(SlackConnection::full(1))
            .execute(db)
            .await
            .expect("insert");
        let before = raw_token(db, 1).await;
        let no_key = says(ErrorKind::NoActiveKey, "slack_connections.bot_token", None);
        let result = db
            .transaction(async |db| {
                diesel::update(table::table)
                    .set(table::bot_token.eq(BotToken::from("")))
                    .execute(db)
                    .await?;
                // Held within one poll: sealing is not asynchronous.
                let insert = {
                    let _tenants = keys::tenants().hold();
                    diesel::insert_into(table::table).values(SlackConnection::full(2)).execute(db)
                };
                insert.await
            })
            .await;
        assert_eq!(write_refused(result), no_key);
        assert_eq!(raw_token(db, 1).await, before);

        db.batch_execute("UPDATE slack_connections SET bot_token = 'plain'")
            .await
            .expect("plant a plain value");
        let plain = says(ErrorKind::NotEncrypted, "slack_connections.bot_token", None);
        assert_eq!(read_refused(read(db, 1).await), plain);
    });
}

/// Executors that move tasks between threads ask for it.
#[test]
fn futures_are_send() {
    run(async |_| {});
    fn send<T: Send + 'static>(future: T) -> T {
        future
    }
    async fn whole_cycle(mut db: AsyncPgConnection, token: BotToken) {
        let row = SlackConnection::full(1);
        diesel::insert_into(table::table).values(&row).execute(&mut db).await.expect("insert");
        let read: SlackConnection = table::table.first(&mut db).await.expect("read");
        diesel::update(&read)
            .set(table::bot_token.eq(&token))
            .execute(&mut db)
            .await
            .expect("update");
        let read: BotToken =
            table::table.select(table::bot_token).first(&mut db).await.expect("read");
        assert_eq!(read, token);
    }
    let Some(database) = Database::postgres() else { return };
    drop(schema::open::<diesel::PgConnection>(&database, &SQL_TYPES));
    let _held = keys::first().hold();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(async {
            let db = AsyncPgConnection::establish(&database.url()).await.expect("connect");
            tokio::spawn(send(whole_cycle(db, "".into()))).await.expect("the task");
        });
}
