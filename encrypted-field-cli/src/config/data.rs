//! What the configuration says of the data: which database, which columns, which jobs, and where
//! the keys come from.

use std::path::PathBuf;

use encrypted_field_migrate::{Description, Form};

use super::parse::{self, database, kind, unknown_kind};
use super::section::{Section, Source};
use super::{Config, Database};
use crate::args::{BATCH, How, Shard, WORKERS};
use crate::failure::{Failure, Result};
use crate::secret::SecretSource;

/// Everything that a command for the data reads.
#[derive(Debug)]
pub(crate) struct DataConfig {
    pub(crate) keys: KeySource,
    /// `None`: nothing is said of it.
    pub(crate) database: Option<Database>,
    pub(crate) columns: Vec<Column>,
    pub(crate) jobs: Vec<Job>,
}

/// Where the keys come from.
#[derive(Debug)]
pub(crate) enum KeySource {
    /// The store of the same configuration.
    Store(Box<Config>),
    /// The variables `ENCRYPTED_FIELD_KEYS` and so on.
    Environment,
    KeyFile(PathBuf),
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) description: Description,
    pub(crate) legacy: Option<Legacy>,
}

impl Column {
    /// Whether this is its name: `table.column` or `schema.table.column`.
    fn is_named(&self, name: &str) -> bool {
        let Description { table, column, .. } = &self.description;
        self.description.place() == name || format!("{table}.{column}") == name
    }
}

/// A move, with its options.
#[derive(Debug)]
pub(crate) struct Job {
    /// Also in the ledger.
    pub(crate) name: String,
    pub(crate) operation: Move,
    /// The name of one of the columns.
    pub(crate) column: String,
    pub(crate) how: How,
}

/// What is done to a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    Encrypt,
    Rotate,
    Rename,
    Import,
    Storage,
    Decrypt,
}

/// A foreign format, with what it is read with.
#[derive(Debug)]
pub(crate) struct Legacy {
    pub(crate) format: String,
    pub(crate) settings: Vec<(String, Setting)>,
}

#[derive(Debug)]
pub(crate) enum Setting {
    Text(String),
    Secret(SecretSource),
}

impl DataConfig {
    pub(crate) fn column(&self, name: &str) -> Result<&Column> {
        let found = self.columns.iter().find(|column| column.is_named(name));
        found.ok_or_else(|| {
            Failure::new(format!("the configuration {}", no_column(name, &self.columns)))
        })
    }

    /// The job with this name.
    pub(crate) fn job(&self, name: &str) -> Result<&Job> {
        self.jobs.iter().find(|job| job.name == name).ok_or_else(|| {
            let known: Vec<_> = self.jobs.iter().map(|job| job.name.as_str()).collect();
            let known = match known.len() {
                0 => "it has no section [[job]]; add one with `name`, `operation` and `column`"
                    .to_owned(),
                _ => format!("it has {}", known.join(", ")),
            };
            Failure::new(format!("the configuration has no job \"{name}\"; {known}"))
        })
    }
}

fn no_column(name: &str, columns: &[Column]) -> String {
    let known: Vec<_> = columns.iter().map(|column| column.description.place()).collect();
    let known = match known.len() {
        0 => "it has no section [[column]]; add one with `table` and `column`".to_owned(),
        _ => format!("it has {}", known.join(", ")),
    };
    format!("has no column {name}; {known}")
}

/// What a command for the data reads.
pub(super) fn parse(source: &Source) -> Result<DataConfig> {
    let mut top = parse::top(source)?;
    let keys = match keys(&mut top)? {
        Some(elsewhere) => elsewhere,
        None => KeySource::Store(Box::new(parse::keys(source, &mut top)?)),
    };
    let database = data_base(&mut top)?;
    let columns = columns(source, &mut top)?;
    let jobs = jobs(source, &mut top, &columns)?;
    top.finish()?;
    Ok(DataConfig { keys, database, columns, jobs })
}

/// For a command that works on the store: checked, and left aside.
pub(super) fn besides_keys(source: &Source, top: &mut Section<'_>) -> Result<()> {
    data_base(top)?;
    let columns = columns(source, top)?;
    jobs(source, top, &columns)?;
    if keys(top)?.is_some() {
        return Err(source.refuse(
            1,
            "the keys come from elsewhere than a store ([keys]), so there is none to work on",
        ));
    }
    Ok(())
}

const KEYS: &str = "environment, key-file";

/// `[keys]`: from elsewhere than a store.
fn keys(top: &mut Section<'_>) -> Result<Option<KeySource>> {
    let Some(mut section) = top.section("keys")? else { return Ok(None) };
    let (kind, line) = kind(&mut section, KEYS)?;
    let keys = match kind.as_str() {
        "environment" => KeySource::Environment,
        "key-file" => KeySource::KeyFile(section.needed_path("path", "keys.json")?),
        _ => return Err(unknown_kind(&section, line, &kind, KEYS)),
    };
    section.finish()?;
    Ok(Some(keys))
}

const DATABASES: &str = "postgres, mysql, sqlite";

/// `[database]`.
fn data_base(top: &mut Section<'_>) -> Result<Option<Database>> {
    let Some(mut section) = top.section("database")? else { return Ok(None) };
    let (kind, line) = kind(&mut section, DATABASES)?;
    let Some(found) = database(&mut section, &kind)? else {
        return Err(unknown_kind(&section, line, &kind, DATABASES));
    };
    section.finish()?;
    Ok(Some(found))
}

