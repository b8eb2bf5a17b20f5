//! What is asked of a backend.

use diesel::backend::Backend;
use diesel::deserialize;
use diesel::query_builder::AstPass;
use diesel::result::QueryResult;

use crate::field::Stored;
use crate::orm::moving::{Old, StoredBytes};

/// A Diesel backend in which stale values can be moved: `Pg`, `Mysql` and `Sqlite`.
#[diagnostic::on_unimplemented(
    message = "stale values can't be moved through the Diesel backend `{Self}`",
    note = "enable the feature of encrypted-field for it: `cargo add encrypted-field --features diesel-postgres` \
            (or `diesel-mysql`, `diesel-sqlite`)",
    note = "for a `#[derive(MultiConnection)]` enum, match on it and pass the connection inside"
)]
pub trait MovingBackend: Backend + Sealed + 'static {
    /// How it gives stored bytes.
    #[doc(hidden)]
    const STORED_BYTES: StoredBytes;

    /// Whether it has a function `sha256` of bytes, and a driver that logs what is bound.
    #[doc(hidden)]
    const COMPARES_DIGESTS: bool;

    /// Bytes that the database gave.
    #[doc(hidden)]
    fn read(bytes: Self::RawValue<'_>) -> deserialize::Result<Vec<u8>>;

    /// Binds bytes to compare with.
    #[doc(hidden)]
    fn bind<'b>(pass: &mut AstPass<'_, 'b, Self>, bytes: &'b Old) -> QueryResult<()>;

    /// Binds what is to be stored.
    #[doc(hidden)]
    fn bind_stored<'b>(pass: &mut AstPass<'_, 'b, Self>, stored: &'b Stored) -> QueryResult<()>;
}

pub trait Sealed {}

#[cfg_attr(
    not(any(feature = "diesel-postgres", feature = "diesel-mysql", feature = "diesel-sqlite")),
    allow(unused_macros)
)]
macro_rules! backend {
    ($backend:ty, $stored_bytes:ident, $compares_digests:literal) => {
        impl Sealed for $backend {}

        impl MovingBackend for $backend {
            const STORED_BYTES: StoredBytes = StoredBytes::$stored_bytes;
            const COMPARES_DIGESTS: bool = $compares_digests;

            fn read(bytes: Self::RawValue<'_>) -> deserialize::Result<Vec<u8>> {
                <Vec<u8> as deserialize::FromSql<diesel::sql_types::Binary, Self>>::from_sql(bytes)
            }

            fn bind<'b>(pass: &mut AstPass<'_, 'b, Self>, bytes: &'b Old) -> QueryResult<()> {
                pass.push_bind_param::<diesel::sql_types::Binary, _>(bytes)
            }

            fn bind_stored<'b>(
                pass: &mut AstPass<'_, 'b, Self>,
                stored: &'b Stored,
            ) -> QueryResult<()> {
                match stored {
                    Stored::Text(text) => pass.push_bind_param::<diesel::sql_types::Text, _>(text),
                    Stored::Binary(bytes) => {
                        pass.push_bind_param::<diesel::sql_types::Binary, _>(bytes)
                    }
                }
            }
        }

        impl diesel::serialize::ToSql<diesel::sql_types::Binary, $backend> for Old {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, $backend>,
            ) -> diesel::serialize::Result {
                type Binary = diesel::sql_types::Binary;
                diesel::serialize::ToSql::<Binary, $backend>::to_sql(self.bytes(), out)
            }
        }
    };
}

#[cfg(feature = "diesel-postgres")]
backend!(diesel::pg::Pg, POSTGRES, true);
#[cfg(feature = "diesel-mysql")]
backend!(diesel::mysql::Mysql, MYSQL, false);
#[cfg(feature = "diesel-sqlite")]
backend!(diesel::sqlite::Sqlite, SQLITE, false);
