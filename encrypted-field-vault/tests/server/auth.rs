//! Logins, and tokens that end.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use encrypted_field::envelope::BackendErrorKind::{Denied, Misconfigured, Unavailable};
use encrypted_field::envelope::{BackendError, Clock, KeyEncryptionKey};
use encrypted_field::generate_key;
use encrypted_field_vault::{Vault, VaultAuth, VaultBuilder, VaultSecret, VaultTransit};
use futures_util::future::join_all;
use vault_tests::{Fault, Place, random_name, run};

use crate::place::{Backends as _, of};

async fn wrap(kek: &VaultTransit) -> Result<(), BackendError> {
    let key = generate_key().unwrap();
    kek.wrap(&of(""), &key).await.map(drop)
}

fn clock() -> Clock {
    Clock::manual(SystemTime::UNIX_EPOCH)
}

fn builder(place: &Place, auth: VaultAuth) -> VaultBuilder {
    Vault::builder(&place.admin.address, auth)
}

fn kek(place: &Place, auth: VaultAuth) -> VaultTransit {
    place.kek(&builder(place, auth).build().unwrap())
}

#[test]
fn a_token_from_each_place() {
    run(async {
        for place in Place::all().await {
            let token = place.admin.token.clone();
            wrap(&kek(&place, VaultAuth::token(token.as_str()))).await.unwrap();

            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("token");
            std::fs::write(&path, format!("{token}\n")).unwrap();
            wrap(&kek(&place, VaultAuth::token(VaultSecret::file(&path)))).await.unwrap();

            let auth = VaultAuth::token(VaultSecret::from_fn(move || Some(token.clone())));
            wrap(&kek(&place, auth)).await.unwrap();
        }
    });
}

#[test]
fn a_credential_that_can_not_be_read() {
    run(async {
        let place = Place::stand_in().await;
        for (secret, says) in [
            (VaultSecret::file("/nowhere/token"), "/nowhere/token: No such file"),
            (VaultSecret::file("/nowhere/token"), "correct the path, or mount the file's volume"),
            (VaultSecret::file("/"), "; correct the path"),
            (VaultSecret::from_fn(|| None), "it is not there"),
            (VaultSecret::new(""), "it is empty"),
            (VaultSecret::new("two\nlines"), "visible ASCII"),
        ] {
            let error = wrap(&kek(&place, VaultAuth::token(secret))).await.unwrap_err();
            assert_eq!(error.kind(), Misconfigured, "{error}");
            assert!(error.to_string().contains(says), "{error}");
        }
    });
}

#[test]
fn app_role() {
    run(async {
        for place in Place::all().await {
            wrap(&kek(&place, place.app_role_auth().await)).await.unwrap();

            let (mount, role_id, _) = place.app_role().await;
            let wrong = VaultAuth::app_role(&role_id, random_name()).mount(&mount);
            assert_eq!(wrap(&kek(&place, wrong)).await.unwrap_err().kind(), Denied);
            let nowhere = VaultAuth::app_role(role_id, random_name()).mount("nowhere");
            // A real one does not tell what is mounted to who has no token.
            let kind = wrap(&kek(&place, nowhere)).await.unwrap_err().kind();
            assert!(matches!(kind, Denied | Misconfigured), "{kind:?}");
        }
    });
}

#[test]
fn kubernetes_reads_the_service_accounts_token_at_every_login() {
    run(async {
        let mut place = Place::stand_in().await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let first = random_name();
        std::fs::write(&path, &first).unwrap();
        place.server().accept_service_account("app", &first);
        let kek = kek(&place, VaultAuth::kubernetes("app").service_account_token(&path));
        wrap(&kek).await.unwrap();

        let second = random_name();
        place.server().accept_service_account("app", &second);
        place.server().revoke_tokens();
        assert_eq!(wrap(&kek).await.unwrap_err().kind(), Denied, "the file still has the first");
        std::fs::write(&path, &second).unwrap();
        wrap(&kek).await.unwrap();
    });
}

