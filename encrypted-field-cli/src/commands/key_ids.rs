//! `key-ids`: which key ids the values in a database name.

use std::collections::BTreeMap;
use std::path::Path;

use encrypted_field::KeyId;
use serde::{Deserialize, Serialize};

use super::keygen::new_file;
use crate::args::{Common, KeyIds};
use crate::backends::sql;
use crate::config::{self, Database, Server, Store, Url};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::key_ids::{Census, Found};
use crate::output;
use crate::secret::SecretSource;

/// An id that is further than this above the next lower one, and more than twice as high, is shown
/// as one that stands apart.
const FAR: u32 = 1000;

pub(super) async fn run(common: &Common, args: &KeyIds, context: &mut Context<'_>) -> Result<u8> {
    let source = match (&args.url_env, &args.url_file) {
        (Some(name), _) => Some(SecretSource::Environment(name.clone())),
        (None, Some(path)) => Some(SecretSource::File(context.folder.join(path))),
        (None, None) => None,
    };
    let database = match source {
        Some(source) => by_url(source, context)?,
        None => match config::read(context, common.config.as_deref())?.store {
            Store::Table(table) => table.database,
            _ => {
                return Err(Failure::new(
                    "the configured store is in no database: name the one that has the values with --url-env or --url-file",
                ));
            }
        },
    };
    let report = Report::of(census(&database, context).await?.found());
    let mut text = Vec::new();
    if args.json.json {
        serde_json::to_writer_pretty(&mut text, &report)?;
        text.push(b'\n');
    } else {
        report.print(&mut text)?;
    }
    match &args.out {
        None => context.output.write_all(&text)?,
        Some(path) => {
            new_file(&context.folder.join(path), &text, false)?;
            writeln!(context.output, "wrote {}", path.display())?;
        }
    }
    Ok(0)
}

/// The ids of a file that `--json` has written.
pub(super) fn read(path: &Path, context: &Context<'_>) -> Result<Vec<KeyId>> {
    let path = context.folder.join(path);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::of_file(&path, "it can't be read", &error))?;
    let report: Report = serde_json::from_str(&text).map_err(|error| {
        Failure::new(format!("{}: it is not what `key-ids --json` writes: {error}", path.display()))
    })?;
    Ok(report.found.iter().filter_map(|found| KeyId::new(found.id)).collect())
}

/// Whether an id is so far above the one before it that the store may never have given it.
fn stands_apart(id: u32, before: u32) -> bool {
    id - before > FAR && id / 2 > before && before != 0
}

#[derive(Serialize, Deserialize)]
struct Report {
    found: Vec<Found>,
    highest_id: Option<u32>,
    /// Past the last id there is none.
    next_id: Option<u32>,
}

impl Report {
    fn of(found: Vec<Found>) -> Self {
        let highest_id = found.iter().map(|found| found.id).filter(|id| *id != 0).max();
        Self { found, highest_id, next_id: highest_id.unwrap_or(0).checked_add(1) }
    }

    fn print(&self, to: &mut Vec<u8>) -> Result<()> {
        let Some(highest) = self.highest_id else {
            output::table(to, &self.lines())?;
            to.extend_from_slice(b"no value names a key\n");
            return Ok(());
        };
        output::table(to, &self.lines())?;
        to.push(b'\n');
        output::table(to, &self.by_id())?;
        let next = match self.next_id {
            Some(next) => {
                format!(
                    "`accept-restored --next-id` and `create-store --first-key-id` take {next} or above"
                )
            }
            None => "no id is above it: mend the rows that name it, and look again".to_owned(),
        };
        to.extend_from_slice(format!("\nthe highest id is {highest}; {next}\n").as_bytes());
        if let Some(usual) = self.highest_usual().filter(|usual| *usual != highest) {
            let text = format!(
                "without the ids that stand apart, which somebody may have made up, it is {usual}, and {} would do; look at those rows \
                 first\n",
                usual.saturating_add(1)
            );
            to.extend_from_slice(text.as_bytes());
        }
        Ok(())
    }

