//! The statements of a load.
//!
//! ```sql
//! SELECT … WHERE name = 'head'
//! UNION ALL SELECT … WHERE name IN ('process', 'tree/3f') AND revision > 7
//! UNION ALL SELECT … WHERE name >= 'demand/' AND name < 'demand0' AND revision > 7
//! ```
//!
//! Each `SELECT` is a lookup or a range of an index, which planners see at once. From one condition
//! with `OR`, some make a scan of the whole table. No two give the same row. All names are bound.

use super::Dialect;
use super::statement::{self, Statement};
use super::table::Table;
use crate::envelope::{Query, Record};

/// In one list. For 1,000 values and more MariaDB makes a temporary table that it joins
/// (`in_predicate_conversion_threshold`), at least for values that are no parameters.
const MOST_NAMES: usize = 900;
/// `SELECT`s in one statement: at most 28,832 parameters. SQLite takes 32,766 and 500 `SELECT`s,
/// the others 65,535 parameters.
const MOST_SELECTS: usize = 32;

/// The condition of one `SELECT`.
enum Part<'q> {
    Head,
    Names(&'q [&'q str]),
    Prefix(&'q str),
}

/// One statement. If a query has more names and prefixes than one statement takes, several in one
/// transaction.
pub(super) fn load(dialect: Dialect, table: &Table, query: &Query) -> Vec<Statement> {
    let prefixes = prefixes(query);
    let names = names(query, &prefixes);
    let parts: Vec<_> = std::iter::once(Part::Head)
        .chain(names.chunks(MOST_NAMES).map(Part::Names))
        .chain(prefixes.iter().map(|prefix| Part::Prefix(prefix)))
        .collect();
    // No revision is above the last.
    let after = i64::try_from(query.after).unwrap_or(i64::MAX);
    let table = table.quoted(dialect);
    let statement = |parts: &[Part<'_>]| {
        let mut statement = Statement::default();
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                statement.push(" UNION ALL ");
            }
            select(&mut statement, dialect, &table, part, after);
        }
        statement
    };
    parts.chunks(MOST_SELECTS).map(statement).collect()
}

fn select(statement: &mut Statement, dialect: Dialect, table: &str, part: &Part<'_>, after: i64) {
    if let (Dialect::Postgres, Part::Names(names)) = (dialect, part) {
        return look_up(statement, table, names, after);
    }
    let time = dialect.server_time();
    statement.push(&format!("SELECT name, revision, record, {time} AS server_time FROM {table}"));
    let mut conjunction = " WHERE ";
    let mut and = |statement: &mut Statement, condition: &str| {
        statement.push(std::mem::replace(&mut conjunction, " AND "));
        statement.push(condition);
    };
    let mut above = "revision > ";
    match part {
        Part::Head => {
            and(statement, "name = ");
            statement.text(dialect, Record::HEAD);
            return;
        }
        Part::Names(names) => {
            and(statement, "name IN (");
            list(statement, dialect, names, ["", ""]);
            statement.push(")");
            // SQLite takes each revision for as good as any other. So it takes the index of
            // revisions for the shorter way even if it is not. The sign keeps it from that. MySQL
            // looks into both indexes before it decides.
            if dialect == Dialect::Sqlite {
                above = "+revision > ";
            }
        }
        Part::Prefix(prefix) => {
            // Not LIKE: collations and settings decide whether that is a range of the index.
            if let Some(end) = end(prefix) {
                and(statement, "name >= ");
                statement.text(dialect, *prefix);
                and(statement, "name < ");
                statement.text(dialect, end);
            }
            if Record::HEAD.starts_with(prefix) {
                and(statement, "name <> ");
                statement.text(dialect, Record::HEAD);
            }
        }
    }
    if after > 0 {
        and(statement, above);
        statement.integer(dialect, after);
    }
}

/// For PostgreSQL. For a list of names it would scan the whole table if it takes that for the
/// shorter way, as it does for some hundred names among 200,000. `LIMIT` makes it look up one name
/// after the other, and keeps the condition on the revision out of that.
fn look_up(statement: &mut Statement, table: &str, names: &[&str], after: i64) {
    let dialect = Dialect::Postgres;
    let time = dialect.server_time();
    let columns = format!("found.name, found.revision, found.record, {time} AS server_time");
    statement.push(&format!("SELECT {columns} FROM (VALUES "));
    list(statement, dialect, names, ["(", ")"]);
    statement.push(&format!(
        ") AS wanted (name) CROSS JOIN LATERAL \
         (SELECT name, revision, record FROM {table} WHERE name = wanted.name LIMIT 1) AS found"
    ));
    if after > 0 {
        statement.push(" WHERE found.revision > ");
        statement.integer(dialect, after);
    }
}

/// Each of them between these two.
fn list(statement: &mut Statement, dialect: Dialect, names: &[&str], [before, behind]: [&str; 2]) {
    for (number, name) in names.iter().enumerate() {
        statement.push(if number > 0 { ", " } else { "" });
        statement.push(before);
        statement.text(dialect, *name);
        statement.push(behind);
    }
}

/// A bound above all names that begin with `prefix`, and below all others above it: `tree/3g` for
/// `tree/3f`. There is none for the empty prefix.
fn end(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    // ASCII, and not its last character.
    let last = end.pop()?;
    end.push(char::from(u8::try_from(last).ok()? + 1));
    Some(end)
}

/// In order, and none that begins with another. Prefixes that no name can begin with are left out.
fn prefixes(query: &Query) -> Vec<&str> {
    let mut prefixes: Vec<&str> = query.prefixes.iter().map(String::as_str).collect();
    prefixes.retain(|prefix| statement::is_prefix(prefix));
    prefixes.sort_unstable();
    prefixes.dedup_by(|next, kept| next.starts_with(*kept));
    prefixes
}

