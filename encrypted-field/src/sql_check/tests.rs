use super::{Dialect, SqlCheck};

fn check(dialect: Dialect) -> SqlCheck {
    SqlCheck::new(dialect).column("users", "email").column("orders", "Note").column("", "anywhere")
}

/// What compares which column, in the order of the statement.
fn found(dialect: Dialect, sql: &str) -> Vec<(String, String)> {
    let found = check(dialect).find(sql);
    found.into_iter().map(|misuse| (misuse.by.expect(sql), misuse.column)).collect()
}

#[track_caller]
fn compares(sql: &str, by: &str, column: &str) {
    let expected = vec![(by.to_owned(), column.to_owned())];
    assert_eq!(found(Dialect::PostgreSql, sql), expected, "{sql}");
}

#[track_caller]
fn is_right(sql: &str) {
    assert_eq!(found(Dialect::PostgreSql, sql), [], "{sql}");
}

#[test]
fn comparisons() {
    for (condition, by) in [
        ("email = $1", "="),
        ("$1 = email", "="),
        ("email <> 'a@b.c'", "<>"),
        ("email >= 'a'", ">="),
        ("lower(email) = $1", "="),
        ("lower(trim(email)) = $1", "="),
        ("email::text = $1", "="),
        ("CAST(email AS text) = $1", "="),
        ("email COLLATE \"C\" = $1", "="),
        ("(email) = $1", "="),
        ("email || '' = $1", "="),
        ("(id, email) = (1, $1)", "="),
        ("coalesce(email, '') = ''", "="),
        ("email IN ($1, $2)", "IN"),
        ("email NOT IN ('a')", "IN"),
        ("email IN (SELECT x FROM y)", "IN"),
        ("'a' IN (SELECT email FROM users)", "IN"),
        ("email = ANY($1)", "="),
        ("email <> ALL($1)", "<>"),
        ("email BETWEEN 'a' AND 'b'", "BETWEEN"),
        ("email LIKE 'a%'", "LIKE"),
        ("email ILIKE '%a'", "LIKE"),
        ("email SIMILAR TO 'a'", "SIMILAR TO"),
        ("email ~ 'a'", "~"),
        ("email ~~* 'a'", "~~*"),
        ("email IS DISTINCT FROM $1", "IS DISTINCT FROM"),
        ("email IS NOT DISTINCT FROM $1", "IS DISTINCT FROM"),
        ("users.email = $1", "="),
        ("public.users.email = $1", "="),
        ("\"email\" = $1", "="),
        ("EMAIL = $1", "="),
        ("md5(email) = $1", "="),
        ("id = 1 AND (active OR email = $1)", "="),
        ("CASE email WHEN 'a' THEN true END", "CASE"),
        ("NULLIF(email, $1) IS NULL", "nullif"),
        ("nullif($1, lower(email)) IS NULL", "nullif"),
        ("starts_with(email, $1)", "starts_with"),
        ("pg_catalog.strpos(email, $1) > 0", "strpos"),
        ("position($1 IN email) > 0", "POSITION"),
    ] {
        compares(&format!("SELECT id FROM users WHERE {condition}"), by, "users.email");
        compares(&format!("UPDATE users SET id = 1 WHERE {condition}"), by, "users.email");
        compares(&format!("DELETE FROM users WHERE {condition}"), by, "users.email");
    }
}

#[test]
fn orders_groups_and_joins() {
    for (sql, by) in [
        ("SELECT id FROM users ORDER BY email", "ORDER BY"),
        ("SELECT id FROM users ORDER BY id, lower(email) DESC", "ORDER BY"),
        ("SELECT id, email FROM users ORDER BY 2", "ORDER BY"),
        ("SELECT id, email AS e FROM users ORDER BY e", "ORDER BY"),
        ("SELECT email, count(*) FROM users GROUP BY email", "GROUP BY"),
        ("SELECT email, count(*) FROM users GROUP BY 1", "GROUP BY"),
        ("SELECT DISTINCT email FROM users", "DISTINCT"),
        ("SELECT DISTINCT * FROM users", "DISTINCT"),
        ("SELECT DISTINCT ON (email) id FROM users", "DISTINCT ON"),
        ("SELECT count(DISTINCT email) FROM users", "DISTINCT"),
        ("SELECT max(email) FROM users", "max"),
        ("SELECT rank() OVER (PARTITION BY email) FROM users", "PARTITION BY"),
        ("SELECT rank() OVER (ORDER BY email) FROM users", "ORDER BY"),
        ("SELECT 1 FROM users JOIN people USING (email)", "USING"),
        ("SELECT 1 FROM users u JOIN people p ON u.email = p.mail", "="),
        ("SELECT email FROM users UNION SELECT mail FROM people", "UNION"),
        ("WITH u AS (SELECT * FROM users) SELECT 1 FROM u WHERE u.email = $1", "="),
        ("SELECT 1 FROM (SELECT email FROM users) AS u WHERE u.email = $1", "="),
        ("SELECT 1 FROM people WHERE EXISTS (SELECT 1 FROM users WHERE email = mail)", "="),
        ("INSERT INTO people SELECT 1 FROM users WHERE email = $1", "="),
    ] {
        compares(sql, by, "users.email");
    }
    compares("SELECT 1 FROM orders WHERE note = $1", "=", "orders.Note");
    compares("SELECT 1 FROM elsewhere WHERE anywhere = $1", "=", "anywhere");
}

