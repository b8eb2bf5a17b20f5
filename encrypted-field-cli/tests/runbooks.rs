//! Walks the runbooks: runs each command in their code blocks, in the order in which they stand, on
//! a store in a folder of its own and by a clock that passes at once.
//!
//! - A `console` block has commands (`$ …`), each followed by what it prints, as far as the
//!   document shows it; `…` stands for anything, also for lines. Without expected lines only the
//!   exit code counts: 0, or another one where the block [`fails`](Walk::direct).
//! - A `toml` block is a configuration, and written into the file that a directive names.
//! - A `yaml` block is a manifest: its configuration is used, and its commands are run with it.
//! - A `json` block must be JSON.
//!
//! What a reader knows from the text around a block, the walk takes from a comment before it, which
//! no reader sees: `<!-- walk: directive; directive -->`, see [`Walk::direct`].

#![allow(clippy::unwrap_used)]

mod in_process;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use encrypted_field::envelope::Clock;
use encrypted_field::event::{self, Event};
use in_process::{Done, Place};
use sqlx::Connection as _;

const CONFIG: &str = "encrypted-field.toml";

#[test]
fn setting_up() {
    assert!(walk("setting-up.md") > 15);
}

#[test]
fn rotation() {
    assert!(walk("rotation.md") > 25);
}

#[test]
fn disaster_recovery() {
    assert!(walk("disaster-recovery.md") > 20);
}

#[test]
fn moving_data() {
    assert!(walk("moving-data.md") > 16);
}

/// The runbook's permissions are some of those that the crates of the services list.
#[test]
fn permissions() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let (vault, aws) =
        (text("encrypted-field-vault/README.md"), text("encrypted-field-aws/README.md"));
    let mut seen = (0, 0);
    for block in blocks("setting-up.md", &text("encrypted-field/docs/setting-up.md")) {
        for line in block.lines.iter().filter(|line| line.starts_with("path \"")) {
            assert!(vault.lines().any(|listed| listed == line), "{line}");
            seen.0 += 1;
        }
        if block.language != "json" {
            continue;
        }
        let policy: serde_json::Value = serde_json::from_str(&block.lines.join("\n")).unwrap();
        for statement in policy["Statement"].as_array().unwrap() {
            let actions = &statement["Action"];
            let actions = actions.as_array().cloned().unwrap_or_else(|| vec![actions.clone()]);
            for action in actions {
                assert!(aws.contains(&format!("`{}`", action.as_str().unwrap())), "{action}");
                seen.1 += 1;
            }
        }
    }
    assert_eq!(seen, (2, 5));
}

/// Gives how many commands were run that the document shows.
fn walk(name: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../encrypted-field/docs").join(name);
    let blocks = blocks(name, &fs::read_to_string(path).unwrap());
    let mut walk = Walk::default();
    for block in &blocks {
        walk.at = format!("{name}, line {}", block.line);
        walk.block(block);
    }
    walk.commands
}

/// A code block.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    /// Of its first line, from 1.
    line: usize,
    language: String,
    /// Without the indentation of the block.
    lines: Vec<String>,
    /// Of the comment before it.
    directives: Vec<String>,
}

fn blocks(name: &str, text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut directives: Option<Vec<String>> = None;
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let trimmed = line.trim_start();
        if let Some(begin) = trimmed.strip_prefix("<!--") {
            let mut comment = begin.to_owned();
            while !comment.contains("-->") {
                let (_, more) =
                    lines.next().unwrap_or_else(|| panic!("{name}, line {}: no end of it", at + 1));
                comment.push(' ');
                comment.push_str(more.trim());
            }
            let comment = comment.trim().strip_suffix("-->").unwrap().trim();
            let comment = comment
                .strip_prefix("walk:")
                .unwrap_or_else(|| panic!("{name}, line {}: it is no walk", at + 1));
            let list = comment.split(';').map(|directive| directive.trim().to_owned()).collect();
            assert!(
                directives.replace(list).is_none(),
                "{name}, line {}: two comments for one block",
                at + 1
            );
        } else if let Some(language) = trimmed.strip_prefix("```") {
            let indent = line.len() - trimmed.len();
            let mut body = Vec::new();
            loop {
                let (at, line) =
                    lines.next().unwrap_or_else(|| panic!("{name}, line {}: no end of it", at + 1));
                let end = line.trim_start();
                if end == "```" {
                    break;
                }
                let line = if end.is_empty() { Some("") } else { line.get(indent..) };
                body.push(
                    line.unwrap_or_else(|| panic!("{name}, line {}: indented too little", at + 1))
                        .to_owned(),
                );
            }
            let directives = directives.take().unwrap_or_default();
            blocks.push(Block {
                line: at + 1,
                language: language.trim().to_owned(),
                lines: body,
                directives,
            });
        } else if !trimmed.is_empty() {
            assert!(directives.is_none(), "{name}, line {}: a comment for no block", at + 1);
        }
    }
    assert!(directives.is_none(), "{name}: a comment for no block at the end");
    blocks
}

