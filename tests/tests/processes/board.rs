//! Where processes leave values for each other: a folder with one file for each, which only that
//! one appends to.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What one process writes.
pub struct Writer(File);

impl Writer {
    pub fn new(folder: &Path, name: &str) -> Self {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join(format!("{name}.values")))
            .unwrap();
        Self(file)
    }

    /// One line, at once.
    pub fn write(&mut self, value: &str) {
        self.0.write_all(format!("{value}\n").as_bytes()).unwrap();
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "values")).collect()
}

/// The last whole line of each process.
pub fn latest(folder: &Path) -> Vec<String> {
    files(folder).iter().filter_map(|file| lines(file).pop()).collect()
}

/// Everything.
pub fn all(folder: &Path) -> Vec<String> {
    files(folder).iter().flat_map(|file| lines(file)).collect()
}

/// A process that was killed may leave half a line, which nobody has stored.
fn lines(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    text.split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
        .map(str::to_owned)
        .collect()
}
