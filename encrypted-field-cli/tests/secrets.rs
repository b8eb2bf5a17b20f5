//! No secret shows in what any command prints, whatever it is asked and however it fails.

// Helpers panic where a test is to fail, too.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encrypted_field::envelope::Clock;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use support::{KEY_SET, LOCAL_KEK, Operator, file_store};
use tests::secrets::BOT_TOKEN;

/// Each command and subcommand of the help, so that a new one is tested without a word here.
fn commands() -> Vec<Vec<String>> {
    fn below(command: &clap::Command, path: &[String], found: &mut Vec<Vec<String>>) {
        let mut subcommands =
            command.get_subcommands().filter(|command| command.get_name() != "help").peekable();
        if subcommands.peek().is_none() {
            found.push(path.to_vec());
        }
        for command in subcommands {
            below(command, &[path, &[command.get_name().to_owned()]].concat(), found);
        }
    }
    let mut found = Vec::new();
    below(&encrypted_field_cli::command(), &[], &mut found);
    found
}

/// What they need beside their name.
fn arguments(command: &[String]) -> Vec<&str> {
    match command.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["keys", "show" | "activate" | "retire" | "disable" | "enable"] => vec!["1"],
        ["keys", "destroy"] => vec!["1", "--confirm", "destroy key 1 of production"],
        ["keys", "compromised"] => vec!["1", "--confirm", "mark key 1 of production compromised"],
        ["provision"] => vec!["acme"],
        ["destroy-scope"] => vec!["acme", "--confirm", "destroy scope acme of production"],
        ["leave-out-kek"] => vec!["eu", "--confirm", "leave out KEK eu of production"],
        ["set-heartbeat"] => vec!["10m"],
        ["backup"] => vec!["out.json"],
        ["data", "pause" | "resume" | "failures" | "forget"] => vec![JOB],
        ["data", "run"] => vec!["rotate-tokens"],
        ["data", "rate"] => vec![JOB, "7"],
        ["data", "decrypt"] => vec![COLUMN, "--confirm", "decrypt users.token"],
        ["data", _] | ["open"] => vec![COLUMN],
        ["completions"] => vec!["bash"],
        ["man"] => vec!["."],
        ["verify-backup" | "restore"] => vec!["backup.json"],
        ["accept-restored"] => {
            vec![
                "--revision",
                "1",
                "--next-id",
                "9",
                "--confirm",
                "accept revision 1 of production",
            ]
        }
        _ => Vec::new(),
    }
}

const COLUMN: &str = "users.token";
const JOB: &str = "encrypt users.token";

/// A table with plaintexts.
fn fill(operator: &Operator) {
    let url = format!("sqlite://{}?mode=rwc", operator.path("app.sqlite").display());
    let insert = format!(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, token TEXT);
         INSERT INTO users VALUES (1, '{BOT_TOKEN}'), (2, 'ef1:1:{BOT_TOKEN}')"
    );
    in_database(&url, async |db| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(insert)).execute(db).await.unwrap();
    });
}

/// What the table has by now.
fn stored(operator: &Operator) -> String {
    let url = format!("sqlite://{}", operator.path("app.sqlite").display());
    in_database(&url, async |db| {
        sqlx::query_scalar("SELECT token FROM users").fetch_one(db).await.unwrap()
    })
}

fn in_database<R>(url: &str, work: impl AsyncFnOnce(&mut SqliteConnection) -> R) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // Without a log of statements: they hold plaintexts.
        let options: SqliteConnectOptions = url.parse().unwrap();
        let mut db = options.disable_statement_logging().connect().await.unwrap();
        let done = work(&mut db).await;
        db.close().await.unwrap();
        done
    })
}

fn run_all(operator: &mut Operator, input: &str) {
    for command in commands() {
        // It prints a key, which is what it is for.
        if command == ["keygen"] {
            continue;
        }
        let line: Vec<&str> =
            command.iter().map(String::as_str).chain(arguments(&command)).collect();
        let done = operator.run_with(&line, input);
        // Else it did not even begin.
        assert!(command == ["status"] || done.code != 2, "{line:?}: {}", done.errors);
    }
}

#[test]
fn of_a_store_that_works() {
    let mut operator = Operator::new(&format!(
        "{}{LOCAL_KEK}\n[database]\nkind = \"sqlite\"\npath = \"app.sqlite\"\n\n\
         [[column]]\ntable = \"users\"\ncolumn = \"token\"\n\n\
         [[job]]\nname = \"rotate-tokens\"\noperation = \"rotate\"\ncolumn = \"users.token\"\n",
        file_store("keys.json")
    ));
    fill(&operator);
    operator.does(&["create-store"]);
    operator.does(&["backup", "backup.json"]);
    // One row looks like a stored value, and is left.
    operator.fails(&["data", "encrypt", COLUMN]);
    let sealed = stored(&operator);
    assert!(sealed.starts_with("ef1:1:"));
    run_all(&mut operator, &sealed);
    operator.assert_no_secret(&[&STANDARD.encode(tests::secrets::KEYS[0])]);
}

