//! HashiCorp Vault.

use std::collections::BTreeMap;

use encrypted_field_vault::{Vault, VaultAuth, VaultKv, VaultSecret, VaultTransit};

use crate::config::{self, Config};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::secret::SecretSource;

/// One login for all that uses a connection.
#[derive(Default)]
pub(super) struct Connections(BTreeMap<String, Vault>);

impl Connections {
    pub(super) fn get(
        &mut self,
        config: &Config,
        name: &str,
        context: &mut Context<'_>,
    ) -> Result<Vault> {
        if let Some(vault) = self.0.get(name) {
            return Ok(vault.clone());
        }
        let settings = config
            .vaults
            .get(name)
            .ok_or_else(|| Failure::new(format!("there is no section [vault.{name}]")))?;
        let vault = connect(name, settings, context)?;
        self.0.insert(name.to_owned(), vault.clone());
        Ok(vault)
    }
}

fn connect(name: &str, settings: &config::Vault, context: &mut Context<'_>) -> Result<Vault> {
    let mounted = |auth: VaultAuth, mount: &Option<String>| match mount {
        Some(mount) => auth.mount(mount),
        None => auth,
    };
    let auth = match &settings.auth {
        config::VaultAuth::Token(source) => {
            VaultAuth::token(secret(source, &format!("the token of [vault.{name}]"), context)?)
        }
        config::VaultAuth::AppRole { mount, role_id, secret_id } => {
            let secret_id =
                secret(secret_id, &format!("the secret id of [vault.{name}]"), context)?;
            mounted(VaultAuth::app_role(role_id, secret_id), mount)
        }
        config::VaultAuth::Kubernetes { mount, role, token } => {
            let auth = mounted(VaultAuth::kubernetes(role), mount);
            match token {
                Some(path) => auth.service_account_token(path),
                None => auth,
            }
        }
    };
    let mut builder = Vault::builder(&settings.address, auth).clock(context.clock.clone());
    if let Some(namespace) = &settings.namespace {
        builder = builder.namespace(namespace);
    }
    for path in &settings.ca_certificates {
        builder = builder.ca_certificate(path);
    }
    if let Some((certificate, key)) = &settings.client_certificate {
        builder = builder.client_certificate(certificate, key);
    }
    builder.build().map_err(|error| Failure::new(format!("[vault.{name}]: {error}")))
}

fn secret(source: &SecretSource, what: &str, context: &mut Context<'_>) -> Result<VaultSecret> {
    Ok(match source {
        // Read at each login, because an agent may replace it.
        SecretSource::File(path) => VaultSecret::file(path),
        other => VaultSecret::new(other.read(context, what)?.as_str()),
    })
}

pub(super) fn document(place: &config::VaultKv, vault: &Vault) -> Result<VaultKv> {
    let kv = VaultKv::new(vault, &place.path)?;
    Ok(match &place.mount {
        Some(mount) => kv.mount(mount)?,
        None => kv,
    })
}

pub(super) fn kek(
    vault: &Vault,
    mount: Option<&str>,
    key: &str,
    key_per_scope: Option<&str>,
) -> Result<VaultTransit> {
    let mut kek = VaultTransit::new(vault, key)?;
    if let Some(mount) = mount {
        kek = kek.mount(mount)?;
    }
    if let Some(prefix) = key_per_scope {
        kek = kek.key_per_scope(prefix)?;
    }
    Ok(kek)
}
