use super::{Census, key_id_of, take};
use crate::database::{Connection, Url};
use crate::spec::{Description, Form};

#[test]
fn ids_are_read_in_their_one_spelling() {
    for (label, id) in [
        ("d7", 7),
        ("d4294967295", u32::MAX),
        ("x0000002a", 42),
        ("x0000002A", 42),
        ("h3432", 42),
        ("d0", 0),
        ("x00000000", 0),
        ("h30", 0),
    ] {
        assert_eq!(key_id_of(label), Some(id), "{label}");
    }
    for label in [
        "",
        "7",
        "42",
        "d",
        "d07",
        "d+7",
        "d 7",
        "d7a",
        "d4294967296",
        "x2a",
        "x0000002G",
        "x+000002A",
        "h",
        "h3",
        "h4",
        "h3037",
        "h3720",
        "h37FF",
        "h+7",
        "k7",
        "größe",
    ] {
        assert_eq!(key_id_of(label), None, "{label}");
    }
}

#[test]
fn what_names_no_key_is_malformed() {
    let mut census = Census::default();
    for (label, rows) in
        [("d7", 2), ("d8", 1), ("d4294967296", 3), ("d0", 1), ("null", 8), ("other", 16)]
    {
        census.add(label, rows);
    }
    assert_eq!((census.needs(7), census.needs(8), census.needs(9)), (2, 1, 0));
    assert_eq!((census.malformed, census.nulls, census.other, census.rows()), (4, 8, 16, 31));
}

fn block_on(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

/// 4000 rows that are wide beside the column.
const TABLE: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, pad TEXT, token TEXT)";
const ROWS: &str = "INSERT INTO users SELECT n, REPEAT('x', 1000), CASE n % 8 WHEN 0 THEN NULL WHEN 1 THEN 'CANARY-'
    WHEN 2 THEN 'ef1:0:' WHEN 3 THEN 'ef1:37:AX' WHEN 4 THEN 'ef1:370:AX' WHEN 5 THEN 'ef1:92:AX' WHEN 6 THEN 'ef1:95:AX'
    ELSE 'ef1:4294967295:AX' END FROM ";

fn expected() -> Census {
    Census {
        place: "users.token".to_owned(),
        by_key: [37, 92, 95, 370, u32::MAX].map(|id| (id, 500)).into(),
        nulls: 500,
        pending: 500,
        malformed: 0,
        other: 500,
    }
}

/// The query of the census.
async fn query(connection: &mut Connection) -> String {
    let (dialect, described) = (connection.dialect, Description::new("users", "token"));
    let table = dialect.describe(connection, &described).await.unwrap().unwrap();
    dialect.census(&table, table.column("token").unwrap(), Form::Text, "")
}

/// How the database answers it: one column of what it explains.
async fn plan(connection: &mut Connection, explain: &str, column: usize) -> Vec<String> {
    let query = query(connection).await;
    let sql = connection.sql(format!("{explain} {query}"));
    connection.fetch(sql).await.unwrap().iter().map(|row| row.text(column)).collect()
}

async fn counts_right(connection: &mut Connection) {
    let described = Description::new("users", "token");
    assert_eq!(take(connection, &described).await.unwrap(), expected());
}

#[test]
#[cfg(feature = "sqlite")]
fn sqlite_answers_the_census_from_its_index() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.sqlite").display());
    block_on(async {
        let connection = &mut Url::new(&url).unwrap().connect_once().await.unwrap();
        let index = connection.dialect.census_index("users", "token").unwrap();
        let numbers = "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 4000) SELECT n FROM s)";
        let rows = ROWS.replace("REPEAT('x', 1000)", "hex(zeroblob(500))");
        connection.batch(&format!("{TABLE}; {rows}{numbers}")).await.unwrap();
        counts_right(connection).await;
        let plan_of = async |connection: &mut Connection| {
            plan(connection, "EXPLAIN QUERY PLAN", 3).await.join("; ")
        };
        let before = plan_of(connection).await;
        assert!(before.contains("SCAN users") && !before.contains("INDEX"), "{before}");
        connection.batch(&index).await.unwrap();
        let after = plan_of(connection).await;
        assert!(after.contains("SCAN users USING COVERING INDEX users_token_census"), "{after}");
        counts_right(connection).await;
    });
}

/// What the documentation says. If a release of the server takes one of these indexes, offer it.
#[test]
#[cfg(feature = "postgres")]
fn postgres_answers_the_census_from_no_index() {
    let Some(database) = tests::Database::postgres() else { return };
    block_on(async {
        let connection = &mut Url::new(&database.url()).unwrap().connect_once().await.unwrap();
        assert_eq!(connection.dialect.census_index("users", "token"), None);
        connection
            .batch(&format!("{TABLE}; {ROWS} generate_series(1, 4000) AS s(n)"))
            .await
            .unwrap();
        let query = query(connection).await;
        let label = query.strip_prefix("SELECT ").and_then(|rest| rest.split_once(" AS label"));
        let label = label.unwrap().0;
        for index in ["left(token, 16)", label] {
            connection.batch(&format!("CREATE INDEX ON users (({index}))")).await.unwrap();
        }
        connection.batch("VACUUM ANALYZE users").await.unwrap();
        let plan = plan(connection, "EXPLAIN", 0).await.join("; ");
        assert!(plan.contains("Seq Scan on users") && !plan.contains("Index"), "{plan}");
        counts_right(connection).await;
    });
}

/// As on PostgreSQL: not from a prefix of the column, and not from a generated column.
#[test]
#[cfg(feature = "mysql")]
fn mariadb_answers_the_census_from_no_index() {
    let Some(database) = tests::Database::mariadb() else { return };
    block_on(async {
        let connection = &mut Url::new(&database.url()).unwrap().connect_once().await.unwrap();
        assert_eq!(connection.dialect.census_index("users", "token"), None);
        let numbers = "(SELECT seq AS n FROM seq_1_to_4000) AS s";
        connection.batch(TABLE).await.unwrap();
        connection.batch(&format!("{ROWS}{numbers}")).await.unwrap();
        connection.batch("CREATE INDEX prefix ON users (token(16))").await.unwrap();
        let generated =
            "ALTER TABLE users ADD head VARCHAR(16) AS (LEFT(token, 16)) VIRTUAL, ADD INDEX (head)";
        connection.batch(generated).await.unwrap();
        connection.batch("ANALYZE TABLE users").await.unwrap();
        assert_eq!(plan(connection, "EXPLAIN", 3).await, ["ALL"], "a scan of the table");
        counts_right(connection).await;
    });
}