/// An upsert on the column never meets the row that is there.
#[test]
fn upserts() {
    for (target, table) in [
        ("(email)", "users"),
        ("(id, email)", "users"),
        ("(email) WHERE id > 0", "users"),
        ("(\"email\")", "public.users"),
        ("(email)", "users AS u"),
    ] {
        for action in ["NOTHING", "UPDATE SET id = excluded.id"] {
            compares(
                &format!(
                    "INSERT INTO {table} (id, email) VALUES ($1, $2) \
                     ON CONFLICT {target} DO {action}"
                ),
                "ON CONFLICT",
                "users.email",
            );
        }
    }
    // Another table's.
    is_right("INSERT INTO people (email) SELECT email FROM users ON CONFLICT (email) DO NOTHING");
    let upsert = "INSERT INTO users (email) VALUES (?) ON CONFLICT (email) DO NOTHING";
    assert_eq!(found(Dialect::Sqlite, upsert).len(), 1);
}

#[test]
fn what_is_right() {
    for sql in [
        "INSERT INTO users (id, email) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET email = excluded.email",
        "UPDATE users SET email = $1 WHERE id = $2",
        "UPDATE users SET email = coalesce($1, email) WHERE id = $2",
        "SELECT id, email FROM users WHERE id = $1 ORDER BY id",
        "SELECT email FROM users WHERE email IS NULL OR email IS NOT NULL",
        "SELECT count(email) FROM users",
        "SELECT id FROM users WHERE length(email) > 200",
        "SELECT id FROM users WHERE substr(email, 1, 4) <> 'ef1:'",
        "SELECT id FROM users WHERE left(email, 6) = 'ef1:7:'",
        "SELECT id FROM users WHERE email COLLATE \"C\" >= 'ef1:7:' AND email COLLATE \"C\" < 'ef1:7;'",
        "SELECT id FROM users WHERE email LIKE 'ef1:%'",
        "SELECT id FROM users WHERE starts_with(email, 'ef1:7:')",
        "UPDATE users SET email = nullif($1, '') WHERE id = $2",
        "INSERT INTO users (id, email) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        "INSERT INTO users (id, email) VALUES ($1, $2) ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING",
        "SELECT id FROM users WHERE email >= '\\xef663100000007'::bytea",
        "SELECT email FROM users UNION ALL SELECT mail FROM people",
        "SELECT people.email FROM people JOIN users ON users.id = people.id WHERE people.email = $1",
        "SELECT p.email FROM people p JOIN users u ON u.id = p.id WHERE p.email = $1 ORDER BY p.email",
        "SELECT email FROM people WHERE email = $1",
        "SELECT DISTINCT id FROM users",
        "CREATE INDEX i ON users (id)",
        "SELECT 1; SELECT 2",
        "",
    ] {
        is_right(sql);
    }
}

#[test]
fn other_dialects() {
    for dialect in [Dialect::MySql, Dialect::Sqlite] {
        for sql in [
            "SELECT id FROM `users` WHERE `email` = ?",
            "SELECT id FROM users WHERE users.email IN (?, ?)",
        ] {
            assert_eq!(found(dialect, sql).len(), 1, "{dialect:?}: {sql}");
        }
        let rows = "SELECT id FROM users WHERE substr(email, 1, 7) = x'ef663100000007'";
        assert_eq!(found(dialect, rows), []);
    }
    for sql in [
        "SELECT id FROM users WHERE email <=> ?",
        "SELECT id FROM users WHERE email REGEXP 'a'",
        "SELECT id FROM users WHERE MATCH (email) AGAINST ('a')",
        "SELECT id FROM users WHERE BINARY email = ?",
        "DELETE FROM users ORDER BY email LIMIT 1",
        "SELECT id FROM users WHERE strcmp(email, ?) <> 1",
        "SELECT id FROM users WHERE field(email, ?, ?) <> 1",
        "SELECT id FROM users WHERE locate(?, email)",
    ] {
        assert_eq!(found(Dialect::MySql, sql).len(), 1, "{sql}");
    }
    for sql in [
        "SELECT id FROM users WHERE email IS ?",
        "SELECT id FROM users WHERE email GLOB 'a*'",
        "SELECT id FROM users WHERE instr(email, ?)",
    ] {
        assert_eq!(found(Dialect::Sqlite, sql).len(), 1, "{sql}");
    }
}

/// What the parser can't read is not taken for right, if it names the column.
#[test]
fn statements_that_are_not_read() {
    let check = check(Dialect::PostgreSql);
    let unread = check.find("SELEKT email FROM users");
    assert_eq!(unread.len(), 1);
    assert_eq!((&*unread[0].column, &unread[0].by), ("users.email", &None));
    assert!(unread[0].to_string().contains("can't be parsed"), "{}", unread[0]);
    assert_eq!(check.find("SELEKT my_email FROM users"), []);
}

/// The message says where, and shows nothing of the statement.
#[test]
fn the_message() {
    let sql = "SELECT id\nFROM users WHERE email = 'CANARY-mail'";
    let message = check(Dialect::PostgreSql).find(sql)[0].to_string();
    assert!(
        message
            .starts_with("users.email is encrypted, and `=` compares it (line 2, character 18): "),
        "{message}"
    );
    assert!(!message.contains("CANARY"), "{message}");
}

#[test]
#[should_panic(expected = "users.email is encrypted, and `=` compares it")]
fn it_panics() {
    check(Dialect::Sqlite).assert("SELECT id FROM users WHERE email = ?");
}
