//! SQLite.

use sqlx::{AssertSqlSafe, SqliteConnection};

use super::{Census, failed, reading, unread};
use crate::failure::Result;

/// Not virtual tables, whose rows are elsewhere: in shadow tables, for those that keep any.
const COLUMNS: &str = "
    SELECT t.name, c.name FROM pragma_table_list AS t, pragma_table_info(t.name) AS c
    WHERE t.schema = 'main' AND t.type IN ('table', 'shadow') AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

/// Every column of the main database. A column of SQLite holds what is written into it, whatever
/// its type, so all of them are looked at, for both forms.
pub(crate) async fn in_sqlite(connection: &mut SqliteConnection) -> Result<Census> {
    reading(connection, "BEGIN", all).await
}

async fn all(connection: &mut SqliteConnection) -> Result<Census> {
    let columns: Vec<(String, String)> = sqlx::query_as(COLUMNS)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| failed("the columns can't be listed", &error))?;
    let mut census = Census::default();
    for (table, column) in columns {
        // With an alias, since `json_tree` has columns of usual names.
        let sql =
            labels(&format!("{} AS ours", quoted(&table)), &format!("ours.{}", quoted(&column)));
        // Safe: the names are those of the database, and quoted.
        let labels: sqlx::Result<Vec<(String, i64)>> =
            sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut *connection).await;
        for (label, values) in labels.map_err(|error| unread(&table, &column, &error))? {
            census.add(&table, &column, &label, values.unsigned_abs());
        }
    }
    Ok(census)
}

/// In a blob both forms, in a text the one, or a document with values.
fn labels(place: &str, name: &str) -> String {
    let in_text = |text: &str| {
        format!(
            "SELECT 'd' || substr({text}, 5, instr(substr({text}, 5), ':') - 1), count(*) FROM {place}
             WHERE typeof({name}) IN ('text', 'blob') AND substr({text}, 1, 4) = 'ef1:'
               AND instr(substr({text}, 5), ':') BETWEEN 2 AND 11 GROUP BY 1"
        )
    };
    format!(
        "SELECT 'x' || hex(substr({name}, 4, 4)), count(*) FROM {place}
         WHERE typeof({name}) = 'blob' AND substr({name}, 1, 3) = x'EF6631' GROUP BY 1
         UNION ALL {}
         UNION ALL
         SELECT 'd' || substr(j.value, 5, instr(substr(j.value, 5), ':') - 1), count(*)
         FROM {place}, json_tree(CASE WHEN typeof({name}) = 'text' AND substr(ltrim({name}), 1, 1) IN ('{{', '[')
             AND json_valid({name}) THEN {name} ELSE 'null' END) AS j
         WHERE j.type = 'text' AND substr(j.value, 1, 4) = 'ef1:' GROUP BY 1",
        in_text(&format!("CAST(substr({name}, 1, 15) AS TEXT)"))
    )
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
