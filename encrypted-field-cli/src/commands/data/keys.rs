//! The keys that values are opened and sealed with.

use std::sync::Arc;

use encrypted_field::Keyring;
use encrypted_field::envelope::KeyManager;
use encrypted_field::key::EnvKeys;
use encrypted_field_migrate::{Keys, RefreshFuture, RingFuture};

use crate::backends::Backends;
use crate::config::KeySource;
use crate::context::Context;
use crate::failure;

/// Those of the configured source, kept up to date while they are in use.
pub(super) async fn of(
    source: &KeySource,
    context: &mut Context<'_>,
) -> failure::Result<Arc<dyn Keys>> {
    match source {
        KeySource::Environment => {
            let environment = Arc::clone(&context.environment);
            let ring = EnvKeys::new().read(|name| environment(name))?;
            Ok(Arc::new(Arc::new(ring)))
        }
        KeySource::KeyFile(path) => Ok(Arc::new(Arc::new(Keyring::from_file(path)?))),
        KeySource::Store(config) => {
            let mut backends = Backends::open(config, context, false).await?;
            let manager = backends.manager(config, context, None).await?;
            manager.start().await?;
            Ok(Arc::new(Managed { manager, _backends: backends }))
        }
    }
}

/// Keys of a store. Those of tenants are loaded when a row asks for them.
struct Managed {
    manager: KeyManager,
    _backends: Backends,
}

impl Keys for Managed {
    fn ring_for<'a>(&'a self, scope: &'a str) -> RingFuture<'a> {
        Box::pin(async move {
            let ring = self.manager.keyring()?;
            if scope.is_empty() || is_of_process(&ring, scope) {
                return Ok(ring);
            }
            self.manager.scope(scope).await?.keyring()
        })
    }

    fn refresh(&self) -> RefreshFuture<'_> {
        Box::pin(async move { self.manager.load().await })
    }
}

fn is_of_process(ring: &Keyring, scope: &str) -> bool {
    ring.keys().any(|key| key.scope == scope)
}