#[test]
fn a_token_is_renewed_before_its_end() {
    run(async {
        let mut place = Place::stand_in().await;
        let clock = clock();
        let auth = place.app_role_auth().await;
        let kek = place.kek(&builder(&place, auth).clock(clock.clone()).build().unwrap());
        let server = place.server();
        wrap(&kek).await.unwrap();
        clock.advance(Duration::from_secs(2300));
        wrap(&kek).await.unwrap();
        assert_eq!((server.calls("login"), server.calls("renew-self")), (1, 0));
        clock.advance(Duration::from_secs(200));
        wrap(&kek).await.unwrap();
        wrap(&kek).await.unwrap();
        assert_eq!((server.calls("login"), server.calls("renew-self")), (1, 1));
        // Another hour later it has ended without a call.
        clock.advance(Duration::from_secs(3601));
        wrap(&kek).await.unwrap();
        assert_eq!((server.calls("login"), server.calls("renew-self")), (2, 1));
    });
}

#[test]
fn a_token_that_is_not_renewable_is_replaced() {
    run(async {
        let mut place = Place::stand_in().await;
        place.server().grant(3600, false);
        let clock = clock();
        let auth = place.app_role_auth().await;
        let kek = place.kek(&builder(&place, auth).clock(clock.clone()).build().unwrap());
        wrap(&kek).await.unwrap();
        clock.advance(Duration::from_secs(2500));
        wrap(&kek).await.unwrap();
        let server = place.server();
        assert_eq!((server.calls("login"), server.calls("renew-self")), (2, 0));
    });
}

#[test]
fn where_renewing_fails_it_logs_in_and_where_that_fails_it_goes_on() {
    run(async {
        let mut place = Place::stand_in().await;
        let clock = clock();
        let auth = place.app_role_auth().await;
        let kek = place.kek(&builder(&place, auth).clock(clock.clone()).build().unwrap());
        let server = place.server();
        wrap(&kek).await.unwrap();

        server.fail_at("renew-self", Fault::Status(500));
        clock.advance(Duration::from_secs(2500));
        wrap(&kek).await.unwrap();
        assert_eq!((server.calls("login"), server.calls("renew-self")), (2, 1));

        // Where logging in fails, too, the token is used to its end.
        server.fail_at("login", Fault::Status(500));
        clock.advance(Duration::from_secs(2500));
        for _ in 0..3 {
            wrap(&kek).await.unwrap();
        }
        assert_eq!(
            (server.calls("login"), server.calls("renew-self")),
            (3, 2),
            "not tried before every call"
        );
        clock.advance(Duration::from_mins(2));
        wrap(&kek).await.unwrap();
        assert_eq!((server.calls("login"), server.calls("renew-self")), (4, 3));
        clock.advance(Duration::from_mins(20));
        assert_eq!(wrap(&kek).await.unwrap_err().kind(), Unavailable);
        server.heal();
        wrap(&kek).await.unwrap();
    });
}

#[test]
fn a_plain_token_is_looked_up_once_and_renewed() {
    run(async {
        let mut place = Place::stand_in().await;
        let clock = clock();
        let token = place.server().token();
        let kek = place
            .kek(&builder(&place, VaultAuth::token(token)).clock(clock.clone()).build().unwrap());
        let server = place.server();
        wrap(&kek).await.unwrap();
        wrap(&kek).await.unwrap();
        assert_eq!((server.calls("lookup-self"), server.calls("renew-self")), (1, 0));
        clock.advance(Duration::from_secs(2500));
        wrap(&kek).await.unwrap();
        assert_eq!((server.calls("lookup-self"), server.calls("renew-self")), (1, 1));
        server.revoke_tokens();
        assert_eq!(wrap(&kek).await.unwrap_err().kind(), Denied);
    });
}

#[test]
fn a_token_that_may_not_look_itself_up_is_used() {
    run(async {
        let mut place = Place::stand_in().await;
        let token = place.server().token();
        place.server().fail_at("lookup-self", Fault::Status(403));
        wrap(&kek(&place, VaultAuth::token(token))).await.unwrap();
    });
}

