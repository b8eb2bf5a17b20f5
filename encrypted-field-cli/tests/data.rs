//! `data`: the values of columns, moved by commands alone, on the three databases.

#![allow(clippy::unwrap_used)]

mod support;

use encrypted_field::{Encrypted, EncryptedFieldExt as _, Keyring, Secret};
use sqlx::Connection;
use support::{Done, LOCAL_KEK, Operator, file_store};
use tests::secrets;

const ROWS: usize = 200;

#[derive(Encrypted)]
#[encrypted(context = "users.token", previous_context = "old.token")]
struct Token(Secret<String>);

/// The databases, each with the type of a column of text.
#[derive(Clone, Copy)]
enum Kind {
    Postgres,
    MariaDb,
    Sqlite,
}

struct World {
    operator: Operator,
    kind: Kind,
    url: String,
    // Gone when it is dropped.
    _database: Option<tests::Database>,
}

fn plain(id: usize) -> String {
    secrets::plaintext(&format!("token-{id}"))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Without a log of statements: these hold the plaintexts that are looked for in all logs.
async fn connect<C: Connection>(url: &str) -> C {
    use sqlx::ConnectOptions as _;
    let options: C::Options = url.parse().unwrap();
    C::connect_with(&options.disable_statement_logging()).await.unwrap()
}

async fn execute_in<C: Connection>(url: &str, sql: &str)
where
    for<'c> &'c mut C: sqlx::Executor<'c>,
{
    use sqlx::Executor as _;
    let mut connection = connect::<C>(url).await;
    connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await.unwrap();
    connection.close().await.unwrap();
}

macro_rules! column_in {
    ($connection:ty, $url:expr, $sql:expr) => {{
        let mut connection = connect::<$connection>($url).await;
        let found: Vec<(Option<String>,)> =
            sqlx::query_as(sqlx::AssertSqlSafe($sql)).fetch_all(&mut connection).await.unwrap();
        found.into_iter().map(|(value,)| value).collect()
    }};
}

impl World {
    /// A table of tokens in the clear, one of which is NULL and one of which is empty, and the
    /// configuration of a store in a file with this column.
    fn new(kind: Kind) -> Option<Self> {
        let (database, url, section) = match kind {
            Kind::Postgres => {
                let database = tests::Database::postgres()?;
                let url = database.url();
                (Some(database), url, "kind = \"postgres\"\nurl_env = \"DATABASE_URL\"")
            }
            Kind::MariaDb => {
                let database = tests::Database::mariadb()?;
                let url = database.url();
                (Some(database), url, "kind = \"mysql\"\nurl_env = \"DATABASE_URL\"")
            }
            Kind::Sqlite => (None, String::new(), "kind = \"sqlite\"\npath = \"app.sqlite\""),
        };
        let mut operator = Operator::new(&format!(
            "{}{LOCAL_KEK}\n[database]\n{section}\n\n[[column]]\ntable = \"users\"\ncolumn = \"token\"\n\
             previous_contexts = [\"old.token\"]\n",
            file_store("keys.json")
        ));
        operator.does(&["create-store"]);
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}?mode=rwc", operator.path("app.sqlite").display()),
            _ => url,
        };
        operator.variable("DATABASE_URL", &url);
        let world = Self { operator, kind, url, _database: database };
        let text = if matches!(kind, Kind::MariaDb) { "VARCHAR(300)" } else { "TEXT" };
        world.execute(&format!("CREATE TABLE users (id INTEGER PRIMARY KEY, token {text})"));
        let rows: Vec<_> = (1..=ROWS)
            .map(|id| match id {
                7 => "(7, NULL)".to_owned(),
                8 => "(8, '')".to_owned(),
                id => format!("({id}, '{}')", plain(id)),
            })
            .collect();
        world.execute(&format!("INSERT INTO users VALUES {}", rows.join(", ")));
        Some(world)
    }

    fn execute(&self, sql: &str) {
        runtime().block_on(async {
            match self.kind {
                Kind::Postgres => execute_in::<sqlx::PgConnection>(&self.url, sql).await,
                Kind::MariaDb => execute_in::<sqlx::MySqlConnection>(&self.url, sql).await,
                Kind::Sqlite => execute_in::<sqlx::SqliteConnection>(&self.url, sql).await,
            }
        });
    }

    fn tokens(&self) -> Vec<Option<String>> {
        let sql = "SELECT token FROM users ORDER BY id";
        runtime().block_on(async {
            match self.kind {
                Kind::Postgres => column_in!(sqlx::PgConnection, &self.url, sql),
                Kind::MariaDb => column_in!(sqlx::MySqlConnection, &self.url, sql),
                Kind::Sqlite => column_in!(sqlx::SqliteConnection, &self.url, sql),
            }
        })
    }

    /// Of PostgreSQL.
    fn number(&self, sql: &str) -> i64 {
        runtime().block_on(async {
            let mut connection = connect::<sqlx::PgConnection>(&self.url).await;
            let sql = sqlx::query_scalar(sqlx::AssertSqlSafe(sql));
            let number = sql.fetch_one(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            number
        })
    }

    fn json(&mut self, line: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.operator.does(line)).unwrap()
    }

    #[track_caller]
    fn ends(&mut self, code: i32, line: &[&str]) -> Done {
        let done = self.operator.run(line);
        assert_eq!(done.code, code, "{line:?}: {}{}", done.output, done.errors);
        done
    }

    /// Key 2 is active, key 1 opens.
    fn rotate_keys(&mut self) {
        self.operator.does(&["keys", "publish"]);
        self.operator.does(&["keys", "activate", "2", "--at-once"]);
    }
}

