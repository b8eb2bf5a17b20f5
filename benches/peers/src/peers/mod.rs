//! The others.

pub(crate) mod encrypted_message;
pub(crate) mod fernet;
pub(crate) mod orion;
pub(crate) mod python;
pub(crate) mod tink;
pub(crate) mod vitaminc;
