//! What a key manager costs: `cargo bench -p benches --bench keys`. Rings of both kinds in one run,
//! and a store of many tenants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use benches::{Bytes, ring, secret};
use divan::Bencher;
use encrypted_field::envelope::{
    BackendError, KeyManager, KeyStore, Loaded, LocalKek, Query, Record,
};
use encrypted_field::{EncryptedFieldExt, Keyring, generate_key, key::Purpose};

fn main() {
    println!("cipher: {}", encrypted_field::CIPHER_BACKEND);
    divan::main();
}

/// By name. It finds records as an index does, so that what is measured is the manager.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<BTreeMap<String, Record>>>);

impl KeyStore for Memory {
    async fn load(&self, query: &Query) -> Result<Loaded, BackendError> {
        let records = self.0.lock().unwrap();
        let mut found: BTreeMap<&str, &Record> = BTreeMap::new();
        for prefix in &query.prefixes {
            let beginning = records.range(prefix.clone()..);
            let all = beginning.take_while(|(name, _)| name.starts_with(prefix));
            found.extend(all.map(|(name, record)| (name.as_str(), record)));
        }
        for name in &query.names {
            found.extend(records.get(name).map(|record| (record.name.as_str(), record)));
        }
        found.retain(|_, record| record.revision > query.after);
        found.extend(records.get(Record::HEAD).map(|head| (Record::HEAD, head)));
        Ok(Loaded::new(found.into_values().cloned().collect()))
    }

    async fn compare_and_swap(
        &self,
        expected: u64,
        changed: &[Record],
    ) -> Result<bool, BackendError> {
        let mut records = self.0.lock().unwrap();
        let is_expected = records.get(Record::HEAD).map_or(0, |head| head.revision) == expected;
        if is_expected {
            records.extend(changed.iter().map(|record| (record.name.clone(), record.clone())));
        }
        Ok(is_expected)
    }

    fn describe(&self) -> String {
        "memory".into()
    }
}

fn manager(store: &Memory, kek: [u8; 32]) -> KeyManager {
    let kek = LocalKek::new(kek).unwrap();
    KeyManager::builder("bench", store.clone()).kek("local", kek).build().unwrap()
}

fn loaded(tenants: usize) -> (Memory, [u8; 32], KeyManager) {
    let (store, kek) = (Memory::default(), generate_key().unwrap());
    let keys = manager(&store, kek);
    keys.initialize().wait().unwrap();
    keys.provision_all((0..tenants).map(|number| format!("tenant-{number}"))).wait().unwrap();
    (store, kek, keys)
}

fn of_kind(kind: &str) -> (Arc<Keyring>, Option<KeyManager>) {
    if kind == "given" {
        return (Arc::new(ring()), None);
    }
    let (_, _, keys) = loaded(0);
    (keys.keyring().unwrap(), Some(keys))
}

#[divan::bench(args = ["given", "managed"])]
fn seal_64_bytes(bencher: Bencher<'_, '_>, kind: &str) {
    let ((ring, _keys), value) = (of_kind(kind), Bytes::from(secret(64).into_bytes()));
    bencher.bench(|| value.to_stored_with(&ring));
}

#[divan::bench(args = ["given", "managed"])]
fn open_64_bytes(bencher: Bencher<'_, '_>, kind: &str) {
    let (ring, _keys) = of_kind(kind);
    let sealed = Bytes::from(secret(64).into_bytes()).to_stored_with(&ring).unwrap();
    bencher.bench(|| Bytes::from_stored_with(&ring, sealed.clone()));
}

const TENANTS: [usize; 2] = [1_000, 100_000];

#[divan::bench(args = TENANTS, sample_count = 5)]
fn start_a_process(bencher: Bencher<'_, '_>, tenants: usize) {
    let (store, kek, _keys) = loaded(tenants);
    bencher.bench(|| manager(&store, kek).load().wait());
}

#[divan::bench(args = TENANTS, sample_count = 5)]
fn refresh_with_nothing_new(bencher: Bencher<'_, '_>, tenants: usize) {
    let (_store, _kek, keys) = loaded(tenants);
    bencher.bench(|| keys.load().wait());
}

#[divan::bench(args = TENANTS, sample_count = 5)]
fn provision_one_more(bencher: Bencher<'_, '_>, tenants: usize) {
    let (_store, _kek, keys) = loaded(tenants);
    let mut number = 0;
    bencher.bench_local(|| {
        number += 1;
        keys.provision(&format!("another-{number}")).wait()
    });
}

#[divan::bench(args = TENANTS, sample_count = 5)]
fn publish(bencher: Bencher<'_, '_>, tenants: usize) {
    let process = || loaded(tenants).2;
    bencher
        .with_inputs(process)
        .bench_refs(|keys| keys.publish("", Purpose::Field).wait().map(drop));
}

#[divan::bench(args = TENANTS)]
fn enter_a_scope_that_is_loaded(bencher: Bencher<'_, '_>, tenants: usize) {
    let (_store, _kek, keys) = loaded(tenants);
    bencher.bench(|| keys.scope("tenant-7").wait());
}

#[divan::bench(args = TENANTS, sample_count = 20)]
fn enter_a_scope_for_the_first_time(bencher: Bencher<'_, '_>, tenants: usize) {
    let (store, kek, _keys) = loaded(tenants);
    let process = || {
        let keys = manager(&store, kek);
        keys.load().wait().unwrap();
        keys
    };
    bencher.with_inputs(process).bench_refs(|keys| keys.scope("tenant-7").wait().map(drop));
}

/// By another process, of a tenant that is in use here.
#[divan::bench(args = TENANTS, sample_count = 20)]
fn refresh_after_one_change(bencher: Bencher<'_, '_>, tenants: usize) {
    let (store, kek, other) = loaded(tenants);
    let keys = manager(&store, kek);
    keys.load().wait().unwrap();
    for number in 0..tenants.min(500) {
        keys.scope(&format!("tenant-{number}")).wait().unwrap();
    }
    let mut number = 0;
    let change = || {
        other.publish(&format!("tenant-{number}"), Purpose::Field).wait().unwrap();
        number += 1;
    };
    bencher.with_inputs(change).bench_local_values(|()| keys.load().wait());
}
