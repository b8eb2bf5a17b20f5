//! Databases of tests, and what runs jobs on them.

use std::sync::{Arc, Mutex};

use encrypted_field::column::Column;
use encrypted_field::{Keyring, Storage};
use encrypted_field_migrate::{
    Description, Event, Failure, FailureKind, Job, Migration, Operation, Options, Progress, Report,
    Result, Stop, Waiting,
};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use tests::{Database, secrets};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Postgres,
    MariaDb,
    Sqlite,
}

/// An empty database of one test.
pub(crate) struct Db {
    pub(crate) kind: Kind,
    pub(crate) url: String,
    _server: Option<Database>,
    _folder: Option<tempfile::TempDir>,
}

impl Db {
    pub(crate) fn postgres() -> Option<Self> {
        let database = Database::postgres()?;
        let url = database.url();
        Some(Self { kind: Kind::Postgres, url, _server: Some(database), _folder: None })
    }

    pub(crate) fn mariadb() -> Option<Self> {
        let database = Database::mariadb()?;
        let url = database.url();
        Some(Self { kind: Kind::MariaDb, url, _server: Some(database), _folder: None })
    }

    #[allow(clippy::unnecessary_wraps, reason = "as the other two")]
    pub(crate) fn sqlite() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.sqlite").display());
        let db = Self { kind: Kind::Sqlite, url, _server: None, _folder: Some(folder) };
        // As applications with more than one writer have it.
        db.run_now("PRAGMA journal_mode = WAL");
        Some(db)
    }

    /// One that is there, and stays.
    pub(crate) fn at(kind: Kind, url: String) -> Self {
        Self { kind, url, _server: None, _folder: None }
    }

    /// What is written for this database.
    pub(crate) fn pick<'a>(&self, postgres: &'a str, mariadb: &'a str, sqlite: &'a str) -> &'a str {
        match self.kind {
            Kind::Postgres => postgres,
            Kind::MariaDb => mariadb,
            Kind::Sqlite => sqlite,
        }
    }

    pub(crate) fn text(&self) -> &'static str {
        self.pick("text", "longtext", "TEXT").to_owned().leak()
    }

    pub(crate) fn blob(&self) -> &'static str {
        self.pick("bytea", "longblob", "BLOB").to_owned().leak()
    }

    /// Statements.
    pub(crate) async fn run(&self, sql: &str) {
        self.try_run(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub(crate) async fn try_run(&self, sql: &str) -> sqlx::Result<()> {
        let mut client = Client::open(self.kind, &self.url).await;
        let done = client.run(sql).await;
        client.close().await;
        done
    }

    /// As [`run`](Self::run), where nothing may wait for a future.
    pub(crate) fn run_now(&self, sql: &str) {
        run_now(self.kind, &self.url, sql);
    }

    /// The rows of a query, each value as text.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let mut client = Client::open(self.kind, &self.url).await;
        let rows = client.rows(sql).await;
        client.close().await;
        rows
    }

    /// The first column of a query.
    pub(crate) async fn column(&self, sql: &str) -> Vec<String> {
        let rows = self.rows(sql).await;
        rows.into_iter().map(|mut row| row.remove(0).unwrap_or("NULL".into())).collect()
    }

    pub(crate) async fn number(&self, sql: &str) -> u64 {
        self.column(sql).await[0].parse().unwrap()
    }

    /// A table with an integer key and a column of this type.
    pub(crate) async fn table(&self, kind: &str) {
        self.run(&format!("CREATE TABLE users (id INTEGER PRIMARY KEY, token {kind})")).await;
    }

    /// Puts these values in, by ids from 1.
    pub(crate) async fn fill(&self, values: &[Option<&str>]) {
        let values: Vec<String> = values
            .iter()
            .enumerate()
            .map(|(at, value)| format!("({}, {})", at + 1, literal(*value)))
            .collect();
        self.run(&format!("INSERT INTO users (id, token) VALUES {}", values.join(", "))).await;
    }

    pub(crate) async fn tokens(&self) -> Vec<String> {
        self.column("SELECT token FROM users ORDER BY id").await
    }

    pub(crate) async fn migration(&self) -> Migration {
        Migration::connect(&self.url).await.unwrap()
    }

    /// Runs a job to its end.
    pub(crate) async fn migrate(&self, job: &Job, ring: &Arc<Keyring>) -> Report {
        self.migrate_with(job, ring, Options::default(), Arc::new(Recorder::default()))
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) async fn migrate_with(
        &self,
        job: &Job,
        ring: &Arc<Keyring>,
        options: Options,
        progress: Arc<Recorder>,
    ) -> Result<Report> {
        let stop = Stop::default();
        self.migration().await.run(job, options, Arc::new(ring.clone()), progress, &stop).await
    }

    pub(crate) async fn verified(
        &self,
        job: &Job,
        ring: &Arc<Keyring>,
    ) -> encrypted_field_migrate::Verified {
        let migration = self.migration().await;
        migration.verify(job, Arc::new(ring.clone()), Arc::new(()), &Stop::default()).await.unwrap()
    }
}

