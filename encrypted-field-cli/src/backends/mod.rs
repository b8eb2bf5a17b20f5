//! Builds what the configuration names: the store, the KEKs, the anchor, and the manager of them.

// What only some of the backends need.
#![cfg_attr(
    not(all(
        feature = "aws",
        feature = "mysql",
        feature = "postgres",
        feature = "sqlite",
        feature = "vault"
    )),
    allow(clippy::unused_async, dead_code, unused_imports, unused_variables)
)]

#[cfg(feature = "aws")]
mod aws;
mod dry_run;
mod handle;
mod local;
#[cfg(feature = "sql")]
pub(crate) mod sql;
pub(crate) mod text;
#[cfg(feature = "vault")]
mod vault;

use std::path::Path;

use encrypted_field::KeyId;
use encrypted_field::envelope::{Anchor, Document, FileStore, KeyManager, KeyManagerBuilder};

pub(crate) use dry_run::Plan;
use handle::KekHandle;
pub(crate) use handle::StoreHandle;

use crate::config::{self, Config, KekKind, Store};
use crate::context::Context;
use crate::failure::{Failure, Result};

/// What the configuration names.
pub(crate) struct Backends {
    /// In a dry run with an overlay on it.
    pub(crate) store: StoreHandle,
    keks: Vec<(String, KekHandle)>,
    #[cfg(feature = "vault")]
    vaults: vault::Connections,
    /// What would be written, in a dry run.
    pub(crate) plan: Option<Plan>,
}

/// What a manager is to refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bounds {
    /// What the configuration says.
    Configured,
    /// A store may be as old as it is: one in a backup.
    None,
}

impl Backends {
    pub(crate) async fn open(
        config: &Config,
        context: &mut Context<'_>,
        is_dry_run: bool,
    ) -> Result<Self> {
        #[cfg(feature = "vault")]
        let mut vaults = vault::Connections::default();
        #[cfg(not(feature = "vault"))]
        let mut vaults = ();
        let store = store(config, context, &mut vaults).await?;
        let mut keks = Vec::new();
        for kek in &config.keks {
            let handle = self::kek(config, kek, context, &mut vaults).await?;
            keks.push((kek.name.clone(), handle));
        }
        let plan = is_dry_run.then(|| Plan::new(store.clone()));
        Ok(Self {
            store: plan.as_ref().map_or(store, Plan::store),
            keks: match &plan {
                Some(plan) => keks.into_iter().map(|(name, kek)| (name, plan.kek(kek))).collect(),
                None => keks,
            },
            #[cfg(feature = "vault")]
            vaults,
            plan,
        })
    }

    /// A manager of the configured store.
    pub(crate) async fn manager(
        &mut self,
        config: &Config,
        context: &mut Context<'_>,
        first_key_id: Option<KeyId>,
    ) -> Result<KeyManager> {
        let mut builder = self.anchored(config, context, self.store.clone()).await?;
        if let Some(id) = first_key_id {
            builder = builder.first_key_id(id);
        }
        Ok(builder.build()?)
    }

    /// A manager of another store with the same KEKs, such as one in a backup. It has no anchor.
    pub(crate) fn manager_of(
        &self,
        config: &Config,
        context: &Context<'_>,
        store: StoreHandle,
        bounds: Bounds,
    ) -> Result<KeyManager> {
        Ok(self.builder(config, context, store, bounds).build()?)
    }

    /// As [`manager_of`](Self::manager_of), by all that the configuration says, its anchor too.
    pub(crate) async fn manager_by_anchor(
        &mut self,
        config: &Config,
        context: &mut Context<'_>,
        store: StoreHandle,
    ) -> Result<KeyManager> {
        Ok(self.anchored(config, context, store).await?.build()?)
    }

    async fn anchored(
        &mut self,
        config: &Config,
        context: &mut Context<'_>,
        store: StoreHandle,
    ) -> Result<KeyManagerBuilder> {
        let builder = self.builder(config, context, store, Bounds::Configured);
        Ok(match self.anchor(config, context).await? {
            Some(anchor) => builder.anchor(anchor),
            None => builder,
        })
    }

    fn builder(
        &self,
        config: &Config,
        context: &Context<'_>,
        store: StoreHandle,
        bounds: Bounds,
    ) -> KeyManagerBuilder {
        let mut builder = KeyManager::builder(config.key_set.as_str(), store)
            .rotation(config.rotation.clone())
            .cache(config.cache.clone())
            .clock(context.clock.clone());
        for (name, kek) in &self.keks {
            builder = builder.kek(name.as_str(), kek.clone());
        }
        for name in &config.offline_keks {
            builder = builder.offline_kek(name.as_str());
        }
        if bounds == Bounds::Configured {
            builder = builder.min_revision(config.min_revision).min_epoch(config.min_epoch);
        }
        if let Some(time) = config.propagation {
            builder = builder.propagation(time);
        }
        if let Some(time) = config.heartbeat {
            builder = builder.heartbeat(time);
        }
        builder
    }

