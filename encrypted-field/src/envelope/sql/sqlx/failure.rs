//! SQLx's errors in the words of this library. None is passed on as a source: some hold what they
//! were made from, such as parts of a URL.

use std::borrow::Cow;

use sqlx::Error;

use super::backend::SqlxBackend;
use crate::envelope::sql::failure::{database, undecodable};
use crate::envelope::{BackendError, BackendErrorKind};

pub(super) fn refuse<DB: SqlxBackend>(error: &Error) -> BackendError {
    let unavailable =
        |detail: Cow<'static, str>| BackendError::new(BackendErrorKind::Unavailable, detail);
    match error {
        Error::Database(e) => database(DB::DIALECT, DB::kind(&**e), e.message()),
        Error::ColumnDecode { .. } | Error::Decode(_) => undecodable(DB::DIALECT),
        Error::Io(e) => unavailable(format!("no connection to the database: {}", e.kind()).into()),
        Error::Tls(_) => {
            unavailable("no connection to the database: TLS could not be agreed on".into())
        }
        Error::PoolTimedOut => {
            unavailable("the pool had no connection to the database within its time".into())
        }
        Error::PoolClosed => unavailable("the pool is closed".into()),
        Error::Configuration(_) | Error::InvalidArgument(_) => {
            let detail = "the pool can't connect with the options that it has";
            BackendError::new(BackendErrorKind::Misconfigured, detail)
        }
        _ => unavailable("SQLx could not run the transaction".into()),
    }
}
