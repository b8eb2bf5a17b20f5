//! A legacy reader takes bytes and gives the plaintext type.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, legacy = takes_text)]
    a: A,
    #[encrypted(String, legacy = old::gives_bytes)]
    b: B,
    #[encrypted(String, legacy = gives_no_result)]
    c: C,
    #[encrypted(String, legacy = takes_two)]
    d: D,
    #[encrypted(String, legacy = READER)]
    e: E,
}

fn takes_text(_: &str) -> Result<String, std::convert::Infallible> {
    Ok(String::new())
}

mod old {
    pub fn gives_bytes(_: &[u8]) -> Result<Vec<u8>, std::convert::Infallible> {
        Ok(Vec::new())
    }
}

fn gives_no_result(_: &[u8]) -> String {
    String::new()
}

fn takes_two(_: &[u8], _: u8) -> Result<String, std::convert::Infallible> {
    Ok(String::new())
}

const READER: &str = "read";

fn main() {}
