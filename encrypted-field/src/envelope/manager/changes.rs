//! Writing a change: compare-and-swap, and again from what others have written.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::load::Ask;
use super::{Call, Inner, KeyManager, Turn, seconds};
use crate::cipher;
use crate::envelope::draft::{Draft, SKEW, refused};
use crate::envelope::key_set::{KeySet, head_of};
use crate::envelope::lifecycle;
use crate::envelope::record::{Entry, Head};
use crate::envelope::store::Record;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::KeyState;
use crate::key_id::KeyId;

/// How often a change is tried. Each time at least one other process has got its own through.
const ATTEMPTS: u32 = 50;
/// In seconds.
const DAY: u64 = 86_400;

impl KeyManager {
    /// Refuses all use of a retired or compromised key, reversibly: to see whether anybody misses it before it is destroyed.
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`] where its state does not allow it.
    pub fn disable(&self, id: KeyId, now: SystemTime) -> Call<()> {
        self.call(
            move |inner| async move { inner.change(now, |draft| lifecycle::disable(draft, id.get())).await },
        )
    }

    /// Takes [`disable`](Self::disable) back.
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`] where it is not disabled.
    pub fn enable(&self, id: KeyId, now: SystemTime) -> Call<()> {
        self.call(
            move |inner| async move { inner.change(now, |draft| lifecycle::enable(draft, id.get())).await },
        )
    }

    /// Marks a key as known to somebody else. Its values open, are stale, and each read is an
    /// [event](crate::event::Event::CompromisedRead), or they don't open at all, with
    /// [`refuse_compromised`](super::KeyManagerBuilder::refuse_compromised). Of an active key: first
    /// [`publish`](Self::publish) the next one and [`activate_at_once`](Self::activate_at_once).
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`] where its state does not allow it.
    pub fn mark_compromised(&self, id: KeyId, now: SystemTime) -> Call<()> {
        self.call(move |inner| async move {
            inner.change(now, |draft| lifecycle::compromise(draft, id.get())).await
        })
    }

    /// Destroys a key: its wrapped bytes leave the store for good, its id stays taken. It must be pending, or disabled for as
    /// long as each process takes to notice. `confirmation` is `destroy key <id> of <key set>`.
    ///
    /// What is under it can't be read any more, except by whoever has both an older copy of the store (a backup) and the KEK: see
    /// [`destroy_scope`](Self::destroy_scope).
    ///
    /// # Errors
    /// [`ErrorKind::NotConfirmed`]; [`ErrorKind::KeyLifecycle`] where its state does not allow it.
    pub fn destroy(&self, id: KeyId, confirmation: &str, now: SystemTime) -> Call<()> {
        let confirmed = confirmed(confirmation, &format!("destroy key {id} of {}", self.0.key_set));
        self.call(move |inner| async move {
            confirmed?;
            inner
                .change(now, |draft| {
                    if let Some(entry) = draft.get(id.get()).filter(|entry| entry.state == KeyState::Disabled)
                    {
                        inner.has_seen(&draft.head, entry, draft.now)?;
                    }
                    lifecycle::destroy(draft, id.get())
                })
                .await?;
            inner.forget_history().await
        })
    }
}

impl Inner {
    /// A change of `set` that is to be dated `now`.
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`]: a date that this process' own clock contradicts, or the store's last change.
    pub(super) fn draft<'a>(&self, set: &'a KeySet, now: SystemTime) -> Result<Draft<'a>> {
        let (now, here) = (seconds(now), seconds(self.clock.wall()));
        if now > here + SKEW {
            let detail = format!("the date that was given is {} s ahead of the clock here", now - here);
            return Err(Error::new(ErrorKind::KeyLifecycle).detail(detail));
        }
        Draft::new(set, now).map_err(|e| self.of_store(e))
    }

    /// Plans a change on what is stored now, and writes it; again where others were faster.
    pub(super) async fn change<T>(
        self: &Arc<Self>,
        now: SystemTime,
        plan: impl Fn(&mut Draft<'_>) -> Result<T>,
    ) -> Result<T> {
        let turn = self.turn().await;
        let mut attempts = Attempts::default();
        loop {
            let set = self.load_set(Ask::Always).await?;
            let mut draft = self.draft(&set, now)?;
            let done = plan(&mut draft)?;
            if self.commit(&turn, Confirms::Keys, &set, draft).await? {
                return Ok(done);
            }
            attempts.again(self).await?;
        }
    }

    /// That a key has been pending, or disabled, for the propagation time: by the clock of this process that nobody sets, for as long
    /// as it has seen it; or by dates, with a day to spare for clocks that are wrong.
    pub(super) fn has_seen(&self, head: &Head, entry: &Entry, now: u64) -> Result<()> {
        let since = match entry.state {
            KeyState::Pending => Some(entry.created),
            KeyState::Disabled => entry.disabled,
            _ => return Ok(()),
        };
        let propagation = Duration::from_secs(head.propagation);
        let seen = self.state().first_seen.get(&(entry.id, entry.state)).copied();
        let seen_for = seen.map_or(Duration::ZERO, |seen| self.clock.monotonic().saturating_sub(seen));
        let by_date = since.is_some_and(|since| now >= since.saturating_add(head.propagation + DAY));
        if seen_for >= propagation || by_date {
            return Ok(());
        }
        Err(refused(
            format!(
                "this process has seen it {} for {} s of {}; that or a day more by its dates shows, whatever the clocks say, that every \
                 process has it",
                entry.state.name(),
                seen_for.as_secs(),
                propagation.as_secs()
            ),
            entry.id,
        ))
    }

    /// Writes a draft, if nobody has written since. What it makes of keys is used here at once.
    pub(super) async fn commit(
        self: &Arc<Self>,
        turn: &Turn<'_>,
        confirms: Confirms,
        set: &KeySet,
        draft: Draft<'_>,
    ) -> Result<bool> {
        if draft.is_empty() {
            return Ok(true);
        }
        let mut change = [0; 32];
        cipher::random(&mut change)?;
        let (after, records) = draft.finish(change)?;
        let swapped = match self.swap_records(set.head.revision, &records).await {
            Ok(swapped) => swapped,
            // It may have been written nevertheless: the answer was lost.
            Err(error) => self.was_written(&after, &records).await.map_err(|_| error)?,
        };
        if !swapped {
            return Ok(false);
        }
        let after = self.remember(after);
        self.report(set, &after);
        match self.use_set(&after).await {
            Ok(()) if confirms == Confirms::Keys => self.confirm(turn),
            Ok(()) => {}
            // It is written, and the next refresh makes use of it.
            Err(error) => self.not_refreshed(&error),
        }
        self.refresh_scopes(&after).await;
        Ok(true)
    }

    async fn was_written(&self, after: &KeySet, records: &[Record]) -> Result<bool> {
        let loaded = self.load_records(after.head.revision - 1).await?;
        let head = head_of(&loaded).map_err(|e| self.of_store(e))?;
        // Others may have gone on from there; entries of ours are signed, and can't be theirs.
        let is_there = |record: &Record| {
            record.id != 0
                && loaded.iter().any(|other| other.id == record.id && other.body.contains(&mac_of(record)))
        };
        if head == after.head || (head.revision > after.head.revision && records.iter().any(is_there)) {
            return Ok(true);
        }
        // Not there, and may still come: nothing else is tried.
        Err(Error::new(ErrorKind::KeyStoreUnavailable))
    }

    fn report(&self, before: &KeySet, after: &KeySet) {
        for entry in after.entries.values().filter(|entry| entry.revision == after.head.revision) {
            let was = before.get(entry.id).map(|entry| entry.state);
            if let Some(key_id) = KeyId::new(entry.id)
                && was != Some(entry.state)
            {
                let (scope, state) = (&*entry.scope, entry.state);
                event::emit(&Event::KeyChanged { key_set: &self.key_set, key_id, scope, state });
            }
        }
    }
}

