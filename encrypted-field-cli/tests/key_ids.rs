//! `key-ids` finds every id that a value names, on the three databases, and no other.

#![allow(clippy::unwrap_used)]

mod in_process;

use in_process::{Done, Place};
use sqlx::Connection;

/// Runs statements; then the command, and gives table, column, id and count of what it has found.
fn found<C: Connection>(url: &str, sql: &str) -> Vec<(String, String, u64, u64)>
where
    for<'c> &'c mut C: sqlx::Executor<'c>,
{
    execute::<C>(url, sql);
    let done = ask(url, &["--json"]);
    assert_eq!(done.code, 0, "{done:?}");
    let report: serde_json::Value = serde_json::from_str(&done.output).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let of = |found: &serde_json::Value| {
        (
            text(&found["table"]),
            text(&found["column"]),
            found["id"].as_u64().unwrap(),
            found["values"].as_u64().unwrap(),
        )
    };
    report["found"].as_array().unwrap().iter().map(of).collect()
}

fn execute<C: Connection>(url: &str, sql: &str)
where
    for<'c> &'c mut C: sqlx::Executor<'c>,
{
    use sqlx::Executor as _;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = C::connect(url).await.unwrap();
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await.unwrap();
        connection.close().await.unwrap();
    });
}

fn run(place: &Place, arguments: &[impl AsRef<str>]) -> Done {
    place.run(arguments, None)
}

fn ask(url: &str, more: &[&str]) -> Done {
    let mut place = Place::new();
    place.environment.insert("DATABASE_URL".to_owned(), url.to_owned());
    run(&place, &[&["key-ids", "--url-env", "DATABASE_URL"], more].concat())
}

fn expect(found: &[(String, String, u64, u64)], expected: &[(&str, &str, u64, u64)]) {
    let found: Vec<_> =
        found.iter().map(|(t, c, id, values)| (t.as_str(), c.as_str(), *id, *values)).collect();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

/// What only looks like a value, and NULL.
const OTHERS: &str = "('ef1:'), ('ef1::AAAA'), ('ef1:7'), ('ef1:07:AAAA'), ('EF1:7:AAAA'), (' ef1:7:AAAA'), ('ef2:7:AAAA'), \
                      ('ef1:4294967296:AAAA'), ('ef1:7 :AAAA'), (''), ('text'), ('see \"ef1\"'), (NULL)";

#[test]
fn in_postgres() {
    let Some(database) = tests::Database::postgres() else { return };
    let sql = format!(
        r#"
        CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        CREATE DOMAIN token AS bytea;
        CREATE DOMAIN word AS text;
        CREATE TYPE pair AS (a text, b bytea);
        CREATE SCHEMA "Other ""one""";
        CREATE TABLE texts (t text);
        INSERT INTO texts VALUES {OTHERS}, ('ef1:7:AAAA'), ('ef1:7:BBBB'), ('ef1:42:AAAA'), ('ef1:0:'),
            ('{{"a": "ef1:8:AAAA", "b": ["ef1:8:BBBB", "ef1:9:A"]}}');
        CREATE TABLE "Quo""ted" ("Na ""me" varchar(40), c char(40), k text COLLATE caseless, d word);
        INSERT INTO "Quo""ted" VALUES ('ef1:11:AAAA', 'ef1:12:AAAA', 'ef1:13:AAAA', 'ef1:14:AAAA'),
            (NULL, NULL, 'EF1:13:AAAA', NULL);
        CREATE TABLE "Other ""one""".bytes (b bytea, d token, n int, at timestamptz, u uuid);
        INSERT INTO "Other ""one""".bytes (b, d) VALUES ('\xef6631000000150102', '\xef663100000016'), ('\xef6631', NULL),
            ('\xef66310000', NULL), ('\xef663200000015', NULL), ('ef1:23:AAAA', NULL), (NULL, NULL);
        CREATE TABLE many (ts text[], bs bytea[], j json, jb jsonb, p pair, found text, parts text[], ours text);
        INSERT INTO many (ts, bs, j, jb, p) VALUES (ARRAY['ef1:31:A', 'ef1:32:A', NULL, 'no'], ARRAY['\xef663100000021'::bytea, NULL],
            '{{"a": ["ef1:34:A", "ef1:34:B"]}}', '{{"a": "ef1:35:A"}}', ('ef1:36:A', '\xef663100000025')), (NULL, NULL, NULL, NULL, NULL);
        CREATE TABLE parts (id int, t text) PARTITION BY RANGE (id);
        CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
        CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
        INSERT INTO parts VALUES (1, 'ef1:51:A'), (11, 'ef1:51:A'), (12, 'ef1:52:A');
        CREATE TABLE parent (t text);
        CREATE TABLE child () INHERITS (parent);
        INSERT INTO parent VALUES ('ef1:61:A');
        INSERT INTO child VALUES ('ef1:62:A');
        CREATE VIEW seen AS SELECT t FROM texts;
        CREATE MATERIALIZED VIEW kept AS SELECT t FROM parent WITH NO DATA;
        "#
    );
    expect(
        &found::<sqlx::PgConnection>(&database.url(), &sql),
        &[
            ("texts", "t", 0, 1),
            ("texts", "t", 7, 2),
            ("texts", "t", 8, 2),
            ("texts", "t", 9, 1),
            ("texts", "t", 42, 1),
            ("Quo\"ted", "Na \"me", 11, 1),
            ("Quo\"ted", "c", 12, 1),
            ("Quo\"ted", "k", 13, 1),
            ("Quo\"ted", "d", 14, 1),
            ("Other \"one\".bytes", "b", 21, 1),
            ("Other \"one\".bytes", "b", 23, 1),
            ("Other \"one\".bytes", "d", 22, 1),
            ("many", "ts", 31, 1),
            ("many", "ts", 32, 1),
            ("many", "bs", 33, 1),
            ("many", "j", 34, 2),
            ("many", "jb", 35, 1),
            ("many", "p", 36, 1),
            ("many", "p", 37, 1),
            ("parts_1", "t", 51, 1),
            ("parts_2", "t", 51, 1),
            ("parts_2", "t", 52, 1),
            ("parent", "t", 61, 1),
            ("child", "t", 62, 1),
        ],
    );
}

#[test]
fn rows_that_a_policy_hides_are_an_error_in_postgres() {
    let Some(database) = tests::Database::postgres() else { return };
    // The owner sees all rows, unless the policy is forced on him; a superuser always does.
    let role = format!("ef_reader_{}", std::process::id());
    let sql = format!(
        "CREATE TABLE t (v text); INSERT INTO t VALUES ('ef1:7:A'); ALTER TABLE t ENABLE ROW LEVEL SECURITY;
         CREATE ROLE {role}; GRANT SELECT ON t TO {role}; CREATE POLICY none ON t TO {role} USING (false)"
    );
    execute::<sqlx::PgConnection>(&database.url(), &sql);
    let url = format!("{}?options=-c%20role%3D{role}", database.url());
    let done = ask(&url, &[]);
    execute::<sqlx::PgConnection>(
        &database.url(),
        &format!("DROP OWNED BY {role}; DROP ROLE {role}"),
    );
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.errors.contains("column v of table t can't be read"), "{done:?}");
}