    async fn anchor(
        &mut self,
        config: &Config,
        context: &mut Context<'_>,
    ) -> Result<Option<Anchor>> {
        let Some(anchor) = &config.anchor else { return Ok(None) };
        let anchor = match anchor {
            config::Anchor::File { path, allow_group_read } => {
                self.in_document(file(path, *allow_group_read))
            }
            config::Anchor::Fixed(text) => Anchor::fixed(text)?,
            config::Anchor::FixedIn(name) => {
                let text = context.variable(name);
                Anchor::fixed(&text.ok_or_else(|| {
                    Failure::new(format!("[anchor]: the variable {name} is not set"))
                })?)?
            }
            #[cfg(feature = "vault")]
            config::Anchor::VaultKv(place) => {
                let document =
                    vault::document(place, &self.vaults.get(config, &place.vault, context)?)?;
                self.in_document(document)
            }
            #[cfg(feature = "aws")]
            config::Anchor::SecretsManager(secret) => {
                self.in_document(aws::secret(secret, context).await)
            }
            #[cfg(feature = "aws")]
            config::Anchor::S3(object) => self.in_document(aws::object(object, context).await),
            #[cfg(not(feature = "vault"))]
            config::Anchor::VaultKv(_) => return Err(missing("vault")),
            #[cfg(not(feature = "aws"))]
            config::Anchor::SecretsManager(_) | config::Anchor::S3(_) => {
                return Err(missing("aws"));
            }
        };
        Ok(Some(anchor))
    }

    fn in_document(&self, document: impl Document) -> Anchor {
        match &self.plan {
            Some(plan) => Anchor::in_document(plan.document(document)),
            None => Anchor::in_document(document),
        }
    }
}

#[cfg(feature = "vault")]
type Vaults = vault::Connections;
#[cfg(not(feature = "vault"))]
type Vaults = ();

fn file(path: &Path, allow_group_read: bool) -> FileStore {
    let file = FileStore::new(path);
    if allow_group_read { file.allow_group_read() } else { file }
}

async fn store(
    config: &Config,
    context: &mut Context<'_>,
    vaults: &mut Vaults,
) -> Result<StoreHandle> {
    Ok(match &config.store {
        Store::File { path, allow_group_read } => StoreHandle::new(file(path, *allow_group_read)),
        #[cfg(feature = "sql")]
        Store::Table(table) => sql::store(table, context)?,
        #[cfg(feature = "vault")]
        Store::VaultKv(place) => {
            StoreHandle::new(vault::document(place, &vaults.get(config, &place.vault, context)?)?)
        }
        #[cfg(feature = "aws")]
        Store::SecretsManager(secret) => StoreHandle::new(aws::secret(secret, context).await),
        #[cfg(feature = "aws")]
        Store::S3(object) => StoreHandle::new(aws::object(object, context).await),
        #[cfg(not(feature = "sql"))]
        Store::Table(_) => return Err(missing("postgres, mysql or sqlite")),
        #[cfg(not(feature = "vault"))]
        Store::VaultKv(_) => return Err(missing("vault")),
        #[cfg(not(feature = "aws"))]
        Store::SecretsManager(_) | Store::S3(_) => return Err(missing("aws")),
    })
}

async fn kek(
    config: &Config,
    kek: &config::Kek,
    context: &mut Context<'_>,
    vaults: &mut Vaults,
) -> Result<KekHandle> {
    Ok(match &kek.kind {
        KekKind::Local(local) => KekHandle::new(local::kek(&kek.name, local, context)?),
        #[cfg(feature = "vault")]
        KekKind::Vault { vault, mount, key, key_per_scope } => {
            let connection = vaults.get(config, vault, context)?;
            KekHandle::new(vault::kek(
                &connection,
                mount.as_deref(),
                key,
                key_per_scope.as_deref(),
            )?)
        }
        #[cfg(feature = "aws")]
        KekKind::AwsKms { aws, key, key_per_scope, waiting_period } => KekHandle::new(
            aws::kek(aws, key, key_per_scope.as_deref(), *waiting_period, context).await,
        ),
        #[cfg(not(feature = "vault"))]
        KekKind::Vault { .. } => return Err(missing("vault")),
        #[cfg(not(feature = "aws"))]
        KekKind::AwsKms { .. } => return Err(missing("aws")),
    })
}

/// The SQL that makes the store's table, for a store in a table.
#[cfg(feature = "sql")]
pub(crate) fn schema(config: &Config) -> Result<&'static str> {
    match &config.store {
        Store::Table(table) => sql::schema(table),
        _ => Err(no_table()),
    }
}

/// Makes the store's table where it is not there.
#[cfg(feature = "sql")]
pub(crate) async fn apply_schema(config: &Config, context: &mut Context<'_>) -> Result<()> {
    match &config.store {
        Store::Table(table) => sql::apply(table, context).await,
        _ => Err(no_table()),
    }
}

#[cfg(feature = "sql")]
fn no_table() -> Failure {
    Failure::new("the configured store is no table, and needs no schema")
}

#[allow(dead_code, reason = "only where a feature is off")]
pub(crate) fn missing(feature: &str) -> Failure {
    Failure::new(format!(
        "this build of the command is without that backend; build encrypted-field-cli with the feature {feature}"
    ))
}