#[test]
fn a_revoked_token_is_replaced_and_the_call_repeated() {
    run(async {
        let mut place = Place::stand_in().await;
        let kek = kek(&place, place.app_role_auth().await);
        wrap(&kek).await.unwrap();
        place.server().revoke_tokens();
        wrap(&kek).await.unwrap();
        assert_eq!(place.server().calls("login"), 2);

        // So is one that an agent has written anew.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, place.server().token()).unwrap();
        let kek = place
            .kek(&builder(&place, VaultAuth::token(VaultSecret::file(&path))).build().unwrap());
        wrap(&kek).await.unwrap();
        place.server().revoke_tokens();
        std::fs::write(&path, place.server().token()).unwrap();
        wrap(&kek).await.unwrap();
    });
}

#[test]
fn a_missing_permission_does_not_lead_to_a_login_with_every_call() {
    run(async {
        let mut place = Place::stand_in().await;
        let clock = clock();
        place.server().grant_nothing();
        let auth = place.app_role_auth().await;
        let kek = place.kek(&builder(&place, auth).clock(clock.clone()).build().unwrap());
        for _ in 0..5 {
            assert_eq!(wrap(&kek).await.unwrap_err().kind(), Denied);
        }
        assert_eq!(place.server().calls("login"), 2);
        clock.advance(Duration::from_secs(30));
        assert_eq!(wrap(&kek).await.unwrap_err().kind(), Denied);
        assert_eq!(place.server().calls("login"), 3);
    });
}

#[test]
fn many_calls_share_one_login() {
    run(async {
        let mut place = Place::stand_in().await;
        let kek = kek(&place, place.app_role_auth().await);
        let outcomes = join_all((0..50).map(|_| wrap(&kek))).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        assert_eq!(place.server().calls("login"), 1);
        place.server().revoke_tokens();
        let outcomes = join_all((0..50).map(|_| wrap(&kek))).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        assert_eq!(place.server().calls("login"), 2);
    });
}

#[test]
fn a_login_that_fails_fails_for_all_who_waited() {
    run(async {
        let mut place = Place::stand_in().await;
        let timeout = Duration::from_millis(300);
        let auth = place.app_role_auth().await;
        let kek = place.kek(&builder(&place, auth).timeout(timeout).build().unwrap());
        place.server().fail_at("login", Fault::Hang);
        let outcomes = join_all((0..50).map(|_| wrap(&kek))).await;
        assert!(
            outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(|e| e.kind() == Unavailable))
        );
        assert_eq!(place.server().calls("login"), 1);
        place.server().heal();
        wrap(&kek).await.unwrap();
    });
}

#[test]
fn the_namespace_goes_along() {
    run(async {
        let mut place = Place::stand_in().await;
        let auth = place.app_role_auth().await;
        let before = place.server().namespaces().len();
        let kek = place.kek(&builder(&place, auth).namespace("team/one").build().unwrap());
        wrap(&kek).await.unwrap();
        let seen = place.server().namespaces();
        assert_eq!(seen[before..], ["team/one", "team/one", "team/one"], "login, encrypt, decrypt");
        for bad in ["", "a b", "a\nb"] {
            let auth = VaultAuth::token("t");
            assert!(builder(&place, auth).namespace(bad).build().is_err());
        }
    });
}

#[test]
fn no_credential_shows() {
    let secret = random_name();
    let read = Arc::new(Mutex::new(secret.clone()));
    let from_fn = VaultSecret::from_fn(move || Some(read.lock().unwrap().clone()));
    for shown in [
        format!("{:?}", VaultSecret::new(secret.as_str())),
        format!("{from_fn:?}"),
        format!("{:?}", VaultAuth::token(secret.as_str())),
        format!("{:?}", VaultAuth::app_role("role", secret.as_str())),
        format!("{:#?}", Vault::builder("https://v", VaultAuth::token(secret.as_str()))),
        format!(
            "{:#?}",
            Vault::builder("https://v", VaultAuth::token(secret.as_str())).build().unwrap()
        ),
        format!("{:?}", Vault::builder(format!("https://u:{secret}@v"), VaultAuth::token("t"))),
        Vault::builder(format!("https://u:{secret}@v"), VaultAuth::token("t"))
            .build()
            .unwrap_err()
            .to_string(),
    ] {
        assert!(!shown.contains(&secret));
    }
}
