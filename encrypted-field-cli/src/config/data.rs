//! What the configuration says of the data: which database, which columns, and where the keys come
//! from.

use std::path::PathBuf;

use encrypted_field_migrate::{Description, Form};

use super::parse::{self, database, kind, unknown_kind};
use super::section::{Section, Source};
use super::{Config, Database};
use crate::failure::{Failure, Result};
use crate::secret::SecretSource;

/// Everything that a command for the data reads.
#[derive(Debug)]
pub(crate) struct DataConfig {
    pub(crate) keys: KeySource,
    /// `None`: nothing is said of it.
    pub(crate) database: Option<Database>,
    pub(crate) columns: Vec<Column>,
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
    /// The column with this name, `table.column` or `schema.table.column`.
    pub(crate) fn column(&self, name: &str) -> Result<&Column> {
        let is_it = |column: &&Column| {
            let Description { table, column: source, .. } = &column.description;
            column.description.place() == name || format!("{table}.{source}") == name
        };
        self.columns.iter().find(is_it).ok_or_else(|| {
            let known: Vec<_> =
                self.columns.iter().map(|column| column.description.place()).collect();
            let known = match known.len() {
                0 => "it has no section [[column]]; add one with `table` and `column`".to_owned(),
                _ => format!("it has {}", known.join(", ")),
            };
            Failure::new(format!("the configuration has no column {name}; {known}"))
        })
    }
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
    top.finish()?;
    Ok(DataConfig { keys, database, columns })
}

/// For a command that works on the store: checked, and left aside.
pub(super) fn besides_keys(source: &Source, top: &mut Section<'_>) -> Result<()> {
    data_base(top)?;
    columns(source, top)?;
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
