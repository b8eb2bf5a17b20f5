//! Authenticates the records of a key store.

#[cfg(feature = "fips")]
mod fips;
#[cfg(not(feature = "fips"))]
mod portable;

cfg_select! {
    feature = "fips" => {
        use fips as chosen;
    }
    _ => {
        use portable as chosen;
    }
}

pub(crate) use chosen::{hmac_sha256, sha256};

#[cfg(test)]
mod tests;
