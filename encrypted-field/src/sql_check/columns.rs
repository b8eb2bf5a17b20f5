//! The encrypted columns, and which of them a name in a statement means.

use std::collections::HashMap;
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, ObjectName, Query, Statement, TableFactor, Visit, Visitor};

/// Names are compared without case: a quoted name that differs by case only is taken for the same.
fn folded(name: &str) -> String {
    name.to_lowercase()
}

#[derive(Debug, Clone, Default)]
pub(super) struct Columns(Vec<Column>);

#[derive(Debug, Clone)]
struct Column {
    /// Folded, without its schema; empty where the model names none.
    table: String,
    /// Folded.
    name: String,
    /// As the model has it.
    shown: String,
}

impl Columns {
    pub(super) fn add(&mut self, table: &str, column: &str) {
        let shown = if table.is_empty() { column.to_owned() } else { format!("{table}.{column}") };
        let table = folded(table.rsplit('.').next().unwrap_or(table));
        self.0.push(Column { table, name: folded(column), shown });
    }

    /// The first one whose name is a word of `sql`.
    pub(super) fn first_named_in(&self, sql: &str) -> Option<String> {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let words: Vec<_> = sql.split(|c| !is_part(c)).map(folded).collect();
        self.0.iter().find(|column| words.contains(&column.name)).map(|column| column.shown.clone())
    }

    /// The encrypted column that an expression is, where it is one.
    pub(super) fn named(&self, expr: &Expr, tables: &Tables) -> Option<&str> {
        match expr {
            Expr::Identifier(name) => self.of(None, name, tables),
            Expr::CompoundIdentifier(names) => match &names[..] {
                [.., table, name] => self.of(Some(table), name, tables),
                _ => None,
            },
            _ => None,
        }
    }

    /// The encrypted column of this name in any table of the statement.
    pub(super) fn unqualified(&self, name: &ObjectName, tables: &Tables) -> Option<&str> {
        self.of(None, name.0.last()?.as_ident()?, tables)
    }

    /// Those of the statement's tables: what `*` means.
    pub(super) fn all_of<'a>(&'a self, tables: &'a Tables) -> impl Iterator<Item = &'a str> {
        let is_there = |column: &&Column| tables.names.contains(&column.table);
        self.0.iter().filter(is_there).map(|column| &*column.shown)
    }

    fn of(&self, qualifier: Option<&Ident>, name: &Ident, tables: &Tables) -> Option<&str> {
        let name = folded(&name.value);
        let meant = |column: &&Column| {
            column.name == name
                && match qualifier.and_then(|name| tables.named(&folded(&name.value))) {
                    Some(named) => column.table.is_empty() || named.contains(&column.table),
                    // No qualifier, or one of a subquery, whose tables are in the statement.
                    None => tables.hold(column),
                }
        };
        self.0.iter().find(meant).map(|column| &*column.shown)
    }
}

/// The tables of a statement, subqueries included, by the names that the statement gives them.
#[derive(Default)]
pub(super) struct Tables {
    by_alias: HashMap<String, Vec<String>>,
    names: Vec<String>,
    /// Names of `WITH`, which are no tables.
    subqueries: Vec<String>,
}

impl Tables {
    pub(super) fn of(statement: &Statement) -> Self {
        let mut tables = Self::default();
        let _ = statement.visit(&mut tables);
        tables
    }

    /// The tables of this name or alias; `None` where it may be a subquery's.
    fn named(&self, alias: &str) -> Option<&[String]> {
        let tables = self.by_alias.get(alias)?;
        let is_subquery = |table| self.subqueries.contains(table);
        (!tables.iter().any(is_subquery)).then_some(tables)
    }

    fn hold(&self, column: &Column) -> bool {
        column.table.is_empty() || self.names.contains(&column.table)
    }

    fn add(&mut self, table: &ObjectName, alias: Option<&Ident>) {
        let Some(name) = table.0.last().and_then(|part| part.as_ident()) else { return };
        let name = folded(&name.value);
        let alias = alias.map_or_else(|| name.clone(), |alias| folded(&alias.value));
        self.by_alias.entry(alias).or_default().push(name.clone());
        self.names.push(name);
    }
}

impl Visitor for Tables {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, alias, .. } = factor {
            self.add(name, alias.as_ref().map(|alias| &alias.name));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let names = query.with.iter().flat_map(|with| &with.cte_tables);
        self.subqueries.extend(names.map(|subquery| folded(&subquery.alias.name.value)));
        ControlFlow::Continue(())
    }

    /// Also where a table is no factor: what is inserted into, or deleted from.
    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        self.add(relation, None);
        ControlFlow::Continue(())
    }
}
