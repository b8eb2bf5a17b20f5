//! Whether rows need a key that is about to be destroyed: the census of the configured columns is
//! asked first.

use encrypted_field::KeyId;

use crate::args::Common;
use crate::context::Context;
use crate::failure::Result;

/// What the columns of the configuration hold. Nothing if it names none.
pub(super) struct Needed(#[cfg(feature = "sql")] Vec<encrypted_field_migrate::Census>);

#[cfg(feature = "sql")]
impl Needed {
    pub(super) async fn ask(common: &Common, context: &mut Context<'_>) -> Result<Self> {
        let config = crate::config::read_data(context, common.config.as_deref())?;
        let mut found = Vec::new();
        if config.database.is_some() && !config.columns.is_empty() {
            let (config, migration) = super::data::open_target(common, context).await?;
            for column in &config.columns {
                found.push(migration.census(&column.description).await?);
            }
        }
        Ok(Self(found))
    }

    /// Refuses, if rows are under one of these keys, unless they are meant to be lost.
    pub(super) fn refuse(&self, keys: &[KeyId], may_be_lost: bool) -> Result<()> {
        let mut needed = Vec::new();
        for census in &self.0 {
            for key in keys {
                let rows = census.needs(key.get());
                if rows > 0 {
                    needed.push(format!("{rows} rows of {} are under key {key}", census.place));
                }
            }
        }
        if needed.is_empty() || may_be_lost {
            return Ok(());
        }
        Err(crate::failure::Failure::new(format!(
            "{}; `encrypted-field data rotate` moves them. If they are to be lost, add --rows-are-lost",
            needed.join(", ")
        )))
    }
}

#[cfg(not(feature = "sql"))]
impl Needed {
    #[allow(clippy::unused_async, reason = "only where a feature is off")]
    pub(super) async fn ask(_: &Common, _: &mut Context<'_>) -> Result<Self> {
        Ok(Self())
    }

    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "only where a feature is off")]
    pub(super) fn refuse(&self, _: &[KeyId], _: bool) -> Result<()> {
        Ok(())
    }
}