#[derive(Default)]
struct Walk {
    place: Option<Place>,
    types: Option<PathBuf>,
    /// For the block at hand.
    fails: bool,
    file: Option<String>,
    at: String,
    commands: usize,
    /// For manifests.
    database: Option<tests::Database>,
}

impl Walk {
    fn block(&mut self, block: &Block) {
        (self.fails, self.file, self.types) = (false, None, None);
        for directive in &block.directives {
            self.direct(directive);
        }
        let text = block.lines.join("\n") + "\n";
        match &*block.language {
            "console" => self.console(&block.lines),
            "toml" => {
                let file =
                    self.file.take().unwrap_or_else(|| panic!("{}: no file for it", self.at));
                fs::write(self.folder().join(file), text).unwrap();
            }
            "json" => {
                let parsed: Result<serde_json::Value, _> = serde_json::from_str(&text);
                parsed.unwrap_or_else(|error| panic!("{}: {error}", self.at));
            }
            "yaml" => self.manifest(&block.lines),
            // The test of the documentation compiles the first; the others are for a person.
            "no_run" | "sql" | "text" => {}
            other => panic!("{}: the walk knows no block of {other:?}", self.at),
        }
    }

    /// What the text before a block says:
    ///
    /// - `new`: an empty folder, on 2026-01-01;
    /// - `new config`: with a configuration of the key set `production`, a store in `keys.json` and
    ///   the local KEKs `eu` and `us`;
    /// - `new setup`: and with its store; `setup`: the same in the folder so far;
    /// - `file NAME`: the block is written there;
    /// - `run COMMAND`: one that the document does not show, and that succeeds;
    /// - `later 70m`: so much time passes; `clock -365d`: the clock is set back, or on;
    /// - `fails`: the commands of the block fail;
    /// - `types FILE`: this is what is typed where a secret is asked for;
    /// - `env NAME VALUE`: of the environment; `env NAME = FILE`: what a file has;
    /// - `add kek NAME`, `drop kek NAME`: in the configuration; `replace kek NAME`: its bytes
    ///   become others;
    /// - `append FILE`: what it holds is added to the configuration;
    /// - `anchor`: the configuration gets one, in a file;
    /// - `set back FILE`: this takes the place of the store; `lose store`: nothing does;
    /// - `rows FILE`: a database with a few values; `users FILE`: one with tokens in the clear;
    /// - `sql FILE STATEMENT`: somebody else writes to it.
    fn direct(&mut self, directive: &str) {
        let words: Vec<&str> = directive.split_whitespace().collect();
        match words[..] {
            ["new"] => self.begin(),
            ["new", "config"] => {
                self.begin();
                self.configure();
            }
            ["new", "setup"] => {
                self.begin();
                self.set_up();
            }
            ["setup"] => self.set_up(),
            ["file", name] => self.file = Some(name.to_owned()),
            ["run", ..] => {
                let done = self.run(directive.strip_prefix("run ").unwrap());
                assert_eq!(
                    done.code, 0,
                    "{}, {directive}: {}{}",
                    self.at, done.output, done.errors
                );
            }
            ["later", time] => self.place().clock.advance(humantime::parse_duration(time).unwrap()),
            ["clock", by] => {
                let clock = &self.place().clock;
                let time = |time| humantime::parse_duration(time).unwrap();
                match by.strip_prefix('-') {
                    Some(back) => clock.set_wall(clock.wall() - time(back)),
                    None => clock.set_wall(clock.wall() + time(by)),
                }
            }
            ["fails"] => self.fails = true,
            ["types", file] => self.types = Some(self.folder().join(file)),
            ["env", name, "=", file] => {
                let value = fs::read_to_string(self.folder().join(file)).unwrap().trim().to_owned();
                self.place_mut().environment.insert(name.to_owned(), value);
            }
            ["env", name, value] => {
                self.place_mut().environment.insert(name.to_owned(), value.to_owned());
            }
            ["add", "kek", name] => self.edit_config(|config| config.push_str(&kek(name))),
            ["drop", "kek", name] => self.edit_config(|config| {
                let section = kek(name);
                assert!(config.contains(&section), "no KEK {name}");
                *config = config.replace(&section, "");
            }),
            ["replace", "kek", name] => {
                fs::remove_file(self.folder().join(format!("kek-{name}"))).unwrap();
                self.keygen(name);
            }
            ["append", file] => {
                let more = fs::read_to_string(self.folder().join(file)).unwrap();
                self.edit_config(|config| config.push_str(&more));
            }
            ["anchor"] => {
                self.edit_config(|config| {
                    config.push_str("\n[anchor]\nkind = \"file\"\npath = \"keys.anchor\"\n");
                });
            }
            ["set", "back", file] => {
                fs::copy(self.folder().join(file), self.folder().join("keys.json")).unwrap();
            }
            ["lose", "store"] => fs::remove_file(self.folder().join("keys.json")).unwrap(),
            ["rows", file] => execute(&self.folder().join(file), ROWS),
            ["users", file] => execute(&self.folder().join(file), &users()),
            ["sql", file, ..] => {
                let statement = directive.split_once(file).map_or("", |(_, statement)| statement);
                execute(&self.folder().join(file), statement);
            }
            _ => panic!("{}: the walk knows no directive {directive:?}", self.at),
        }
    }

