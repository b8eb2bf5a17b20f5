//! Real replicas that fall behind, stand still, hear nothing, or are gone: the job waits for each,
//! writes nothing meanwhile, and goes on.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use encrypted_field_migrate::{
    Clock, ErrorKind, Event, Lag, Migration, Operation, Options, Outcome, Stop, Waiting,
};

use crate::servers::{DEADLINE, Server, in_time, send, until};
use crate::support::{Client, Db, Kind, Recorder, block_on, job, ring, rows_now};

const ROWS: u64 = 600;
/// Of the time of a job.
const MOST: Duration = Duration::from_secs(2);

/// A clock that is five times as fast as time, so that a job asks its replicas more often.
#[derive(Debug)]
struct FastClock(Instant);

impl Clock for FastClock {
    fn now(&self) -> Duration {
        self.0.elapsed() * 5
    }

    fn sleep<'a>(&'a self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(tokio::time::sleep(time / 5))
    }
}

/// A primary with its only replica.
struct Pair {
    primary: Server,
    replica: Server,
    /// The database that is moved, and its copy.
    users: Db,
    copy: Db,
    keys: u32,
}

/// When a job first waits.
#[derive(Debug, PartialEq, Eq)]
enum Holds {
    /// Before it has read a row.
    AtOnce,
    /// When what it has written itself is missing on the replica for too long.
    Later,
}

impl Pair {
    fn postgres() -> Option<Self> {
        let primary = Server::postgres(&[])?;
        let users = primary.database("CREATE DATABASE users");
        let replica = primary.standby();
        let copy = replica.same("users");
        Some(Self::filled(primary, replica, users, copy))
    }

    fn mariadb() -> Option<Self> {
        let primary = Server::mariadb(&["--server-id=1", "--log-bin", "--binlog-format=ROW"])?;
        let replica = Server::mariadb(&["--server-id=2", "--slave-net-timeout=4"])?;
        primary
            .db
            .run_now("CREATE USER replica@'%'; GRANT REPLICATION SLAVE ON *.* TO replica@'%'");
        replica.db.run_now(&format!("{}; START SLAVE", change_master("", primary.port)));
        let users = primary.database("CREATE DATABASE users");
        let copy = replica.same("users");
        Some(Self::filled(primary, replica, users, copy))
    }

    fn filled(primary: Server, replica: Server, users: Db, copy: Db) -> Self {
        users.run_now(users.pick(
            "CREATE TABLE users (id integer PRIMARY KEY, token text);
             INSERT INTO users SELECT n, 'CANARY-' || n FROM generate_series(1, 600) n",
            "CREATE TABLE users (id integer PRIMARY KEY, token text);
             INSERT INTO users SELECT seq, CONCAT('CANARY-', seq) FROM seq_1_to_600",
            "",
        ));
        Self { primary, replica, users, copy, keys: 0 }
    }

    /// A job, which needs one key more than the last one.
    fn next(&mut self) -> Operation {
        self.keys += 1;
        if self.keys == 1 { Operation::Encrypt } else { Operation::Rotate }
    }

    fn by_primary() -> Lag {
        Lag { most: MOST, replicas: Vec::new() }
    }

    fn by_url(&self) -> Lag {
        Lag { most: MOST, replicas: vec![self.copy.url.clone()] }
    }

    /// The replica has what the primary has.
    fn is_equal(&self) {
        let sealed = format!("SELECT count(*) FROM users WHERE token LIKE 'ef1:{}:%'", self.keys);
        until("the replica has all rows", || {
            rows_now(self.copy.kind, &self.copy.url, &sealed)[0][0] == Some(ROWS.to_string())
        });
    }

    /// Runs a job that the replica holds back until it is mended.
    fn is_waited_for(&mut self, lag: Lag, holds: &Holds, mend: impl FnOnce(&mut Self)) {
        let job = job(self.next());
        let (url, ring) = (self.users.url.clone(), ring(self.keys));
        let (tell, told) = channel();
        let recorder = Recorder::with(move |event| {
            let _ = tell.send(event.clone());
        });
        let options = Options {
            lag: Some(lag),
            batch: 20,
            // By the fast clock.
            batch_time: Duration::from_mins(5),
            rate: Some(100),
            clock: Arc::new(FastClock(Instant::now())),
            ..Options::default()
        };
        std::thread::scope(|scope| {
            // Else a test that fails would wait for its job, and the job for the replica.
            let stop = StopAtTheEnd(Stop::default());
            let told_to = stop.0.clone();
            let running = scope.spawn(move || {
                block_on(async {
                    let migration = Migration::connect(&url).await.unwrap();
                    in_time(migration.run(&job, options, Arc::new(ring), recorder, &told_to)).await
                })
            });
            let batches = batches_until_it_waits(&told);
            assert_eq!(batches == 0, *holds == Holds::AtOnce, "{batches} batches were read");
            assert_eq!(batches_until_it_waits(&told), 0, "it writes while it waits");
            mend(self);
            until("the job ends", || running.is_finished());
            let report = running.join().unwrap().unwrap();
            assert_eq!((report.outcome, report.counts.replaced), (Outcome::Finished, ROWS));
        });
        self.is_equal();
    }
}

