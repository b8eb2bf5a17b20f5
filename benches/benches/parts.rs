//! The parts, for work on one of them (opening with the copy of the value that becomes the
//! plaintext): `cargo bench -p benches [--features aws-lc-rs]`.

use benches::{Bytes, Text, ring, secret};
use divan::{AllocProfiler, Bencher};
use encrypted_field::{Encrypted, EncryptedFieldExt, Json, Secret};
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const LENGTHS: [usize; 4] = [16, 64, 1024, 1 << 20];

fn main() {
    println!("cipher: {}", encrypted_field::CIPHER_BACKEND);
    divan::main();
}

#[divan::bench(args = LENGTHS)]
fn seal_binary(bencher: Bencher<'_, '_>, len: usize) {
    let (ring, value) = (ring(), Bytes::from(secret(len).into_bytes()));
    bencher.bench(|| value.to_stored_with(&ring));
}

#[divan::bench(args = LENGTHS)]
fn seal_text(bencher: Bencher<'_, '_>, len: usize) {
    let (ring, value) = (ring(), Text::from(secret(len)));
    bencher.bench(|| value.to_stored_text_with(&ring));
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Profile {
    name: String,
    scopes: Vec<String>,
    age: Option<u8>,
    ratio: Option<f64>,
}

#[derive(Encrypted)]
#[encrypted(context = "users.profile")]
struct EncryptedProfile(Secret<Json<Profile>>);

/// With a `null` in it, JSON is looked through once more.
#[divan::bench(args = [false, true])]
fn seal_json(bencher: Bencher<'_, '_>, has_null: bool) {
    let value = EncryptedProfile::from(Profile {
        name: secret(32),
        scopes: vec![secret(16); 4],
        age: (!has_null).then_some(7),
        ratio: Some(0.25),
    });
    let ring = ring();
    bencher.bench(|| value.to_stored_text_with(&ring));
}

#[divan::bench(args = LENGTHS)]
fn open_binary(bencher: Bencher<'_, '_>, len: usize) {
    let ring = ring();
    let sealed = Bytes::from(secret(len).into_bytes()).to_stored_with(&ring).unwrap();
    bencher.bench(|| Bytes::from_stored_with(&ring, sealed.clone()));
}

#[divan::bench(args = LENGTHS)]
fn open_text(bencher: Bencher<'_, '_>, len: usize) {
    let ring = ring();
    let sealed = Text::from(secret(len)).to_stored_text_with(&ring).unwrap();
    bencher.bench(|| Text::from_stored_text_with(&ring, sealed.clone()));
}

#[divan::bench(args = [1, 100, 10_000])]
fn build_a_ring(bencher: Bencher<'_, '_>, keys: u32) {
    let keys: Vec<_> = (0..keys).map(|_| encrypted_field::generate_key().unwrap()).collect();
    bencher.bench(|| {
        let mut builder = encrypted_field::Keyring::builder();
        for (id, key) in (2..).zip(&keys[1..]) {
            builder = builder.retired(id, *key);
        }
        builder.active(1, keys[0]).build()
    });
}
