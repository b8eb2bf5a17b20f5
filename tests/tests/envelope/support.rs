//! A store in memory and a local key-encryption key, both of which fail on request and count their
//! calls; a clock.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use encrypted_field::envelope::{
    BackendError, BackendErrorKind, CachePolicy, Clock, KeyEncryptionKey, KeyManager,
    KeyManagerBuilder, KeyStatus, KeyStore, Loaded, LocalKek, Query, Record, WrapContext,
};
use encrypted_field::{Encrypted, EncryptedFieldExt, Error, KeyId, Keyring, Result, Secret};
use tests::secrets;
use zeroize::Zeroizing;

pub const DAY: Duration = Duration::from_hours(24);
pub const MINUTE: Duration = Duration::from_mins(1);
/// How long publishing takes by default: 30 minutes of age, 30 of grace, 10 for clocks, and a
/// second for dates in whole ones.
pub const PROPAGATION: Duration = Duration::from_secs(4201);
/// How often the head is signed anew by default.
pub const HEARTBEAT: Duration = Duration::from_mins(30);

#[derive(Encrypted)]
#[encrypted(context = "connections.token")]
pub struct Token(Secret<String>);

#[derive(Encrypted)]
#[encrypted(context = "connections.slack_token", scope = "slack")]
pub struct SlackToken(Secret<String>);

#[derive(Encrypted)]
#[encrypted(context = "customers.iban", scope = dynamic)]
pub struct Iban(Secret<String>);

pub fn seal(keys: &KeyManager) -> Result<String> {
    Token::from(secrets::BOT_TOKEN).to_stored_text_with(&*keys.keyring()?)
}

pub fn open(keys: &KeyManager, stored: &str) -> Result<()> {
    opens(&*keys.keyring()?, stored)
}

pub fn opens(ring: &Keyring, stored: &str) -> Result<()> {
    let token = Token::from_stored_text_with(ring, stored.to_owned())?;
    assert!(*token == *secrets::BOT_TOKEN, "it opens to what was sealed");
    Ok(())
}

/// The id of the key that a value is under.
pub fn key_of(stored: &str) -> u32 {
    stored.split(':').nth(1).unwrap().parse().unwrap()
}

#[track_caller]
pub fn assert_kind<T>(result: Result<T>, kind: encrypted_field::ErrorKind) -> Error {
    match result {
        Ok(_) => panic!("no error, where {kind:?} was expected"),
        Err(error) => {
            assert_eq!(error.kind(), kind, "{error}");
            error
        }
    }
}

/// Whether an event of this name was told that names this key set, or this KEK. One hook serves all
/// tests.
pub fn was_told(event: &str, of: &str) -> bool {
    let of = format!("\"{of}\"");
    events().lock().unwrap().iter().any(|told| told.starts_with(event) && told.contains(&of))
}

/// The events that name this key set, or this KEK.
pub fn told(of: &str) -> Vec<String> {
    let of = format!("\"{of}\"");
    events().lock().unwrap().iter().filter(|told| told.contains(&of)).cloned().collect()
}

/// All events since the first call.
pub fn events() -> &'static Mutex<Vec<String>> {
    use encrypted_field::event;
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| event::set_hook(|event| TOLD.lock().unwrap().push(format!("{event:?}"))));
    &TOLD
}

/// What a store or a key service does instead of its work, or with it; the last three are a key
/// service's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    #[default]
    None,
    Fails(BackendErrorKind),
    /// Does its work, and the answer is lost.
    AnswerLost,
    /// Never answers.
    Hangs,
    /// Unwraps to another key.
    Swaps,
    /// Rejects the wraps of this key.
    Rejects(u32),
    /// Wraps so many keys more, and is out of reach then.
    FailsAfter(usize),
    /// Panics.
    Panics,
    /// The key of this scope alone is out of reach.
    FailsFor(&'static str),
    /// Answers for this scope only when it has no fault any more.
    Waits(&'static str),
    /// Unwraps, and may not wrap.
    WrapsNothing,
}

/// By name.
pub type Records = BTreeMap<String, Record>;

/// The keys of all scopes that are loaded on demand.
pub fn all_on_demand(keys: &KeyManager) -> Vec<KeyStatus> {
    let (mut all, mut page) = (Vec::new(), Some(0));
    while let Some(number) = page {
        let found = keys.keys_on_demand(number).wait().unwrap();
        all.extend(found.keys);
        page = found.next;
    }
    all
}

/// The record with the keys of a scope that each process loads.
pub fn process_record(scope: &str) -> String {
    format!("process/{}", digest(scope))
}

/// The record with the keys of a scope that is loaded on demand.
pub fn demand_record(scope: &str) -> String {
    format!("demand/{}", digest(scope))
}

fn digest(scope: &str) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(format!("encrypted-field/v1/store-scope\0{scope}")))
}

#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Shelf>);