pub(crate) fn run_now(kind: Kind, url: &str, sql: &str) {
    apart(async {
        let mut client = Client::open(kind, url).await;
        client.run(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        client.close().await;
    });
}

pub(crate) fn rows_now(kind: Kind, url: &str, sql: &str) -> Vec<Vec<Option<String>>> {
    apart(async {
        let mut client = Client::open(kind, url).await;
        let rows = client.rows(sql).await;
        client.close().await;
        rows
    })
}

/// On a thread of its own, for what is called from within a runtime and may not wait there.
fn apart<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| scope.spawn(|| block_on(work)).join().unwrap())
}

pub(crate) fn literal(value: Option<&str>) -> String {
    value.map_or("NULL".to_owned(), |value| format!("'{}'", value.replace('\'', "''")))
}

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// Without a log of the statements: those of the tests have plaintexts in them.
async fn quietly<C>(url: &str) -> C
where
    C: sqlx::Connection,
    C::Options: sqlx::ConnectOptions<Connection = C>,
{
    use sqlx::ConnectOptions as _;

    url.parse::<C::Options>().unwrap().disable_statement_logging().connect().await.unwrap()
}

/// A connection, for what must stay open.
pub(crate) enum Client {
    Postgres(sqlx::PgConnection),
    MariaDb(sqlx::MySqlConnection),
    Sqlite(sqlx::SqliteConnection),
}

impl Client {
    pub(crate) async fn open(kind: Kind, url: &str) -> Self {
        match kind {
            Kind::Postgres => Self::Postgres(quietly(url).await),
            Kind::MariaDb => Self::MariaDb(quietly(url).await),
            Kind::Sqlite => {
                let mut connection: sqlx::SqliteConnection = quietly(url).await;
                sqlx::raw_sql("PRAGMA busy_timeout = 30000")
                    .execute(&mut connection)
                    .await
                    .unwrap();
                Self::Sqlite(connection)
            }
        }
    }

    pub(crate) async fn run(&mut self, sql: &str) -> sqlx::Result<()> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Postgres(connection) => sql.execute(connection).await.map(drop),
            Self::MariaDb(connection) => sql.execute(connection).await.map(drop),
            Self::Sqlite(connection) => sql.execute(connection).await.map(drop),
        }
    }

    pub(crate) async fn rows(&mut self, sql: &str) -> Vec<Vec<Option<String>>> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Postgres(connection) => {
                let rows = sql.fetch_all(connection).await.unwrap();
                let get = |row: &sqlx::postgres::PgRow, at| row.try_get_unchecked(at).unwrap();
                rows.iter().map(|row| (0..row.len()).map(|at| get(row, at)).collect()).collect()
            }
            Self::MariaDb(connection) => {
                let rows = sql.fetch_all(connection).await.unwrap();
                let get = |row: &sqlx::mysql::MySqlRow, at| {
                    let value: Option<Vec<u8>> = row.try_get_unchecked(at).unwrap();
                    value.map(|value| String::from_utf8_lossy(&value).into_owned())
                };
                rows.iter().map(|row| (0..row.len()).map(|at| get(row, at)).collect()).collect()
            }
            Self::Sqlite(connection) => {
                let rows = sql.fetch_all(connection).await.unwrap();
                let get = |row: &sqlx::sqlite::SqliteRow, at| row.try_get_unchecked(at).unwrap();
                rows.iter().map(|row| (0..row.len()).map(|at| get(row, at)).collect()).collect()
            }
        }
    }

    pub(crate) async fn close(self) {
        let _ = match self {
            Self::Postgres(connection) => connection.close().await,
            Self::MariaDb(connection) => connection.close().await,
            Self::Sqlite(connection) => connection.close().await,
        };
    }
}

/// A test for each database.
macro_rules! on_each {
    ($($name:ident),+ $(,)?) => {
        mod postgres {
            $(#[test]
            fn $name() {
                let Some(db) = crate::support::Db::postgres() else { return };
                crate::support::block_on(super::$name(&db));
            })+
        }
        mod mariadb {
            $(#[test]
            fn $name() {
                let Some(db) = crate::support::Db::mariadb() else { return };
                crate::support::block_on(super::$name(&db));
            })+
        }
        mod sqlite {
            $(#[test]
            fn $name() {
                let Some(db) = crate::support::Db::sqlite() else { return };
                crate::support::block_on(super::$name(&db));
            })+
        }
    };
}
pub(crate) use on_each;

