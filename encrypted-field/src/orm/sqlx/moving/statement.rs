//! A statement and its arguments, piece by piece.

use std::fmt;

use sqlx::error::BoxDynError;
use sqlx::{Arguments as _, Error};

use super::{MovingDatabase, SqlxModel};
use crate::field::Storage;

/// SQL with its arguments.
pub struct Statement<DB: MovingDatabase> {
    pub(super) sql: String,
    pub(super) arguments: DB::Arguments,
}

impl<DB: MovingDatabase> fmt::Debug for Statement<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement").field("sql", &self.sql).finish_non_exhaustive()
    }
}

pub(super) struct Builder<DB: MovingDatabase>(Statement<DB>);

impl<DB: MovingDatabase> Default for Builder<DB> {
    fn default() -> Self {
        Self(Statement { sql: String::new(), arguments: DB::Arguments::default() })
    }
}

impl<DB: MovingDatabase> Builder<DB> {
    pub(super) fn push(&mut self, sql: &str) {
        self.0.sql.push_str(sql);
    }

    /// In quotation marks: a name may be a word of SQL, or have any character in it.
    pub(super) fn push_name(&mut self, name: &str) {
        let quoted = name.replace(DB::QUOTE, &format!("{0}{0}", DB::QUOTE));
        self.0.sql.extend([DB::QUOTE, &quoted, DB::QUOTE]);
    }

    pub(super) fn push_stored_bytes(&mut self, column: &str, storage: Storage) {
        let [before, after] = DB::STORED_BYTES.around(storage);
        self.push(before);
        self.push_name(column);
        self.push(after);
    }

    /// An argument, which `add` adds.
    pub(super) fn push_bind(
        &mut self,
        add: impl FnOnce(&mut DB::Arguments) -> Result<(), BoxDynError>,
    ) -> sqlx::Result<()> {
        add(&mut self.0.arguments).map_err(Error::Encode)?;
        self.push_placeholder()
    }

    fn push_placeholder(&mut self) -> sqlx::Result<()> {
        let Statement { sql, arguments } = &mut self.0;
        arguments.format_placeholder(sql).map_err(|error| Error::Encode(error.into()))
    }

    /// The condition that finds a row.
    pub(super) fn push_key<M: SqlxModel<DB>>(&mut self, row: &M) -> sqlx::Result<()> {
        for (at, column) in M::KEY.iter().enumerate() {
            self.push(if at == 0 { " WHERE " } else { " AND " });
            self.push_name(column);
            self.push(" = ");
            self.push_bind(|arguments| row.add_key(at, arguments))?;
        }
        Ok(())
    }

    pub(super) fn build(self) -> Statement<DB> {
        self.0
    }
}