#[derive(Default)]
struct Shelf {
    records: Mutex<Records>,
    fault: Mutex<Fault>,
    loads: AtomicUsize,
    swaps: AtomicUsize,
    /// The clock of its server, where it has one.
    clock: Mutex<Option<Clock>>,
}

impl MemoryStore {
    pub fn set_fault(&self, fault: Fault) {
        *self.0.fault.lock().unwrap() = fault;
    }

    pub fn loads(&self) -> usize {
        self.0.loads.load(Ordering::SeqCst)
    }

    pub fn swaps(&self) -> usize {
        self.0.swaps.load(Ordering::SeqCst)
    }

    /// From now on it has a server with a clock of its own.
    pub fn set_clock(&self, clock: &Clock) {
        *self.0.clock.lock().unwrap() = Some(clock.clone());
    }

    /// As if it had no clock of its own.
    pub fn forget_clock(&self) {
        *self.0.clock.lock().unwrap() = None;
    }

    /// A copy of all records, as a backup has them.
    pub fn backup(&self) -> Records {
        self.0.records.lock().unwrap().clone()
    }

    pub fn restore(&self, backup: Records) {
        *self.0.records.lock().unwrap() = backup;
    }

    /// Changes records as somebody does who can write to the database.
    pub fn tamper(&self, change: impl FnOnce(&mut Records)) {
        change(&mut self.0.records.lock().unwrap());
    }

    pub fn revision(&self) -> u64 {
        self.0.records.lock().unwrap()[Record::HEAD].revision
    }

    async fn fault(&self) -> Result<Fault, BackendError> {
        let fault = *self.0.fault.lock().unwrap();
        match fault {
            Fault::Fails(kind) => Err(BackendError::new(kind, "on request")),
            Fault::Hangs => std::future::pending().await,
            other => Ok(other),
        }
    }
}

impl KeyStore for MemoryStore {
    async fn load(&self, query: &Query) -> Result<Loaded, BackendError> {
        self.0.loads.fetch_add(1, Ordering::SeqCst);
        self.fault().await?;
        let records = self.0.records.lock().unwrap();
        let loaded =
            Loaded::new(records.values().filter(|record| query.selects(record)).cloned().collect());
        Ok(match &*self.0.clock.lock().unwrap() {
            Some(clock) => loaded.at(clock.wall()),
            None => loaded,
        })
    }

    async fn compare_and_swap(
        &self,
        expected: u64,
        changed: &[Record],
    ) -> Result<bool, BackendError> {
        self.0.swaps.fetch_add(1, Ordering::SeqCst);
        let fault = self.fault().await?;
        {
            let mut records = self.0.records.lock().unwrap();
            if records.get(Record::HEAD).map_or(0, |head| head.revision) != expected {
                return Ok(false);
            }
            records.extend(changed.iter().map(|record| (record.name.clone(), record.clone())));
        }
        match fault {
            Fault::AnswerLost => {
                Err(BackendError::new(BackendErrorKind::Unavailable, "the answer was lost"))
            }
            _ => Ok(true),
        }
    }

    fn describe(&self) -> String {
        "memory".into()
    }
}

/// A local KEK that fails on request; clones are one.
#[derive(Clone)]
pub struct TestKek(Arc<Kek>);

struct Kek {
    kek: LocalKek,
    fault: Mutex<Fault>,
    wraps: AtomicUsize,
    unwraps: AtomicUsize,
    running: AtomicUsize,
    most_running: AtomicUsize,
}

impl TestKek {
    pub fn new(number: usize) -> Self {
        Self(Arc::new(Kek {
            kek: LocalKek::new(secrets::KEYS[number]).unwrap(),
            fault: Mutex::default(),
            wraps: AtomicUsize::new(0),
            unwraps: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            most_running: AtomicUsize::new(0),
        }))
    }

    pub fn set_fault(&self, fault: Fault) {
        *self.0.fault.lock().unwrap() = fault;
    }

    /// The KEK of this number, with a fault from the beginning.
    pub fn with_fault(number: usize, fault: Fault) -> Self {
        let kek = Self::new(number);
        kek.set_fault(fault);
        kek
    }

    pub fn wraps(&self) -> usize {
        self.0.wraps.load(Ordering::SeqCst)
    }

    pub fn unwraps(&self) -> usize {
        self.0.unwraps.load(Ordering::SeqCst)
    }

    pub fn most_running(&self) -> usize {
        self.0.most_running.load(Ordering::SeqCst)
    }

    fn fault(&self) -> Fault {
        *self.0.fault.lock().unwrap()
    }
}

