//! Everything that the library and its HTTP client log, down to trace, holds no secret. One test: a
//! process has one logger.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use encrypted_field::envelope::{Document, KeyEncryptionKey, WrapContext};
use encrypted_field::{KeyId, generate_key, key::Purpose};
use encrypted_field_vault::{Vault, VaultAuth, VaultKv, VaultTransit};
use log::{LevelFilter, Log, Metadata};
use vault_tests::{Fault, Place, run};

static LINES: Mutex<String> = Mutex::new(String::new());

struct Collect;

impl Log for Collect {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}: {}\n", record.level(), record.target(), record.args());
        LINES.lock().unwrap_or_else(PoisonError::into_inner).push_str(&line);
    }

    fn flush(&self) {}
}

#[test]
fn no_secret_is_logged() {
    log::set_logger(&Collect).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let key = generate_key().unwrap();
    let mut secrets: Vec<Vec<u8>> = Vec::new();
    let mut errors = String::new();
    run(async {
        let mut place = Place::stand_in().await;
        let (mount, role_id, secret_id) = place.app_role().await;
        // What a test logs of its own is no matter.
        LINES.lock().unwrap().clear();
        let auth = VaultAuth::app_role(role_id, secret_id.as_str()).mount(mount);
        let vault = Vault::builder(&place.admin.address, auth).build().unwrap();
        let kek = VaultTransit::new(&vault, "app").unwrap().mount(&place.transit).unwrap();
        let document = VaultKv::new(&vault, "data-keys").unwrap().mount(&place.kv).unwrap();
        let context =
            WrapContext::data("production", KeyId::new(7).unwrap(), "acme", Purpose::Field);
        let wrapped = kek.wrap(&context, &key).await.unwrap();
        kek.unwrap(&context, &wrapped).await.unwrap();
        assert!(document.replace(None, "{}".into()).await.unwrap());
        let faults = [
            Fault::Status(400),
            Fault::Status(403),
            Fault::Status(500),
            Fault::Page(200),
            Fault::Cut,
            Fault::NotHttp,
        ];
        for fault in faults {
            place.server().fail(fault);
            for error in [
                kek.wrap(&context, &key).await.map(drop).unwrap_err(),
                kek.unwrap(&context, &wrapped).await.map(drop).unwrap_err(),
                document.read().await.map(drop).unwrap_err(),
            ] {
                errors.extend([error.to_string(), format!("{error:?}")]);
            }
            place.server().heal();
        }
        secrets.push(secret_id.into_bytes());
        secrets.extend(place.server().all_tokens().into_iter().map(String::into_bytes));
    });
    assert!(secrets.len() > 1, "tokens were made");
    let lines = LINES.lock().unwrap().clone();
    // Were nothing captured, nothing would be found.
    for source in ["rustify", "hyper_util", "vaultrs", "TRACE", "DEBUG"] {
        assert!(lines.contains(source), "no line of {source}");
    }
    secrets.push(hex::encode(key).into_bytes());
    secrets.push(format!("{key:?}").trim_matches(['[', ']']).as_bytes().to_vec());
    // What base64 makes of the key's bytes alone, at each of the three alignments.
    for before in 0..3 {
        let padded = [&[0; 2][..before], &key].concat();
        let (first, end) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        secrets.push(STANDARD_NO_PAD.encode(&padded).as_bytes()[first..end].to_vec());
        secrets.push(URL_SAFE_NO_PAD.encode(&padded).as_bytes()[first..end].to_vec());
    }
    for secret in secrets {
        let secret = String::from_utf8(secret).unwrap();
        assert!(!lines.contains(&secret) && !errors.contains(&secret), "a secret shows");
    }
}
