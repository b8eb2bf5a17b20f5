//! Key-encryption keys whose library blocks the thread, and may hang.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use encrypted_field::envelope::{
    BackendError, BackendErrorKind, Blocking, BlockingKeyEncryptionKey, CachePolicy, FileStore,
    KeyEncryptionKey, KeyManager, LocalKek, WrapContext, conformance,
};
use encrypted_field::{ErrorKind, key::Purpose};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tests::secrets;
use zeroize::Zeroizing;

use crate::support::*;

/// A module that hangs on request: its calls block until it goes on.
#[derive(Clone)]
struct Module(Arc<Inner>);

struct Inner {
    kek: LocalKek,
    hangs: Mutex<bool>,
    goes_on: Condvar,
    panics: Mutex<bool>,
    calls: AtomicUsize,
    running: AtomicUsize,
    most_running: AtomicUsize,
    threads: Mutex<BTreeSet<String>>,
    ids: Mutex<Vec<ThreadId>>,
}

impl Module {
    fn new(number: usize) -> Self {
        Self(Arc::new(Inner {
            kek: LocalKek::new(secrets::KEYS[number]).unwrap(),
            hangs: Mutex::default(),
            goes_on: Condvar::new(),
            panics: Mutex::default(),
            calls: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            most_running: AtomicUsize::new(0),
            threads: Mutex::default(),
            ids: Mutex::default(),
        }))
    }

    fn hang(&self, hangs: bool) {
        *self.0.hangs.lock().unwrap() = hangs;
        self.0.goes_on.notify_all();
    }

    fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    /// As the library of the module does.
    fn block(&self) {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        self.0
            .threads
            .lock()
            .unwrap()
            .insert(thread::current().name().unwrap_or_default().to_owned());
        self.0.ids.lock().unwrap().push(thread::current().id());
        let running = self.0.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most_running.fetch_max(running, Ordering::SeqCst);
        let mut hangs = self.0.hangs.lock().unwrap();
        while *hangs {
            hangs = self.0.goes_on.wait(hangs).unwrap();
        }
        drop(hangs);
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        assert!(!*self.0.panics.lock().unwrap(), "of the module");
    }
}

impl BlockingKeyEncryptionKey for Module {
    fn wrap(&self, context: &WrapContext<'_>, key: &[u8; 32]) -> Result<Vec<u8>, BackendError> {
        self.block();
        self.0.kek.wrap(context, key).now_or_never().unwrap()
    }

    fn unwrap(
        &self,
        context: &WrapContext<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        self.block();
        self.0.kek.unwrap(context, wrapped).now_or_never().unwrap()
    }

    fn describe(&self) -> String {
        "a module".into()
    }
}

/// A store that was made with a module and another KEK, and both.
fn world() -> (World, Module, TestKek) {
    let (world, module, safe) = (World::empty(), Module::new(2), TestKek::new(3));
    with(&world, &module, Some(&safe)).initialize().wait().unwrap();
    (world, module, safe)
}

fn with(world: &World, module: &Module, safe: Option<&TestKek>) -> KeyManager {
    let builder = world.without_keks().kek("hsm", Blocking::new(module.clone()));
    match safe {
        Some(safe) => builder.kek("safe", safe.clone()),
        None => builder.offline_kek("safe"),
    }
    .build()
    .unwrap()
}

#[test]
fn conforms() {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(conformance::key_encryption_key(&Blocking::new(Module::new(0))));
}

#[test]
fn a_call_that_hangs_is_given_up_and_the_next_kek_is_asked() {
    let (world, module, safe) = world();
    module.hang(true);
    let asked = safe.unwraps();
    let keys = with(&world, &module, Some(&safe));
    keys.load().wait().unwrap();
    seal(&keys).unwrap();
    assert!(safe.unwraps() > asked);

    let error =
        assert_kind(with(&world, &module, None).load().wait(), ErrorKind::KeyServiceUnavailable);
    let text = error.to_string();
    assert!(text.contains("KEK \"hsm\" (a module): it did not answer within 100 ms"), "{text}");
    assert!(error.is_retryable());

    module.hang(false);
    with(&world, &module, None).load().wait().unwrap();
}

/// What a module holds for ever is bounded, and said at once.
#[test]
fn a_module_that_hangs_takes_four_threads() {
    let (world, module, _) = world();
    module.hang(true);
    let before = module.calls();
    let keys = with(&world, &module, None);
    for call in 1..=4 {
        assert_kind(keys.load().wait(), ErrorKind::KeyServiceUnavailable);
        assert_eq!(module.calls() - before, call);
    }
    let began = Instant::now();
    for _ in 0..50 {
        let error = assert_kind(keys.load().wait(), ErrorKind::KeyServiceUnavailable).to_string();
        assert!(error.contains("KEK \"hsm\" (a module)"), "{error}");
        assert!(error.contains("4 that got no answer in time are still under way"), "{error}");
    }
    assert!(began.elapsed() < Duration::from_millis(50 * 100), "it does not wait for what hangs");
    assert_eq!(module.calls() - before, 4, "no further call is made");

    // Another KEK has threads of its own.
    let other = Blocking::new(Module::new(1));
    conforms_now(&other);

    // And when the module answers again, it is used again, without a restart.
    module.hang(false);
    while keys.load().wait().is_err() {
        thread::yield_now();
    }
    seal(&keys).unwrap();
    // Also by many at once.
    keys.provision_all((0..40).map(|number| format!("tenant-{number}"))).wait().unwrap();
}