#[test]
fn in_mariadb() {
    let Some(database) = tests::Database::mariadb() else { return };
    let sql = format!(
        r#"
        CREATE TABLE texts (t text COLLATE utf8mb4_general_ci);
        INSERT INTO texts VALUES {OTHERS}, ('ef1:7:AAAA'), ('ef1:7:BBBB'), ('ef1:42:AAAA'), ('ef1:0:'), ('ef1:7 :AAAA');
        CREATE TABLE `Quo``ted "a"` (`Na ``me` varchar(40), c char(40), w varchar(40) CHARACTER SET utf16, l varchar(40) CHARACTER SET latin1);
        INSERT INTO `Quo``ted "a"` VALUES ('ef1:11:AAAA', 'ef1:12:AAAA', 'ef1:13:AAAA', 'ef1:14:ü'), (NULL, NULL, NULL, NULL);
        CREATE TABLE bytes (b blob, v varbinary(40), f binary(20), n int);
        INSERT INTO bytes VALUES (x'EF6631000000150102', x'EF663100000016', x'EF663100000017', 7), (x'EF6631', NULL, NULL, NULL),
            (x'EF66310000', NULL, NULL, NULL), (x'EF663200000015', NULL, NULL, NULL), ('ef1:24:AAAA', x'FF', NULL, NULL);
        CREATE TABLE documents (j json);
        INSERT INTO documents VALUES ('{{"a": ["ef1:34:A", "ef1:34:B"], "b": "ef1:35:A", "c": "ef1:"}}'), (NULL);
        CREATE TABLE parts (id int, t text) PARTITION BY RANGE (id)
            (PARTITION p1 VALUES LESS THAN (10), PARTITION p2 VALUES LESS THAN (20));
        INSERT INTO parts VALUES (1, 'ef1:51:A'), (11, 'ef1:51:A'), (12, 'ef1:52:A');
        CREATE TABLE versions (id int, t text) WITH SYSTEM VERSIONING;
        INSERT INTO versions VALUES (1, 'ef1:61:A');
        UPDATE versions SET t = 'ef1:62:A';
        CREATE VIEW seen AS SELECT t FROM texts;
        "#
    );
    expect(
        &found::<sqlx::MySqlConnection>(&database.url(), &sql),
        &[
            ("texts", "t", 0, 1),
            ("texts", "t", 7, 2),
            ("texts", "t", 42, 1),
            ("Quo`ted \"a\"", "Na `me", 11, 1),
            ("Quo`ted \"a\"", "c", 12, 1),
            ("Quo`ted \"a\"", "w", 13, 1),
            ("Quo`ted \"a\"", "l", 14, 1),
            ("bytes", "b", 21, 1),
            ("bytes", "b", 24, 1),
            ("bytes", "v", 22, 1),
            ("bytes", "f", 23, 1),
            ("documents", "j", 34, 2),
            ("documents", "j", 35, 1),
            ("parts", "t", 51, 2),
            ("parts", "t", 52, 1),
            ("versions", "t", 61, 1),
            ("versions", "t", 62, 1),
        ],
    );
    let server = database.url();
    let (server, _) = server.rsplit_once('/').unwrap();
    let done = ask(server, &[]);
    assert!(done.errors.contains("names no database"), "{done:?}");
}

