//! A pool, and tasks that share it.

use tests::secrets::plaintext;

use super::database::{open, sql};
use super::{INSERT, connect};
use crate::keys;
use crate::models::{BotToken, SlackConnection};

#[tokio::test]
async fn tasks_write_and_read_through_one_pool() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    drop(connect(&database).await);
    let pool = database.pool(4).await;

    let tasks: Vec<_> = (1..=16)
        .map(|task: i64| {
            let pool = pool.clone();
            tokio::spawn(async move {
                for id in [task, task + 100, task + 200] {
                    let token = BotToken::from(plaintext(&id.to_string()));
                    let row = SlackConnection { bot_token: token, ..SlackConnection::full(id) };
                    let query =
                        sqlx::query(sql(INSERT)).bind(id).bind(&row.org_id).bind(&row.bot_token);
                    let query =
                        query.bind(&row.signing_secret).bind(&row.webhook_key).bind(&row.note);
                    query.execute(&pool).await.unwrap();
                    let select =
                        sqlx::query_as(sql("SELECT * FROM slack_connections WHERE id = $1"));
                    let read: SlackConnection = select.bind(id).fetch_one(&pool).await.unwrap();
                    assert_eq!(read, row);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }

    let select = "SELECT id, bot_token FROM slack_connections";
    let rows: Vec<(i64, BotToken)> = sqlx::query_as(select).fetch_all(&pool).await.unwrap();
    assert_eq!(rows.len(), 48);
    assert!(rows.into_iter().all(|(id, token)| *token == *plaintext(&id.to_string())));
    pool.close().await;
}
