//! Writing a change: compare-and-swap, and a new attempt from what others have written.

use std::sync::Arc;
use std::time::Duration;

use super::backends::Backends;
use super::clock::{Reference, SKEW, seconds};
use super::loading::{Ask, Loader};
use crate::cipher;
use crate::envelope::backend::Mark;
use crate::envelope::draft::{Draft, Note, refused};
use crate::envelope::record::{Entry, Head};
use crate::envelope::view::View;
use crate::envelope::{Query, Record, RotationPolicy};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::KeyState;
use crate::key_id::KeyId;

/// How often a change is tried. Each time at least one other process has got its own through.
const ATTEMPTS: u32 = 50;
/// In seconds.
const DAY: u64 = 86_400;

/// Makes and writes changes.
pub(super) struct Changes {
    pub(super) loader: Arc<Loader>,
    pub(super) rotation: RotationPolicy,
    /// For a new store.
    pub(super) propagation: Duration,
    /// For a new store.
    pub(super) heartbeat: Duration,
    /// For a new store.
    pub(super) first_key_id: KeyId,
}

impl Changes {
    pub(super) fn backends(&self) -> &Backends {
        &self.loader.backends
    }

    /// Now, in seconds since 1970 (UTC).
    pub(super) fn now(&self) -> u64 {
        seconds(self.backends().clock.wall())
    }

    /// The clock of the store at the last load, or else of a key service, which may have been asked
    /// since.
    fn reference(&self) -> Option<Reference> {
        self.loader.reference().or_else(|| self.loader.reference_of(None))
    }

    /// A change of what `view` has, dated now.
    ///
    /// # Errors
    /// [`ErrorKind::ClockSkew`] if the clock of the store, of a key service or of whoever changed
    /// the store last contradicts.
    pub(super) fn draft<'a>(&self, view: &'a View, note: &'a Note) -> Result<Draft<'a>> {
        let now = self.now();
        match self.reference() {
            Some(reference) => reference.check()?,
            None if now.saturating_add(SKEW) < view.head.signed => {
                let detail = format!(
                    "the one here is {} s behind the last change of the {}; correct the one that is wrong, and if that is the \
                     store's date, `repair`",
                    view.head.signed - now,
                    self.backends().store.name()
                );
                return Err(Error::new(ErrorKind::ClockSkew).detail(detail));
            }
            None => {}
        }
        Ok(Draft::new(view, now, note))
    }

