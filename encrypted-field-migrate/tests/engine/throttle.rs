//! What holds a job back, seen from outside.

use std::sync::Arc;
use std::time::Duration;

use encrypted_field::{ErrorKind, Keyring};
use encrypted_field_migrate::{
    Event, Keys, Lag, Operation, Options, Outcome, RingFuture, Stop, Waiting,
};
use tests::secrets;

use crate::support::{Db, Recorder, TestClock, job, on_each, ring};

on_each!(
    a_load_command_is_obeyed,
    a_replica_that_does_not_replicate_is_waited_for,
    keys_that_are_not_loaded_yet_are_waited_for,
);

async fn fill(db: &Db) {
    db.table(db.text()).await;
    let values: Vec<String> = (1..=30).map(|n| secrets::plaintext(&n.to_string())).collect();
    db.fill(&values.iter().map(|value| Some(value.as_str())).collect::<Vec<_>>()).await;
}

async fn a_load_command_is_obeyed(db: &Db) {
    fill(db).await;
    let folder = tempfile::tempdir().unwrap();
    let calm = folder.path().join("calm");
    let command = vec!["test".to_owned(), "-e".to_owned(), calm.display().to_string()];
    let clock = TestClock::new(move |slept| {
        if slept == 3 {
            std::fs::write(&calm, "").unwrap();
        }
    });
    let options = Options { load_command: Some(command), clock, ..Options::default() };
    let recorder = Arc::new(Recorder::default());
    let report = db
        .migrate_with(&job(Operation::Encrypt), &ring(1), options, recorder.clone())
        .await
        .unwrap();
    assert_eq!(recorder.waitings(), [Waiting::Load, Waiting::Load, Waiting::Load]);
    assert_eq!(report.counts.replaced, 30);
}

/// The answer of a server that is none. Real replicas are in `replicas.rs`.
async fn a_replica_that_does_not_replicate_is_waited_for(db: &Db) {
    fill(db).await;
    let (stop, clock) = (Stop::default(), TestClock::new(|_| {}));
    let told = stop.clone();
    let recorder = Recorder::with(move |event| {
        if matches!(event, Event::Waiting(_)) {
            told.stop();
        }
    });
    let lag = Lag { most: Duration::from_secs(10), replicas: vec![db.url.clone()] };
    let options = Options { lag: Some(lag), clock, ..Options::default() };
    assert!(!format!("{options:?}").contains(&db.url));
    let job = job(Operation::Encrypt);
    let report = db
        .migration()
        .await
        .run(&job, options, Arc::new(ring(1)), recorder.clone(), &stop)
        .await
        .unwrap();
    assert_eq!((report.outcome, report.counts.rows), (Outcome::Stopped, 0));
    let waiting = recorder.waitings().remove(0);
    assert_eq!(waiting.to_string(), "replica 1, which does not answer or does not replicate");
}

/// Keys that are there at the third look.
struct LateKeys(std::sync::atomic::AtomicU32, Arc<Keyring>);

impl Keys for LateKeys {
    fn ring_for<'a>(&'a self, _: &'a str) -> RingFuture<'a> {
        let asked = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        // The preflight asks three times, and does not wait.
        let is_late = (0..5).contains(&asked);
        Box::pin(async move {
            if is_late { Err(ErrorKind::KeyNotLoaded.into()) } else { Ok(Arc::clone(&self.1)) }
        })
    }
}

async fn keys_that_are_not_loaded_yet_are_waited_for(db: &Db) {
    fill(db).await;
    let recorder = Arc::new(Recorder::default());
    let options = Options { clock: TestClock::new(|_| {}), ..Options::default() };
    let (keys, job) = (Arc::new(LateKeys(0.into(), ring(1))), job(Operation::Encrypt));
    let migration = db.migration().await;
    let report =
        migration.run(&job, options, keys, recorder.clone(), &Stop::default()).await.unwrap();
    assert!(recorder.waitings().len() >= 2);
    assert!(recorder.waitings().iter().all(|waiting| *waiting == Waiting::Keys));
    assert_eq!(report.counts.replaced, 30);
}

#[test]
fn a_primary_without_replicas_waits_for_nobody() {
    let Some(db) = Db::postgres() else { return };
    crate::support::block_on(async {
        fill(&db).await;
        let lag = Lag { most: Duration::from_secs(1), replicas: Vec::new() };
        let options = Options { lag: Some(lag), ..Options::default() };
        let recorder = Arc::new(Recorder::default());
        db.migrate_with(&job(Operation::Encrypt), &ring(1), options, recorder.clone())
            .await
            .unwrap();
        assert_eq!(recorder.waitings(), []);
    });
}