fn is_sealed(tokens: &[Option<String>], key: u32) -> bool {
    let begins = format!("ef1:{key}:");
    tokens.iter().enumerate().all(|(at, token)| match token {
        None => at == 6,
        Some(token) => token.starts_with(&begins),
    })
}

/// From plaintext to the second key and back, by commands alone.
fn there_and_back(kind: Kind) {
    let Some(mut world) = World::new(kind) else { return };
    let before = world.tokens();
    let status = world.json(&["data", "status", "--json"]);
    assert_eq!(status["columns"][0]["other"], ROWS - 1, "{status}");
    assert_eq!(status["columns"][0]["nulls"], 1);

    let tried = world.json(&["data", "encrypt", "users.token", "--dry-run", "--json"]);
    assert_eq!(tried["counts"]["replaced"], ROWS - 1, "{tried}");
    assert_eq!(world.tokens(), before, "a dry run writes nothing");
    assert_eq!(world.ends(1, &["data", "verify", "users.token"]).code, 1);

    let done = world.operator.does(&["data", "encrypt", "users.token", "--workers", "2"]);
    assert!(done.contains("wrote 199;") && done.contains("1 are NULL"), "{done}");
    assert!(is_sealed(&world.tokens(), 1));
    let again = world.json(&["data", "encrypt", "users.token", "--json"]);
    assert_eq!(
        (&again["counts"]["replaced"], &again["counts"]["kept"]),
        (&0.into(), &(ROWS - 1).into())
    );

    let certificate =
        world.json(&["data", "verify", "users.token", "--json", "--out", "done.json"]);
    assert_eq!(certificate["by_key"]["1"], ROWS - 1, "{certificate}");
    assert_eq!(certificate["is_whole"], true);
    assert!(world.operator.read("done.json").contains("\"by_key\""));

    world.rotate_keys();
    let stale = world.ends(1, &["data", "verify", "users.token"]).output;
    assert!(stale.contains("not complete"), "{stale}");
    world.operator.does(&["data", "rotate", "users.token"]);
    assert!(is_sealed(&world.tokens(), 2));
    let status = world.operator.does(&["data", "status"]);
    assert!(status.contains("key 2") && !status.contains("key 1"), "{status}");
    assert!(status.contains("rotate users.token") && status.contains("finished"), "{status}");

    let refused = world.operator.fails(&["data", "decrypt", "users.token"]);
    assert!(refused.contains("--confirm"), "{refused}");
    world.operator.does(&["data", "decrypt", "users.token", "--confirm", "decrypt users.token"]);
    assert_eq!(world.tokens(), before);
    world.operator.does(&["data", "verify", "users.token", "--decrypted"]);
    world.ends(1, &["data", "verify", "users.token"]);
    world.operator.assert_no_secret(&[&plain(1), &plain(9)]);
}

