//! The configuration: what is asked for in the file, checked. It holds no secret, only where each
//! is.

// Read in full by each build, so that a backend which this one lacks is told by its name.
#![cfg_attr(
    not(all(
        feature = "aws",
        feature = "mysql",
        feature = "postgres",
        feature = "sqlite",
        feature = "vault"
    )),
    allow(dead_code)
)]

#[cfg(feature = "sql")]
mod data;
mod parse;
mod section;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use encrypted_field::envelope::{CachePolicy, RotationPolicy};

#[cfg(feature = "sql")]
pub(crate) use data::{Column, DataConfig, KeySource, Move, Setting};

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::secret::SecretSource;

/// Where it is looked for, in the current folder.
pub(crate) const DEFAULT: &str = "encrypted-field.toml";
/// Names another place.
pub(crate) const VARIABLE: &str = "ENCRYPTED_FIELD_CONFIG";

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) key_set: String,
    pub(crate) changed_by: Option<String>,
    pub(crate) store: Store,
    pub(crate) keks: Vec<Kek>,
    pub(crate) offline_keks: Vec<String>,
    pub(crate) vaults: BTreeMap<String, Vault>,
    pub(crate) anchor: Option<Anchor>,
    pub(crate) rotation: RotationPolicy,
    pub(crate) cache: CachePolicy,
    pub(crate) propagation: Option<Duration>,
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) min_revision: u64,
    pub(crate) min_epoch: u64,
}

#[derive(Debug)]
pub(crate) enum Store {
    File { path: PathBuf, allow_group_read: bool },
    Table(Table),
    VaultKv(VaultKv),
    SecretsManager(Secret),
    S3(Object),
}

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) database: Database,
    /// Another name than `encrypted_field_keys`.
    pub(crate) name: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Database {
    Postgres(Server),
    MySql(Server),
    Sqlite(PathBuf),
}

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) url: Url,
    pub(crate) password: Option<SecretSource>,
}

#[derive(Debug)]
pub(crate) enum Url {
    /// Without a password.
    Plain(String),
    /// With one, perhaps.
    Secret(SecretSource),
}

/// A document in Vault.
#[derive(Debug)]
pub(crate) struct VaultKv {
    pub(crate) vault: String,
    pub(crate) mount: Option<String>,
    pub(crate) path: String,
}

/// A document in AWS Secrets Manager.
#[derive(Debug)]
pub(crate) struct Secret {
    pub(crate) aws: Aws,
    pub(crate) name: String,
}

/// A document in S3.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) aws: Aws,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) path_style: bool,
}

#[derive(Debug)]
pub(crate) struct Kek {
    pub(crate) name: String,
    pub(crate) kind: KekKind,
}

#[derive(Debug)]
pub(crate) enum KekKind {
    Local(Local),
    Vault { vault: String, mount: Option<String>, key: String, key_per_scope: Option<String> },
    AwsKms { aws: Aws, key: String, key_per_scope: Option<String>, waiting_period: Option<u32> },
}

/// Where the bytes of a local KEK come from.
#[derive(Debug)]
pub(crate) enum Local {
    /// 32 bytes in base64.
    Key(SecretSource),
    /// The same, in a file that its group may read, as Kubernetes mounts it.
    GroupReadable(PathBuf),
    Passphrase {
        passphrase: SecretSource,
        salt: String,
    },
}

/// A connection to Vault.
#[derive(Debug)]
pub(crate) struct Vault {
    pub(crate) address: String,
    pub(crate) namespace: Option<String>,
    pub(crate) ca_certificates: Vec<PathBuf>,
    pub(crate) client_certificate: Option<(PathBuf, PathBuf)>,
    pub(crate) auth: VaultAuth,
}

#[derive(Debug)]
pub(crate) enum VaultAuth {
    Token(SecretSource),
    AppRole { mount: Option<String>, role_id: String, secret_id: SecretSource },
    Kubernetes { mount: Option<String>, role: String, token: Option<PathBuf> },
}

/// Which AWS.
#[derive(Debug, Clone)]
pub(crate) struct Aws {
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) profile: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Anchor {
    File {
        path: PathBuf,
        allow_group_read: bool,
    },
    VaultKv(VaultKv),
    SecretsManager(Secret),
    S3(Object),
    /// In the configuration, or in a variable that it names.
    Fixed(String),
    FixedIn(String),
}

/// Where the configuration is: as an argument says, or a variable, or in the current folder.
pub(crate) fn place(context: &Context<'_>, argument: Option<&Path>) -> PathBuf {
    let named =
        argument.map(Path::to_owned).or_else(|| context.variable(VARIABLE).map(PathBuf::from));
    context.folder.join(named.unwrap_or_else(|| DEFAULT.into()))
}

/// The configuration of the keys, at its [`place`].
pub(crate) fn read(context: &Context<'_>, argument: Option<&Path>) -> Result<Config> {
    parse::config(&source(context, argument)?)
}

/// The configuration of the data, at its [`place`].
#[cfg(feature = "sql")]
pub(crate) fn read_data(context: &Context<'_>, argument: Option<&Path>) -> Result<DataConfig> {
    data::parse(&source(context, argument)?)
}

fn source(context: &Context<'_>, argument: Option<&Path>) -> Result<section::Source> {
    let path = place(context, argument);
    // As it was given, and not from the root: that is what whoever reads the message knows it by.
    let name = path.strip_prefix(&context.folder).unwrap_or(&path).display().to_string();
    let text = std::fs::read_to_string(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::new(format!(
            "there is no {name}; make one with `encrypted-field init`, or name another with --config or {VARIABLE}"
        )),
        _ => Failure::new(format!("{name} can't be read: {error}")),
    })?;
    let folder = path.parent().unwrap_or(&context.folder).to_owned();
    Ok(section::Source { name, folder, text })
}

#[cfg(test)]
mod tests;
