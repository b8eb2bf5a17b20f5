//! What the tests use at a place.

use encrypted_field::envelope::WrapContext;
use encrypted_field::{KeyId, key::Purpose};
use encrypted_field_vault::{Vault, VaultAuth, VaultKv, VaultSecret, VaultTransit};
use vault_tests::Place;

pub(crate) trait Backends {
    /// A connection with the token of the administrator.
    fn vault(&self) -> Vault;
    /// The key `app` as a key-encryption key.
    fn kek(&self, vault: &Vault) -> VaultTransit;
    /// A secret, which was never written.
    fn document(&self, vault: &Vault) -> VaultKv;
    /// A login that may use the engines.
    async fn app_role_auth(&self) -> VaultAuth;
}

impl Backends for Place {
    fn vault(&self) -> Vault {
        let auth = VaultAuth::token(self.admin.token.as_str());
        Vault::builder(&self.admin.address, auth).build().expect("an address")
    }

    fn kek(&self, vault: &Vault) -> VaultTransit {
        VaultTransit::new(vault, "app").and_then(|kek| kek.mount(&self.transit)).expect("names")
    }

    fn document(&self, vault: &Vault) -> VaultKv {
        VaultKv::new(vault, "team/data-keys")
            .and_then(|document| document.mount(&self.kv))
            .expect("names")
    }

    async fn app_role_auth(&self) -> VaultAuth {
        let (mount, role_id, secret_id) = self.app_role().await;
        VaultAuth::app_role(role_id, VaultSecret::new(secret_id)).mount(mount)
    }
}

/// Of a data key.
pub(crate) fn of(scope: &str) -> WrapContext<'_> {
    WrapContext::data("production", KeyId::new(7).expect("an id above 0"), scope, Purpose::Field)
}
