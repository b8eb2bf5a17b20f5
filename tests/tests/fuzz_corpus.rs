//! The corpus of the fuzz targets, through the functions that they run.

#[path = "../../fuzz/src/lib.rs"]
mod fuzz_entries;

use std::fs;
use std::path::Path;

/// Runs the corpus of a target, and what is one step away from each input.
fn replay(target: &str, entry: fn(&[u8]) -> bool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let (mut inputs, mut opened) = (0, 0);
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let input = fs::read(&path).unwrap();
        println!("{}", path.display());
        inputs += 1;
        opened += usize::from(entry(&input));
        for at in 0..input.len() {
            let mut flipped = input.clone();
            flipped[at] ^= 1;
            entry(&flipped);
            entry(&input[..at]);
        }
    }
    println!("{target}: {opened} of {inputs} inputs open");
    assert!(inputs >= 20 && opened >= 3 && opened < inputs, "the corpus of {target} is gone");
}

#[test]
fn binary() {
    replay("binary", fuzz_entries::binary);
}

#[test]
fn text() {
    replay("text", fuzz_entries::text);
}

#[test]
fn open() {
    replay("open", fuzz_entries::open);
}
