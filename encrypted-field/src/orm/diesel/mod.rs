//! Diesel: generic over backends, so that the feature `diesel` pulls in no driver.

mod bind;
mod macros;
mod read;
mod write;

pub use bind::{Searchable, WriteOnly};
pub use read::not_text;
pub use write::WriteSealed;