#[test]
fn of_a_passphrase() {
    let kek = "[[kek]]\nname = \"main\"\nkind = \"local\"\npassphrase_env = \"PASSPHRASE\"\nsalt = \"sixteen bytes or more\"\n";
    let mut operator = Operator::new(&format!("{}{kek}", file_store("keys.json")));
    operator.variable("PASSPHRASE", tests::secrets::PASSPHRASE);
    operator.does(&["create-store"]);
    operator.does(&["status"]);
    operator.does(&["consistency"]);
    operator.variable("PASSPHRASE", "CANARY-wrong one");
    operator.fails(&["keys", "list"]);
    operator.assert_no_secret(&[]);
}

#[test]
fn of_settings_that_are_wrong() {
    let file = file_store("keys.json");
    let vault = "address = \"https://127.0.0.1:1\"";
    for configuration in [
        // Secrets that stand where none may.
        format!(
            "{}\n{LOCAL_KEK}",
            support::store("kind = \"postgres\"\nurl = \"postgres://a:CANARY-p@db/app\"")
        ),
        format!(
            "{}\n{LOCAL_KEK}",
            support::store("kind = \"mysql\"\nurl = \"mysql://db/app?password=CANARY-p\"")
        ),
        format!(
            "{}\n{LOCAL_KEK}",
            support::store("kind = \"mysql\"\nurl = \"mysql://db/app\"\npassword = \"CANARY-p\"")
        ),
        format!("key_set = \"{KEY_SET}\"\n[vault.main]\n{vault}\ntoken = \"CANARY-t\"\n{file}"),
        format!("{file}[[kek]]\nname = \"a\"\nkind = \"local\"\nkey = \"CANARY-key\"\n"),
        format!("{file}[[kek]]\nname = \"a\"\nkind = \"local\"\nkey = CANARY-key\n"),
        format!("{file}token = \"CANARY-t\"\n{LOCAL_KEK}"),
        // Secrets that are none.
        format!("{file}[[kek]]\nname = \"a\"\nkind = \"local\"\nkey_env = \"WRONG\"\n"),
        format!("{file}[[kek]]\nname = \"a\"\nkind = \"local\"\nkey_file = \"wrong\"\n"),
        format!(
            "{file}[[kek]]\nname = \"a\"\nkind = \"local\"\npassphrase_env = \"SHORT\"\nsalt = \"sixteen bytes or more\"\n"
        ),
        format!("{}\n{LOCAL_KEK}", support::store("kind = \"postgres\"\nurl_env = \"WRONG\"")),
        format!("{}\n{LOCAL_KEK}", support::store("kind = \"postgres\"\nurl_env = \"URL\"")),
    ] {
        let mut operator = Operator::new(&configuration);
        operator.write("wrong", "CANARY-no-base64");
        operator.variable("WRONG", "CANARY-no-base64");
        operator.variable("SHORT", "CANARY-");
        operator.variable("URL", "postgres://app:CANARY-p@127.0.0.1:1/app");
        let refused = operator.fails(&["create-store"]);
        assert!(refused.starts_with("error: "), "{refused}");
        operator.fails(&["backup", "b.json"]);
        assert_eq!(operator.run(&["status", "--json"]).code, 2);
        operator.assert_no_secret(&[]);
    }
}

#[test]
fn a_generated_key_goes_into_the_file_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut operator = Operator::with_file();
    assert_eq!(operator.does(&["keygen", "--out", "new"]), "");
    let key = operator.read("new");
    operator.assert_no_secret(&[key.trim()]);
    assert_eq!(STANDARD.decode(key.trim()).unwrap().len(), 32);
    assert_eq!(operator.path("new").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(operator.fails(&["keygen", "--out", "new"]).contains("never overwritten"));
    assert_eq!(operator.read("new"), key);
    // Printed only where that was asked for, and another each time.
    assert_ne!(operator.run(&["keygen"]).output, operator.run(&["keygen"]).output);
}

#[test]
fn a_backup_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut operator = Operator::with_file();
    let clock = Clock::manual(SystemTime::now());
    operator.run_by(&clock, &["create-store"]);
    operator.run_by(&clock, &["backup", "backup.json"]);
    assert_eq!(
        operator.path("backup.json").metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
    // And no temporary file stays.
    assert_eq!(
        operator.files().keys().map(String::as_str).collect::<Vec<_>>(),
        ["backup.json", "encrypted-field.toml", "kek", "keys.json", "keys.json.lock"]
    );
}