struct StopAtTheEnd(Stop);

impl Drop for StopAtTheEnd {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// How many batches a job reads before it waits for a replica.
fn batches_until_it_waits(told: &Receiver<Event>) -> u32 {
    let mut batches = 0;
    loop {
        match told.recv_timeout(DEADLINE).expect("the job waits for the replica") {
            Event::Waiting(Waiting::Lag { .. }) => return batches,
            Event::Read { .. } => batches += 1,
            _ => {}
        }
    }
}

fn change_master(name: &str, port: u16) -> String {
    format!(
        "CHANGE MASTER {name} TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {port}, MASTER_USER = 'replica',
             MASTER_USE_GTID = slave_pos"
    )
}

/// Whether this holds for what a question gives first.
fn says(db: &Db, question: &str, holds: impl Fn(f64) -> bool) -> bool {
    let rows = rows_now(db.kind, &db.url, question);
    rows.first().and_then(|row| row[0].as_ref()?.parse().ok()).is_some_and(holds)
}

/// Pauses the replay, until both servers know that it is more than `MOST` behind.
fn pause(pair: &Pair) {
    pair.copy.run_now("SELECT pg_wal_replay_pause()");
    until("the replay is paused", || {
        let state = "SELECT (pg_get_wal_replay_pause_state() = 'paused')::int";
        says(&pair.copy, state, |paused| paused > 0.0)
    });
    pair.primary.db.run_now("CREATE TABLE something AS SELECT 1");
    pair.primary.db.run_now("DROP TABLE something");
    until("the standby is behind", || {
        // The primary hears of it when there is something to hear.
        pair.primary.db.run_now("SELECT txid_current()");
        let by_primary =
            "SELECT COALESCE(extract(epoch FROM replay_lag), 0) FROM pg_stat_replication";
        let by_itself =
            "SELECT extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())";
        let is_behind = |seconds| seconds > MOST.as_secs_f64();
        says(&pair.primary.db, by_primary, is_behind) && says(&pair.copy, by_itself, is_behind)
    });
}

fn resume(pair: &mut Pair) {
    pair.copy.run_now("SELECT pg_wal_replay_resume()");
}

/// The process of the standby that hears the primary. While it is stopped, the standby answers as
/// before, and the primary keeps its last answer.
fn receiver(pair: &Pair) -> u32 {
    let question = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walreceiver'";
    rows_now(Kind::Postgres, &pair.copy.url, question)[0][0].as_ref().unwrap().parse().unwrap()
}

#[test]
fn the_primary_tells_of_a_standby_that_is_behind() {
    let Some(mut pair) = Pair::postgres() else { return };
    who_may_not_see_it_is_told(&mut pair);

    pause(&pair);
    pair.is_waited_for(Pair::by_primary(), &Holds::AtOnce, resume);

    let deaf = receiver(&pair);
    send("STOP", deaf);
    pair.is_waited_for(Pair::by_primary(), &Holds::Later, |_| send("CONT", deaf));
}

/// To a user without the role that it needs, PostgreSQL tells the names of its replicas and nothing
/// else.
fn who_may_not_see_it_is_told(pair: &mut Pair) {
    pair.users.run_now(
        "CREATE ROLE mover LOGIN; ALTER DATABASE users OWNER TO mover; ALTER TABLE users OWNER TO mover",
    );
    let (job, keys) = (job(pair.next()), ring(pair.keys));
    let url = pair.users.url.replace("postgres@", "mover@");
    let run = |lag| {
        let options = Options { lag: Some(lag), ..Options::default() };
        let db = Db::at(Kind::Postgres, url.clone());
        block_on(in_time(db.migrate_with(&job, &keys, options, Arc::default())))
    };
    let error = run(Pair::by_primary()).unwrap_err();
    assert!(
        error.kind() == ErrorKind::Denied && error.to_string().contains("pg_monitor"),
        "{error}"
    );
    // The standby tells it to anybody.
    assert_eq!(run(pair.by_url()).unwrap().counts.replaced, ROWS);
    pair.users.run_now("GRANT pg_monitor TO mover");
    assert_eq!(run(Pair::by_primary()).unwrap().counts.kept, ROWS);
}

#[test]
fn a_standby_tells_that_it_is_behind() {
    let Some(mut pair) = Pair::postgres() else { return };
    pair.replica.db.run_now("ALTER SYSTEM SET wal_retrieve_retry_interval = '100ms'");

    pause(&pair);
    pair.is_waited_for(pair.by_url(), &Holds::AtOnce, resume);

    let deaf = receiver(&pair);
    send("STOP", deaf);
    pair.is_waited_for(pair.by_url(), &Holds::Later, |_| send("CONT", deaf));

    // It has replayed all that it has, and has lost its primary.
    let primary = rows_now(Kind::Postgres, &pair.copy.url, "SHOW primary_conninfo");
    let primary = primary[0][0].clone().unwrap().replace('\'', "''");
    let set_primary = |pair: &Pair, primary: &str| {
        pair.copy.run_now(&format!("ALTER SYSTEM SET primary_conninfo = '{primary}'"));
        pair.copy.run_now("SELECT pg_reload_conf()");
    };
    set_primary(&pair, "");
    until("the standby has no primary", || {
        says(&pair.copy, "SELECT count(*) FROM pg_stat_wal_receiver", |count| count < 1.0)
    });
    pair.is_waited_for(pair.by_url(), &Holds::Later, |pair| set_primary(pair, &primary));
}

#[test]
fn a_standby_that_does_not_answer_is_waited_for() {
    let Some(mut pair) = Pair::postgres() else { return };
    pair.replica.crash();
    pair.is_waited_for(pair.by_url(), &Holds::AtOnce, |pair| pair.replica.start_again());

    // Its port still takes connections, and nobody answers.
    pair.replica.signal("STOP");
    pair.is_waited_for(pair.by_url(), &Holds::AtOnce, |pair| pair.replica.signal("CONT"));
}

#[test]
#[ignore = "takes most of a minute"]
fn a_mariadb_replica_that_is_behind_is_waited_for() {
    let Some(mut pair) = Pair::mariadb() else { return };
    for thread in ["SQL_THREAD", "IO_THREAD"] {
        pair.copy_exists();
        pair.copy.run_now(&format!("STOP SLAVE {thread}"));
        let start = |pair: &mut Pair| pair.copy.run_now(&format!("START SLAVE {thread}"));
        pair.is_waited_for(pair.by_url(), &Holds::AtOnce, start);
    }

    let lock = Lock::of(&pair);
    pair.is_waited_for(pair.by_url(), &Holds::AtOnce, |_| drop(lock));

    // One that replicates by a connection with a name.
    pair.copy.run_now(&format!(
        "STOP SLAVE; RESET SLAVE ALL; {}; START SLAVE 'named' IO_THREAD",
        change_master("'named'", pair.primary.port)
    ));
    pair.is_waited_for(pair.by_url(), &Holds::AtOnce, |pair| {
        pair.copy.run_now("START SLAVE 'named'");
    });

    pair.replica.crash();
    pair.is_waited_for(pair.by_url(), &Holds::AtOnce, |pair| pair.replica.start_again());
}

#[test]
fn a_mariadb_replica_that_may_not_be_asked_is_no_riddle() {
    let Some(pair) = Pair::mariadb() else { return };
    pair.copy_exists();
    pair.copy.run_now("CREATE USER blind@'%'");
    let replica = pair.copy.url.replace("root@", "blind@").replace("/users", "");
    let lag = Lag { most: MOST, replicas: vec![replica] };
    let options = Options { lag: Some(lag), ..Options::default() };
    let job = job(Operation::Encrypt);
    let keys = ring(1);
    let moved = pair.users.migrate_with(&job, &keys, options, Arc::default());
    let error = block_on(in_time(moved)).unwrap_err();
    let names_the_fix =
        error.to_string().contains("replica 1") && error.to_string().contains("MONITOR");
    assert!(error.kind() == ErrorKind::Denied && names_the_fix, "{error}");
}

impl Pair {
    /// The replica has the database by now.
    fn copy_exists(&self) {
        until("the replica has the table", || {
            says(
                &self.replica.db,
                "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'users'",
                |tables| tables > 0.0,
            )
        });
    }
}

/// A lock on all tables of a replica, under which `Seconds_Behind_Master` grows.
struct Lock {
    _client: Client,
    _runtime: tokio::runtime::Runtime,
}

impl Lock {
    /// Until the replica is more than `MOST` behind.
    fn of(pair: &Pair) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let mut client = Client::open(Kind::MariaDb, &pair.copy.url).await;
            client.run("FLUSH TABLES WITH READ LOCK").await.unwrap();
            client
        });
        pair.users.run_now("CREATE TABLE something (id INTEGER)");
        until("the replica is behind", || {
            let status = rows_now(Kind::MariaDb, &pair.copy.url, "SHOW SLAVE STATUS");
            // The 33rd column, since MySQL 5.
            let behind = status[0][32].as_ref().and_then(|seconds| seconds.parse().ok());
            behind.is_some_and(|seconds: f64| seconds > MOST.as_secs_f64())
        });
        Self { _client: client, _runtime: runtime }
    }
}
