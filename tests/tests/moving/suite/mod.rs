//! What all databases run: an application through each ORM, and the scenarios that it goes through.

pub mod diesel;
pub mod scenarios;
pub mod sqlx;

use std::error::Error;

use encrypted_field::{Encrypted, Secret};

use super::database;

pub type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// One connection, and a model of the table `rows`.
pub trait Application: Sized {
    type Row;

    fn connect(database: &database::Database) -> Self;

    /// The row with this `order`.
    fn load(&mut self, order: i64) -> Result<Self::Row>;

    fn move_stale(&mut self, row: &Self::Row) -> Result<bool>;

    fn is_any_stale(row: &Self::Row) -> bool;

    /// Makes each value new, as one that the application has just set.
    fn set_all(row: &mut Self::Row);
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident($plain:ty) = $context:literal $($scope:literal)?;)*) => {
        $(
            $(#[$doc])*
            #[derive(Encrypted)]
            #[encrypted(context = $context $(, scope = $scope)?)]
            pub struct $name(Secret<$plain>);
        )*
    };
}

// The columns, as whoever seals and opens their values beside the models sees them.
fields! {
    Token(String) = "rows.token";
    TheSecret(String) = "rows.secret";
    Scan(Vec<u8>) = "rows.scan";
    Photo(Vec<u8>) = "rows.photo";
    /// Under the name that the column had before.
    FormerToken(String) = "rows.former_token";
    /// Under the keys that the column had before.
    FormerSecret(String) = "rows.secret" "before";
}
