//! Many workers, leases, shards, and orders while a job runs.

use std::sync::Arc;
use std::time::Duration;

use encrypted_field_migrate::{
    Counts, ErrorKind, Event, Migration, Operation, Options, Outcome, Shard, Stop, Waiting,
};
use tests::secrets;

use crate::support::{Db, Recorder, TestClock, job, on_each, ring, run_now};

on_each!(
    a_dead_workers_range_is_taken_over,
    a_living_workers_range_is_waited_for,
    a_worker_that_lost_its_lease_writes_nothing,
    workers_share_a_table,
    shards_share_a_table,
    a_stopped_job_goes_on_where_it_was,
    a_paused_job_waits,
    a_rate_is_kept_and_can_be_changed,
    an_unfinished_job_keeps_others_out,
);

const RANGES: &str = "encrypted_field_migration_ranges";

async fn fill(db: &Db, rows: usize) {
    db.table(db.text()).await;
    let values: Vec<String> = (1..=rows).map(|n| secrets::plaintext(&n.to_string())).collect();
    db.fill(&values.iter().map(|value| Some(value.as_str())).collect::<Vec<_>>()).await;
}

fn small() -> Options {
    Options { batch: 10, range: 40, ..Options::default() }
}

/// Runs a job until the first checkpoint.
async fn begin(db: &Db) -> Counts {
    let stop = Stop::default();
    let told = stop.clone();
    let recorder = Recorder::with(move |event| {
        if matches!(event, Event::Written { .. }) {
            told.stop();
        }
    });
    let job = job(Operation::Encrypt);
    let report =
        db.migration().await.run(&job, small(), Arc::new(ring(1)), recorder, &stop).await.unwrap();
    assert_eq!(report.outcome, Outcome::Stopped);
    report.counts
}

async fn a_stopped_job_goes_on_where_it_was(db: &Db) {
    fill(db, 100).await;
    assert_eq!(begin(db).await.rows, 10);
    let job = job(Operation::Encrypt);
    let migration = db.migration().await;
    let status = migration.status(job.name()).await.unwrap().unwrap();
    assert_eq!((status.is_finished, status.ranges_leased, status.counts.rows), (false, 0, 10));
    let report = db.migrate_with(&job, &ring(1), small(), Arc::default()).await.unwrap();
    assert_eq!((report.counts.rows, report.counts.replaced), (90, 90));
    let status = migration.status(job.name()).await.unwrap().unwrap();
    assert_eq!((status.is_finished, status.counts.rows), (true, 100));
    assert_eq!(migration.jobs().await.unwrap(), [status]);
}

async fn a_dead_workers_range_is_taken_over(db: &Db) {
    fill(db, 100).await;
    begin(db).await;
    db.run(&format!("UPDATE {RANGES} SET owner = 'dead', lease_until = 1")).await;
    let recorder = Arc::new(Recorder::default());
    let report = db
        .migrate_with(&job(Operation::Encrypt), &ring(1), small(), recorder.clone())
        .await
        .unwrap();
    assert!(recorder.has_told("TakenOver"));
    assert_eq!((report.outcome, report.counts.rows), (Outcome::Finished, 90));
}

async fn a_living_workers_range_is_waited_for(db: &Db) {
    fill(db, 100).await;
    begin(db).await;
    db.run(&format!("UPDATE {RANGES} SET owner = 'alive', lease_until = 9000000000000000")).await;
    let (kind, url) = (db.kind, db.url.clone());
    let clock = TestClock::new(move |slept| {
        // It dies at the third look.
        if slept == 3 {
            run_now(
                kind,
                &url,
                &format!("UPDATE {RANGES} SET lease_until = 1 WHERE owner = 'alive'"),
            );
        }
    });
    let recorder = Arc::new(Recorder::default());
    let options = Options { clock, ..small() };
    let job = job(Operation::Encrypt);
    let report = db.migrate_with(&job, &ring(1), options, recorder.clone()).await.unwrap();
    assert_eq!(recorder.waitings(), [Waiting::Others, Waiting::Others, Waiting::Others]);
    assert!(recorder.has_told("TakenOver"));
    assert_eq!((report.outcome, report.counts.rows), (Outcome::Finished, 90));
    assert!(db.verified(&job, &ring(1)).await.is_complete());
}

async fn a_worker_that_lost_its_lease_writes_nothing(db: &Db) {
    fill(db, 30).await;
    // Between reading and writing, somebody else takes the range.
    let (kind, url, done) = (db.kind, db.url.clone(), std::sync::Once::new());
    let thief = format!("UPDATE {RANGES} SET owner = 'thief', lease_until = 9000000000000000");
    let recorder = Recorder::with(move |event| {
        if matches!(event, Event::Read { .. }) {
            done.call_once(|| run_now(kind, &url, &thief));
        }
    });
    let (stop, sealed) = (Stop::default(), Arc::new(std::sync::Mutex::new(None)));
    let (kind, url, told, seen) = (db.kind, db.url.clone(), stop.clone(), Arc::clone(&sealed));
    let clock = TestClock::new(move |_| {
        let sql = "SELECT COUNT(*) FROM users WHERE token LIKE 'ef1:%'";
        *seen.lock().unwrap() = Some(crate::support::rows_now(kind, &url, sql));
        told.stop();
    });
    let options = Options { clock, ..small() };
    let job = job(Operation::Encrypt);
    let report = db
        .migration()
        .await
        .run(&job, options, Arc::new(ring(1)), recorder.clone(), &stop)
        .await
        .unwrap();
    assert_eq!(recorder.waitings(), [Waiting::Others]);
    assert_eq!((report.outcome, report.counts.rows), (Outcome::Stopped, 0));
    assert_eq!(*sealed.lock().unwrap(), Some(vec![vec![Some("0".to_owned())]]));
    // The thief's lease is untouched.
    assert_eq!(db.column(&format!("SELECT owner FROM {RANGES}")).await, ["thief"]);
}