    fn place(&self) -> &Place {
        self.place.as_ref().unwrap_or_else(|| panic!("{}: nothing says where it begins", self.at))
    }

    fn place_mut(&mut self) -> &mut Place {
        self.place.as_mut().unwrap_or_else(|| panic!("{}: nothing says where it begins", self.at))
    }

    fn folder(&self) -> PathBuf {
        self.place().folder().to_owned()
    }

    fn begin(&mut self) {
        let place = Place::new();
        pass_while_keys_are_asked_for(&place.clock);
        self.place = Some(place);
    }

    fn configure(&self) {
        let mut config =
            "key_set = \"production\"\n\n[store]\nkind = \"file\"\npath = \"keys.json\"\n"
                .to_owned();
        for name in ["eu", "us"] {
            self.keygen(name);
            config.push_str(&kek(name));
        }
        fs::write(self.folder().join(CONFIG), config).unwrap();
    }

    fn set_up(&mut self) {
        self.configure();
        self.direct("run encrypted-field create-store");
    }

    fn keygen(&self, name: &str) {
        let done = self.run(&format!("encrypted-field keygen --out kek-{name}"));
        assert_eq!(done.code, 0, "{}: {}", self.at, done.errors);
    }

    fn edit_config(&self, edit: impl FnOnce(&mut String)) {
        let path = self.folder().join(CONFIG);
        let mut config = fs::read_to_string(&path).unwrap();
        edit(&mut config);
        fs::write(path, config).unwrap();
    }

    fn run(&self, command: &str) -> Done {
        let words = words(command)
            .unwrap_or_else(|| panic!("{}: quotes without an end: {command}", self.at));
        let [program, arguments @ ..] = &words[..] else { panic!("{}: an empty command", self.at) };
        assert_eq!(
            program, "encrypted-field",
            "{}: the walk runs this command and no other",
            self.at
        );
        self.place().run(arguments, self.types.as_deref())
    }

    fn console(&mut self, lines: &[String]) {
        let steps =
            steps(lines).unwrap_or_else(|line| panic!("{}: no command before {line:?}", self.at));
        assert!(!steps.is_empty(), "{}: no command", self.at);
        for (command, expected) in steps {
            let done = self.run(&command);
            let said = format!("{}{}", done.output, done.errors);
            let has_failed = done.code != 0;
            assert!(
                has_failed == self.fails,
                "{}: exit code {} of `{command}`:\n{said}",
                self.at,
                done.code
            );
            // A mistake in the document, and never what it wants to show.
            assert!(!said.contains("Usage:"), "{}: `{command}`:\n{said}", self.at);
            let said: Vec<&str> = said.lines().collect();
            assert!(
                expected.is_empty() || has_lines(&said, &expected),
                "{}: `{command}` prints\n{}\nand the document shows\n{}",
                self.at,
                said.join("\n"),
                expected.join("\n")
            );
            self.commands += 1;
        }
    }

