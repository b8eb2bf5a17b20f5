//! All vectors: each reads to its plaintext, or is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use encrypted_field::plaintext::Zeroizing;
use encrypted_field_foreign::{FORMATS, ForeignFormat, from_settings};

pub(crate) type Settings = BTreeMap<String, Zeroizing<String>>;

pub(crate) struct Vector {
    /// The file's name and the vector's.
    pub(crate) name: String,
    pub(crate) format: String,
    pub(crate) settings: Settings,
    pub(crate) stored: Vec<u8>,
    /// None if it must be refused.
    pub(crate) plaintext: Option<Vec<u8>>,
}

impl Vector {
    pub(crate) fn format(&self) -> Box<dyn ForeignFormat> {
        from_settings(&self.format, &self.settings).unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    /// What its format is made of, to make one only once.
    pub(crate) fn key(&self) -> Vec<String> {
        let settings = self.settings.iter().flat_map(|(k, v)| [k.clone(), v.to_string()]);
        std::iter::once(self.format.clone()).chain(settings).collect()
    }
}

/// The files are iterated, so that a new one is read without a word here.
pub(crate) fn all() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/foreign");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap()).collect();
    files.sort_by_key(std::fs::DirEntry::file_name);
    files
        .iter()
        .map(std::fs::DirEntry::path)
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .flat_map(|path| of_file(&path))
        .collect()
}

fn of_file(path: &Path) -> Vec<Vector> {
    let document: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for member in ["about", "made_by"] {
        assert!(document[member].is_string(), "{}: {member}", path.display());
    }
    assert!(document["original"].is_boolean(), "{}", path.display());
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let bytes = |value: &serde_json::Value| match value.get("hex") {
        Some(hex) => hex::decode(hex.as_str().unwrap()).unwrap(),
        None => text(&value["text"]).into_bytes(),
    };
    let vectors = document["vectors"].as_array().unwrap().iter().map(|vector| {
        let opens = match vector["expect"].as_str().unwrap() {
            "open" => true,
            "error" => false,
            other => panic!("{}: {other}", path.display()),
        };
        let settings = vector["settings"].as_object().unwrap().iter();
        Vector {
            name: format!("{}, {}", path.file_stem().unwrap().display(), text(&vector["name"])),
            format: text(&document["format"]),
            settings: settings.map(|(k, v)| (k.clone(), Zeroizing::new(text(v)))).collect(),
            stored: bytes(&vector["stored"]),
            plaintext: opens.then(|| bytes(&vector["plaintext"])),
        }
    });
    vectors.collect()
}

#[test]
fn each_reads_to_its_plaintext_or_is_refused() {
    let mut formats = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for vector in all() {
        let format = formats.entry(vector.key()).or_insert_with(|| vector.format());
        assert_eq!(format.name(), vector.format);
        match (format.read(&vector.stored), &vector.plaintext) {
            (Ok(read), Some(plaintext)) => assert!(*read == *plaintext, "{}", vector.name),
            (Err(_), None) => {}
            (Ok(_), None) => panic!("{} is not refused", vector.name),
            (Err(e), Some(_)) => panic!("{}: {e}", vector.name),
        }
        if vector.plaintext.is_some() {
            seen.insert(vector.format);
        }
    }
    assert_eq!(seen, FORMATS.map(String::from).into(), "a format has no vectors");
}

#[test]
fn other_keys_read_nothing() {
    let mut formats = BTreeMap::new();
    for mut vector in all().into_iter().filter(|vector| vector.plaintext.is_some()) {
        // An empty value of Lockbox is under no key.
        if vector.stored.is_empty() {
            continue;
        }
        let mut changed = 0;
        for (name, value) in &mut vector.settings {
            let kind = name.split('.').next().unwrap();
            if [
                "key",
                "master_key",
                "previous_key",
                "previous_master_key",
                "primary_key",
                "passphrase",
            ]
            .contains(&kind)
            {
                // A digit or a letter, in hex, base64 and text alike.
                let at = value.len() / 2;
                let at = (at..value.len()).find(|at| value.is_char_boundary(*at)).unwrap();
                let after = value[at..].chars().next().unwrap();
                let other = if after == 'a' { "b" } else { "a" };
                value.replace_range(at..at + after.len_utf8(), other);
                changed += 1;
            }
        }
        assert!(changed > 0, "{}", vector.name);
        let format = formats.entry(vector.key()).or_insert_with(|| vector.format());
        assert!(format.read(&vector.stored).is_err(), "{}", vector.name);
    }
}