/// Workers in one process, and two processes of them.
async fn workers_share_a_table(db: &Db) {
    fill(db, 1000).await;
    let job = job(Operation::Encrypt);
    let options = Options { workers: 3, ..small() };
    let (url, other_job, other_options) = (db.url.clone(), job.clone(), options.clone());
    let other = tokio::spawn(async move {
        let migration = Migration::connect(&url).await.unwrap();
        let (keys, stop) = (Arc::new(ring(1)), Stop::default());
        migration.run(&other_job, other_options, keys, Arc::new(()), &stop).await.unwrap()
    });
    let mine = db.migrate_with(&job, &ring(1), options, Arc::default()).await.unwrap();
    let other = other.await.unwrap();
    // One that comes when all is done begins anew, and finds nothing to do.
    assert_eq!(mine.counts.replaced + other.counts.replaced, 1000);
    assert!(mine.counts.rows + other.counts.rows >= 1000);
    assert_eq!(mine.counts.failed + other.counts.failed, 0);
    let verified = db.verified(&job, &ring(1)).await;
    assert!(verified.is_complete() && verified.rows == 1000);
}

async fn shards_share_a_table(db: &Db) {
    fill(db, 200).await;
    let job = job(Operation::Encrypt);
    let mut done = Counts::default();
    for index in 0..3 {
        let options = Options { shard: Some(Shard { index, count: 3 }), ..small() };
        let report = db.migrate_with(&job, &ring(1), options, Arc::default()).await.unwrap();
        assert!(report.counts.rows > 0, "shard {index}");
        done += report.counts;
        let status = db.migration().await.status(job.name()).await.unwrap().unwrap();
        assert_eq!((status.is_finished, status.counts.rows), (index == 2, done.rows));
    }
    assert_eq!(done.replaced, 200);
    assert!(db.verified(&job, &ring(1)).await.is_complete());
}

async fn a_paused_job_waits(db: &Db) {
    fill(db, 100).await;
    begin(db).await;
    let job = job(Operation::Encrypt);
    let migration = db.migration().await;
    assert!(migration.pause(job.name()).await.unwrap());
    assert!(!migration.pause("no such job").await.unwrap());
    let (kind, url) = (db.kind, db.url.clone());
    let clock = TestClock::new(move |slept| {
        if slept == 3 {
            run_now(kind, &url, "UPDATE encrypted_field_migration_jobs SET paused = 0");
        }
    });
    let recorder = Arc::new(Recorder::default());
    let options = Options { clock, ..small() };
    let report = db.migrate_with(&job, &ring(1), options, recorder.clone()).await.unwrap();
    assert_eq!(recorder.waitings(), [Waiting::Paused, Waiting::Paused, Waiting::Paused]);
    assert_eq!(report.counts.rows, 90);
}

async fn a_rate_is_kept_and_can_be_changed(db: &Db) {
    fill(db, 100).await;
    let job = job(Operation::Encrypt);
    let clock = TestClock::new(|_| {});
    let options = Options { rate: Some(5), clock: clock.clone(), ..small() };
    let recorder = Arc::new(Recorder::default());
    db.migrate_with(&job, &ring(1), options, recorder.clone()).await.unwrap();
    let time = encrypted_field_migrate::Clock::now(&*clock);
    assert_eq!(time, Duration::from_secs(20));
    assert!(recorder.waitings().iter().all(|waiting| *waiting == Waiting::Rate));

    // A rate that is changed counts from the next batch on.
    let (kind, url) = (db.kind, db.url.clone());
    let clock = TestClock::new(move |slept| {
        if slept == 2 {
            run_now(kind, &url, "UPDATE encrypted_field_migration_jobs SET rate = 0");
        }
    });
    let rotate = crate::support::job(Operation::Rotate);
    let options = Options { rate: Some(5), clock: clock.clone(), ..small() };
    db.migrate_with(&rotate, &ring(2), options, Arc::default()).await.unwrap();
    assert_eq!(encrypted_field_migrate::Clock::now(&*clock), Duration::from_secs(2));
}

async fn an_unfinished_job_keeps_others_out(db: &Db) {
    fill(db, 100).await;
    begin(db).await;
    let rotate = job(Operation::Rotate);
    let refused = |error: encrypted_field_migrate::Error| {
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        error.to_string()
    };
    let ring = ring(1);
    let run = |job| db.migrate_with(job, &ring, small(), Arc::default());
    let text = refused(run(&rotate).await.unwrap_err());
    assert!(text.contains("\"encrypt users.token\" over the same column"), "{text}");
    let other = encrypted_field_migrate::Description {
        context: Some("people.token".into()),
        ..crate::support::description()
    };
    let other = encrypted_field_migrate::Job::new(other, Operation::Encrypt).unwrap();
    let text = refused(run(&other).await.unwrap_err());
    assert!(text.contains("described otherwise"), "{text}");
    let migration = db.migration().await;
    assert!(migration.forget("encrypt users.token").await.unwrap());
    assert!(run(&rotate).await.is_ok());
}