#[test]
fn there_and_back_on_postgres() {
    there_and_back(Kind::Postgres);
}

#[test]
fn there_and_back_on_mariadb() {
    there_and_back(Kind::MariaDb);
}

#[test]
fn there_and_back_on_sqlite() {
    there_and_back(Kind::Sqlite);
}

/// A row that can't be moved is told, is left, and makes the exit code; the rest goes on.
#[test]
fn what_fails_is_told() {
    let Some(mut world) = World::new(Kind::Sqlite) else { return };
    let ring = Keyring::builder().active(9, secrets::KEYS[7]).build().unwrap();
    let foreign = Token::from("CANARY-of-a-lost-key").to_stored_text_with(&ring).unwrap();
    world.execute(&format!("UPDATE users SET token = '{foreign}' WHERE id = 3"));
    let cut = &Token::from("CANARY-cut-off").to_stored_text_with(&ring).unwrap()[..50];
    world.execute(&format!("UPDATE users SET token = '{cut}' WHERE id = 4"));

    let done = world.ends(1, &["data", "encrypt", "users.token"]);
    assert!(done.output.contains("2 rows were left as they are:"), "{}", done.output);
    assert!(done.output.contains("unknown-key: 1") && done.output.contains("malformed: 1"));
    let listed = world.operator.does(&["data", "failures", "encrypt users.token"]);
    assert!(listed.contains("users.token, row 3: unknown-key:"), "{listed}");
    assert!(listed.contains("key 9"), "the id that is missing: {listed}");
    let tokens = world.tokens();
    assert_eq!(tokens[2].as_deref(), Some(&*foreign));
    assert_eq!(
        tokens.iter().flatten().filter(|token| token.starts_with("ef1:1:")).count(),
        ROWS - 3
    );

    let lines = world.operator.does(&["data", "failures", "encrypt users.token", "--json"]);
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((&first["key"], &first["kind"]), (&"3".into(), &"unknown-key".into()));
    world.operator.does(&["data", "forget", "encrypt users.token"]);
    assert!(world.operator.fails(&["data", "failures", "encrypt users.token"]).contains("no job"));
}

/// A key that the store does not have is told from one that is not loaded: nothing has asked for it
/// before `verify` does.
#[test]
fn a_key_that_no_store_has_is_unknown() {
    let Some(mut world) = World::new(Kind::Sqlite) else { return };
    world.operator.does(&["data", "encrypt", "users.token"]);
    let ring = Keyring::builder().active(9, secrets::KEYS[7]).build().unwrap();
    let foreign = Token::from("CANARY-of-a-lost-key").to_stored_text_with(&ring).unwrap();
    world.execute(&format!("UPDATE users SET token = '{foreign}' WHERE id = 3"));
    let done = world.ends(1, &["data", "verify", "users.token"]);
    assert!(done.output.contains("users.token, row 3: unknown-key: "), "{}", done.output);
}

