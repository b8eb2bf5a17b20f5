//! `schema` and `check`: what a column needs, and whether the one that is there has it.

use encrypted_field_migrate::{Finding, Form, Job, Operation, Severity};

use super::{keys, target};
use crate::args::{ColumnPlace, Common, Width};
use crate::config::Database;
use crate::context::Context;
use crate::failure::Result;
use crate::output;

pub(super) async fn run(common: &Common, args: &Width, context: &mut Context<'_>) -> Result<u8> {
    let (config, migration) = target::open(common, context).await?;
    let column = config.column(&args.column)?;
    let (table, name) = (&column.description.table, column.description.target());
    let form = column.description.storage;
    let database = config.database.as_ref();
    let index = migration.census_index(&column.description);
    let sql = Sql { database, table, name, form, longest: args.longest, index };
    for line in sql.lines() {
        writeln!(context.output, "{line}")?;
    }
    let job = Job::new(column.description.clone(), Operation::Encrypt)?;
    let keys = keys::of(&config.keys, context).await?;
    writeln!(context.output)?;
    told(&migration.preflight(&job, &*keys).await?, context)
}

pub(super) async fn check(
    common: &Common,
    args: &ColumnPlace,
    context: &mut Context<'_>,
) -> Result<u8> {
    let (config, migration) = target::open(common, context).await?;
    let column = config.column(&args.column)?;
    let job = Job::new(column.description.clone(), Operation::Encrypt)?;
    let keys = keys::of(&config.keys, context).await?;
    let findings = migration.preflight(&job, &*keys).await?;
    if args.json.json {
        writeln!(context.output, "{}", serde_json::to_string_pretty(&findings)?)?;
        return Ok(u8::from(is_refused(&findings)));
    }
    told(&findings, context)
}

fn is_refused(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

fn told(findings: &[Finding], context: &mut Context<'_>) -> Result<u8> {
    for finding in findings {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(context.output, "{severity}: {}", output::plain(&finding.text))?;
    }
    if findings.is_empty() {
        writeln!(context.output, "the column that is there fits")?;
    }
    Ok(u8::from(is_refused(findings)))
}

/// The SQL of a column.
struct Sql<'a> {
    database: Option<&'a Database>,
    table: &'a str,
    name: &'a str,
    form: Form,
    longest: Option<u64>,
    /// The statement that makes the index of the census.
    index: Option<String>,
}

impl Sql<'_> {
    fn lines(&self) -> Vec<String> {
        let Self { table, name, form, .. } = *self;
        let is_mysql = matches!(self.database, Some(Database::MySql(_)));
        let quote = if is_mysql { '`' } else { '"' };
        let quoted = |name: &str| {
            format!("{quote}{}{quote}", name.replace(quote, &format!("{quote}{quote}")))
        };
        let (table, column) = (quoted(table), quoted(name));
        let mut lines = Vec::new();
        let kind = match (self.database, form) {
            (Some(Database::Postgres(_)), Form::Text) => "text",
            (Some(Database::Postgres(_)), Form::Binary) => "bytea",
            (_, Form::Text) => "TEXT",
            (_, Form::Binary) => "BLOB",
        };
        lines.push(
            "-- The column. It has no default: what an INSERT leaves out would be stored as it is."
                .into(),
        );
        lines.push(format!("ALTER TABLE {table} ADD COLUMN {column} {kind};"));
        if let Some(longest) = self.longest {
            let width = form.width(longest);
            lines.push(format!(
                "-- With a limit, for plaintexts of at most {longest} bytes: {}({width}).",
                match form {
                    Form::Text => "VARCHAR",
                    Form::Binary => "VARBINARY",
                }
            ));
        }
        lines.push("-- Once no plaintext is left: the database refuses it from then on.".into());
        let check = match (self.database, form) {
            (Some(Database::Sqlite(_)), _) => None,
            (Some(Database::Postgres(_)), Form::Text) => Some(format!("{column} LIKE 'ef1:%'")),
            (Some(Database::Postgres(_)), Form::Binary) => {
                Some(format!("substr({column}, 1, 3) = '\\xef6631'::bytea"))
            }
            (_, Form::Text) => Some(format!("{column} LIKE BINARY 'ef1:%'")),
            (_, Form::Binary) => Some(format!("SUBSTR({column}, 1, 3) = x'EF6631'")),
        };
        match check {
            Some(check) => lines.push(format!("ALTER TABLE {table} ADD CHECK ({check});")),
            None => lines
                .push("-- SQLite adds a CHECK only with a new table, or with a new column.".into()),
        }
        match (&self.index, is_mysql) {
            (Some(index), _) => {
                lines.push(
                    "-- For a large table: `data status` reads this index, and not the table.".into(),
                );
                lines.push(format!("{index};"));
            }
            (None, true) => lines.push(
                "-- No index helps `data status`, which reads the table once: MariaDB has none over an expression, and one over \
                 the beginning of a column does not answer it."
                    .into(),
            ),
            (None, false) => lines.push(
                "-- No index helps `data status`, which reads the table once: PostgreSQL takes an expression from the table, also \
                 if an index has it."
                    .into(),
            ),
        }
        lines
    }
}