    /// The configuration of a `ConfigMap` is used from here on, with its paths in the folder of the
    /// walk; the arguments of containers are run with it, in their order.
    fn manifest(&mut self, lines: &[String]) {
        if self.database.is_none() {
            self.database = tests::Database::postgres();
        }
        let Some(url) = self.database.as_ref().map(tests::Database::url) else { return };
        let mut lines = lines.iter().peekable();
        while let Some(line) = lines.next() {
            if line.trim_start() == "encrypted-field.toml: |" {
                let indent = line.len() - line.trim_start().len();
                let mut config = String::new();
                while let Some(line) = lines.next_if(|line| {
                    line.trim().is_empty() || line.starts_with(&" ".repeat(indent + 1))
                }) {
                    writeln!(config, "{}", line.trim_start()).unwrap();
                }
                let folder = self.folder();
                let secrets = folder.join("secrets");
                for folder in ["app", "kek"] {
                    fs::create_dir_all(secrets.join(folder)).unwrap();
                }
                let done = self.run("encrypted-field keygen --out secrets/kek/key");
                assert_eq!(done.code, 0, "{}: {}", self.at, done.errors);
                // As Kubernetes mounts it.
                fs::set_permissions(secrets.join("kek/key"), fs::Permissions::from_mode(0o440))
                    .unwrap();
                let config = config.replace("/run/secrets/", &format!("{}/", secrets.display()));
                fs::write(folder.join(CONFIG), config).unwrap();
            } else if let Some(list) = line.trim_start().strip_prefix("args: ") {
                let arguments: Vec<String> = serde_json::from_str(list)
                    .unwrap_or_else(|error| panic!("{}: {list}: {error}", self.at));
                let arguments: Vec<String> = arguments
                    .iter()
                    .map(|argument| argument.replace("/backups/$(POD)", "of-pod-1"))
                    .collect();
                fs::write(self.folder().join("secrets/app/database-url"), &url).unwrap();
                let done = self.place().run(&arguments, None);
                assert_eq!(done.code, 0, "{}: {list}: {}", self.at, done.errors);
                self.commands += 1;
            }
        }
    }
}

/// A refresh tells whether a key exists if it begins after the question for the key. On a clock
/// that stands still it never does.
fn pass_while_keys_are_asked_for(clock: &Clock) {
    static CLOCKS: Mutex<Vec<Clock>> = Mutex::new(Vec::new());
    CLOCKS.lock().unwrap().push(clock.clone());
    event::set_hook(|event| {
        if matches!(event, Event::KeyNotLoaded { .. }) {
            let clocks = CLOCKS.lock().unwrap();
            clocks.iter().for_each(|clock| clock.advance(Duration::from_nanos(1)));
        }
    });
}

/// As it stands in the configuration of the walk.
fn kek(name: &str) -> String {
    format!("\n[[kek]]\nname = \"{name}\"\nkind = \"local\"\nkey_file = \"kek-{name}\"\n")
}

const ROWS: &str = "CREATE TABLE connections (id INTEGER PRIMARY KEY, bot_token TEXT, settings TEXT);
    INSERT INTO connections (bot_token, settings) VALUES ('ef1:1:AAAA', NULL), ('ef1:7:AAAA', '{\"url\": \"ef1:8:AAAA\"}'),
        ('ef1:8:AAAA', NULL), ('ef1:8:BBBB', NULL), ('ef1:0:', NULL)";

fn users() -> String {
    let mut sql =
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, token TEXT);".to_owned();
    for id in 1..=1000 {
        let token =
            if id % 100 == 0 { "NULL".to_owned() } else { format!("'xoxb-example-{id:04}'") };
        write!(sql, "INSERT INTO users VALUES ({id}, 'user {id}', {token});").unwrap();
    }
    format!("BEGIN; {sql} COMMIT")
}

fn execute(path: &Path, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options =
            sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// Commands, each with what it is to print. A command that ends in `\` goes on in the next line.
fn steps(lines: &[String]) -> Result<Vec<(String, Vec<&str>)>, &str> {
    let mut steps: Vec<(String, Vec<&str>)> = Vec::new();
    let mut goes_on = false;
    for line in lines {
        let (text, ends) =
            line.strip_suffix('\\').map_or((line.as_str(), true), |text| (text, false));
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (_, Some((command, _))) if goes_on => {
                command.push(' ');
                command.push_str(text.trim());
                goes_on = !ends;
            }
            (Some(_), _) => {
                steps.push((text.trim_start_matches("$ ").trim().to_owned(), Vec::new()));
                goes_on = !ends;
            }
            (None, Some((_, expected))) => expected.push(line),
            (None, None) => return Err(line),
        }
    }
    Ok(steps)
}

