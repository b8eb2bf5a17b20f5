//! Diesel: generic over backends, so that the feature `diesel` pulls in no driver.

mod bind;
mod macros;
mod moving;
mod table_name;
mod write;

pub use bind::{Searchable, WriteOnly};
pub use moving::{DieselColumn, DieselKey, DieselModel, MovingBackend};
pub use table_name::{TableName, UnknownTableName};
pub use write::WriteSealed;
