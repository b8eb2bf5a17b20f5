//! From the text of the file to the [`Config`]: every key of every section.

use std::collections::BTreeMap;

use encrypted_field::envelope::{CachePolicy, RotationPolicy};
use toml::de::DeTable;

#[cfg(feature = "sql")]
use super::data;
use super::section::{Section, Source};
use super::{
    Anchor, Aws, Config, Database, Kek, KekKind, Local, Object, Secret, Server, Store, Table, Url,
    Vault, VaultAuth, VaultKv,
};
use crate::failure::Result;
use crate::secret::SecretSource;

/// What a command for the keys reads. What is said of the data is checked, too.
pub(super) fn config(source: &Source) -> Result<Config> {
    let mut top = top(source)?;
    #[cfg(feature = "sql")]
    data::besides_keys(source, &mut top)?;
    let config = keys(source, &mut top)?;
    top.finish()?;
    Ok(config)
}

pub(super) fn top(source: &Source) -> Result<Section<'_>> {
    let parsed = DeTable::parse(&source.text).map_err(|error| {
        let line = source.line(error.span().map_or(0, |span| span.start));
        // Not the error as it shows itself: that quotes the line, which may hold a secret.
        source
            .refuse(line, "this is not TOML; texts stand in quotes, as in key_set = \"production\"")
    })?;
    Ok(Section::new(source, "the configuration", 0, parsed.into_inner()))
}

pub(super) fn keys(source: &Source, top: &mut Section<'_>) -> Result<Config> {
    let key_set = top.needed("key_set", "production")?;
    let mut vaults = BTreeMap::new();
    for (name, section) in top.named("vault")? {
        vaults.insert(name, vault(section)?);
    }
    let Some(section) = top.section("store")? else {
        return Err(
            source.refuse(1, "there is no section [store]; `encrypted-field init` writes one")
        );
    };
    let store = store(section, &vaults)?;
    let keks = top
        .sections("kek")?
        .into_iter()
        .map(|section| kek(section, &vaults))
        .collect::<Result<Vec<_>>>()?;
    if keks.is_empty() {
        return Err(source.refuse(
            1,
            "there is no section [[kek]]; a store needs at least one key-encryption key",
        ));
    }
    let anchor = top.section("anchor")?.map(|section| anchor(section, &vaults)).transpose()?;
    let rotation = match top.section("rotation")? {
        Some(section) => rotation(section)?,
        None => RotationPolicy::default(),
    };
    let cache = match top.section("cache")? {
        Some(section) => cache(section)?,
        None => CachePolicy::default(),
    };
    Ok(Config {
        key_set,
        changed_by: top.text("changed_by")?,
        store,
        keks,
        offline_keks: top.texts("offline_keks")?,
        vaults,
        anchor,
        rotation,
        cache,
        propagation: top.duration("propagation")?,
        heartbeat: top.duration("heartbeat")?,
        min_revision: top.number("min_revision")?.unwrap_or(0),
        min_epoch: top.number("min_epoch")?.unwrap_or(0),
    })
}

type Vaults = BTreeMap<String, Vault>;

/// What `kind` says, and its line.
pub(super) fn kind(section: &mut Section<'_>, kinds: &str) -> Result<(String, usize)> {
    let example = format!("one of {kinds}");
    section.text_at("kind")?.ok_or_else(|| section.missing("kind", &example))
}

pub(super) fn unknown_kind(
    section: &Section<'_>,
    line: usize,
    kind: &str,
    kinds: &str,
) -> crate::failure::Failure {
    section.refuse(line, format!("knows no kind \"{kind}\"; it is one of {kinds}"))
}

const STORES: &str = "file, postgres, mysql, sqlite, vault-kv, secrets-manager, s3";

