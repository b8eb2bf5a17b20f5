//! The primitives, from the library that the features choose.
//!
//! `fips` takes all of them from its module. The other libraries give AES-256 and AES-256-GCM, and
//! `portable` adds the rest.

#[cfg(all(feature = "aes-gcm", any(test, not(any(feature = "aws-lc-rs", feature = "fips")))))]
mod aes_gcm;
#[cfg(all(feature = "aws-lc-rs", not(feature = "fips")))]
mod aws_lc;
#[cfg(any(feature = "aes-gcm", feature = "aws-lc-rs"))]
// The FIPS module has a CMAC of its own. The cross-check compares it with this one.
#[cfg_attr(feature = "fips", allow(dead_code))]
mod cmac;
#[cfg(all(test, feature = "aes-gcm", any(feature = "aws-lc-rs", feature = "fips")))]
mod cross_check;
#[cfg(feature = "fips")]
mod fips;
#[cfg(not(any(feature = "aes-gcm", feature = "aws-lc-rs", feature = "fips")))]
mod missing;
#[cfg(all(any(feature = "aes-gcm", feature = "aws-lc-rs"), not(feature = "fips")))]
mod portable;

cfg_select! {
    feature = "fips" => {
        use fips as chosen;
    }
    feature = "aws-lc-rs" => {
        use aws_lc as library;
        use portable as chosen;
    }
    feature = "aes-gcm" => {
        use aes_gcm as library;
        use portable as chosen;
    }
    _ => {
        use missing as chosen;
    }
}

pub(super) use chosen::{Cmac, Gcm, NAME, random};
pub(crate) use chosen::{check, hkdf_expand};

use crate::error::{Error, ErrorKind};

fn no_randomness(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Randomness).caused_by(source)
}