    /// The highest id below the first that stands apart.
    fn highest_usual(&self) -> Option<u32> {
        let ids: std::collections::BTreeSet<u32> =
            self.found.iter().map(|found| found.id).collect();
        let mut before = 0;
        for id in ids {
            if stands_apart(id, before) {
                break;
            }
            before = id;
        }
        (before > 0).then_some(before)
    }

    fn lines(&self) -> Vec<Vec<String>> {
        if self.found.is_empty() {
            return Vec::new();
        }
        let title = ["TABLE", "COLUMN", "KEY ID", "VALUES"].map(str::to_owned).to_vec();
        let line = |found: &Found| {
            vec![
                found.table.clone(),
                found.column.clone(),
                found.id.to_string(),
                found.values.to_string(),
            ]
        };
        std::iter::once(title).chain(self.found.iter().map(line)).collect()
    }

    /// All columns together, so that an id that stands apart is seen: anybody who can write a row
    /// can name any id.
    fn by_id(&self) -> Vec<Vec<String>> {
        let mut values = BTreeMap::new();
        for found in &self.found {
            *values.entry(found.id).or_insert(0) += found.values;
        }
        let mut lines = vec![["KEY ID", "VALUES", ""].map(str::to_owned).to_vec()];
        let mut before = 0_u32;
        for (id, values) in values {
            let note = match (id, stands_apart(id, before)) {
                (0, _) => "yet to be written",
                (_, true) => "far above the one before: did the application write it?",
                _ => "",
            };
            lines.push(vec![id.to_string(), values.to_string(), note.to_owned()]);
            before = id;
        }
        lines
    }
}

/// The scheme tells the database. The URL may hold a password, so no message has it.
fn by_url(source: SecretSource, context: &mut Context<'_>) -> Result<Database> {
    let url = source.read(context, "the URL of the database")?;
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    let server = Server { url: Url::Secret(source), password: None };
    match scheme {
        "postgres" | "postgresql" => Ok(Database::Postgres(server)),
        "mysql" | "mariadb" => Ok(Database::MySql(server)),
        "sqlite" => {
            let path = url.strip_prefix("sqlite:").unwrap_or_default();
            let path = path.strip_prefix("//").unwrap_or(path);
            let path = path.split('?').next().unwrap_or_default();
            if path.is_empty() || path == ":memory:" {
                return Err(Failure::new(
                    "the URL of the database names no file: one such as sqlite:app.sqlite does",
                ));
            }
            Ok(Database::Sqlite(context.folder.join(path)))
        }
        _ => Err(Failure::new(
            "the URL of the database does not begin with postgres:, mysql:, mariadb: or sqlite:",
        )),
    }
}

#[cfg_attr(
    not(any(feature = "mysql", feature = "postgres")),
    allow(unused_variables, clippy::unused_async, reason = "only where a feature is off")
)]
async fn census(database: &Database, context: &mut Context<'_>) -> Result<Census> {
    match database {
        #[cfg(feature = "postgres")]
        Database::Postgres(server) => {
            let options = sql::postgres(server, context)?;
            crate::key_ids::in_postgres(&mut connected::<sqlx::PgConnection>(&options).await?).await
        }
        #[cfg(feature = "mysql")]
        Database::MySql(server) => {
            let options = sql::mysql(server, context)?;
            crate::key_ids::in_mysql(&mut connected::<sqlx::MySqlConnection>(&options).await?).await
        }
        #[cfg(feature = "sqlite")]
        Database::Sqlite(path) => {
            let options = sql::sqlite(path).read_only(true);
            crate::key_ids::in_sqlite(&mut connected::<sqlx::SqliteConnection>(&options).await?)
                .await
        }
        #[allow(unreachable_patterns, reason = "only where a feature is off")]
        other => Err(sql::without(other)),
    }
}

#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
async fn connected<C: sqlx::Connection>(options: &C::Options) -> Result<C> {
    let connected = C::connect_with(options).await;
    connected.map_err(|error| Failure::new(format!("the database can't be reached: {error}")))
}