fn store(mut section: Section<'_>, vaults: &Vaults) -> Result<Store> {
    let (kind, line) = kind(&mut section, STORES)?;
    let store = match kind.as_str() {
        "file" => Store::File {
            path: section.needed_path("path", "keys.json")?,
            allow_group_read: section.flag("allow_group_read")?,
        },
        "vault-kv" => Store::VaultKv(vault_kv(&mut section, vaults, "app/data-keys")?),
        "secrets-manager" => Store::SecretsManager(secret(&mut section, "app/keys")?),
        "s3" => Store::S3(object(&mut section, "app/keys")?),
        _ => match database(&mut section, &kind)? {
            Some(database) => Store::Table(Table { database, name: section.text("table")? }),
            None => return Err(unknown_kind(&section, line, &kind, STORES)),
        },
    };
    section.finish()?;
    Ok(store)
}

/// A database of this kind; nothing if the kind is another one.
pub(super) fn database(section: &mut Section<'_>, kind: &str) -> Result<Option<Database>> {
    Ok(Some(match kind {
        "postgres" => Database::Postgres(server(section, "postgres://app@db.internal/app")?),
        "mysql" => Database::MySql(server(section, "mysql://app@db.internal/app")?),
        "sqlite" => Database::Sqlite(section.needed_path("path", "app.sqlite")?),
        _ => return Ok(None),
    }))
}

fn server(section: &mut Section<'_>, example: &str) -> Result<Server> {
    let plain = section.text_at("url")?;
    let secret = section.secret("url")?;
    let url = match (plain, secret) {
        (Some((url, line)), None) => {
            if has_password(&url) {
                return Err(section.refuse(
                    line,
                    "has a password in `url`; leave it out there and add `password_env` or `password_file`, or put the whole URL \
                     into a variable or a file, and write `url_env` or `url_file`",
                ));
            }
            Url::Plain(url)
        }
        (None, Some(secret)) => Url::Secret(secret),
        (Some(_), Some(_)) => {
            return Err(section
                .refuse(section.line, "takes one of `url`, `url_env` and `url_file`, not two"));
        }
        (None, None) => {
            return Err(
                section.missing("url", &format!("\"{example}\", or `url_env` or `url_file`"))
            );
        }
    };
    Ok(Server { url, password: section.secret("password")? })
}

/// In front of the host, or as a parameter of one of the drivers.
fn has_password(url: &str) -> bool {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    // A password may hold what ends the authority, unless it is escaped: so the last `@` counts.
    let user = after_scheme.rsplit_once('@').map_or("", |(user, _)| user);
    let in_user = user.contains(':')
        || authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    let parameters =
        url.split_once('?').map_or("", |(_, parameters)| parameters).to_ascii_lowercase();
    in_user || parameters.split('&').any(|parameter| parameter.starts_with("pass"))
}

fn vault_kv(section: &mut Section<'_>, vaults: &Vaults, example: &str) -> Result<VaultKv> {
    Ok(VaultKv {
        vault: vault_name(section, vaults)?,
        mount: section.text("mount")?,
        path: section.needed("path", example)?,
    })
}

/// The name of a connection to Vault; where there is one, it need not be named.
fn vault_name(section: &mut Section<'_>, vaults: &Vaults) -> Result<String> {
    let names = || vaults.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    match (section.text_at("vault")?, vaults.keys().next()) {
        (_, None) => Err(section.refuse(
            section.line,
            "needs a connection to Vault; add a section [vault.main] with `address` and a login such as `token_file`",
        )),
        (Some((name, _)), _) if vaults.contains_key(&name) => Ok(name),
        (Some((name, line)), _) => {
            Err(section.refuse(line, format!("names no connection: there is no [vault.{name}], only {}", names())))
        }
        (None, Some(only)) if vaults.len() == 1 => Ok(only.clone()),
        (None, _) => Err(section.missing("vault", &format!("one of {}", names()))),
    }
}

fn secret(section: &mut Section<'_>, example: &str) -> Result<Secret> {
    Ok(Secret { aws: aws(section)?, name: section.needed("secret_name", example)? })
}

