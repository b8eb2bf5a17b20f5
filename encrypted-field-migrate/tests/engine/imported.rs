//! Tables of each foreign format are imported, and opened by an implementation that is not ours.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use encrypted_field::plaintext::Zeroizing;
use encrypted_field_foreign::{FORMATS, from_settings};
use encrypted_field_migrate::{Description, Form, Job, Operation};
use serde_json::{Value, json};
use tests::secrets;

use crate::support::{Db, hex, on_each, ring};

/// The vectors that open, by format and settings: what may stand in one column.
type Columns = BTreeMap<(String, BTreeMap<String, String>), Vec<(Vec<u8>, Vec<u8>)>>;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors")
}

fn columns() -> Columns {
    let mut columns = Columns::new();
    for file in std::fs::read_dir(folder().join("foreign")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let document: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let format = document["format"].as_str().unwrap();
        for vector in document["vectors"].as_array().unwrap() {
            if vector["expect"] != "open" {
                continue;
            }
            let settings: BTreeMap<String, String> =
                serde_json::from_value(vector["settings"].clone()).unwrap();
            let value = (bytes(&vector["stored"]), bytes(&vector["plaintext"]));
            columns.entry((format.to_owned(), settings)).or_default().push(value);
        }
    }
    columns
}

fn bytes(value: &Value) -> Vec<u8> {
    match &value["hex"] {
        Value::String(digits) => hex(digits),
        _ => value["text"].as_str().unwrap().as_bytes().to_vec(),
    }
}

fn digits(bytes: &[u8]) -> String {
    let mut digits = String::new();
    for byte in bytes {
        write!(digits, "{byte:02x}").unwrap();
    }
    digits
}

/// What the second implementation says of each value.
fn second_reader(python_path: &str, values: &[Value]) -> Vec<Value> {
    let mut reader = Command::new("python3")
        .arg(folder().join("open.py"))
        .env("PYTHONPATH", python_path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: Vec<String> = values.iter().map(ToString::to_string).collect();
    let lines = lines.join("\n");
    // It answers while it is written to, and fewer bytes than a pipe holds would be luck.
    let mut input = reader.stdin.take().unwrap();
    let writing = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = reader.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn each_format_is_imported_and_opens_elsewhere(db: &Db) {
    let Some(python_path) = tests::part("EF_TEST_PYTHONPATH", "Python package cryptography") else {
        return;
    };
    let ring = ring(1);
    let (mut values, mut expected) = (Vec::new(), Vec::new());
    let mut formats = std::collections::BTreeSet::new();
    for (at, ((format, settings), vectors)) in columns().into_iter().enumerate() {
        let table = format!("imported_{at}");
        let is_text = vectors.iter().all(|(stored, _)| std::str::from_utf8(stored).is_ok());
        let (kind, form) =
            if is_text { (db.text(), Form::Text) } else { (db.blob(), Form::Binary) };
        db.run(&format!("CREATE TABLE {table} (id INTEGER PRIMARY KEY, token {kind})")).await;
        for (id, (stored, _)) in vectors.iter().enumerate() {
            let stored = digits(stored);
            let literal = match (is_text, db.kind) {
                (true, crate::support::Kind::Postgres) => {
                    format!("convert_from('\\x{stored}', 'UTF8')")
                }
                (true, crate::support::Kind::MariaDb) => {
                    format!("CONVERT(x'{stored}' USING utf8mb4)")
                }
                (true, crate::support::Kind::Sqlite) => format!("CAST(x'{stored}' AS TEXT)"),
                (false, crate::support::Kind::Postgres) => format!("'\\x{stored}'"),
                (false, _) => format!("x'{stored}'"),
            };
            db.run(&format!("INSERT INTO {table} VALUES ({id}, {literal})")).await;
        }
        let settings =
            settings.into_iter().map(|(name, value)| (name, Zeroizing::new(value))).collect();
        let reader = from_settings(&format, &settings).unwrap_or_else(|e| panic!("{format}: {e}"));
        let operation =
            Operation::Import(format.clone(), Arc::new(move |stored: &[u8]| reader.read(stored)));
        let description = Description {
            storage: form,
            plaintext: "bytes".to_owned(),
            ..Description::new(&table, "token")
        };
        let job = Job::new(description, operation).unwrap();
        let report = db.migrate(&job, &ring).await;
        assert_eq!((report.counts.replaced, report.counts.failed), (vectors.len() as u64, 0));
        let hex_of = db.pick("encode(token::bytea, 'hex')", "HEX(token)", "hex(token)");
        let of_text = "encode(convert_to(token, 'UTF8'), 'hex')";
        let hex_of = match db.kind {
            crate::support::Kind::Postgres if is_text => of_text,
            _ => hex_of,
        };
        let stored = db.column(&format!("SELECT {hex_of} FROM {table} ORDER BY id")).await;
        assert_eq!(stored.len(), vectors.len());
        for (stored, (_, plaintext)) in stored.into_iter().zip(vectors) {
            values.push(json!({
                "storage": if is_text { "text" } else { "binary" },
                "stored": stored,
                "context": format!("{table}.token"),
                "keys": [{"id": 1, "data": digits(&secrets::KEYS[1])}],
            }));
            expected.push(json!({"key_id": 1, "plaintext": digits(&plaintext)}));
        }
        formats.insert(format);
    }
    assert_eq!(formats, FORMATS.map(String::from).into(), "a format has no vectors");
    let found = second_reader(&python_path, &values);
    assert_eq!(found.len(), expected.len());
    // Not `assert_eq`, which would print the keys of what differs.
    for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!(found == expected, "value {at}: {}", found["error"]);
    }
}

on_each!(each_format_is_imported_and_opens_elsewhere);
