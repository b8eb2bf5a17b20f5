//! Answers `ratios` with samples of this build, which is one with another cipher.

use std::hint::black_box;

use benches::{Bytes, ring, round_trip, secret};
use measure::serve;

fn main() -> std::io::Result<()> {
    assert_eq!(encrypted_field::CIPHER_BACKEND, "aes-gcm");
    let (ring, value) = (ring(), Bytes::from(secret(64).into_bytes()));
    serve(&mut [("round-trip", &mut || {
        black_box(round_trip(&ring, &value));
    })])
}
