//! Keys of a store, which other processes change while a job runs.

use std::sync::Arc;

use encrypted_field::Keyring;
use encrypted_field::envelope::{FileStore, KeyManager, LocalKek};
use encrypted_field::key::Purpose;
use encrypted_field_migrate::{
    FailureKind, Keys, Operation, Options, RefreshFuture, RingFuture, Stop, Verified,
};
use tests::secrets;

use crate::support::{Db, Recorder, block_on, job, sealed};

struct Managed {
    keys: KeyManager,
    refreshes: bool,
}

impl Keys for Managed {
    fn ring_for<'a>(&'a self, _: &'a str) -> RingFuture<'a> {
        Box::pin(async { self.keys.keyring() })
    }

    fn refresh(&self) -> RefreshFuture<'_> {
        Box::pin(async { if self.refreshes { self.keys.load().await } else { Ok(()) } })
    }
}

fn kinds(verified: &Verified) -> Vec<(&str, FailureKind)> {
    verified.failures.iter().map(|failure| (failure.key.as_str(), failure.kind)).collect()
}

/// Another process has made key 2, and nobody has made key 9. Neither is loaded.
#[test]
fn a_key_that_is_not_loaded_is_asked_for_before_a_row_fails() {
    let (db, folder) = (Db::sqlite().unwrap(), tempfile::tempdir().unwrap());
    let manager = || {
        let store = FileStore::new(folder.path().join("keys.json"));
        let kek = LocalKek::new(secrets::KEYS[0]).unwrap();
        KeyManager::builder("production", store).kek("main", kek).build().unwrap()
    };
    block_on(async {
        let other = manager();
        other.initialize().await.unwrap();
        let mut early = Vec::new();
        for refreshes in [false, true, true] {
            let keys = manager();
            keys.start().await.unwrap();
            early.push(Arc::new(Managed { keys, refreshes }));
        }
        let second = other.publish("", Purpose::Field).await.unwrap();
        other.activate_at_once(second).await.unwrap();
        other.load().await.unwrap();

        db.table(db.text()).await;
        let there = sealed("users.token", &other.keyring().unwrap(), "CANARY-1");
        let lost = Keyring::builder().active(9, secrets::KEYS[5]).build().unwrap();
        let lost = sealed("users.token", &lost, "CANARY-2");
        db.fill(&[Some(&there), Some(&lost)]).await;

        let (migration, job) = (db.migration().await, job(Operation::Rotate));
        let verify = async |keys: &Arc<Managed>| {
            let keys = Arc::clone(keys);
            migration.verify(&job, keys, Arc::new(()), &Stop::default()).await.unwrap()
        };
        let (keys, unknown) = (FailureKind::Keys, FailureKind::UnknownKey);
        assert_eq!(kinds(&verify(&early[0]).await), [("1", keys), ("2", keys)]);
        let verified = verify(&early[1]).await;
        assert_eq!(kinds(&verified), [("2", unknown)]);
        assert_eq!((verified.rows, verified.by_key.get(&2)), (2, Some(&1)));

        let recorder = Arc::new(Recorder::default());
        let (keys, stop) = (Arc::clone(&early[2]), Stop::default());
        let report =
            migration.run(&job, Options::default(), keys, recorder.clone(), &stop).await.unwrap();
        assert_eq!((report.counts.kept, report.counts.failed), (1, 1));
        assert_eq!(recorder.failures(), [("2".to_owned(), unknown)]);
        assert_eq!(db.tokens().await, [there, lost]);
    });
}