fn sqlite(folder: &Place) -> String {
    format!("sqlite:{}?mode=rwc", folder.folder().join("app.sqlite").display())
}

#[test]
fn in_sqlite() {
    for encoding in ["UTF-8", "UTF-16"] {
        let place = Place::new();
        let sql = format!(
            r#"
            PRAGMA encoding = '{encoding}';
            CREATE TABLE texts (t text COLLATE NOCASE);
            INSERT INTO texts VALUES {OTHERS}, ('ef1:7:AAAA'), ('ef1:7:BBBB'), ('ef1:42:AAAA'), ('ef1:0:');
            CREATE TABLE "Quo""ted" ("Na ""me" varchar(40), c, n int);
            INSERT INTO "Quo""ted" VALUES ('ef1:11:AAAA', 'ef1:12:AAAA', 'ef1:13:AAAA'), (NULL, 7, 7.5);
            CREATE TABLE bytes (b blob, t text);
            INSERT INTO bytes VALUES (x'EF6631000000150102', x'EF663100000016'), (x'EF6631', NULL), (x'EF66310000', NULL),
                (x'EF663200000015', NULL), (x'FF', NULL);
            CREATE TABLE documents (j text, "value" text, "key", "type", ours, id);
            INSERT INTO documents (j) VALUES ('{{"a": ["ef1:34:A", "ef1:34:B"], "b": "ef1:35:A", "c": "ef1:"}}'), ('{{"broken": "ef1:36:A"'),
                (' ["ef1:37:A"]'), (NULL);
            CREATE VIEW seen AS SELECT t FROM texts;
            "#
        );
        expect(
            &found::<sqlx::SqliteConnection>(&sqlite(&place), &sql),
            &[
                ("texts", "t", 0, 1),
                ("texts", "t", 7, 2),
                ("texts", "t", 42, 1),
                ("Quo\"ted", "Na \"me", 11, 1),
                ("Quo\"ted", "c", 12, 1),
                ("Quo\"ted", "n", 13, 1),
                ("bytes", "b", 21, 1),
                ("bytes", "t", 22, 1),
                ("documents", "j", 34, 2),
                ("documents", "j", 35, 1),
                ("documents", "j", 37, 1),
            ],
        );
    }
}

