//! Where the keys are kept: a file, or a table on PostgreSQL.

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use encrypted_field::envelope::{
    BackendError, FileStore, KeyManager, KeyManagerBuilder, KeyStore, Loaded, Query, Record, sql,
};
use tests::Database;

/// As its workers are told of it: a URL or a path.
#[derive(Clone)]
pub struct Place(String);

impl Place {
    pub fn file(folder: &Path) -> Self {
        Self(folder.join("keys.json").display().to_string())
    }

    pub fn postgres(database: &Database) -> Self {
        let url = database.url();
        PgConnection::establish(&url).unwrap().batch_execute(sql::Dialect::Postgres.up()).unwrap();
        Self(url)
    }

    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub fn as_text(&self) -> &str {
        &self.0
    }

    pub fn builder(&self) -> KeyManagerBuilder {
        let url = self.0.clone();
        if url.starts_with("postgres") {
            KeyManager::builder(
                "processes",
                sql::DieselStore::new(move || PgConnection::establish(&url)),
            )
        } else {
            KeyManager::builder("processes", FileStore::new(PathBuf::from(url)))
        }
    }

    /// For a process whose clock is set by hand: the clock of the server would contradict it.
    pub fn builder_without_clock(&self) -> KeyManagerBuilder {
        let url = self.0.clone();
        if url.starts_with("postgres") {
            let store = sql::DieselStore::new(move || PgConnection::establish(&url));
            KeyManager::builder("processes", WithoutClock(store))
        } else {
            self.builder()
        }
    }
}

/// A store that does not say what time it is.
struct WithoutClock<S>(S);

impl<S: KeyStore> KeyStore for WithoutClock<S> {
    async fn load(&self, query: &Query) -> Result<Loaded, BackendError> {
        Ok(Loaded::new(self.0.load(query).await?.records))
    }

    async fn compare_and_swap(
        &self,
        expected: u64,
        changed: &[Record],
    ) -> Result<bool, BackendError> {
        self.0.compare_and_swap(expected, changed).await
    }

    fn describe(&self) -> String {
        self.0.describe()
    }
}