fn object(section: &mut Section<'_>, example: &str) -> Result<Object> {
    Ok(Object {
        aws: aws(section)?,
        bucket: section.needed("bucket", "example-anchors")?,
        key: section.needed("key", example)?,
        path_style: section.flag("path_style")?,
    })
}

fn aws(section: &mut Section<'_>) -> Result<Aws> {
    Ok(Aws {
        region: section.text("region")?,
        endpoint: section.text("endpoint")?,
        profile: section.text("profile")?,
    })
}

const KEKS: &str = "local, vault, aws-kms";

fn kek(mut section: Section<'_>, vaults: &Vaults) -> Result<Kek> {
    let name = section.needed("name", "main")?;
    section.name = format!("[[kek]] \"{name}\"");
    let (kind, line) = kind(&mut section, KEKS)?;
    let kind = match kind.as_str() {
        "local" => KekKind::Local(local(&mut section)?),
        "vault" => KekKind::Vault {
            vault: vault_name(&mut section, vaults)?,
            mount: section.text("mount")?,
            key: section.needed("key", "app")?,
            key_per_scope: section.text("key_per_scope")?,
        },
        "aws-kms" => {
            let (aws, key) = (aws(&mut section)?, section.needed("key", "alias/app")?);
            let key_per_scope = section.text_at("key_per_scope")?;
            if let Some((template, line)) = &key_per_scope
                && !template.contains("{scope}")
            {
                return Err(section.refuse(
                    *line,
                    "has a `key_per_scope` without {scope}: all scopes would have one key; write \"alias/app-tenant-{scope}\"",
                ));
            }
            let waiting_period = section.number("waiting_period_days")?;
            KekKind::AwsKms {
                aws,
                key,
                key_per_scope: key_per_scope.map(|(template, _)| template),
                waiting_period,
            }
        }
        _ => return Err(unknown_kind(&section, line, &kind, KEKS)),
    };
    section.finish()?;
    Ok(Kek { name, kind })
}

fn local(section: &mut Section<'_>) -> Result<Local> {
    let key = section.secret("key")?;
    let passphrase = section.secret("passphrase")?;
    let salt = section.text("salt")?;
    let key = match (section.flag("allow_group_read")?, key) {
        (true, Some(SecretSource::File(path))) => {
            if passphrase.is_none() && salt.is_none() {
                return Ok(Local::GroupReadable(path));
            }
            Some(SecretSource::File(path))
        }
        (true, _) => {
            return Err(section.refuse(section.line, "takes `allow_group_read` with `key_file`"));
        }
        (false, key) => key,
    };
    match (key, passphrase, salt) {
        (Some(key), None, None) => Ok(Local::Key(key)),
        (None, Some(passphrase), Some(salt)) => Ok(Local::Passphrase { passphrase, salt }),
        (None, Some(_), None) => Err(section.missing("salt", "\"a text of at least 16 bytes that never changes\"")),
        (None, None, _) => Err(section.refuse(
            section.line,
            "does not say where its key is; add `key_file`, `key_env` or `key_prompt = true`, or the same of `passphrase`. \
             `encrypted-field keygen --out FILE` makes a key",
        )),
        (Some(_), _, _) => Err(section.refuse(section.line, "takes a key, or a passphrase and a salt, not both")),
    }
}

