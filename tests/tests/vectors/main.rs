//! Every vector of `tests/vectors` (its README has the schema), through the public API and in every
//! Rust type that the vector's type stands for. `encrypted-field/src/field/vectors.rs` goes one
//! layer below, where contexts and bound columns are data and a nonce can be given.

mod fields;
mod types;

use std::fs;
use std::path::Path;

use serde_json::Value;

/// A vector, and `file/name` of it.
pub struct Vector {
    pub name: String,
    value: Value,
}

impl std::ops::Index<&str> for Vector {
    type Output = Value;

    fn index(&self, member: &str) -> &Value {
        &self.value[member]
    }
}

impl Vector {
    pub fn str(&self, member: &str) -> &str {
        self[member].as_str().unwrap_or_else(|| panic!("{}: no text {member}", self.name))
    }

    pub fn bytes(&self, member: &str) -> Vec<u8> {
        hex::decode(self.str(member)).unwrap()
    }

    pub fn opens(&self) -> bool {
        match self.str("expect") {
            "open" => true,
            "error" => false,
            other => panic!("{}: {other}", self.name),
        }
    }

    /// Fields declare no bound columns yet.
    pub fn is_bound(&self) -> bool {
        !self["bound"].as_array().unwrap().is_empty()
    }
}

fn vectors(folder: &str) -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(folder);
    let mut vectors = Vec::new();
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(path.extension().and_then(|extension| extension.to_str()), Some("json"));
        let document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let file = path.file_stem().unwrap().to_str().unwrap();
        for value in document["vectors"].as_array().unwrap() {
            let name = format!("{file}/{}", value["name"].as_str().unwrap());
            vectors.push(Vector { name, value: value.clone() });
        }
    }
    vectors
}

/// What became of the vectors of a folder, each in one or more Rust types.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub vectors: usize,
    pub opened: usize,
    pub refused: usize,
    /// In types that can't hold the value, and must say so.
    pub beyond_the_type: usize,
    /// With bound columns: the field, which has none, must refuse the value, and its plaintext is
    /// decoded alone.
    pub bound: usize,
    /// With bound columns, and refused for a reason that only a field with bound columns can have.
    pub for_bound_fields: usize,
    /// Text that is not UTF-8: Rust can't pass it on.
    pub not_utf_8: usize,
}

fn run(folder: &str) -> Tally {
    let mut tally = Tally::default();
    for vector in vectors(folder) {
        let before = tally.outcomes();
        types::check(&vector, &mut tally);
        tally.vectors += 1;
        assert!(tally.outcomes() > before, "{} was not run", vector.name);
    }
    println!("{folder}: {tally:?}");
    tally
}

impl Tally {
    fn outcomes(&self) -> usize {
        self.opened
            + self.refused
            + self.beyond_the_type
            + self.bound
            + self.for_bound_fields
            + self.not_utf_8
    }
}

// The numbers only grow: a vector is never taken away.

#[test]
fn valid() {
    let tally = run("valid");
    assert!(
        tally.vectors >= 243 && tally.opened >= 300 && tally.beyond_the_type >= 10,
        "{tally:?}"
    );
    assert_eq!((tally.refused, tally.for_bound_fields, tally.not_utf_8), (0, 0, 0));
}

#[test]
fn invalid() {
    let tally = run("invalid");
    assert!(tally.vectors >= 483 && tally.refused >= 453, "{tally:?}");
    assert_eq!((tally.opened, tally.beyond_the_type, tally.bound), (0, 0, 0));
    assert!(tally.for_bound_fields <= 130 && tally.not_utf_8 <= 20, "{tally:?}");
}

/// What a release has written, every later one opens.
#[test]
fn golden() {
    let tally = run("golden");
    assert!(tally.vectors >= 86 && tally.opened >= 80, "{tally:?}");
    assert_eq!((tally.refused, tally.for_bound_fields, tally.not_utf_8), (0, 0, 0));
}

/// `keys.json`: check values, through the public API.
#[test]
fn keys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/keys.json");
    let document: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let vectors = document["vectors"].as_array().unwrap();
    assert!(vectors.len() >= 5);
    for vector in vectors {
        let bytes = |member: &str| -> [u8; 32] {
            hex::decode(vector[member].as_str().unwrap()).unwrap().try_into().unwrap()
        };
        let key = encrypted_field::Key::new(1, bytes("data_key"));
        assert_eq!(key.check_value(), Some(bytes("check_value")));
    }
}
