//! A dry run: the library does all that it would do, and what it writes stays in memory.
//!
//! The store is read as it is. What is written goes into an overlay, and later reads see it there:
//! so also work of many changes, such as `rewrap`, is run to its end. Anchors are read and not
//! raised. KEKs wrap and unwrap, because only that shows whether the change would succeed; they
//! destroy nothing, and for a named scope with a KEK of its own they don't wrap either, because
//! Vault makes such a KEK with its first wrap.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use encrypted_field::envelope::{
    BackendError, BackendErrorKind, Document, KeyEncryptionKey, KeyStore, Loaded, Query, Record,
    WrapContext,
};
use encrypted_field::plaintext::Zeroizing;
use serde_json::Value;

use super::{KekHandle, StoreHandle};
use crate::output;

/// What would have been written.
#[derive(Clone)]
pub(crate) struct Plan(Arc<Shared>);

struct Shared {
    store: StoreHandle,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The revision of the store itself at the first change.
    beneath: u64,
    written: BTreeMap<String, Record>,
    /// What the store itself has in place of these.
    before: BTreeMap<String, Record>,
    others: Vec<String>,
}

impl Plan {
    pub(super) fn new(store: StoreHandle) -> Self {
        Self(Arc::new(Shared { store, state: Mutex::default() }))
    }

    pub(super) fn store(&self) -> StoreHandle {
        StoreHandle::new(Overlay(self.clone()))
    }

    pub(super) fn kek(&self, kek: KekHandle) -> KekHandle {
        KekHandle::new(DryKek { kek, plan: self.clone(), wrapped: Mutex::default() })
    }

    pub(super) fn document<D: Document>(&self, document: D) -> DryDocument<D> {
        DryDocument { document, plan: self.clone() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What would have been written, one thing a line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let state = self.state();
        let mut lines = Vec::new();
        let mut nodes = 0;
        for (name, record) in &state.written {
            let before =
                state.before.get(name).and_then(|record| serde_json::from_str(&record.body).ok());
            let before = before.unwrap_or(Value::Null);
            let Ok(after) = serde_json::from_str::<Value>(&record.body) else { continue };
            if record.is_head() {
                lines.push(head(&state, &before, &after));
            } else if after["keys"].is_array() {
                lines.extend(keys(&before, &after));
            } else {
                nodes += 1;
            }
        }
        if nodes > 0 {
            lines.push(format!("records that link to these: {nodes}"));
        }
        lines.extend(state.others.iter().cloned());
        lines
    }
}

fn head(state: &State, before: &Value, after: &Value) -> String {
    let mut parts = vec![format!("the head: revision {} -> {}", state.beneath, after["revision"])];
    for (member, name) in [
        ("epoch", "epoch"),
        ("next_id", "next id"),
        ("heartbeat", "heartbeat in seconds"),
        ("propagation", "propagation in seconds"),
    ] {
        if before[member] != after[member] {
            let was =
                if before.is_null() { String::new() } else { format!("{} -> ", before[member]) };
            parts.push(format!("{name} {was}{}", after[member]));
        }
    }
    let (was, is) = (wraps(&before["store_key"]), wraps(&after["store_key"]));
    if was != is {
        parts.push(format!("store key under {was} -> {is}"));
    } else if before["store_key"] != after["store_key"] {
        parts.push(format!("store key wrapped anew under {is}"));
    }
    parts.join(", ")
}

/// The keys of one scope that have changed.
fn keys(before: &Value, after: &Value) -> Vec<String> {
    let scope = output::scope(after["scope"].as_str().unwrap_or_default());
    let entries = |body: &Value| body["keys"].as_array().cloned().unwrap_or_default();
    let before = entries(before);
    let mut lines = Vec::new();
    for entry in entries(after) {
        let was = before.iter().find(|was| was["id"] == entry["id"]).unwrap_or(&Value::Null);
        if *was == entry {
            continue;
        }
        let text = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
        let mut what = Vec::new();
        if was.is_null() {
            what.push(format!("new, {}", text(&entry["state"])));
        } else if was["state"] != entry["state"] {
            what.push(format!("{} -> {}", text(&was["state"]), text(&entry["state"])));
        }
        if was["wraps"] != entry["wraps"] {
            let is = wraps(&entry["wraps"]);
            what.push(if was.is_null() {
                format!("under {is}")
            } else if wraps(&was["wraps"]) == is {
                format!("wrapped anew under {is}")
            } else {
                format!("under {} -> {is}", wraps(&was["wraps"]))
            });
        }
        if what.is_empty() {
            what.push("dates".to_owned());
        }
        lines.push(format!(
            "key {} ({}, {scope}): {}",
            entry["id"],
            text(&entry["purpose"]),
            what.join(", ")
        ));
    }
    lines
}

/// The names of the KEKs.
fn wraps(wraps: &Value) -> String {
    let names: Vec<&str> =
        wraps.as_object().into_iter().flat_map(|wraps| wraps.keys().map(String::as_str)).collect();
    if names.is_empty() { "no KEK".to_owned() } else { names.join(", ") }
}

struct Overlay(Plan);

impl KeyStore for Overlay {
    async fn load(&self, query: &Query) -> Result<Loaded, BackendError> {
        let mut loaded = self.0.0.store.load(query).await?;
        let state = self.0.state();
        if state.written.is_empty() {
            return Ok(loaded);
        }
        let revision =
            loaded.records.iter().find(|record| record.is_head()).map_or(0, |head| head.revision);
        if revision != state.beneath {
            let detail = "somebody else has changed the store during the dry run; run it again";
            return Err(BackendError::new(BackendErrorKind::Unavailable, detail));
        }
        loaded.records.retain(|record| !state.written.contains_key(&record.name));
        loaded
            .records
            .extend(state.written.values().filter(|record| query.selects(record)).cloned());
        Ok(loaded)
    }

