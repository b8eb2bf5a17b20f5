//! An operator with a folder of their own, who runs the command there.

#![allow(dead_code, reason = "each test needs a part of it")]
#![allow(clippy::unwrap_used, reason = "what panics here fails a test")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use encrypted_field::envelope::Clock;
use encrypted_field::plaintext::Zeroizing;
use encrypted_field_cli::{Context, Terminal, run};
use tempfile::TempDir;

/// The name of the key set in all of these tests.
pub(crate) const KEY_SET: &str = "production";

/// Where the command runs: with a folder, an environment, and nobody at a terminal.
pub(crate) struct Operator {
    folder: TempDir,
    environment: BTreeMap<String, String>,
    /// All that the command has printed so far.
    printed: Vec<u8>,
}

/// What the command did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Operator {
    /// With this configuration, and a local KEK in the file `kek`.
    pub(crate) fn new(configuration: &str) -> Self {
        let operator = Self {
            folder: tempfile::tempdir().unwrap(),
            environment: BTreeMap::new(),
            printed: Vec::new(),
        };
        operator.configure(configuration);
        operator.write(
            "kek",
            &base64::engine::general_purpose::STANDARD.encode(tests::secrets::KEYS[0]),
        );
        operator
    }

    /// On a file with a local KEK.
    pub(crate) fn with_file() -> Self {
        Self::new(&format!("{}{LOCAL_KEK}", file_store("keys.json")))
    }

    pub(crate) fn configure(&self, configuration: &str) {
        self.write("encrypted-field.toml", configuration);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// With the mode that secrets have.
    pub(crate) fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn variable(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// The files in the folder, and what is in them.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let file = |entry: io::Result<fs::DirEntry>| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())
        };
        entries.map(file).collect()
    }

    /// Runs the command in a process of its own.
    pub(crate) fn run(&mut self, line: &[&str]) -> Done {
        self.run_with(line, "")
    }

    /// Runs it, and gives it this to read.
    pub(crate) fn run_with(&mut self, line: &[&str], input: &str) -> Done {
        use std::io::Write as _;
        let mut child = Command::new(env!("CARGO_BIN_EXE_encrypted-field"))
            .args(line)
            .current_dir(self.folder.path())
            .env_clear()
            .env("USER", "alice")
            .env("HOME", self.folder.path())
            .envs(&self.environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        self.printed.extend_from_slice(&output.stdout);
        self.printed.extend_from_slice(&output.stderr);
        Done {
            code: output.status.code().unwrap_or(-1),
            output: String::from_utf8(output.stdout).unwrap(),
            errors: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs it with this to read, and it succeeds.
    #[track_caller]
    pub(crate) fn does_with(&mut self, line: &[&str], input: &str) -> String {
        let done = self.run_with(line, input);
        assert_eq!(done.code, 0, "{line:?}: {}{}", done.output, done.errors);
        done.output
    }

    /// Runs it, and it succeeds.
    #[track_caller]
    pub(crate) fn does(&mut self, line: &[&str]) -> String {
        let done = self.run(line);
        assert_eq!(done.code, 0, "{line:?}: {}{}", done.output, done.errors);
        done.output
    }

    /// Runs it, and it fails; what it says.
    #[track_caller]
    pub(crate) fn fails(&mut self, line: &[&str]) -> String {
        let done = self.run(line);
        assert_eq!(done.code, 1, "{line:?}: {}{}", done.output, done.errors);
        done.errors
    }

    /// Runs it in this process, by this clock, which a wait lets pass.
    pub(crate) fn run_by(&mut self, clock: &Clock, line: &[&str]) -> Done {
        self.run_here(clock, None, line)
    }

    /// Runs it in this process, with somebody at a terminal who answers nothing.
    pub(crate) fn run_at_terminal(&mut self, line: &[&str]) -> Done {
        self.run_here(&Clock::system(), Some(Silent), line)
    }

    fn run_here(&mut self, clock: &Clock, mut terminal: Option<Silent>, line: &[&str]) -> Done {
        let environment = self.environment.clone();
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let mut pause = |time: Duration| clock.advance(time);
        let mut context = Context {
            environment: Arc::new(move |name| environment.get(name).map(OsString::from)),
            folder: self.folder.path().to_owned(),
            host: "host".to_owned(),
            clock: clock.clone(),
            output: &mut output,
            errors: &mut errors,
            input: &mut io::empty(),
            terminal: terminal.as_mut().map(|silent| silent as &mut dyn Terminal),
            pause: &mut pause,
        };
        let arguments =
            std::iter::once("encrypted-field").chain(line.iter().copied()).map(OsString::from);
        let code = run(arguments, &mut context);
        self.printed.extend_from_slice(&output);
        self.printed.extend_from_slice(&errors);
        Done {
            code: code.into(),
            output: String::from_utf8(output).unwrap(),
            errors: String::from_utf8(errors).unwrap(),
        }
    }

    /// That nothing the command has printed holds one of these or a secret of the tests.
    #[track_caller]
    pub(crate) fn assert_no_secret(&self, secrets: &[&str]) {
        let text = String::from_utf8_lossy(&self.printed);
        assert!(!text.is_empty());
        for (at, secret) in secrets.iter().enumerate() {
            assert!(!secret.is_empty() && !text.contains(secret), "secret {at} was printed");
        }
        let leaks = tests::leaks::Scanner::new().scan(&self.printed);
        assert!(leaks.is_empty(), "{leaks:?}");
    }
}

struct Silent;

impl Terminal for Silent {
    fn ask(&mut self, _: &str) -> io::Result<String> {
        Err(io::Error::other("nobody answers"))
    }

    fn ask_secret(&mut self, _: &str) -> io::Result<Zeroizing<String>> {
        Err(io::Error::other("nobody answers"))
    }
}

/// A KEK in the file `kek`.
pub(crate) const LOCAL_KEK: &str =
    "[[kek]]\nname = \"main\"\nkind = \"local\"\nkey_file = \"kek\"\n";

/// A store in a file.
pub(crate) fn file_store(path: &str) -> String {
    store(&format!("kind = \"file\"\npath = \"{path}\""))
}

/// A configuration with this store and no KEK yet.
pub(crate) fn store(store: &str) -> String {
    format!("key_set = \"{KEY_SET}\"\n[store]\n{store}\n")
}

/// The life of a store, from its making to a disaster, on whatever it is kept. `lose` empties it;
/// `None` where that can't be done.
pub(crate) fn life(operator: &mut Operator, lose: Option<&dyn Fn(&Operator)>) {
    operator.fails(&["keys", "list"]);
    let planned = operator.does(&["create-store", "--dry-run"]);
    assert!(planned.contains("would write: key 1 (field, (default)): new, active"), "{planned}");
    assert_eq!(
        operator.does(&["create-store", "--reason", "ticket 1"]),
        "made the store of production with key 1\n"
    );
    assert!(operator.fails(&["create-store"]).contains("has keys already"), "made twice");
    assert!(operator.does(&["status"]).starts_with("healthy\n"));

    operator.does(&["keys", "publish", "--by", "bob", "--reason", "quarter"]);
    let shown = operator.does(&["keys", "show", "2"]);
    assert!(
        shown.contains("bob") && shown.contains("quarter") && shown.contains("pending"),
        "{shown}"
    );
    assert!(
        operator.fails(&["keys", "activate", "2"]).contains("some processes may not have it yet")
    );
    operator.does(&["keys", "activate", "2", "--at-once"]);
    operator.does(&["keys", "disable", "1"]);
    operator.does(&["keys", "enable", "1"]);
    operator.does(&["keys", "create", "--scope", "mail", "--purpose", "index"]);
    operator.does(&["provision", "acme"]);
    operator.does(&["provision", "acme", "globex", "initech"]);
    assert!(operator.does(&["keys", "list", "--on-demand"]).contains("initech"));
    assert_eq!(operator.does(&["consistency"]), "checked 7 wraps, 0 problems\n");

    operator.does(&["backup", "backup.json"]);
    assert!(operator.fails(&["backup", "backup.json"]).contains("never overwritten"));
    let verified = operator.does(&["verify-backup", "backup.json"]);
    let accept =
        verified.lines().last().unwrap().strip_prefix("encrypted-field ").unwrap().to_owned();
    assert!(operator.fails(&["restore", "backup.json"]).contains("is not empty"));

    let gone = operator.does(&[
        "destroy-scope",
        "globex",
        "--confirm",
        "destroy scope globex of production",
    ]);
    assert!(gone.starts_with("destroyed scope globex: "), "{gone}");
    operator.does(&["rotate-store-key"]);
    operator.does(&["set-heartbeat", "20m"]);
    operator.does(&["rewrap"]);
    operator.does(&["repair"]);
    operator.does(&["maintain"]);
    assert!(operator.does(&["status"]).contains("20m"));

    let Some(lose) = lose else { return };
    lose(operator);
    assert_eq!(operator.run(&["status"]).code, 2);
    operator.does(&["restore", "backup.json", "--dry-run"]);
    assert_eq!(operator.run(&["status"]).code, 2);
    operator.does(&["restore", "backup.json"]);
    // The operator fills in what only a look at the rows tells.
    let accept = accept.replace("ID --key-ids key-ids.json", "100");
    let mut accept: Vec<&str> = accept.split(' ').collect();
    let refused = operator.fails(&accept);
    let text =
        refused.rsplit("--confirm \"").next().unwrap().trim_end().trim_end_matches('"').to_owned();
    accept.extend(["--confirm", &text]);
    operator.does(&accept);
    // As it was when the backup was made.
    assert!(operator.does(&["keys", "list", "--on-demand"]).contains("globex   field    active"));
    assert_eq!(operator.does(&["consistency"]), "checked 7 wraps, 0 problems\n");
    assert!(operator.does(&["status"]).starts_with("healthy\n"));
}