    /// As [`draft`](Self::draft), even if the last change is dated into the future and the clock
    /// here is right.
    pub(super) fn draft_whatever_its_date<'a>(
        &self,
        view: &'a View,
        note: &'a Note,
    ) -> Result<Draft<'a>> {
        if let Some(reference) = self.reference() {
            reference.check()?;
        }
        Ok(Draft::new(view, self.now(), note))
    }

    /// Plans a change of scopes as they are stored now, and writes it. If others were faster, it
    /// does so again.
    pub(super) async fn change<T>(
        &self,
        scopes: &[&str],
        note: &Note,
        plan: impl Fn(&mut Draft<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut attempts = Attempts::default();
        loop {
            let view = self.loader.look_up(scopes, true, Ask::Always).await?;
            let mut draft = self.draft(&view, note)?;
            let done = plan(&mut draft)?;
            if self.commit(&view, draft).await? {
                return Ok(done);
            }
            attempts.again(self.backends()).await?;
        }
    }

    /// Checks that every process knows a key to be pending or disabled. The clock of this process
    /// that nobody sets shows it, if the process has seen the key so for long enough. The key's
    /// dates show it, too, if the clock of the store or of a key service confirms the one here.
    /// Without such a clock, the dates decide that a pending key becomes active, with a day to
    /// spare. They never decide to take a key out of use.
    pub(super) fn check_known_everywhere(&self, head: &Head, entry: &Entry) -> Result<()> {
        let since = match entry.state {
            KeyState::Pending => {
                entry.activate_after.map(|after| after.saturating_sub(head.propagation))
            }
            KeyState::Disabled => entry.disabled,
            _ => return Ok(()),
        };
        let propagation = Duration::from_secs(head.propagation);
        let seen_for = self.seen_for(entry);
        let passed = since.map_or(0, |since| self.now().saturating_sub(since));
        let (spare, by_date) = match self.reference() {
            Some(reference) => {
                reference.check()?;
                (SKEW, true)
            }
            None => (DAY, entry.state == KeyState::Pending),
        };
        let left = head.propagation.saturating_add(spare).saturating_sub(passed);
        if seen_for >= propagation || (by_date && left == 0) {
            return Ok(());
        }
        let or_when = if by_date {
            format!("by the dates alone it may go on in {left} s")
        } else {
            "go on in a process that stays, or in one whose store or key service has a clock"
                .to_owned()
        };
        Err(refused(
            format!(
                "this process has seen it {} for {} s of {}: only then it is sure, whatever the clocks say, that every process \
                 knows; {or_when}",
                entry.state.name(),
                seen_for.as_secs(),
                propagation.as_secs()
            ),
            entry.id,
        ))
    }

    /// Whether a key has been retired for so long, and not only by a date that this process alone
    /// believes in.
    pub(super) fn is_retired_for(&self, entry: &Entry, time: Duration) -> bool {
        let is_confirmed = self.reference().is_some_and(|reference| reference.check().is_ok());
        is_confirmed || self.seen_for(entry) >= time
    }

    fn seen_for(&self, entry: &Entry) -> Duration {
        let seen = self.loader.first_seen(entry);
        seen.map_or(Duration::ZERO, |seen| self.backends().clock.monotonic().saturating_sub(seen))
    }

    /// Writes a draft, if nobody has written since.
    pub(super) async fn commit(&self, view: &View, draft: Draft<'_>) -> Result<bool> {
        if draft.is_empty() {
            return Ok(true);
        }
        let mut change = [0; 32];
        cipher::random(&mut change)?;
        let (after, records) = draft.finish(change)?;
        if after.head.restored == view.head.restored && self.loader.is_overtaken(&view.head).await?
        {
            return Ok(false);
        }
        let swapped = match self.backends().swap(view.head.revision, &records).await {
            Ok(swapped) => swapped,
            // It may have been written nevertheless, and the answer was lost.
            Err(error) => self.was_written(&after, &records).await.map_err(|_| error)?,
        };
        if !swapped {
            return Ok(false);
        }
        let head = Arc::clone(&after.head);
        self.loader.wrote(after.clone())?;
        let mark = Mark { store: head.store, epoch: head.epoch, revision: head.revision };
        if let Err(error) = self.backends().raise_anchor(mark).await {
            // It is a lower bound still, and the next change raises it.
            event::emit(&Event::AnchorFailed { key_set: &self.backends().key_set, error: &error });
        }
        self.report(view, &after);
        Ok(true)
    }

    async fn was_written(&self, after: &View, records: &[Record]) -> Result<bool> {
        let names = records.iter().map(|record| record.name.clone());
        let loaded = self.backends().load(&Query::head().names(names)).await?;
        let head = Head::read(&loaded.records).map_err(|e| self.backends().of_store(e))?;
        // If somebody without the store key has signed it, it says nothing.
        if !head.check(&after.mac)? {
            return Err(Error::new(ErrorKind::KeyStoreUnavailable));
        }
        let hash = after.head.hash(&after.mac);
        // Others may have gone on from there. A record of that revision and content can be nobody
        // else's, because it is signed with our key.
        let is_ours = |record: &Record| {
            !record.is_head()
                && loaded.records.iter().any(|other| {
                    (&other.name, other.revision) == (&record.name, record.revision)
                        && is_same_json(&other.body, &record.body)
                })
        };
        if head == *after.head
            || head.previous == Some(hash)
            || (head.revision > after.head.revision && records.iter().any(is_ours))
        {
            return Ok(true);
        }
        // It is not there, and may still come. So nothing else is tried.
        Err(Error::new(ErrorKind::KeyStoreUnavailable))
    }

    fn report(&self, before: &View, after: &View) {
        for keys in after.all_keys().filter(|keys| keys.revision == after.head.revision) {
            let was = before.keys_of(&keys.scope);
            for entry in &keys.keys {
                let was = was.and_then(|keys| keys.get(entry.id)).map(|entry| entry.state);
                if let Some(key_id) = KeyId::new(entry.id)
                    && was != Some(entry.state)
                {
                    let (key_set, scope, state) =
                        (&*self.backends().key_set, &*keys.scope, entry.state);
                    event::emit(&Event::KeyChanged { key_set, key_id, scope, state });
                }
            }
        }
    }
}

/// A store may have formatted it in another way.
fn is_same_json(a: &str, b: &str) -> bool {
    let parse = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    parse(a).is_some_and(|a| Some(a) == parse(b))
}

/// Checks that the caller has named the object of a change that can't be undone.
pub(super) fn confirmed(given: &str, expected: &str) -> Result<()> {
    if given == expected {
        return Ok(());
    }
    Err(Error::new(ErrorKind::NotConfirmed).detail(format!("confirm it with \"{expected}\"")))
}

/// Attempts of one change.
#[derive(Default)]
pub(super) struct Attempts(u32);

impl Attempts {
    /// # Errors
    /// [`ErrorKind::KeyStoreBusy`] if there were enough.
    pub(super) async fn again(&mut self, backends: &Backends) -> Result<()> {
        self.0 += 1;
        if self.0 == ATTEMPTS {
            return Err(backends.store_error(ErrorKind::KeyStoreBusy, format!("{ATTEMPTS} times")));
        }
        // Apart from the others: up to half a second, by chance.
        let mut random = [0; 1];
        cipher::random(&mut random)?;
        let most = 1 << self.0.min(9);
        backends.runtime.pause(Duration::from_millis(u64::from(random[0]) * most / 256)).await;
        Ok(())
    }
}
