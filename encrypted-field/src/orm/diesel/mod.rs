//! Diesel: generic over backends, so that the feature `diesel` pulls in no driver.

mod bind;
mod macros;
mod moving;
mod write;

pub use bind::{Searchable, WriteOnly};
pub use moving::{DieselColumn, DieselKey, DieselModel, MovingBackend};
pub use write::WriteSealed;
