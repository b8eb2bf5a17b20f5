//! What stands in the way of a job, found before the first write.

mod finding;
mod trial;
mod width;

pub use finding::{Finding, Severity};

use crate::census::{self, Census};
use crate::database::{Column, Connection, Holds, Place, Table};
use crate::error::{Error, Result};
use crate::failure;
use crate::keys::Keys;
use crate::spec::{Description, Form, Job, Operation};

/// What the preflight has found.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The place of the job, if there is one.
    pub(crate) place: Option<Place>,
    pub(crate) findings: Vec<Finding>,
    /// Rows of the table.
    pub(crate) rows: u64,
}

/// Looks at all rows once, in a census.
pub(crate) async fn check(
    connection: &mut Connection,
    job: &Job,
    keys: &dyn Keys,
) -> Result<Checked> {
    let dialect = connection.dialect;
    let mut findings = Vec::new();
    let Some(place) = find(connection, job, &mut findings).await? else {
        return Ok(Checked { place: None, findings, rows: 0 });
    };
    look_at_target(job, &place, &mut findings);
    let special = dialect.preflight(connection, &place).await;
    findings.extend(special.map_err(|error| failure::of_job(dialect, &error))?);
    let form = match job.operation {
        Operation::Restore if place.is_between => place.form.other(),
        _ => place.form,
    };
    let is_limited = place.target.limit.is_some();
    let (census, longest) =
        census::with_longest(connection, &place.table, &place.source, form, is_limited).await?;
    look_at_keys(job, &census, keys, &mut findings).await;
    if findings.iter().all(|finding| finding.severity == Severity::Warning) {
        width::check(job, &place, longest, keys, &mut findings).await;
        trial::check(connection, job, &place, keys, &mut findings).await?;
    }
    Ok(Checked { place: Some(place), findings, rows: census.rows() })
}

/// The place of a job, for those who only read.
pub(crate) async fn place(connection: &mut Connection, job: &Job) -> Result<Place> {
    let mut findings = Vec::new();
    match find(connection, job, &mut findings).await? {
        Some(place) => Ok(place),
        None => {
            Err(Error::job(findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
        }
    }
}

async fn find(
    connection: &mut Connection,
    job: &Job,
    findings: &mut Vec<Finding>,
) -> Result<Option<Place>> {
    let dialect = connection.dialect;
    let description = &job.description;
    let described = dialect.describe(connection, description).await;
    let described = described.map_err(|error| failure::of_job(dialect, &error))?;
    let Some(table) = described else {
        findings.push(Finding::error(
            "no-table",
            format!("there is no table {}, or this user does not see it", description.table),
        ));
        return Ok(None);
    };
    if let Some(what) = &table.alien {
        findings.push(Finding::error(
            "no-table",
            format!("{} is {what}: name the table that holds the rows", description.table),
        ));
    }
    look_at_key(job, &table, findings);
    let mut column = |name: &str| {
        let found = table.column(name).cloned();
        if found.is_none() {
            findings.push(Finding::error(
                "no-column",
                format!("table {} has no column {name}", description.table),
            ));
        }
        found
    };
    let source = column(&description.column);
    let target = column(description.target());
    let scope = description.scope_column.as_deref().map(&mut column);
    let (Some(source), Some(target)) = (source, target) else { return Ok(None) };
    if matches!(scope, Some(None)) || table.key.is_empty() || table.alien.is_some() {
        return Ok(None);
    }
    Ok(Some(Place {
        table,
        source,
        target,
        is_between: job.is_between_columns(),
        form: description.storage,
        scope: scope.flatten(),
    }))
}

fn look_at_key(job: &Job, table: &Table, findings: &mut Vec<Finding>) {
    let Description { table: name, key, .. } = &job.description;
    if table.key.is_empty() && table.alien.is_none() {
        findings.push(Finding::error(
            "no-key",
            format!(
                "table {name} has no primary key, and no unique index over columns that are NOT NULL: add one, so that each row can \
                 be found again"
            ),
        ));
    }
    if !key.is_empty() && !table.has_unique_key(key) {
        findings.push(Finding::error(
            "no-key",
            format!(
                "the key ({}) of table {name} is not unique: name the columns of its primary key, or of a unique index over columns \
                 that are NOT NULL",
                key.join(", ")
            ),
        ));
    }
    if let Some(missing) = key.iter().find(|name| table.column(name).is_none()) {
        findings.push(Finding::error("no-column", format!("table {name} has no column {missing}")));
    }
}

/// Whether the column can hold what is to be written.
fn look_at_target(job: &Job, place: &Place, findings: &mut Vec<Finding>) {
    let Column { name, type_name, holds, pads, is_generated, has_default, .. } = &place.target;
    if *is_generated {
        findings.push(Finding::error(
            "generated",
            format!("column {name} is generated by the database and can't be written; name another column as the target"),
        ));
        return;
    }
    if *pads {
        findings.push(Finding::error(
            "pads",
            format!("column {name} is {type_name}, which pads what is shorter, and a padded value does not open; change it to a \
                     type of variable length"),
        ));
    }
    let is_plain = matches!(job.operation, Operation::Decrypt);
    let wanted = match (place.form, holds) {
        (_, Holds::Anything) | (Form::Text, Holds::Text) | (Form::Binary, Holds::Bytes) => None,
        (_, Holds::Bytes | Holds::Text) if is_plain && place.is_between => None,
        (Form::Text, _) => Some("a column of text; or declare the storage as binary"),
        (Form::Binary, _) => Some("a binary column; or declare the storage as text"),
    };
    if let Some(wanted) = wanted {
        findings.push(Finding::error(
            "type",
            format!("column {name} is {type_name}, and stored values need {wanted}"),
        ));
    }
    if *has_default && !is_plain {
        findings.push(Finding::warning(
            "default",
            format!("column {name} has a default, which the database stores as plaintext; drop it"),
        ));
    }
}

/// Whether there is a key to seal with, and one for each row.
async fn look_at_keys(job: &Job, census: &Census, keys: &dyn Keys, findings: &mut Vec<Finding>) {
    // Of the scopes of rows, each has keys of its own.
    if job.description.scope_column.is_some() {
        return;
    }
    let ring = match keys.ring_for(&job.description.scope).await {
        Ok(ring) => ring,
        // The job will wait for them.
        Err(error) if error.is_retryable() => return,
        Err(error) => {
            findings.push(Finding::error("keys", error.to_string()));
            return;
        }
    };
    if !matches!(job.operation, Operation::Decrypt)
        && let Err(error) = job.declared.seal(&ring, b"")
    {
        findings.push(Finding::error("no-active-key", error.to_string()));
    }
    for (&id, rows) in &census.by_key {
        let is_held = encrypted_field::KeyId::new(id).is_some_and(|_| ring.get(id).is_some());
        if !is_held {
            findings.push(Finding::warning(
                "missing-key",
                format!("the key ring does not hold key {id}, under which {rows} rows are: they will be left as they are; add it as a retired key"),
            ));
        }
    }
}
