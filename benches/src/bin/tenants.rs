//! What a key store with very many tenants costs, in a table of PostgreSQL: `./bench tenants
//! [NUMBER]`.
//!
//! It fills a store, then starts itself anew and measures there what a process of an application
//! would pay. Figures, not goals: they are of one machine, with the database on it.

use std::process::Command;
use std::time::{Duration, Instant};

use encrypted_field::envelope::sql::{Dialect, SqlxStore};
use encrypted_field::envelope::{KeyManager, LocalKek};
use encrypted_field::{Encrypted, Secret};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Row as _};

/// The environment variable that tells the started process that it is the application's.
const APPLICATION: &str = "EF_BENCH_TENANTS";
const KEK: &str = "EF_BENCH_KEK";
/// Tenants of which one is entered, or added, at a time.
const TRIED: u32 = 200;

#[derive(Encrypted)]
#[encrypted(context = "customers.iban", scope = dynamic)]
struct Iban(Secret<String>);

fn main() {
    let url = std::env::var("EF_TEST_POSTGRES_URL")
        .expect("the URL of a database in EF_TEST_POSTGRES_URL");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let tenants: u32 =
        std::env::args().nth(1).map_or(1_000_000, |number| number.parse().expect("a number"));
    if std::env::var_os(APPLICATION).is_some() {
        runtime.block_on(application(&url, tenants));
        return;
    }
    let kek = encrypted_field::generate_key().unwrap();
    runtime.block_on(fill(&url, kek, tenants));
    drop(runtime);
    let program = std::env::current_exe().unwrap();
    let hex = kek.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let mut process = Command::new(program);
    process.arg(tenants.to_string()).env(APPLICATION, "1").env(KEK, hex);
    assert!(process.status().unwrap().success());
}

fn manager(pool: &PgPool, kek: [u8; 32]) -> KeyManager {
    let store = SqlxStore::new(pool.clone());
    KeyManager::builder("bench", store).kek("local", LocalKek::new(kek).unwrap()).build().unwrap()
}

async fn connect(url: &str) -> PgPool {
    PgPoolOptions::new().max_connections(2).connect(url).await.unwrap()
}

async fn fill(url: &str, kek: [u8; 32], tenants: u32) {
    let pool = connect(url).await;
    sqlx::raw_sql("DROP TABLE IF EXISTS encrypted_field_keys").execute(&pool).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(Dialect::Postgres.up())).execute(&pool).await.unwrap();
    let keys = manager(&pool, kek);
    keys.initialize().await.unwrap();
    let start = Instant::now();
    keys.provision_all((0..tenants).map(name)).await.unwrap();
    println!("{tenants} tenants provisioned, 256 at once: {:.0?}", start.elapsed());
    sqlx::raw_sql("VACUUM ANALYZE encrypted_field_keys").execute(&pool).await.unwrap();
    let size =
        "SELECT count(*), pg_total_relation_size('encrypted_field_keys') FROM encrypted_field_keys";
    let row = sqlx::query(size).fetch_one(&pool).await.unwrap();
    let (records, bytes): (i64, i64) = (row.get(0), row.get(1));
    println!(
        "in the store: {records} records, {} bytes a tenant with indexes",
        bytes / i64::from(tenants)
    );
}

fn name(number: u32) -> String {
    format!("tenant-{number:07}")
}

async fn application(url: &str, tenants: u32) {
    let kek = std::env::var(KEK).unwrap();
    let kek = std::array::from_fn(|at| u8::from_str_radix(&kek[2 * at..2 * at + 2], 16).unwrap());
    let pool = connect(url).await;
    let keys = manager(&pool, kek);
    println!("memory of the process before: {}", memory());
    let start = Instant::now();
    keys.load().await.unwrap();
    println!("start (`load`): {:.1?}", start.elapsed());
    println!("memory at most: {}", memory());

    let step = tenants / TRIED;
    let mut times = Vec::new();
    for number in 0..TRIED {
        let tenant = name(number * step);
        let start = Instant::now();
        let scope = keys.scope(&tenant).await.unwrap();
        times.push(start.elapsed());
        let iban = Iban::from("DE02120300000000202051");
        scope.run(|| iban.to_stored_text()).unwrap();
    }
    report("entering a tenant for the first time", times);
    println!("memory at most, with {TRIED} tenants in use: {}", memory());

    let other = manager(&pool, kek);
    let mut times = Vec::new();
    for number in 0..TRIED {
        let start = Instant::now();
        keys.provision(&format!("new-{number}")).await.unwrap();
        times.push(start.elapsed());
    }
    report("`provision` of one more tenant", times);

    other.load().await.unwrap();
    let mut times = Vec::new();
    for number in 0..20 {
        other.provision(&format!("newer-{number}")).await.unwrap();
        let start = Instant::now();
        keys.load().await.unwrap();
        times.push(start.elapsed());
    }
    report("refresh after a change by another process", times);
    let mut times = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        keys.maintain().await.unwrap();
        times.push(start.elapsed());
    }
    report("`maintain` where nothing is due", times);
    println!("memory at most, in the end: {}", memory());
}

/// The most that was resident, since the start of the process.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib: u32 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    format!("{:.1} MiB", f64::from(kib) / 1024.0)
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{what}: {median:.1?} (median of {}), {worst:.1?} at most", times.len());
}