fn conforms_now(kek: &impl KeyEncryptionKey) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(conformance::key_encryption_key(kek));
}

/// The threads for blocking calls are the program's: here it has one.
#[test]
fn a_module_that_hangs_takes_no_thread_of_the_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (module, safe) = (Module::new(2), TestKek::new(3));
    runtime.block_on(async {
        let builder = || {
            let cache = CachePolicy::default().call_timeout(Duration::from_secs(1));
            KeyManager::builder("test", FileStore::new(folder.path().join("keys.json")))
                .cache(cache)
        };
        let keys = builder()
            .kek("hsm", Blocking::new(module.clone()))
            .kek("safe", safe.clone())
            .build()
            .unwrap();
        keys.initialize().await.unwrap();
        module.hang(true);
        let load = keys.load();
        let other = tokio::task::spawn_blocking(|| 7);
        let (loaded, other) = tokio::join!(load, other);
        loaded.unwrap();
        assert_eq!(other.unwrap(), 7);
        // The file is read on that thread while the module hangs.
        builder().kek("safe", safe.clone()).build().unwrap().load().await.unwrap();
    });
    let threads = module.0.threads.lock().unwrap().clone();
    assert_eq!(threads, BTreeSet::from(["encrypted-field".to_owned()]));
    // It hangs still, and the program ends all the same.
    drop(runtime);
}

/// Calls that wait for their turn get it.
#[test]
fn calls_beyond_the_bound_wait() {
    let module = Module::new(0);
    let kek = Blocking::new(module.clone()).most_calls(3);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let contexts: Vec<_> = (1..=40)
            .map(|id| {
                WrapContext::data(
                    "test",
                    encrypted_field::KeyId::new(id).unwrap(),
                    "acme",
                    Purpose::Field,
                )
            })
            .collect();
        let key = secrets::KEYS[1];
        module.hang(true);
        let mut wraps = Box::pin(join_all(contexts.iter().map(|context| kek.wrap(context, &key))));
        assert!((&mut wraps).now_or_never().is_none());
        // All that may run do, and a while later no others.
        while module.calls() < 3 {
            thread::yield_now();
        }
        for _ in 0..10_000 {
            thread::yield_now();
        }
        assert_eq!(module.calls(), 3);
        module.hang(false);
        let wraps = wraps.await;
        for (context, wrapped) in contexts.iter().zip(wraps) {
            let unwrapped = kek.unwrap(context, &wrapped.unwrap()).await.unwrap();
            assert!(*unwrapped == key, "it unwraps to the key");
        }
    });
    assert_eq!(module.0.most_running.load(Ordering::SeqCst), 3);
    assert!(!module.0.ids.lock().unwrap().contains(&thread::current().id()));
}

/// One who goes away before the answer, because another call has failed, leaves no place taken.
#[test]
fn a_call_that_nobody_waits_for_is_no_hang() {
    let module = Module::new(0);
    let kek = Blocking::new(module.clone()).most_calls(2);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let context =
            WrapContext::data("test", encrypted_field::KeyId::new(1).unwrap(), "", Purpose::Field);
        module.hang(true);
        for _ in 0..2 {
            assert!(kek.wrap(&context, &secrets::KEYS[1]).now_or_never().is_none());
        }
        // Both places are taken by calls that are young: this one waits, and is not refused.
        let mut third = Box::pin(kek.wrap(&context, &secrets::KEYS[1]));
        assert!((&mut third).now_or_never().is_none());
        module.hang(false);
        third.await.unwrap();
    });
}

#[test]
fn a_panic_of_the_module_is_an_error_of_the_call() {
    let (world, module, _) = world();
    *module.0.panics.lock().unwrap() = true;
    // To print where it was takes a panic a while.
    let cache = CachePolicy::default().call_timeout(Duration::from_mins(1));
    let builder = world.without_keks().cache(cache).kek("hsm", Blocking::new(module.clone()));
    let keys = builder.offline_kek("safe").build().unwrap();
    for _ in 0..6 {
        let error = assert_kind(keys.load().wait(), ErrorKind::KeyServiceUnavailable).to_string();
        assert!(error.contains("has panicked"), "{error}");
    }
    *module.0.panics.lock().unwrap() = false;
    keys.load().wait().unwrap();
}

/// What it is for messages is asked once: a module that hangs could not say it.
#[test]
fn what_it_is_is_asked_once() {
    struct Asked(AtomicUsize);
    impl BlockingKeyEncryptionKey for Asked {
        fn wrap(&self, _: &WrapContext<'_>, _: &[u8; 32]) -> Result<Vec<u8>, BackendError> {
            Err(BackendError::new(BackendErrorKind::Unavailable, "on request"))
        }
        fn unwrap(
            &self,
            _: &WrapContext<'_>,
            _: &[u8],
        ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
            Err(BackendError::new(BackendErrorKind::Unavailable, "on request"))
        }
        fn describe(&self) -> String {
            format!("asked {} times", self.0.fetch_add(1, Ordering::SeqCst) + 1)
        }
    }
    let kek = Blocking::new(Asked(AtomicUsize::new(0)));
    for _ in 0..3 {
        assert_eq!(kek.describe(), "asked 1 times");
    }
}