/// The job of the configuration is the move with its options, under its own name.
#[test]
fn a_job_of_the_configuration_is_run() {
    let Some(mut world) = World::new(Kind::Sqlite) else { return };
    let config = world.operator.read("encrypted-field.toml");
    let none = world.operator.fails(&["data", "run", "tokens"]);
    assert!(none.contains("it has no section [[job]]"), "{none}");
    let jobs = "[[job]]\nname = \"tokens\"\noperation = \"encrypt\"\ncolumn = \"users.token\"\nrate = 100000\n\
                replica_env = [\"REPLICA\"]\n\n\
                [[job]]\nname = \"back\"\noperation = \"decrypt\"\ncolumn = \"users.token\"\n";
    world.operator.configure(&format!("{config}\n{jobs}"));
    // The file is read by all commands.
    world.operator.does(&["keys", "list"]);
    let lag = world.operator.fails(&["data", "run", "tokens"]);
    assert!(lag.contains("add --max-lag, or `max_lag`"), "{lag}");
    world
        .operator
        .configure(&format!("{config}\n{}", jobs.replace("replica_env = [\"REPLICA\"]\n", "")));

    let rate = |world: &mut World| {
        let status = world.json(&["data", "status", "--json"]);
        let jobs = status["jobs"].as_array().unwrap();
        jobs.iter().find(|job| job["job"] == "tokens").map(|job| job["rate"].clone())
    };
    let tried = world.operator.does(&["data", "run", "tokens", "--dry-run"]);
    assert!(tried.starts_with("tokens: 200 rows, would write 199;"), "{tried}");
    assert_eq!(rate(&mut world), None);
    let done = world.operator.does(&["data", "run", "tokens"]);
    assert!(done.contains("`encrypted-field data verify users.token`"), "{done}");
    assert!(is_sealed(&world.tokens(), 1));
    assert_eq!(rate(&mut world), Some(100_000.into()));
    world.operator.does(&["data", "run", "tokens", "--rate", "200000"]);
    assert_eq!(rate(&mut world), Some(200_000.into()));
    world.operator.does(&["data", "pause", "tokens"]);
    world.operator.does(&["data", "resume", "tokens"]);

    assert!(world.operator.fails(&["data", "run", "back"]).contains("--confirm"));
    world.operator.does(&["data", "run", "back", "--confirm", "decrypt users.token"]);
    assert_eq!(world.tokens()[0].as_deref(), Some(&*plain(1)));
}

/// The preflight and the total of the progress are one scan of the table.
#[test]
fn the_table_is_scanned_once() {
    let Some(mut world) = World::new(Kind::Postgres) else { return };
    // Limited, so that the longest value counts; and large, so that rows are found by the index.
    world.execute(
        "ALTER TABLE users ALTER token TYPE varchar(500);
         INSERT INTO users SELECT n, 'CANARY-' || n FROM generate_series(1000, 9000) AS s(n); ANALYZE users",
    );
    let scans = |world: &World| -> i64 {
        // A backend counts what it did as it ends.
        while world.number(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        ) > 0
        {
            std::thread::yield_now();
        }
        world.number("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'users'")
    };
    for line in
        [&["data", "check", "users.token"][..], &["data", "encrypt", "users.token", "--dry-run"]]
    {
        let before = scans(&world);
        world.operator.does(line);
        assert_eq!(scans(&world) - before, 1, "{line:?}");
    }
}

/// On a terminal a bar, and elsewhere lines.
#[test]
fn a_terminal_gets_a_bar() {
    let Some(mut world) = World::new(Kind::Sqlite) else { return };
    let done = world.operator.run_at_terminal(&["data", "encrypt", "users.token"]);
    assert_eq!(done.code, 0, "{}", done.errors);
    let bar = "\r\x1b[K\x1b[?7l[####################] 100 %  200 of 200 rows  ";
    assert!(done.errors.contains(bar) && done.errors.ends_with("\x1b[?7h\n"), "{:?}", done.errors);
    let verified = world.operator.run_at_terminal(&["data", "verify", "users.token"]);
    assert!(verified.errors.contains(bar), "{:?}", verified.errors);
    let done = world.ends(0, &["data", "verify", "users.token"]);
    assert!(!done.errors.contains('\x1b'), "{:?}", done.errors);
}

/// The index of the census, where there is one, is one that the database takes.
fn schema_of(kind: Kind) -> Option<(World, String)> {
    let mut world = World::new(kind)?;
    let schema = world.operator.run(&["data", "schema", "users.token"]).output;
    Some((world, schema))
}

