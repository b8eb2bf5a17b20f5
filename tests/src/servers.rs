//! The database servers the tests run on, and what happens where there is none.

use std::env;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use diesel::connection::SimpleConnection;
use diesel::{Connection, MysqlConnection, PgConnection};

/// The URL of a database on the PostgreSQL server for tests.
///
/// # Panics
///
/// With `CI=true`, if there is no such server.
pub fn postgres_url() -> Option<String> {
    part("EF_TEST_POSTGRES_URL", "PostgreSQL server")
}

/// The URL of a database on the MariaDB server for tests.
///
/// # Panics
///
/// With `CI=true`, if there is no such server.
pub fn mariadb_url() -> Option<String> {
    part("EF_TEST_MARIADB_URL", "MariaDB server")
}

/// The folder with the CAVP AES-GCM vectors, as NIST's `.rsp` files.
///
/// # Panics
///
/// With `CI=true`, if there is none.
pub fn cavp_dir() -> Option<PathBuf> {
    part("EF_TEST_CAVP_DIR", "folder of CAVP vectors").map(PathBuf::from)
}

/// The value of an environment variable that `./test` sets for a real part of the tests. Where it
/// is not set, tells so on standard error, as [the package](crate) says.
///
/// # Panics
///
/// With `CI=true`, if it is not set.
pub fn part(variable: &str, what: &str) -> Option<String> {
    crate::logging::to_test_output();
    let value = env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        missing(&format!("no {what}: run ./test, or set {variable}"));
    }
    value
}

/// Tells on standard error that this test does not run, because something is missing that `./test`
/// brings.
///
/// # Panics
///
/// With `CI=true`.
pub fn missing(why: &str) {
    let ci = env::var("CI").as_deref() == Ok("true");
    assert!(!ci, "{}: {why}", test_name());
    skipped(why);
}

/// Tells on standard error that this test does not run, because the machine does not allow what it
/// does. With `CI=true`, too.
pub fn skipped(why: &str) {
    // The stream and not the macro, whose output the test runner would hide: a skip must be seen.
    let _ = writeln!(std::io::stderr(), "SKIPPED {}: {why}", test_name());
}

fn test_name() -> String {
    thread::current().name().unwrap_or("a test").to_owned()
}

/// A new, empty database of one test. It goes when this is dropped.
#[derive(Debug)]
pub struct Database {
    kind: Kind,
    server: String,
    name: String,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Postgres,
    MariaDb,
}

impl Database {
    /// On the PostgreSQL server, or `None` without one, as [`postgres_url`] tells.
    pub fn postgres() -> Option<Self> {
        postgres_url().map(|url| Self::create(Kind::Postgres, url))
    }

    /// On the MariaDB server, or `None` without one, as [`mariadb_url`] tells.
    pub fn mariadb() -> Option<Self> {
        mariadb_url().map(|url| Self::create(Kind::MariaDb, url))
    }

    /// Diesel, diesel-async and SQLx all take it.
    pub fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').expect("a database URL ends in /NAME");
        format!("{server}/{}", self.name)
    }

    fn create(kind: Kind, server: String) -> Self {
        static CREATED: AtomicU32 = AtomicU32::new(0);
        // The time too: process ids come again, and a server that outlives a test run keeps what a
        // killed test left there.
        let time =
            SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_millis();
        let number = CREATED.fetch_add(1, Ordering::Relaxed);
        let name = format!("ef_test_{time}_{}_{number}", std::process::id());
        let database = Self { kind, server, name };
        database
            .on_server(&format!("CREATE DATABASE {}", database.name))
            .expect("create a database");
        database
    }

    fn on_server(&self, sql: &str) -> Result<(), Box<dyn std::error::Error>> {
        match self.kind {
            Kind::Postgres => PgConnection::establish(&self.server)?.batch_execute(sql)?,
            Kind::MariaDb => MysqlConnection::establish(&self.server)?.batch_execute(sql)?,
        }
        Ok(())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = match self.kind {
            // Pools and async connections may still be closing.
            Kind::Postgres => format!("DROP DATABASE {} WITH (FORCE)", self.name),
            Kind::MariaDb => format!("DROP DATABASE {}", self.name),
        };
        // No panic: this may run during one, and the failed test has its own message.
        if let Err(error) = self.on_server(&sql) {
            eprintln!("{sql}: {error}");
        }
    }
}