/// That whoever asks for what can't be undone has named what it is done to.
pub(super) fn confirmed(given: &str, expected: &str) -> Result<()> {
    if given == expected {
        return Ok(());
    }
    Err(Error::new(ErrorKind::NotConfirmed).detail(format!("confirm it with \"{expected}\"")))
}

/// The text of a record's MAC, as it stands in its body however that is formatted.
fn mac_of(record: &Record) -> String {
    let body: Option<serde_json::Value> = serde_json::from_str(&record.body).ok();
    let mac = body.as_ref().and_then(|body| body["mac"].as_str());
    format!("\"{}\"", mac.unwrap_or("\0"))
}

/// Whether a key service was asked during a change: then this process has shown that it still may use the keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirms {
    Keys,
    Nothing,
}

/// Attempts of one change.
#[derive(Default)]
pub(super) struct Attempts(u32);

impl Attempts {
    /// # Errors
    /// [`ErrorKind::KeyStoreBusy`] where there were enough.
    pub(super) async fn again(&mut self, inner: &Inner) -> Result<()> {
        self.0 += 1;
        if self.0 == ATTEMPTS {
            return Err(inner.store_error(ErrorKind::KeyStoreBusy, format!("{ATTEMPTS} times")));
        }
        // Apart from the others: up to half a second, by chance.
        let mut random = [0; 1];
        cipher::random(&mut random)?;
        let most = 1 << self.0.min(9);
        inner.runtime.pause(Duration::from_millis(u64::from(random[0]) * most / 256)).await;
        Ok(())
    }
}
