//! Authenticates the records of a key store, and stands in for plaintexts in statements.

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

#[cfg(feature = "envelope")]
pub(crate) use chosen::hmac_sha256;
pub(crate) use chosen::sha256;

#[cfg(test)]
mod tests;
