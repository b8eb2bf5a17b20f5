//! Replacing values.

use std::collections::HashMap;

use super::MySql;
use crate::database::connection::Connection;
use crate::database::dialect::Dialect as _;
use crate::database::shape::Key;
use crate::database::sql::{Sql, Value};
use crate::database::statements::{Place, Swap};

/// Locks what nobody else has locked, looks whether it is still what it was, and replaces that.
/// Their `UPDATE` does not tell which rows it changed.
pub(super) async fn swap(
    dialect: &MySql,
    connection: &mut Connection,
    place: &Place,
    rows: &[Swap],
) -> sqlx::Result<Vec<bool>> {
    let keys: Vec<&Key> = rows.iter().map(|row| &row.key).collect();
    let old = dialect.bytes_of(&place.source, "");
    let target = if place.is_between { place.target.sql.as_str() } else { "NULL" };
    let mut sql = connection
        .sql(format!(
            "SELECT {}, {old}, CAST({target} IS NULL AS SIGNED) FROM {} WHERE ",
            place.keys(""),
            place.table.sql
        ))
        .once();
    place.is_one_of(dialect, &mut sql, &keys);
    sql.push(dialect.skip_locked());
    let mut locked = HashMap::with_capacity(rows.len());
    for mut row in connection.fetch(sql).await? {
        let key = place.key(&row);
        let (is_empty, at) = (row.integer(key.len() + 1) != 0, key.len());
        locked.insert(key, (row.bytes(at), is_empty));
    }
    let is_same = |row: &Swap| {
        let found = locked.get(&row.key);
        found.is_some_and(|(old, is_empty)| old.as_ref() == Some(&row.old) && *is_empty)
    };
    let same: Vec<bool> = rows.iter().map(is_same).collect();
    let swaps: Vec<&Swap> =
        rows.iter().zip(&same).filter(|(_, same)| **same).map(|(row, _)| row).collect();
    if !swaps.is_empty() {
        let changed = connection.execute(update(dialect, place, &swaps)).await?;
        // They are locked and looked at, so each of them was changed.
        if changed != swaps.len() as u64 {
            return Err(sqlx::Error::Protocol(format!("{changed} of {} rows", swaps.len())));
        }
    }
    Ok(same)
}

fn update(dialect: &MySql, place: &Place, rows: &[&Swap]) -> Sql {
    let Place { table, source, target, .. } = place;
    let mut sql = Sql::new(false, format!("UPDATE {} AS t JOIN (", table.sql)).once();
    for (position, row) in rows.iter().enumerate() {
        sql.push(if position == 0 { "SELECT " } else { " UNION ALL SELECT " });
        for (at, column) in table.key.iter().enumerate() {
            let bound = sql.bind(dialect.key_value(&row.key[at]));
            let name = if position == 0 { format!(" AS k{at}, ") } else { ", ".to_owned() };
            sql.push(&format!("{}{name}", column.take(&bound)));
        }
        let names =
            if position == 0 { [" AS old, ", " AS new, ", " AS len"] } else { [", ", ", ", ""] };
        sql.value(Value::Bytes(row.old.clone())).push(names[0]);
        sql.value(Value::Bytes(row.new.clone())).push(names[1]);
        sql.value(i64::try_from(row.new.len()).unwrap_or(i64::MAX)).push(names[2]);
    }
    let set = dialect.value_of(target, place.form, "v.new");
    // The length, lest the database has cut a longer one to the size of the first.
    sql.push(&format!(
        ") AS v ON {} = v.old AND OCTET_LENGTH(v.new) = v.len",
        dialect.bytes_of(source, "t.")
    ));
    for (at, column) in table.key.iter().enumerate() {
        sql.push(&format!(" AND t.{} = v.k{at}", column.sql));
    }
    sql.push(&format!(" SET t.{} = {set}", target.sql));
    sql
}
