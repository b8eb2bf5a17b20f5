//! Each way in which a server fails: the right kind of error, and recovery with the same objects.

use std::time::Duration;

use encrypted_field::envelope::BackendErrorKind::{
    self, Denied, Garbled, Misconfigured, Throttled, Unavailable,
};
use encrypted_field::envelope::{Document, KeyEncryptionKey, WrapContext};
use encrypted_field::generate_key;
use encrypted_field_vault::{Vault, VaultAuth, VaultKv, VaultTransit};
use vault_tests::{Fault, Place, StandIn, run};

use crate::place::{Backends as _, of};

const CONTEXT: fn() -> WrapContext<'static> = || of("acme");

/// A key and a document in use, on a server that fails after a moment.
struct InUse {
    place: Place,
    kek: VaultTransit,
    document: VaultKv,
    key: [u8; 32],
    wrapped: Vec<u8>,
}

impl InUse {
    async fn new() -> Self {
        let mut place = Place::stand_in().await;
        let token = place.server().token();
        let vault = Vault::builder(&place.admin.address, VaultAuth::token(token))
            .timeout(Duration::from_millis(200))
            .build()
            .unwrap();
        let (kek, document) = (place.kek(&vault), place.document(&vault));
        let key = generate_key().unwrap();
        let wrapped = kek.wrap(&CONTEXT(), &key).await.unwrap();
        assert!(document.replace(None, "first".into()).await.unwrap());
        Self { place, kek, document, key, wrapped }
    }

    fn server(&mut self) -> &mut StandIn {
        self.place.server()
    }

    async fn fails(&self, kind: BackendErrorKind, how: &str) {
        let errors = [
            self.kek.unwrap(&CONTEXT(), &self.wrapped).await.map(drop).unwrap_err(),
            self.kek.wrap(&CONTEXT(), &self.key).await.map(drop).unwrap_err(),
            self.document.read().await.map(drop).unwrap_err(),
            self.document.replace(Some(&1), "second".into()).await.map(drop).unwrap_err(),
            self.document.forget_history().await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), kind, "{how}: {error}");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("no Vault here"), "no body is quoted: {shown}");
        }
    }

    async fn works(&self, how: &str) {
        let opened = self.kek.unwrap(&CONTEXT(), &self.wrapped).await.expect(how);
        assert_eq!(*opened, self.key, "{how}");
        assert_eq!(self.document.read().await.expect(how), Some(("first".into(), 1)), "{how}");
    }
}

#[test]
fn every_answer_has_its_kind_and_passes() {
    run(async {
        let mut in_use = InUse::new().await;
        for (fault, kind) in [
            (Fault::Status(400), Misconfigured),
            (Fault::Status(401), Denied),
            (Fault::Status(403), Denied),
            (Fault::Status(404), Misconfigured),
            (Fault::Status(405), Misconfigured),
            (Fault::Status(412), Unavailable),
            (Fault::Status(413), Misconfigured),
            (Fault::Status(418), Garbled),
            (Fault::Status(429), Throttled),
            (Fault::Status(500), Unavailable),
            (Fault::Status(502), Unavailable),
            (Fault::Status(503), Unavailable),
            (Fault::Status(504), Unavailable),
            (Fault::Status(307), Unavailable),
            (Fault::Page(200), Garbled),
            (Fault::Page(502), Unavailable),
            (Fault::NotHttp, Unavailable),
            (Fault::Cut, Unavailable),
            (Fault::Hang, Unavailable),
        ] {
            in_use.server().fail(fault);
            in_use.fails(kind, &format!("{fault:?}")).await;
            in_use.server().heal();
            in_use.works(&format!("after {fault:?}")).await;
        }
    });
}

#[test]
fn a_server_that_is_down_and_comes_back() {
    run(async {
        let mut in_use = InUse::new().await;
        in_use.server().down();
        in_use.fails(Unavailable, "down").await;
        in_use.server().up();
        in_use.works("up again").await;
    });
}

#[test]
fn a_redirect_is_not_followed() {
    run(async {
        let mut in_use = InUse::new().await;
        in_use.server().fail(Fault::Status(307));
        in_use.fails(Unavailable, "a redirect").await;
        assert_eq!(in_use.server().calls("other"), 0, "the token was not sent to where it points");
    });
}

#[test]
fn a_server_that_is_down_at_first() {
    run(async {
        let mut place = Place::stand_in().await;
        let auth = place.app_role_auth().await;
        let kek = place.kek(&Vault::builder(&place.admin.address, auth).build().unwrap());
        let key = generate_key().unwrap();
        place.server().down();
        assert_eq!(kek.wrap(&CONTEXT(), &key).await.unwrap_err().kind(), Unavailable);
        place.server().up();
        kek.wrap(&CONTEXT(), &key).await.unwrap();
    });
}

#[test]
fn a_login_that_answers_nonsense() {
    run(async {
        let mut place = Place::stand_in().await;
        let auth = place.app_role_auth().await;
        let kek = place.kek(&Vault::builder(&place.admin.address, auth).build().unwrap());
        let key = generate_key().unwrap();
        place.server().fail_at("login", Fault::Page(200));
        assert_eq!(kek.wrap(&CONTEXT(), &key).await.unwrap_err().kind(), Garbled);
        place.server().heal();
        kek.wrap(&CONTEXT(), &key).await.unwrap();
    });
}