/// In order, without the head, and without those that `prefixes` select. Names that no record can
/// have are left out.
fn names<'q>(query: &'q Query, prefixes: &[&str]) -> Vec<&'q str> {
    let mut names: Vec<&str> = query.names.iter().map(String::as_str).collect();
    names.retain(|name| {
        // No prefix begins with another, so only the last that is not above the name can be one of
        // it.
        let before = prefixes.partition_point(|prefix| prefix <= name);
        let selected = before > 0 && name.starts_with(prefixes[before - 1]);
        statement::is_name(name) && *name != Record::HEAD && !selected
    });
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::super::statement::Bind;
    use super::*;

    const DIALECTS: [Dialect; 3] = [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite];

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn nothing_is_asked_twice() {
        let query = Query {
            names: strings(&["tree/3f0", "head", "b", "tree/3g", "b", "B", "", "tree", "a'b"]),
            prefixes: strings(&[
                "tree/3f", "tree/3", "tree/3f0", "process", "tree/%", "tree/3", "process/",
            ]),
            after: 0,
        };
        let found = prefixes(&query);
        assert_eq!(found, ["process", "tree/3"]);
        assert_eq!(names(&query, &found), ["b", "tree"]);
    }

    #[test]
    fn the_statements() {
        let query = Query::head().names(strings(&["tree", "process/1"])).prefix("tree/3f").after(7);
        let statement = |dialect| {
            let mut statements = load(dialect, &Table::default(), &query);
            assert_eq!(statements.len(), 1);
            let statement = statements.remove(0);
            let binds: Vec<_> = statement.binds.iter().map(text).collect();
            assert_eq!(binds, ["head", "process/1", "tree", "7", "tree/3f", "tree/3g", "7"]);
            statement.sql.replace(dialect.server_time(), "clock")
        };
        assert_eq!(
            statement(Dialect::MySql),
            "SELECT name, revision, record, clock AS server_time FROM `encrypted_field_keys` WHERE name = ? \
             UNION ALL SELECT name, revision, record, clock AS server_time FROM `encrypted_field_keys` \
             WHERE name IN (?, ?) AND revision > ? \
             UNION ALL SELECT name, revision, record, clock AS server_time FROM `encrypted_field_keys` \
             WHERE name >= ? AND name < ? AND revision > ?"
        );
        assert_eq!(
            statement(Dialect::Postgres),
            "SELECT name, revision, record, clock AS server_time FROM \"encrypted_field_keys\" WHERE name = $1 \
             UNION ALL SELECT found.name, found.revision, found.record, clock AS server_time \
             FROM (VALUES ($2), ($3)) AS wanted (name) CROSS JOIN LATERAL \
             (SELECT name, revision, record FROM \"encrypted_field_keys\" \
             WHERE name = wanted.name LIMIT 1) AS found WHERE found.revision > $4 \
             UNION ALL SELECT name, revision, record, clock AS server_time FROM \"encrypted_field_keys\" \
             WHERE name >= $5 AND name < $6 AND revision > $7"
        );
    }

    #[test]
    fn all_but_the_head_twice() {
        for (query, conditions) in [
            (Query::all(), " WHERE name <> ?"),
            (Query::all().after(u64::MAX), " WHERE name <> ? AND revision > ?"),
            (Query::head().prefix("he"), " WHERE name >= ? AND name < ? AND name <> ?"),
        ] {
            let [statement] = &load(Dialect::Sqlite, &Table::default(), &query)[..] else {
                panic!("one statement");
            };
            assert!(
                statement.sql.ends_with(&format!("\"encrypted_field_keys\"{conditions}")),
                "{statement:?}"
            );
            assert_eq!(statement.sql.matches("SELECT").count(), 2);
        }
    }

    #[test]
    fn statements_stay_within_their_limits() {
        let some: Vec<_> = (0..5_000).map(|number| format!("demand/{number:04x}")).collect();
        let many: Vec<_> = (0..100_000).map(|number| format!("demand/{number:093x}")).collect();
        let prefixes: Vec<_> = (0..700).map(|number| format!("tree/{number:04x}")).collect();
        for dialect in DIALECTS {
            let query = Query::head().names(some.clone()).prefix("process").after(1);
            assert_eq!(
                load(dialect, &Table::default(), &query).len(),
                1,
                "5,000 names in one statement"
            );

            let query =
                Query { prefixes: prefixes.clone(), ..Query::head().names(many.clone()).after(1) };
            let mut expected: Vec<String> = many.clone();
            // Each with its end.
            expected
                .extend(prefixes.iter().flat_map(|prefix| [prefix.clone(), end(prefix).unwrap()]));
            expected.push("head".to_owned());
            let mut bound = Vec::new();
            for statement in load(dialect, &Table::default(), &query) {
                assert!(statement.binds.len() <= 32_766);
                let bytes: usize = statement.binds.iter().map(|bind| text(bind).len() + 10).sum();
                assert!(
                    statement.sql.len() + bytes < 4 << 20,
                    "as small as MariaDB's packets may be"
                );
                assert!(statement.sql.matches("SELECT").count() <= 500);
                bound.extend(
                    statement.binds.iter().filter(|bind| matches!(bind, Bind::Text(_))).map(text),
                );
            }
            expected.sort_unstable();
            bound.sort_unstable();
            assert_eq!(bound, expected);
        }
    }

    fn text(bind: &Bind) -> String {
        match bind {
            Bind::Integer(value) => value.to_string(),
            Bind::Text(value) => value.clone(),
        }
    }
}
