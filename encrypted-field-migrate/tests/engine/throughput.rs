//! How fast it is, beside a bare batched `UPDATE`. Measure with `--release`.

use std::sync::Arc;
use std::time::Instant;

use encrypted_field_migrate::{Operation, Options};
use sqlx::Connection as _;

use crate::support::{Db, block_on, job, ring};

const ROWS: u64 = 100_000;

async fn fill(db: &Db, table: &str) {
    db.run(&format!(
        "DROP TABLE IF EXISTS {table}; CREATE TABLE {table} (id BIGINT PRIMARY KEY, token text);
         INSERT INTO {table} SELECT n, 'CANARY-' || repeat(md5(n::text), 2) FROM generate_series(1, {ROWS}) AS n"
    ))
    .await;
    db.run(&format!("VACUUM ANALYZE {table}")).await;
}

/// One connection writes values as long as stored ones to the same rows.
async fn bare(db: &Db) -> f64 {
    let mut connection = sqlx::PgConnection::connect(&db.url).await.unwrap();
    let value = "x".repeat(6 + (4 * (41 + 71_usize)).div_ceil(3));
    let began = Instant::now();
    let all: Vec<i64> = (1..=i64::try_from(ROWS).unwrap()).collect();
    for ids in all.chunks(500) {
        let values = vec![value.as_str(); ids.len()];
        let sql = "UPDATE bare SET token = v.token FROM unnest($1::bigint[], $2::text[]) AS v(id, token) WHERE bare.id = v.id";
        let done = sqlx::query(sql).bind(ids).bind(&values).execute(&mut connection).await.unwrap();
        assert_eq!(done.rows_affected(), ids.len() as u64);
    }
    began.elapsed().as_secs_f64()
}

async fn engine(db: &Db, workers: usize) -> f64 {
    fill(db, "users").await;
    let job = job(Operation::Encrypt);
    let options = Options { workers, batch: 500, ..Options::default() };
    let began = Instant::now();
    let report = db.migrate_with(&job, &ring(1), options, Arc::default()).await.unwrap();
    let time = began.elapsed().as_secs_f64();
    assert_eq!(report.counts.replaced, ROWS);
    time
}

#[test]
#[ignore = "measures"]
fn beside_a_bare_update() {
    let Some(db) = Db::postgres() else { return };
    block_on(async {
        for _ in 0..2 {
            fill(&db, "bare").await;
            let bare = bare(&db).await;
            let (one, two) = (engine(&db, 1).await, engine(&db, 2).await);
            println!(
                "{ROWS} rows: a bare UPDATE {bare:.2} s, one worker {one:.2} s ({:.2} of its throughput), two workers {two:.2} s ({:.2} x one)",
                bare / one,
                one / two
            );
        }
    });
}
