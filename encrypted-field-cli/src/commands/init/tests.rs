use std::sync::Arc;

use clap::ValueEnum as _;

use super::*;
use crate::session::tests_support::with_context;

/// As it is, and with every example in its comments switched on that is a line of TOML.
#[test]
fn what_is_written_can_be_read() {
    for store in StoreKind::value_variants() {
        for kek in KekKind::value_variants() {
            let args =
                Init { store: *store, kek: *kek, key_set: "a \"b\" \\c".into(), dry_run: false };
            let folder = tempfile::tempdir().unwrap();
            let read = |text: &str| {
                let path = folder.path().join("encrypted-field.toml");
                std::fs::write(&path, text).unwrap();
                with_context(None, |context| {
                    context.folder = folder.path().to_owned();
                    context.environment = Arc::new(|_| None);
                    config::read(context, None).map_err(|failure| failure.to_string())
                })
            };
            let text = text(&args);
            assert_eq!(read(&text).unwrap().key_set, "a \"b\" \\c");
            let examples: String =
                text.lines().map(switched_on).flat_map(|line| [line, "\n"]).collect();
            assert_ne!(examples, text);
            read(&examples)
                .unwrap_or_else(|refused| panic!("{store:?}, {kek:?}: {refused}\n{examples}"));
        }
    }
}

fn switched_on(line: &str) -> &str {
    let is_toml = |example: &str| {
        example.starts_with('[')
            || example.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '))
    };
    line.strip_prefix("# ").filter(|example| is_toml(example)).unwrap_or(line)
}
