//! How a database would execute the statements of a load.

use std::mem::take;
use std::sync::{Arc, Mutex};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel::sql_types::{BigInt, Text};
use diesel::{
    Connection, MysqlConnection, PgConnection, QueryableByName, RunQueryDsl as _, SqliteConnection,
    sql_query,
};
use encrypted_field::envelope::sql::{Dialect, DieselStore};
use encrypted_field::envelope::{KeyStore as _, Query};
use serde_json::Value;

use crate::places::{DieselMariaDb, DieselPostgres, DieselSqlite, Place};
use crate::support::run;

/// One table or index that is looked through, and how many rows the database expects to look at.
#[derive(Debug)]
pub struct Access {
    pub index: Index,
    pub rows: Option<f64>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Index {
    Names,
    Revisions,
    /// All rows.
    None,
}

pub trait Explain: Place {
    /// Executes a load, and gives the plan of each of its statements.
    fn explain(url: &str, query: &Query) -> Vec<Vec<Access>>;
}

macro_rules! explain {
    ($($place:ident $connection:ident $explain:literal $column:literal,)*) => {$(
        impl Explain for $place {
            fn explain(url: &str, query: &Query) -> Vec<Vec<Access>> {
                #[derive(QueryableByName)]
                struct Line {
                    #[diesel(sql_type = Text, column_name = $column)]
                    text: String,
                }

                let (seen, address) = (Arc::new(Mutex::new(Vec::new())), url.to_owned());
                let capture = Arc::clone(&seen);
                let store = DieselStore::new(move || {
                    $connection::establish(&address).map(|mut connection| {
                        connection.set_instrumentation(Capture(Arc::clone(&capture)));
                        connection
                    })
                });
                run(store.load(query)).unwrap();
                let mut connection = $connection::establish(url).unwrap();
                let statements = take(&mut *seen.lock().unwrap());
                let plans = statements.iter().filter_map(|statement| {
                    let (sql, binds) = statement.split_once(" -- binds: ")?;
                    let binds: Vec<Value> = serde_json::from_str(binds).unwrap();
                    let explain = sql_query(format!("{} {sql}", $explain)).into_boxed();
                    let explain = binds.into_iter().fold(explain, |explain, bind| match bind {
                        Value::String(text) => explain.bind::<Text, _>(text),
                        number => explain.bind::<BigInt, _>(number.as_i64().unwrap()),
                    });
                    let lines: Vec<Line> = explain.load(&mut connection).unwrap();
                    let lines: Vec<_> = lines.into_iter().map(|line| line.text).collect();
                    Some(accesses(Self::DIALECT, &lines))
                });
                plans.collect()
            }
        }
    )*};
}

explain! {
    DieselPostgres PgConnection "EXPLAIN (FORMAT JSON)" "QUERY PLAN",
    DieselMariaDb MysqlConnection "EXPLAIN FORMAT=JSON" "EXPLAIN",
    DieselSqlite SqliteConnection "EXPLAIN QUERY PLAN" "detail",
}

/// Keeps the statements that a connection executes, with what is bound to them.
struct Capture(Arc<Mutex<Vec<String>>>);

impl Instrumentation for Capture {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            self.0.lock().unwrap().push(query.to_string());
        }
    }
}

fn accesses(dialect: Dialect, lines: &[String]) -> Vec<Access> {
    let mut accesses = Vec::new();
    if dialect == Dialect::Sqlite {
        // Lines that only hold others together look through nothing.
        let looks =
            lines.iter().filter(|line| line.starts_with("SEARCH") || line.starts_with("SCAN"));
        accesses.extend(looks.map(|line| Access { index: of_sqlite(line), rows: None }));
    } else {
        let plan: Value = serde_json::from_str(&lines.concat()).unwrap();
        let access = if dialect == Dialect::Postgres { of_postgres } else { of_mariadb };
        walk(&plan, &mut |object| accesses.extend(access(object)));
    }
    assert!(!accesses.is_empty(), "{lines:?}");
    accesses
}

fn walk(value: &Value, visit: &mut impl FnMut(&Value)) {
    match value {
        Value::Object(members) => {
            visit(value);
            members.values().for_each(|member| walk(member, visit));
        }
        Value::Array(values) => values.iter().for_each(|value| walk(value, visit)),
        _ => {}
    }
}

fn of_postgres(node: &Value) -> Option<Access> {
    let is = |names: &[&str]| names.contains(&node["Node Type"].as_str().unwrap_or_default());
    // What only holds others together, or fetches the rows that an index has given.
    if !is(&["Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan"]) {
        let others = [
            "Append",
            "Bitmap Heap Scan",
            "BitmapAnd",
            "Gather",
            "Limit",
            "Nested Loop",
            "Subquery Scan",
            "Values Scan",
        ];
        assert!(node.get("Node Type").is_none() || is(&others), "{node}");
        return None;
    }
    let index = match node["Index Name"].as_str() {
        _ if node["Index Cond"].as_str().is_none() => Index::None,
        Some("encrypted_field_keys_pkey") => Index::Names,
        Some("encrypted_field_keys_revision") => Index::Revisions,
        _ => Index::None,
    };
    Some(Access { index, rows: node["Plan Rows"].as_f64() })
}

fn of_mariadb(table: &Value) -> Option<Access> {
    let how = table["access_type"].as_str()?;
    let index = match table["key"].as_str() {
        _ if !["const", "eq_ref", "ref", "range"].contains(&how) => Index::None,
        Some("PRIMARY") => Index::Names,
        Some("encrypted_field_keys_revision") => Index::Revisions,
        _ => Index::None,
    };
    Some(Access { index, rows: table["rows"].as_f64() })
}

fn of_sqlite(line: &str) -> Index {
    if line.starts_with(
        "SEARCH encrypted_field_keys USING INDEX sqlite_autoindex_encrypted_field_keys_1 (name",
    ) {
        Index::Names
    } else if line.starts_with(
        "SEARCH encrypted_field_keys USING INDEX encrypted_field_keys_revision (revision",
    ) {
        Index::Revisions
    } else {
        Index::None
    }
}
