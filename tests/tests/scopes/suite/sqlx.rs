//! SQLx.

use encrypted_field::{EncryptedFieldExt as _, EncryptedModel as _, ErrorKind, Scope};
use futures_util::TryStreamExt as _;
use sqlx::{Pool, Row as _};

use super::{Sqlx, connect, database};
use crate::keys::{self, acme, current, globex, key_of, refused};
use crate::models::{Customer, IBAN, Iban, customers};

async fn insert(pool: &Pool<Sqlx>, row: &Customer) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO customers (id, tenant, iban, note) VALUES ($1, $2, $3, $4)")
        .bind(row.id)
        .bind(&row.tenant)
        .bind(&row.iban)
        .bind(&row.note)
        .execute(pool)
        .await
        .map(drop)
}

async fn read(pool: &Pool<Sqlx>, id: i32) -> sqlx::Result<Customer> {
    sqlx::query_as("SELECT * FROM customers WHERE id = $1").bind(id).fetch_one(pool).await
}

async fn raw(pool: &Pool<Sqlx>, id: i32) -> String {
    sqlx::query_scalar("SELECT iban FROM customers WHERE id = $1")
        .bind(id)
        .fetch_one(pool)
        .await
        .unwrap()
}

/// A pool on the database, which must outlive it.
async fn pool(database: &database::Database) -> Pool<Sqlx> {
    drop(connect(database));
    Pool::connect(&database.url()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_share_a_table_and_a_pool_and_no_keys() {
    let Some(database) = database::open() else { return };
    let pool = pool(&database).await;
    let serve = async |scope: Scope, id: i32| {
        let row = Customer::new(id, scope.name());
        for _ in 0..5 {
            insert(&pool, &row).await.unwrap();
            let found = read(&pool, id).await.unwrap();
            assert!(found == row && !found.is_any_stale());
            assert_eq!(current().as_deref(), Some(scope.name()));
            sqlx::query("DELETE FROM customers WHERE id = $1")
                .bind(id)
                .execute(&pool)
                .await
                .unwrap();
        }
        insert(&pool, &row).await.unwrap();
    };
    tokio::join!(acme().enter(|| serve(acme(), 2)), globex().enter(|| serve(globex(), 4)));
    assert_eq!((key_of(&raw(&pool, 2).await), key_of(&raw(&pool, 4).await)), ("3", "4"));
    for (scope, id) in [(acme(), 4), (globex(), 2)] {
        assert_eq!(refused(scope.enter(|| read(&pool, id)).await, IBAN), ErrorKind::ScopeMismatch);
    }
    let copy =
        "UPDATE customers SET iban = (SELECT c.iban FROM customers c WHERE c.id = 2) WHERE id = 4";
    sqlx::query(copy).execute(&pool).await.unwrap();
    assert_eq!(refused(globex().enter(|| read(&pool, 4)).await, IBAN), ErrorKind::ScopeMismatch);
    pool.close().await;
}

#[tokio::test]
async fn tasks_of_both_tenants_at_once() {
    let Some(database) = database::open() else { return };
    let pool = pool(&database).await;
    let mut tasks: Vec<tokio::task::JoinHandle<sqlx::Result<()>>> = Vec::new();
    for id in 1..=10 {
        let (scope, pool) = (if id % 2 == 0 { acme() } else { globex() }, pool.clone());
        let task = async move {
            let row = Customer::new(id, Scope::current().expect("carried").name());
            insert(&pool, &row).await?;
            assert_eq!(read(&pool, id).await?, row);
            Ok(())
        };
        tasks.push(scope.run(|| tokio::spawn(Scope::carry_future(task))));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    for id in 1..=10 {
        assert_eq!(key_of(&raw(&pool, id).await), if id % 2 == 0 { "3" } else { "4" });
    }
    pool.close().await;
}

/// Of an error in `bind`, SQLx keeps the message and not the error.
#[track_caller]
fn not_bound<T: std::fmt::Debug>(result: sqlx::Result<T>) {
    let message = result.expect_err("refused").to_string();
    assert!(
        message.contains("customers.iban: the field takes its keys from the scope that is entered"),
        "{message}"
    );
}

#[tokio::test]
async fn without_a_scope_nothing_is_written_or_read() {
    let Some(database) = database::open() else { return };
    let pool = pool(&database).await;
    let row = Customer::new(2, "acme");
    not_bound(insert(&pool, &row).await);
    assert_eq!(refused(row.iban.to_stored_value(), IBAN), ErrorKind::NoScope);
    acme().enter(|| insert(&pool, &row)).await.unwrap();
    assert_eq!(refused(read(&pool, 2).await, IBAN), ErrorKind::NoScope);
    // SQLx seals in `bind`, wherever the query then runs.
    let update = || sqlx::query("UPDATE customers SET iban = $1").bind(&row.iban);
    let bound_before = update().execute(&pool);
    not_bound(acme().enter(|| bound_before).await);
    let update = acme().run(update);
    assert_eq!(update.execute(&pool).await.map(|done| done.rows_affected()).unwrap(), 1);
    assert_eq!(key_of(&raw(&pool, 2).await), "3");
    pool.close().await;
}

/// Inside of another tenant, and with all that is borrowed: an administrator's job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_is_bound_in_the_closure_is_the_inner_tenants() {
    let Some(database) = database::open() else { return };
    let pool = pool(&database).await;
    let job = {
        let pool = pool.clone();
        async move {
            let rows = [2, 4].map(|id| Customer::new(id, "acme"));
            let mut connection = pool.acquire().await?;
            for row in &rows {
                acme()
                    .enter(|| {
                        sqlx::query("INSERT INTO customers (id, tenant, iban) VALUES ($1, $2, $3)")
                            .bind(row.id)
                            .bind(&row.tenant)
                            .bind(&row.iban)
                            .execute(&mut *connection)
                    })
                    .await?;
            }
            let mut transaction = pool.begin().await?;
            acme()
                .enter(async || {
                    sqlx::query("UPDATE customers SET iban = $1 WHERE id = $2")
                        .bind(&rows[1].iban)
                        .bind(rows[1].id)
                        .execute(&mut *transaction)
                        .await?;
                    transaction.commit().await
                })
                .await
        }
    };
    // Sent to another thread, as a handler is.
    tokio::spawn(globex().enter(|| job)).await.unwrap().unwrap();
    assert_eq!((key_of(&raw(&pool, 2).await), key_of(&raw(&pool, 4).await)), ("3", "3"));
    pool.close().await;
}

#[tokio::test]
async fn rows_are_opened_where_a_stream_is_consumed() {
    let Some(database) = database::open() else { return };
    let pool = pool(&database).await;
    let fill = async || {
        for id in 1..=4 {
            insert(&pool, &Customer::new(id, "acme")).await.unwrap();
        }
    };
    acme().enter(fill).await;
    let select = "SELECT * FROM customers ORDER BY id";
    // Made in the scope.
    let mut stream = acme().run(|| sqlx::query_as::<_, Customer>(select).fetch(&pool));
    assert_eq!(acme().enter(|| stream.try_next()).await.unwrap(), Some(Customer::new(1, "acme")));
    assert_eq!(refused(stream.try_next().await, IBAN), ErrorKind::NoScope);
    drop(stream);
    // Likewise a row that leaves it.
    let row = acme().enter(|| sqlx::query(select).fetch_one(&pool)).await.unwrap();
    assert_eq!(refused(row.try_get::<Iban, _>("iban"), IBAN), ErrorKind::NoScope);
    assert_eq!(
        refused(globex().run(|| row.try_get::<Iban, _>("iban")), IBAN),
        ErrorKind::ScopeMismatch
    );
    assert!(acme().run(|| row.try_get::<Iban, _>("iban")).is_ok());
    pool.close().await;
}

/// Diesel on a thread for blocking calls, of one row that SQLx wrote.
#[tokio::test]
async fn spawn_blocking_with_and_without_the_scope() {
    use diesel::{QueryDsl as _, RunQueryDsl as _};

    let Some(database) = database::open() else { return };
    let pool = pool(&database).await;
    let row = Customer::new(2, "acme");
    acme().enter(|| insert(&pool, &row)).await.unwrap();
    let load = || {
        let mut db = database.connect();
        move || customers::table.find(2).first::<Customer>(&mut db)
    };
    acme()
        .enter(async || {
            let without = tokio::task::spawn_blocking(load()).await.unwrap();
            assert_eq!(refused(without, IBAN), ErrorKind::NoScope);
            let with = tokio::task::spawn_blocking(Scope::carry(load())).await.unwrap();
            assert_eq!(with, Ok(row.clone()));
        })
        .await;
    pool.close().await;
}

/// In the scope that is entered, and in no other.
#[tokio::test]
async fn a_stale_row_moves_in_its_scope() {
    let Some(database) = database::open() else { return };
    let pool = pool(&database).await;
    let row = Customer::new(2, "acme");
    acme().enter(|| insert(&pool, &row)).await.unwrap();
    let old = acme().run(|| row.iban.to_stored_text_with(&keys::before())).unwrap();
    let update = sqlx::query("UPDATE customers SET iban = $1 WHERE id = 2").bind(&old);
    update.execute(&pool).await.unwrap();
    let row = acme().enter(|| read(&pool, 2)).await.unwrap();
    assert!(acme().run(|| row.is_any_stale()));

    assert!(!row.move_stale_sqlx(&pool).await.unwrap(), "outside of a scope no key is out of date");
    let others = globex().enter(|| row.move_stale_sqlx(&pool)).await;
    assert_eq!(refused(others, IBAN), ErrorKind::ScopeMismatch);
    assert!(raw(&pool, 2).await == old);
    assert!(acme().enter(|| row.move_stale_sqlx(&pool)).await.unwrap());
    assert_eq!(key_of(&raw(&pool, 2).await), "3");
    assert_eq!(acme().enter(|| read(&pool, 2)).await.unwrap(), row);
    pool.close().await;
}