#[test]
fn the_table_tells_what_to_choose_and_what_stands_apart() {
    let place = Place::new();
    let sql = "CREATE TABLE t (v); INSERT INTO t VALUES ('ef1:0:'), ('ef1:7:A'), ('ef1:7:B'), ('ef1:8:A'), ('ef1:4000000000:A')";
    execute::<sqlx::SqliteConnection>(&sqlite(&place), sql);
    let done = ask(&sqlite(&place), &[]);
    assert_eq!(
        done.output,
        "\
TABLE  COLUMN  KEY ID      VALUES
t      v       0           1
t      v       7           2
t      v       8           1
t      v       4000000000  1

KEY ID      VALUES
0           1       yet to be written
7           2
8           1
4000000000  1       far above the one before: did the application write it?

the highest id is 4000000000; `accept-restored --next-id` and `create-store --first-key-id` take 4000000001 or above
without the ids that stand apart, which somebody may have made up, it is 8, and 9 would do; look at those rows first
"
    );
    execute::<sqlx::SqliteConnection>(
        &sqlite(&place),
        "DELETE FROM t; INSERT INTO t VALUES ('ef1:4294967295:A')",
    );
    assert!(ask(&sqlite(&place), &[]).output.contains("no id is above it"));
    execute::<sqlx::SqliteConnection>(&sqlite(&place), "DELETE FROM t");
    assert_eq!(ask(&sqlite(&place), &[]).output, "no value names a key\n");
}

const CONFIG: &str = "
key_set = 'production'
[store]
kind = 'sqlite'
path = 'app.sqlite'
[[kek]]
name = 'main'
kind = 'local'
key_file = 'kek'
";

/// A folder with a store in a database.
fn with_store() -> Place {
    let place = Place::new();
    std::fs::write(place.folder().join("encrypted-field.toml"), CONFIG).unwrap();
    for command in ["keygen --out kek", "schema --apply", "create-store"] {
        let done = run(&place, &command.split(' ').collect::<Vec<_>>());
        assert_eq!(done.code, 0, "{command}: {done:?}");
    }
    execute::<sqlx::SqliteConnection>(
        &sqlite(&place),
        "CREATE TABLE t (v); INSERT INTO t VALUES ('ef1:1:A'), ('ef1:8:A')",
    );
    place
}

#[test]
fn without_a_url_it_is_the_database_of_the_store() {
    let place = with_store();
    let done = run(&place, &["key-ids", "--out", "ids.txt"]);
    assert_eq!((done.code, done.output.as_str()), (0, "wrote ids.txt\n"), "{done:?}");
    let written = std::fs::read_to_string(place.folder().join("ids.txt")).unwrap();
    assert!(written.contains("take 9 or above"), "{written}");
    // What is there already stays.
    let done = run(&place, &["key-ids", "--out", "ids.txt"]);
    assert!(done.code == 1 && done.errors.contains("never overwritten"), "{done:?}");
    // A store in a file is in no database.
    let file = CONFIG.replace("sqlite'\npath", "file'\npath");
    std::fs::write(place.folder().join("encrypted-field.toml"), file).unwrap();
    let done = run(&place, &["key-ids"]);
    assert!(done.code == 1 && done.errors.contains("--url-env"), "{done:?}");
}

#[test]
fn a_next_id_that_values_use_is_not_accepted() {
    let place = with_store();
    assert_eq!(run(&place, &["key-ids", "--json", "--out", "ids.json"]).code, 0);
    let accept = |next: &str| {
        let confirm = "accept revision 1 of production";
        run(
            &place,
            &[
                "accept-restored",
                "--revision",
                "1",
                "--next-id",
                next,
                "--key-ids",
                "ids.json",
                "--confirm",
                confirm,
            ],
        )
    };
    let done = accept("8");
    assert!(done.code == 1 && done.errors.contains('8'), "{done:?}");
    let done = accept("9");
    assert_eq!(done.code, 0, "{done:?}");
    // Another file is no list of ids.
    let done = run(
        &place,
        &[
            "accept-restored",
            "--revision",
            "1",
            "--next-id",
            "9",
            "--key-ids",
            "kek",
            "--confirm",
            "x",
        ],
    );
    assert!(done.code == 1 && done.errors.contains("key-ids --json"), "{done:?}");
}

#[test]
fn a_url_is_a_secret() {
    let secret = tests::secrets::plaintext("password");
    let mut place = Place::new();
    for scheme in ["postgres", "mysql", "mariadb", "oracle", "postgres://[", "sqlite"] {
        let url = format!("{scheme}://app:{secret}@127.0.0.1:1/app");
        place.environment.insert("DATABASE_URL".to_owned(), url.clone());
        let done = run(&place, &["key-ids", "--url-env", "DATABASE_URL"]);
        assert_eq!(done.code, 1, "{scheme}");
        assert!(!done.errors.contains(&secret) && !done.output.contains(&secret), "{scheme}");
        // Nor is it an argument.
        assert_eq!(run(&place, &["key-ids", "--url", &url]).code, 2);
        std::fs::write(place.folder().join("url"), url).unwrap();
        assert_eq!(run(&place, &["key-ids", "--url-file", "url"]).code, 1);
    }
}