fn vault(mut section: Section<'_>) -> Result<Vault> {
    let address = section.needed("address", "https://vault.internal:8200")?;
    let namespace = section.text("namespace")?;
    let ca_certificates = section.path("ca_certificate")?.into_iter().collect();
    let client_certificate =
        match (section.path("client_certificate")?, section.path("client_key_file")?) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                return Err(section.refuse(
                    section.line,
                    "takes `client_certificate` and `client_key_file` together",
                ));
            }
        };
    let token = section.secret("token")?;
    let (role_id, secret_id) = (section.text("role_id")?, section.secret("secret_id")?);
    let (role, service_account) =
        (section.text("kubernetes_role")?, section.path("service_account_token_file")?);
    let mount = section.text("auth_mount")?;
    let auth = match (token, role_id, secret_id, role) {
        (Some(token), None, None, None) => VaultAuth::Token(token),
        (None, Some(role_id), Some(secret_id), None) => {
            VaultAuth::AppRole { mount, role_id, secret_id }
        }
        (None, None, None, Some(role)) => {
            VaultAuth::Kubernetes { mount, role, token: service_account }
        }
        _ => {
            // A secret that stands there itself is what is wrong, first.
            let refused = section.refuse(
                section.line,
                "has one login: `token_file` or `token_env`; or `role_id` with `secret_id_file` or `secret_id_env`; or `kubernetes_role`",
            );
            return Err(section.finish().err().unwrap_or(refused));
        }
    };
    section.finish()?;
    Ok(Vault { address, namespace, ca_certificates, client_certificate, auth })
}

const ANCHORS: &str = "file, vault-kv, secrets-manager, s3, fixed";

fn anchor(mut section: Section<'_>, vaults: &Vaults) -> Result<Anchor> {
    let (kind, line) = kind(&mut section, ANCHORS)?;
    let anchor = match kind.as_str() {
        "file" => Anchor::File {
            path: section.needed_path("path", "/var/lib/app/keys.anchor")?,
            allow_group_read: section.flag("allow_group_read")?,
        },
        "vault-kv" => Anchor::VaultKv(vault_kv(&mut section, vaults, "app/anchor")?),
        "secrets-manager" => Anchor::SecretsManager(secret(&mut section, "app/anchor")?),
        "s3" => Anchor::S3(object(&mut section, "app/anchor")?),
        "fixed" => match (section.text("text")?, section.text("text_env")?) {
            (Some(text), None) => Anchor::Fixed(text),
            (None, Some(name)) => Anchor::FixedIn(name),
            _ => {
                return Err(section.missing(
                    "text",
                    "the anchor as `encrypted-field status` shows it, or `text_env`",
                ));
            }
        },
        _ => return Err(unknown_kind(&section, line, &kind, ANCHORS)),
    };
    section.finish()?;
    Ok(anchor)
}

fn rotation(mut section: Section<'_>) -> Result<RotationPolicy> {
    let by_hand = section.flag("by_hand")?;
    let mut policy = match (by_hand, section.duration("interval")?) {
        (true, None) => RotationPolicy::by_hand(),
        (true, Some(_)) => {
            return Err(
                section.refuse(section.line, "takes `interval` or `by_hand = true`, not both")
            );
        }
        (false, Some(interval)) => RotationPolicy::every(interval),
        (false, None) => RotationPolicy::default(),
    };
    if let Some(grace) = section.duration("grace")? {
        policy = policy.grace(grace);
    }
    match (section.number("keep_retired")?, section.duration("retired_for")?) {
        (Some(versions), Some(at_least)) => policy = policy.keep_retired(versions, at_least),
        (None, None) => {}
        _ => {
            return Err(
                section.refuse(section.line, "takes `keep_retired` and `retired_for` together")
            );
        }
    }
    section.finish()?;
    Ok(policy)
}

fn cache(mut section: Section<'_>) -> Result<CachePolicy> {
    let mut policy = CachePolicy::default();
    if let Some(refresh) = section.duration("refresh")? {
        policy = policy.refresh(refresh);
    }
    match (section.duration("max_age")?, section.duration("grace")?) {
        (Some(max_age), Some(grace)) => policy = policy.max_age(max_age, grace),
        (None, None) => {}
        _ => return Err(section.refuse(section.line, "takes `max_age` and `grace` together")),
    }
    if let Some(timeout) = section.duration("call_timeout")? {
        policy = policy.call_timeout(timeout);
    }
    if let Some(timeout) = section.duration("bulk_timeout")? {
        policy = policy.bulk_timeout(timeout);
    }
    section.finish()?;
    Ok(policy)
}