impl KeyEncryptionKey for TestKek {
    async fn wrap(
        &self,
        context: &WrapContext<'_>,
        key: &[u8; 32],
    ) -> Result<Vec<u8>, BackendError> {
        self.0.wraps.fetch_add(1, Ordering::SeqCst);
        match self.fault() {
            Fault::Fails(kind) => Err(BackendError::new(kind, "on request")),
            Fault::FailsAfter(0) => {
                Err(BackendError::new(BackendErrorKind::Unavailable, "on request"))
            }
            Fault::WrapsNothing => Err(BackendError::new(BackendErrorKind::Denied, "on request")),
            Fault::Hangs => std::future::pending().await,
            fault => {
                if let Fault::FailsAfter(more) = fault {
                    self.set_fault(Fault::FailsAfter(more - 1));
                }
                self.0.kek.wrap(context, key).await
            }
        }
    }

    async fn unwrap(
        &self,
        context: &WrapContext<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        self.0.unwraps.fetch_add(1, Ordering::SeqCst);
        let running = self.0.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most_running.fetch_max(running, Ordering::SeqCst);
        // As a call over a network does: others run meanwhile.
        tokio::task::yield_now().await;
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        while matches!(self.fault(), Fault::Waits(scope) if context.named_scope() == Some(scope)) {
            tokio::task::yield_now().await;
        }
        match self.fault() {
            Fault::Panics => panic!("on request"),
            Fault::FailsFor(scope) if context.named_scope() == Some(scope) => {
                Err(BackendError::new(BackendErrorKind::Unavailable, "on request"))
            }
            Fault::Fails(kind) => Err(BackendError::new(kind, "on request")),
            Fault::Rejects(id) if context.key_id().map(KeyId::get) == Some(id) => {
                Err(BackendError::new(BackendErrorKind::Rejected, "on request"))
            }
            Fault::Hangs => std::future::pending().await,
            fault => {
                let mut key = self.0.kek.unwrap(context, wrapped).await?;
                key[0] ^= u8::from(fault == Fault::Swaps);
                Ok(key)
            }
        }
    }

    fn describe(&self) -> String {
        "a test's".into()
    }
}

/// A store, two KEKs and a clock, and as many managers on them as processes are wanted.
#[derive(Clone)]
pub struct World {
    pub store: MemoryStore,
    pub eu: TestKek,
    pub us: TestKek,
    pub clock: Clock,
    /// One of its own, where a test looks at events.
    pub key_set: &'static str,
}

impl World {
    /// With a first key.
    pub fn new() -> Self {
        let world = Self::empty();
        world.process().initialize().wait().unwrap();
        world
    }

    pub fn empty() -> Self {
        events();
        // 2026-01-01
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        Self {
            store: MemoryStore::default(),
            eu: TestKek::new(0),
            us: TestKek::new(1),
            clock: Clock::manual(start),
            key_set: "test",
        }
    }

    /// With a first key, and with a key set of this name.
    pub fn named(key_set: &'static str) -> Self {
        let world = Self { key_set, ..Self::empty() };
        world.process().initialize().wait().unwrap();
        world
    }

    /// The same store and KEKs, for processes whose clock is this much ahead.
    pub fn ahead(&self, time: Duration) -> Self {
        let clock = Clock::manual(self.now());
        clock.set_wall(self.now() + time);
        Self { clock, ..self.clone() }
    }

    /// The same store and KEKs, for processes whose clock is this much behind.
    pub fn behind(&self, time: Duration) -> Self {
        Self { clock: Clock::manual(self.now() - time), ..self.clone() }
    }

    /// The same KEKs and the same clock, with another store that has these records.
    pub fn copy(&self, records: Records) -> Self {
        let store = MemoryStore::default();
        store.restore(records);
        Self { store, ..self.clone() }
    }

    pub fn now(&self) -> SystemTime {
        self.clock.wall()
    }

    /// A manager with both KEKs, not built yet.
    pub fn builder(&self) -> KeyManagerBuilder {
        self.without_keks().kek("eu", self.eu.clone()).kek("us", self.us.clone())
    }

    pub fn without_keks(&self) -> KeyManagerBuilder {
        KeyManager::builder(self.key_set, self.store.clone()).clock(self.clock.clone()).cache(
            CachePolicy::default()
                .call_timeout(Duration::from_millis(100))
                .bulk_timeout(Duration::from_millis(300)),
        )
    }

    /// A process that has loaded nothing.
    pub fn process(&self) -> KeyManager {
        self.builder().build().unwrap()
    }

    /// A process that has loaded its keys.
    pub fn loaded(&self) -> KeyManager {
        let keys = self.process();
        keys.load().wait().unwrap();
        keys
    }

    /// Lets time pass in which nobody does anything.
    pub fn pass_quietly(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// Lets time pass in a process that refreshes: by less than half an hour at once, and by hours
    /// where it is many days.
    pub fn pass(&self, time: Duration, processes: &[&KeyManager]) {
        let mut left = time;
        while !left.is_zero() {
            let step = left.min(if left > 3 * DAY { 6 * 60 * MINUTE } else { 25 * MINUTE });
            self.clock.advance(step);
            left -= step;
            for keys in processes {
                keys.load().wait().unwrap();
                keys.maintain().wait().unwrap();
            }
        }
    }
}