/// Keys 1 to `last`, the last one active.
pub(crate) fn ring(last: u32) -> Arc<Keyring> {
    let mut builder = Keyring::builder().active(last, secrets::KEYS[last as usize]);
    for id in 1..last {
        builder = builder.retired(id, secrets::KEYS[id as usize]);
    }
    Arc::new(builder.build().unwrap())
}

pub(crate) fn description() -> Description {
    Description::new("users", "token")
}

pub(crate) fn job(operation: Operation) -> Job {
    Job::new(description(), operation).unwrap()
}

pub(crate) fn decrypt(description: Description) -> Job {
    let confirm = Job::confirmation(&description);
    Job::decrypt(description, &confirm).unwrap()
}

/// As the application would store it.
pub(crate) fn sealed(context: &str, ring: &Keyring, plaintext: &str) -> String {
    let column = Column::new(context.to_owned()).unwrap();
    String::from_utf8(column.seal(ring, plaintext.as_bytes()).unwrap()).unwrap()
}

/// As the application would read it.
pub(crate) fn opened(context: &str, ring: &Keyring, stored: &str) -> String {
    let column = Column::new(context.to_owned()).unwrap();
    let opened = column.open(ring, stored.as_bytes().to_vec());
    String::from_utf8(opened.unwrap_or_else(|error| panic!("{error}")).encoded.to_vec()).unwrap()
}

/// As [`opened`], of bytes in hexadecimal.
pub(crate) fn opened_hex(context: &str, ring: &Keyring, stored: &str) -> String {
    let column = Column::new(context.to_owned()).unwrap().storage(Storage::Binary);
    let stored = hex(stored);
    String::from_utf8(column.open(ring, stored).unwrap().encoded.to_vec()).unwrap()
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let text = text.trim_start_matches("\\x");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

type Hook = Box<dyn Fn(&Event) + Send + Sync>;

/// Keeps what a job tells, and lets a test do something in the middle.
#[derive(Default)]
pub(crate) struct Recorder {
    failures: Mutex<Vec<Failure>>,
    waitings: Mutex<Vec<Waiting>>,
    others: Mutex<Vec<String>>,
    hook: Option<Hook>,
}

impl Recorder {
    pub(crate) fn with(hook: impl Fn(&Event) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { hook: Some(Box::new(hook)), ..Self::default() })
    }

    /// Does something once: when the first batch was read and is not written yet.
    pub(crate) fn before_the_first_write(work: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        let done = std::sync::Once::new();
        Self::with(move |event| {
            if matches!(event, Event::Read { .. }) {
                done.call_once(&work);
            }
        })
    }

    pub(crate) fn failures(&self) -> Vec<(String, FailureKind)> {
        let mut all: Vec<_> = self
            .failures
            .lock()
            .unwrap()
            .iter()
            .map(|failure| (failure.key.clone(), failure.kind))
            .collect();
        all.sort();
        all
    }

    pub(crate) fn reasons(&self) -> Vec<String> {
        self.failures.lock().unwrap().iter().map(ToString::to_string).collect()
    }

    pub(crate) fn waitings(&self) -> Vec<Waiting> {
        self.waitings.lock().unwrap().clone()
    }

    pub(crate) fn has_told(&self, what: &str) -> bool {
        self.others.lock().unwrap().iter().any(|told| told.starts_with(what))
    }
}

impl Progress for Recorder {
    fn event(&self, event: &Event) {
        // Nothing that a job tells may hold a secret.
        tests::assert_redacted(&format!("{event:?}"));
        match event {
            Event::Failed(failure) => self.failures.lock().unwrap().push(failure.clone()),
            Event::Waiting(waiting) => self.waitings.lock().unwrap().push(waiting.clone()),
            other => self.others.lock().unwrap().push(format!("{other:?}")),
        }
        if let Some(hook) = &self.hook {
            hook(event);
        }
    }
}

type Asleep = Box<dyn Fn(u32) + Send + Sync>;

/// Time that passes only when somebody sleeps, and that lets a test do something then.
pub(crate) struct TestClock {
    now: Mutex<std::time::Duration>,
    slept: std::sync::atomic::AtomicU32,
    asleep: Asleep,
}

impl TestClock {
    /// `asleep` is told how often somebody has slept.
    pub(crate) fn new(asleep: impl Fn(u32) + Send + Sync + 'static) -> Arc<Self> {
        let asleep = Box::new(asleep);
        Arc::new(Self { now: Mutex::default(), slept: 0.into(), asleep })
    }
}

impl std::fmt::Debug for TestClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TestClock")
    }
}

impl encrypted_field_migrate::Clock for TestClock {
    fn now(&self) -> std::time::Duration {
        *self.now.lock().unwrap()
    }

    fn sleep<'a>(
        &'a self,
        time: std::time::Duration,
    ) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        *self.now.lock().unwrap() += time;
        let slept = self.slept.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        (self.asleep)(slept);
        Box::pin(std::future::ready(()))
    }
}