/// `[[column]]`, each once.
fn columns(source: &Source, top: &mut Section<'_>) -> Result<Vec<Column>> {
    let mut columns: Vec<Column> = Vec::new();
    for section in top.sections("column")? {
        let line = section.line;
        let column = column(section)?;
        let place = column.description.place();
        if columns.iter().any(|other| other.description.place() == place) {
            return Err(source.refuse(line, format!("[[column]] {place} is there twice")));
        }
        columns.push(column);
    }
    Ok(columns)
}

fn column(mut section: Section<'_>) -> Result<Column> {
    let table = section.needed("table", "users")?;
    let name = section.needed("column", "bot_token")?;
    section.name = format!("[[column]] \"{table}.{name}\"");
    let mut description = Description::new(table, name);
    description.schema = section.text("schema")?;
    description.key = section.texts("key")?;
    description.target = section.text("target")?;
    description.context = section.text("context")?;
    description.previous_contexts = section.texts("previous_contexts")?;
    description.scope = section.text("scope")?.unwrap_or_default();
    description.scope_column = section.text("scope_column")?;
    description.previous_scopes = section.texts("previous_scopes")?;
    if let Some(plaintext) = section.text("plaintext")? {
        description.plaintext = plaintext;
    }
    if let Some((storage, line)) = section.text_at("storage")? {
        description.storage = match storage.as_str() {
            "text" => Form::Text,
            "binary" => Form::Binary,
            _ => {
                return Err(
                    section.refuse(line, "has a `storage` that is neither \"text\" nor \"binary\"")
                );
            }
        };
    }
    let legacy = match section.section("legacy")? {
        Some(legacy) => Some(self::legacy(legacy)?),
        None => None,
    };
    section.finish()?;
    Ok(Column { description, legacy })
}

/// `[[job]]`, each name once.
fn jobs(source: &Source, top: &mut Section<'_>, columns: &[Column]) -> Result<Vec<Job>> {
    let mut jobs: Vec<Job> = Vec::new();
    for section in top.sections("job")? {
        let line = section.line;
        let job = job(section, columns)?;
        if jobs.iter().any(|other| other.name == job.name) {
            return Err(source.refuse(line, format!("[[job]] \"{}\" is there twice", job.name)));
        }
        jobs.push(job);
    }
    Ok(jobs)
}

const OPERATIONS: [(&str, Move); 6] = [
    ("encrypt", Move::Encrypt),
    ("rotate", Move::Rotate),
    ("rename", Move::Rename),
    ("import", Move::Import),
    ("storage", Move::Storage),
    ("decrypt", Move::Decrypt),
];

fn job(mut section: Section<'_>, columns: &[Column]) -> Result<Job> {
    let name = section.needed("name", "encrypt-tokens")?;
    section.name = format!("[[job]] \"{name}\"");
    let known = OPERATIONS.map(|(name, _)| name).join(", ");
    let Some((operation, line)) = section.text_at("operation")? else {
        return Err(section.missing("operation", &format!("one of {known}")));
    };
    let Some((_, operation)) = OPERATIONS.iter().find(|(name, _)| *name == operation) else {
        let what = format!("knows no operation \"{operation}\"; it is one of {known}");
        return Err(section.refuse(line, what));
    };
    let Some((column, line)) = section.text_at("column")? else {
        return Err(section.missing("column", "\"users.token\""));
    };
    if !columns.iter().any(|other| other.is_named(&column)) {
        let what =
            format!("is of a column that has no section: the file {}", no_column(&column, columns));
        return Err(section.refuse(line, what));
    }
    let shard =
        match section.text_at("shard")? {
            Some((text, line)) => Some(text.parse::<Shard>().map_err(|why| {
                section.refuse(line, format!("has a `shard` that is none: {why}"))
            })?),
            None => None,
        };
    let how = How {
        workers: section.number_in("workers", &WORKERS)?,
        shard,
        rate: section.number("rate")?,
        batch: section.number_in("batch", &BATCH)?,
        batch_time: section.duration("batch_time")?,
        max_lag: section.duration("max_lag")?,
        replica_env: section.texts("replica_env")?,
        load_command: section.text("load_command")?,
    };
    section.finish()?;
    Ok(Job { name, operation: *operation, column, how })
}

/// `[column.legacy]`: a format and its settings. What ends in `_env`, `_file` or `_prompt` is a
/// secret of that name.
fn legacy(mut section: Section<'_>) -> Result<Legacy> {
    "[column.legacy]".clone_into(&mut section.name);
    let format = section.needed("format", "fernet")?;
    let mut settings = Vec::new();
    for name in section.keys() {
        let secret = ["_env", "_file", "_prompt"].iter().find_map(|end| name.strip_suffix(end));
        if let Some(name) = secret {
            if let Some(source) = section.secret(name)? {
                settings.push((name.to_owned(), Setting::Secret(source)));
            }
        } else if let Some(text) = section.scalar(&name)? {
            settings.push((name, Setting::Text(text)));
        }
    }
    section.finish()?;
    Ok(Legacy { format, settings })
}
