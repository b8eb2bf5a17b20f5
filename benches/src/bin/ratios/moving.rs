//! The bulk engine, beside a bare `UPDATE` of the same rows in batches as long, on PostgreSQL.

use std::sync::Arc;
use std::time::{Duration, Instant};

use benches::ring;
use encrypted_field_migrate::{Description, Job, Migration, Operation, Options, Stop};
use measure::{Goal, Limit, Subject, compare_rounds};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::runtime::{Builder, Runtime};

use crate::orm::POSTGRES;

const ROWS: i64 = 100_000;
const BATCH: usize = 500;
const ROUNDS: usize = 5;

pub fn goals() -> Vec<Goal> {
    let url =
        std::env::var(POSTGRES).unwrap_or_else(|_| panic!("{POSTGRES} is not set: run `./bench`"));
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let place = Place { url: &url, runtime: &runtime };
    let mut one = Engine { place, workers: 1 };
    let beside_bare = compare_rounds(ROUNDS, &mut one, &mut Bare(place));
    let beside_two = compare_rounds(ROUNDS, &mut one, &mut Engine { place, workers: 2 });
    vec![
        in_seconds(Goal::other_by_ours(
            "encrypt 100,000 rows of 71 B, one worker: rows a second : of a bare UPDATE",
            Limit::AtLeast(0.8),
            beside_bare,
        )),
        in_seconds(Goal::ours_by_other(
            "the same: rows a second of two workers : of one",
            Limit::AtLeast(1.5),
            beside_two,
        )),
    ]
}

fn in_seconds(mut goal: Goal) -> Goal {
    let seconds = |summary: measure::Summary| summary.map(|ns| ns / 1e9);
    (goal.ours, goal.other) = (goal.ours.map(seconds), goal.other.map(seconds));
    goal.unit = "s".into();
    goal
}

#[derive(Clone, Copy)]
struct Place<'a> {
    url: &'a str,
    runtime: &'a Runtime,
}

impl Place<'_> {
    fn connect(self) -> PgConnection {
        self.runtime.block_on(PgConnection::connect(self.url)).unwrap()
    }

    /// A new table of plaintexts, as vacuumed as one that has been there for long.
    fn fill(self, table: &str) {
        let mut db = self.connect();
        let statements = [
            format!("DROP TABLE IF EXISTS {table}"),
            format!("CREATE TABLE {table} (id bigint PRIMARY KEY, token text)"),
            format!(
                "INSERT INTO {table} SELECT n, 'xoxb-2-' || repeat(md5(n::text), 2) FROM generate_series(1, {ROWS}) AS n"
            ),
            format!("VACUUM ANALYZE {table}"),
            "CHECKPOINT".to_owned(),
        ];
        for statement in statements {
            let statement = sqlx::raw_sql(AssertSqlSafe(statement));
            self.runtime.block_on(statement.execute(&mut db)).unwrap();
        }
    }
}

/// One connection writes values as long as sealed ones.
struct Bare<'a>(Place<'a>);

impl Subject for Bare<'_> {
    fn run(&mut self, calls: u64) -> Duration {
        (0..calls).map(|_| self.update()).sum()
    }
}

impl Bare<'_> {
    fn update(&self) -> Duration {
        self.0.fill("bench_bare");
        let mut db = self.0.connect();
        // "ef1:", a key id of one digit, ":", and base64url of suite, nonce, ciphertext and tag.
        let value = "x".repeat(6 + (4 * (41 + 71_usize)).div_ceil(3));
        let ids: Vec<i64> = (1..=ROWS).collect();
        let start = Instant::now();
        for ids in ids.chunks(BATCH) {
            let values = vec![value.as_str(); ids.len()];
            let update = sqlx::query(
                "UPDATE bench_bare AS t SET token = v.token
                 FROM unnest($1::bigint[], $2::text[]) AS v (id, token) WHERE t.id = v.id",
            );
            let update = update.bind(ids).bind(&values).execute(&mut db);
            let done = self.0.runtime.block_on(update).unwrap();
            assert_eq!(done.rows_affected(), ids.len() as u64);
        }
        start.elapsed()
    }
}

/// A job with so many workers.
struct Engine<'a> {
    place: Place<'a>,
    workers: usize,
}

impl Subject for Engine<'_> {
    fn run(&mut self, calls: u64) -> Duration {
        (0..calls).map(|_| self.encrypt()).sum()
    }
}

impl Engine<'_> {
    fn encrypt(&self) -> Duration {
        self.place.fill("bench_sealed");
        let job = Job::new(Description::new("bench_sealed", "token"), Operation::Encrypt).unwrap();
        let options = Options { workers: self.workers, batch: BATCH, ..Options::default() };
        self.place.runtime.block_on(async {
            let migration = Migration::connect(self.place.url).await.unwrap();
            let stop = Stop::default();
            let keys = Arc::new(Arc::new(ring()));
            let start = Instant::now();
            let report = migration.run(&job, options, keys, Arc::new(()), &stop).await.unwrap();
            let took = start.elapsed();
            assert_eq!(report.counts.replaced, ROWS.unsigned_abs());
            took
        })
    }
}