    async fn compare_and_swap(
        &self,
        expected: u64,
        changed: &[Record],
    ) -> Result<bool, BackendError> {
        let names = changed.iter().map(|record| record.name.clone());
        let beneath = self.0.0.store.load(&Query::head().names(names)).await?.records;
        let mut state = self.0.state();
        let stored = beneath.iter().find(|record| record.is_head()).map_or(0, |head| head.revision);
        let current = state.written.get(Record::HEAD).map_or(stored, |head| head.revision);
        if current != expected {
            return Ok(false);
        }
        if state.written.is_empty() {
            state.beneath = stored;
        }
        for record in beneath {
            state.before.entry(record.name.clone()).or_insert(record);
        }
        state.written.extend(changed.iter().map(|record| (record.name.clone(), record.clone())));
        Ok(true)
    }

    fn describe(&self) -> String {
        self.0.0.store.describe()
    }

    fn is_in_database_backups(&self) -> bool {
        self.0.0.store.is_in_database_backups()
    }

    async fn forget_history(&self) -> Result<(), BackendError> {
        let line = "older versions that the store itself keeps: removed".to_owned();
        self.0.state().others.push(line);
        Ok(())
    }
}

/// What was wrapped here alone, and the key in it.
type Wrapped = Mutex<BTreeMap<Vec<u8>, Zeroizing<Vec<u8>>>>;

struct DryKek {
    kek: KekHandle,
    plan: Plan,
    wrapped: Wrapped,
}

impl KeyEncryptionKey for DryKek {
    async fn wrap(
        &self,
        context: &WrapContext<'_>,
        key: &[u8; 32],
    ) -> Result<Vec<u8>, BackendError> {
        if !(self.kek.is_per_scope()
            && context.named_scope().is_some_and(|scope| !scope.is_empty()))
        {
            return self.kek.wrap(context, key).await;
        }
        let handle = encrypted_field::generate_key().map_err(|error| {
            BackendError::new(BackendErrorKind::Unavailable, "there is no randomness")
                .caused_by(error)
        })?;
        let mut wrapped = self.wrapped.lock().unwrap_or_else(PoisonError::into_inner);
        wrapped.insert(handle.to_vec(), Zeroizing::new(key.to_vec()));
        Ok(handle.to_vec())
    }

    async fn unwrap(
        &self,
        context: &WrapContext<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        let here =
            self.wrapped.lock().unwrap_or_else(PoisonError::into_inner).get(wrapped).cloned();
        match here {
            Some(key) => Ok(key),
            None => self.kek.unwrap(context, wrapped).await,
        }
    }

    fn describe(&self) -> String {
        self.kek.describe()
    }

    fn time(&self) -> Option<SystemTime> {
        self.kek.time()
    }

    fn is_per_scope(&self) -> bool {
        self.kek.is_per_scope()
    }

    async fn destroy_scope(&self, scope: &str, _: &[String]) -> Result<(), BackendError> {
        let line = format!("the KEK of scope {scope} ({}): destroyed", self.kek.describe());
        self.plan.state().others.push(line);
        Ok(())
    }
}

pub(super) struct DryDocument<D> {
    document: D,
    plan: Plan,
}

impl<D: Document> Document for DryDocument<D> {
    type Version = D::Version;

    async fn read(&self) -> Result<Option<(String, D::Version)>, BackendError> {
        self.document.read().await
    }

    async fn replace(&self, _: Option<&D::Version>, text: String) -> Result<bool, BackendError> {
        let line = format!("anchor ({}): {}", self.document.describe(), text.trim());
        let others = &mut self.plan.state().others;
        // Of several changes the last counts.
        others.retain(|other| !other.starts_with("anchor ("));
        others.push(line);
        Ok(true)
    }

    fn describe(&self) -> String {
        self.document.describe()
    }

    fn time(&self) -> Option<SystemTime> {
        self.document.time()
    }
}
