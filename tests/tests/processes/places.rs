//! Where the keys are kept: a file, or a table on PostgreSQL.

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use encrypted_field::envelope::{FileStore, KeyManager, KeyManagerBuilder, sql};
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
            KeyManager::builder("processes", sql::DieselStore::new(move || PgConnection::establish(&url)))
        } else {
            KeyManager::builder("processes", FileStore::new(PathBuf::from(url)))
        }
    }
}