#[test]
fn the_schema_has_the_index_of_the_census() {
    let Some((mut world, schema)) = schema_of(Kind::Sqlite) else { return };
    let index = schema.lines().find(|line| line.starts_with("CREATE INDEX"));
    world.execute(index.unwrap_or_else(|| panic!("no index: {schema}")));
    let status = world.json(&["data", "status", "--json"]);
    assert_eq!(status["columns"][0]["other"], ROWS - 1, "{status}");
    world.operator.does(&["data", "encrypt", "users.token"]);
    let status = world.json(&["data", "status", "--json"]);
    assert_eq!(status["columns"][0]["by_key"]["1"], ROWS - 1, "{status}");
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let Some((_, schema)) = schema_of(kind) else { continue };
        assert!(!schema.contains("CREATE INDEX"), "{schema}");
        assert!(schema.contains("-- No index helps `data status`"), "{schema}");
    }
}

#[test]
fn what_stands_in_the_way_is_told_first() {
    let Some(mut world) = World::new(Kind::MariaDb) else { return };
    world.execute("ALTER TABLE users MODIFY token VARCHAR(64)");
    let before = world.tokens();
    let checked = world.ends(1, &["data", "check", "users.token"]).output;
    assert!(checked.contains("error: ") && checked.contains("wider"), "{checked}");
    assert!(world.operator.fails(&["data", "encrypt", "users.token"]).contains("wider"));
    assert_eq!(world.tokens(), before);
    let schema = world.ends(1, &["data", "schema", "users.token", "--longest", "45"]).output;
    assert!(schema.contains("VARCHAR(130)") && schema.contains("LIKE BINARY 'ef1:%'"), "{schema}");
}

#[test]
fn jobs_are_paused_and_made_slower() {
    let Some(mut world) = World::new(Kind::Sqlite) else { return };
    let job = "encrypt users.token";
    assert!(world.operator.fails(&["data", "pause", job]).contains("no job"));
    world.operator.does(&["data", "encrypt", "users.token"]);
    world.operator.does(&["data", "pause", job]);
    let status = world.json(&["data", "status", "users.token", "--json"]);
    assert_eq!(status["jobs"][0]["is_paused"], true, "{status}");
    world.operator.does(&["data", "resume", job]);
    world.operator.does(&["data", "rate", job, "100"]);
    let status = world.json(&["data", "status", "--json"]);
    assert_eq!(
        (&status["jobs"][0]["is_paused"], &status["jobs"][0]["rate"]),
        (&false.into(), &100.into())
    );
}

#[test]
fn a_context_is_renamed() {
    let Some(mut world) = World::new(Kind::Sqlite) else { return };
    world.operator.does(&["data", "encrypt", "users.token"]);
    // As if the column had been declared under the earlier name when it was encrypted.
    let keys = world.operator.read("encrypted-field.toml");
    world.operator.configure(&keys.replace(
        "previous_contexts = [\"old.token\"]",
        "context = \"accounts.token\"\nprevious_contexts = [\"users.token\"]",
    ));
    assert!(world.ends(1, &["data", "verify", "users.token"]).output.contains("not complete"));
    world.operator.does(&["data", "rename", "users.token"]);
    assert!(world.ends(0, &["data", "verify", "users.token"]).output.contains("complete"));
}

/// With the key of the Fernet specification, which is in no list of secrets.
#[test]
fn a_foreign_format_is_imported() {
    const KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
    const HELLO: &str = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
    let Some(mut world) = World::new(Kind::Sqlite) else { return };
    world.execute(&format!("UPDATE users SET token = '{HELLO}' WHERE token IS NOT NULL"));
    assert!(world.operator.fails(&["data", "import", "users.token"]).contains("[column.legacy]"));
    let text = world.operator.read("encrypted-field.toml");
    world.operator.configure(&format!(
        "{text}\n[column.legacy]\nformat = \"fernet\"\nkey_env = \"FERNET_KEY\"\n"
    ));
    assert!(world.operator.fails(&["data", "import", "users.token"]).contains("FERNET_KEY"));
    world.operator.variable("FERNET_KEY", KEY);
    world.operator.does(&["data", "import", "users.token"]);
    assert!(is_sealed(&world.tokens(), 1));
    world.operator.does(&["data", "verify", "users.token"]);
    world.operator.does(&["data", "decrypt", "users.token", "--confirm", "decrypt users.token"]);
    assert_eq!(world.tokens()[0].as_deref(), Some("hello"));
    world.operator.assert_no_secret(&[KEY]);
}