/// At spaces that are not in quotes.
fn words(command: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), None::<String>, false);
    for character in command.chars() {
        match character {
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' if !is_quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    (!is_quoted).then_some(words)
}

/// `…` alone stands for any lines, and within a line for any text.
fn has_lines(said: &[&str], expected: &[&str]) -> bool {
    match expected {
        [] => said.is_empty(),
        ["…", rest @ ..] => (0..=said.len()).any(|at| has_lines(&said[at..], rest)),
        [first, rest @ ..] => {
            said.first().is_some_and(|line| has_text(line, first)) && has_lines(&said[1..], rest)
        }
    }
}

fn has_text(said: &str, expected: &str) -> bool {
    let Some((begin, rest)) = expected.split_once('…') else {
        return said.trim_end() == expected.trim_end();
    };
    let Some(left) = said.strip_prefix(begin) else { return false };
    left.char_indices().map(|(at, _)| at).chain([left.len()]).any(|at| has_text(&left[at..], rest))
}

/// The walk itself: what it must not pass over.
mod walker {
    use super::*;

    #[test]
    fn blocks_are_found_with_their_comments() {
        let text = "# A\n\n1. x:\n\n   <!-- walk: new setup;\n        later 5m -->\n   ```console\n   $ a\n\n   b\n   ```\n```sql\n```\n";
        let found = blocks("x.md", text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].directives, ["new setup", "later 5m"]);
        assert_eq!(
            (found[0].line, &found[0].lines[..]),
            (7, &["$ a".to_owned(), String::new(), "b".to_owned()][..])
        );
        assert_eq!((&*found[1].language, found[1].directives.len()), ("sql", 0));
    }

    #[test]
    #[should_panic(expected = "x.md, line 2: a comment for no block")]
    fn a_comment_that_is_lost_is_an_error() {
        blocks("x.md", "<!-- walk: new -->\ntext\n```console\n```\n");
    }

    #[test]
    #[should_panic(expected = "no directive \"never mind\"")]
    fn an_unknown_directive_is_an_error() {
        run_text("<!-- walk: never mind -->\n```console\n$ encrypted-field status\n```\n");
    }

    #[test]
    #[should_panic(expected = "nothing says where it begins")]
    fn a_block_without_a_beginning_is_an_error() {
        run_text("```console\n$ encrypted-field status\n```\n");
    }

    #[test]
    #[should_panic(expected = "knows no block of \"shell\"")]
    fn another_language_is_an_error() {
        run_text("```shell\nencrypted-field status\n```\n");
    }

    #[test]
    #[should_panic(expected = "this command and no other")]
    fn another_program_is_an_error() {
        run_text("<!-- walk: new -->\n```console\n$ shred -u kek\n```\n");
    }

    #[test]
    #[should_panic(expected = "the document shows")]
    fn another_output_is_an_error() {
        run_text(
            "<!-- walk: new setup -->\n```console\n$ encrypted-field status\nfailing\n…\n```\n",
        );
    }

    #[test]
    #[should_panic(expected = "exit code 1 of")]
    fn a_failure_is_an_error() {
        run_text("<!-- walk: new -->\n```console\n$ encrypted-field keys list\n```\n");
    }

    #[test]
    #[should_panic(expected = "exit code 0 of")]
    fn a_success_where_a_failure_is_expected_is_an_error() {
        run_text("<!-- walk: new setup; fails -->\n```console\n$ encrypted-field keys list\n```\n");
    }

    #[test]
    fn commands_are_counted() {
        let text = "<!-- walk: new setup -->\n```console\n$ encrypted-field \\\n    status\nhealthy\n…\n$ encrypted-field keys list\n```\n";
        assert_eq!(run_text(text), 2);
    }

    fn run_text(text: &str) -> usize {
        let mut walk = Walk::default();
        for block in blocks("x.md", text) {
            walk.block(&block);
        }
        walk.commands
    }

    #[test]
    fn outputs_are_compared() {
        assert!(has_lines(&["a", "b b", "c"], &["a", "…", "c"]));
        assert!(has_lines(&["a", "b 1 b", "c"], &["a", "b … b", "…"]));
        for expected in [&["a"][..], &["…", "b"], &["a", "b…x", "c"], &["a", "b b", "c", "d"]] {
            assert!(!has_lines(&["a", "b b", "c"], expected), "{expected:?}");
        }
        assert_eq!(words("a \"b c\" --d=\"e f\" \"\"").unwrap(), ["a", "b c", "--d=e f", ""]);
        assert_eq!(words("a \"b"), None);
    }
}
