//! Every kind of key: no row is lost, skipped or taken for another.

use encrypted_field_migrate::{Operation, Options};

use crate::support::{Db, Kind, job, on_each, ring};

on_each!(all_types_of_keys, composite_keys, a_unique_key_in_place_of_a_primary_one);

/// A type and some keys of it, as SQL.
type Case = (&'static str, &'static [&'static str]);

const POSTGRES: &[Case] = &[
    ("smallint", &["-32768", "-1", "0", "10", "9", "32767"]),
    ("integer", &["-2147483648", "0", "2147483647", "100", "99"]),
    (
        "bigint",
        &["-9223372036854775808", "9007199254740993", "9007199254740992", "9223372036854775807"],
    ),
    ("numeric", &["1.5", "1.25", "100000000000000000000000000000.001", "-0.1"]),
    (
        "uuid",
        &[
            "'00000000-0000-0000-0000-000000000001'",
            "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
            "'0190a6f1-0000-7000-8000-00000000000a'",
        ],
    ),
    (
        "text",
        &[
            "''",
            "' '",
            "'a'",
            "'A'",
            "'ä'",
            "'z'",
            "E'a\\nb'",
            "'a,\"b'''",
            "'{}'",
            "'NULL'",
            "'Ω'",
        ],
    ),
    ("varchar(10) COLLATE \"C\"", &["'b'", "'B'", "'a'", "'_'"]),
    ("char(4)", &["'a'", "'ab'", "'abcd'"]),
    ("bytea", &["'\\x'", "'\\x00ff'", "'\\xff'", "'\\x5c'"]),
    ("date", &["'2024-02-29'", "'0044-03-15 BC'", "'infinity'", "'9999-12-31'"]),
    (
        "timestamptz",
        &["'2024-03-31 01:30:00+00'", "'2024-03-31 01:30:00.000001+00'", "'-infinity'"],
    ),
    ("interval", &["'1 day'", "'25 hours'", "'1 mon'"]),
    ("double precision", &["0.1", "0.1::float8 + 1e-17", "'-infinity'", "1e300"]),
    ("boolean", &["true", "false"]),
    ("inet", &["'10.0.0.1'", "'10.0.0.0/8'", "'::1'"]),
];

const MARIADB: &[Case] = &[
    ("tinyint", &["-128", "0", "127"]),
    ("int unsigned", &["0", "4294967295", "9", "10"]),
    (
        "bigint",
        &["-9223372036854775808", "9007199254740993", "9007199254740992", "9223372036854775807"],
    ),
    (
        "bigint unsigned",
        &[
            "0",
            "18446744073709551615",
            "18446744073709551614",
            "9007199254740993",
            "9007199254740992",
        ],
    ),
    (
        "decimal(40,10)",
        &[
            "1.5",
            "123456789012345678901234567890.0000000001",
            "123456789012345678901234567890.0000000002",
        ],
    ),
    ("uuid", &["'00000000-0000-0000-0000-000000000001'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"]),
    (
        "binary(16)",
        &[
            "x'00000000000000000000000000000001'",
            "x'0190a6f10000700080000000000000ff'",
            "x'ff'",
            "x'20'",
        ],
    ),
    ("varbinary(20)", &["x''", "x'00'", "x'0000'", "x'5c27'", "'a'", "'A'", "'a '"]),
    ("varchar(20)", &["''", "'a'", "'b'", "'ä1'", "'z'", "'a,\"b'", "'Ω'", "'\\\\'"]),
    ("varchar(20) character set latin1 collate latin1_bin", &["'a'", "'A'", "'ä'", "'é'"]),
    (
        "varchar(20) character set utf8mb4 collate utf8mb4_nopad_bin",
        &["'a'", "'a '", "'A'", "'🔑'"],
    ),
    ("char(5)", &["'a'", "'ab'", "'abcde'"]),
    ("date", &["'2024-02-29'", "'1000-01-01'", "'9999-12-31'"]),
    (
        "datetime(6)",
        &["'2024-03-31 01:30:00'", "'2024-03-31 01:30:00.000001'", "'2024-03-31 01:30:00.000002'"],
    ),
    ("timestamp", &["'2024-03-31 01:30:00'", "'2024-03-31 01:30:01'"]),
    ("time(3)", &["'-838:59:58'", "'00:00:00.001'", "'23:59:59'"]),
    ("year", &["1999", "2024"]),
    ("enum('z','a','m')", &["'z'", "'a'", "'m'"]),
    ("bit(9)", &["b'1'", "b'101000001'", "b'0'"]),
];

const SQLITE: &[Case] = &[
    ("INTEGER", &["-9223372036854775808", "0", "9", "10", "9223372036854775807"]),
    ("TEXT NOT NULL", &["''", "'a'", "'A'", "'i1'", "'1'", "'ä'", "'a''b'"]),
    ("TEXT NOT NULL COLLATE NOCASE", &["'a'", "'B'", "'c'", "'A '"]),
    ("BLOB NOT NULL", &["x''", "x'00'", "x'00ff'", "'text'", "1", "1.5"]),
    ("REAL NOT NULL", &["0.1", "1e-300", "-1.5", "0.30000000000000004"]),
];

async fn all_types_of_keys(db: &Db) {
    let cases = match db.kind {
        Kind::Postgres => POSTGRES,
        Kind::MariaDb => MARIADB,
        Kind::Sqlite => SQLITE,
    };
    for (kind, keys) in cases {
        let text = db.text();
        db.run("DROP TABLE IF EXISTS users").await;
        db.run(&format!("CREATE TABLE users (k {kind}, n INTEGER, token {text}, PRIMARY KEY (k))"))
            .await;
        for (n, key) in keys.iter().enumerate() {
            db.run(&format!("INSERT INTO users VALUES ({key}, {n}, 'CANARY-{n}')")).await;
        }
        let rows = keys.len() as u64;
        // One row at a time, so that each key is a bound, and ranges of two.
        let options = Options { batch: 1, range: 2, ..Options::default() };
        let job = job(Operation::Encrypt);
        let report = db.migrate_with(&job, &ring(1), options, std::sync::Arc::default()).await;
        let report = report.unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!((report.counts.rows, report.counts.replaced), (rows, rows), "{kind}");
        let verified = db.verified(&job, &ring(1)).await;
        assert_eq!((verified.rows, verified.failed), (rows, 0), "{kind}");
        // Each value is still that of its row.
        let stored = db.column("SELECT token FROM users ORDER BY n").await;
        for (n, stored) in stored.iter().enumerate() {
            let opened = crate::support::opened("users.token", &ring(1), stored);
            assert!(opened == format!("CANARY-{n}"), "{kind}");
        }
        db.migration().await.forget(job.name()).await.unwrap();
    }
}

async fn composite_keys(db: &Db) {
    let text = db.text();
    db.run(&format!(
        "CREATE TABLE users (b INTEGER NOT NULL, a VARCHAR(10) NOT NULL, c BIGINT NOT NULL, token {text}, PRIMARY KEY (a, b, c))"
    ))
    .await;
    let mut rows = 0;
    for a in ["", "x", "x,", "y"] {
        for b in [-1, 0, 1] {
            for c in [i64::MIN, 0, 7] {
                db.run(&format!("INSERT INTO users VALUES ({b}, '{a}', {c}, 'CANARY-{a}{b}{c}')"))
                    .await;
                rows += 1;
            }
        }
    }
    let options = Options { batch: 4, range: 7, ..Options::default() };
    let job = job(Operation::Encrypt);
    let report = db.migrate_with(&job, &ring(1), options, std::sync::Arc::default()).await.unwrap();
    assert_eq!((report.counts.rows, report.counts.replaced), (rows, rows));
    for row in db.rows("SELECT a, b, c, token FROM users").await {
        let of = |at: usize| row[at].clone().unwrap();
        let opened = crate::support::opened("users.token", &ring(1), &of(3));
        assert!(opened == format!("CANARY-{}{}{}", of(0), of(1), of(2)));
    }
}

async fn a_unique_key_in_place_of_a_primary_one(db: &Db) {
    let text = db.text();
    db.run(&format!(
        "CREATE TABLE users (name VARCHAR(10) NOT NULL UNIQUE, id INTEGER UNIQUE, token {text})"
    ))
    .await;
    db.run("INSERT INTO users VALUES ('a', NULL, 'CANARY-1'), ('b', NULL, 'CANARY-2'), ('c', 1, 'CANARY-3')")
        .await;
    let report = db.migrate(&job(Operation::Encrypt), &ring(1)).await;
    assert_eq!(report.counts.replaced, 3);
}