/// The census is asked before a key is destroyed.
#[test]
fn a_key_that_rows_need_is_not_destroyed() {
    let Some(mut world) = World::new(Kind::Sqlite) else { return };
    world.operator.does(&["data", "encrypt", "users.token"]);
    world.rotate_keys();
    world.operator.does(&["keys", "disable", "1"]);
    let destroy = ["keys", "destroy", "1", "--wait", "--confirm", "destroy key 1 of production"];
    let clock = encrypted_field::envelope::Clock::manual(std::time::SystemTime::now());
    let refused = world.operator.run_by(&clock, &destroy);
    assert_eq!(refused.code, 1);
    assert!(
        refused.errors.contains("199 rows of users.token are under key 1"),
        "{}",
        refused.errors
    );

    let scope = ["destroy-scope", "", "--confirm", "destroy scope  of production"];
    assert!(world.operator.fails(&scope).contains("rows of users.token"));
    world.operator.does(&["keys", "enable", "1"]);
    world.operator.does(&["data", "rotate", "users.token"]);
    world.operator.does(&["keys", "disable", "1"]);
    let done = world.operator.run_by(&clock, &destroy);
    assert_eq!(done.code, 0, "{}{}", done.output, done.errors);
    world.operator.does(&["data", "verify", "users.token"]);
}

/// Without a store.
#[test]
fn keys_come_from_the_environment() {
    let Some(mut world) = World::new(Kind::Sqlite) else { return };
    world.operator.configure(
        "[keys]\nkind = \"environment\"\n[database]\nkind = \"sqlite\"\npath = \"app.sqlite\"\n[[column]]\ntable = \"users\"\n\
         column = \"token\"\n",
    );
    assert!(
        world.operator.fails(&["data", "encrypt", "users.token"]).contains("ENCRYPTED_FIELD_KEY")
    );
    let key = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, secrets::KEYS[3]);
    world.operator.variable("ENCRYPTED_FIELD_KEYS", &format!("active=5,5:{key}"));
    world.operator.does(&["data", "encrypt", "users.token"]);
    assert!(is_sealed(&world.tokens(), 5));
    assert!(world.ends(2, &["status"]).output.contains("[keys]"));
    assert!(world.operator.fails(&["keys", "list"]).contains("[keys]"));
    assert!(world.operator.fails(&["data", "verify", "users.tokn"]).contains("it has users.token"));
}

#[test]
fn one_value_is_inspected_and_opened() {
    let Some(mut world) = World::new(Kind::Sqlite) else { return };
    world.operator.does(&["data", "encrypt", "users.token"]);
    let stored = world.tokens()[0].clone().unwrap();
    let inspected = world.operator.does_with(&["inspect"], &stored);
    assert!(inspected.contains("key id:") && inspected.contains("text"), "{inspected}");
    let opened = world.operator.does_with(&["open", "users.token"], &stored);
    let expected =
        format!("it opens under key 1: {} bytes of text. --show prints them\n", plain(1).len());
    assert_eq!(opened, expected);
    world.operator.assert_no_secret(&[&plain(1)]);
    let shown = world.operator.run_with(&["open", "users.token", "--show"], &stored);
    assert_eq!(shown.output.trim_end(), plain(1));
    assert!(
        world
            .operator
            .run_with(&["inspect"], &plain(1))
            .errors
            .contains("not encrypted by this library")
    );
}
