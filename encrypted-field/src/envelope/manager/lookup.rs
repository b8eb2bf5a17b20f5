//! Keys that a ring has not.

use std::sync::Arc;

use super::Inner;
use super::refreshing::{Answer, Pause};
use super::ring::Finder;
use crate::envelope::record::ScopeKeys;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::KeyEntry;
use crate::key_id::KeyId;

impl Finder for Inner {
    fn find(&self, id: KeyId, scope: Option<&str>, is_stored: bool) -> Result<Arc<KeyEntry>> {
        if let Some(key) = self.in_rings(id, scope) {
            return Ok(key);
        }
        self.refuse_foreign(id, scope)?;
        let now = self.loader.backends.clock.monotonic();
        let may_wake = is_stored || self.cache.detached_may_ask;
        let (answer, is_running) = self.refresher.ask(id, scope, may_wake, is_stored, now);
        let unknown =
            |kind: ErrorKind, detail: &'static str| Err(Error::new(kind).detail(detail).key(id));
        if answer == Answer::NotThere {
            // Unless it came just now.
            if let Some(key) = self.in_rings(id, scope) {
                return Ok(key);
            }
            return unknown(
                ErrorKind::UnknownKey,
                "the key store was read since, and does not have it",
            );
        }
        event::emit(&Event::KeyNotLoaded { key_id: id });
        if !is_running {
            return unknown(
                ErrorKind::KeyNotLoaded,
                "nothing refreshes the keys here; call `load`, or `install` in place of it",
            );
        }
        if let Answer::Later(why) = answer {
            let detail = match why {
                None => {
                    "it is looked for when the next refresh is due: anybody may have made up a detached value"
                }
                Some(Pause::InVain) => {
                    "other ids were looked for in vain of late, so this one is looked for a little later"
                }
                Some(Pause::Failing) => {
                    "the keys can't be refreshed now; it is looked for with the next attempt"
                }
            };
            return unknown(ErrorKind::KeyNotLoaded, detail);
        }
        self.refresher.wait(now, self.cache.wait, || self.in_rings(id, scope).is_some());
        self.in_rings(id, scope)
            .map_or_else(|| Err(Error::new(ErrorKind::KeyNotLoaded).key(id)), Ok)
    }
}

impl Inner {
    /// A key as it is loaded now, of a scope that is loaded on demand or of the process.
    pub(super) fn in_rings(&self, id: KeyId, scope: Option<&str>) -> Option<Arc<KeyEntry>> {
        let in_scope = scope.and_then(|scope| self.scopes.find(scope, id));
        in_scope.or_else(|| self.process.find(id))
    }

    /// Ids that were given when the rings were made, and are not in them, are not worth a question:
    /// they are of other scopes, or of no key at all.
    fn refuse_foreign(&self, id: KeyId, scope: Option<&str>) -> Result<()> {
        let next_id = match scope {
            Some(scope) => self.scopes.next_id(scope),
            None => self.loader.process_next_id(),
        };
        if u64::from(id.get()) >= next_id {
            return Ok(());
        }
        let Some(known) = self.loader.known() else { return Ok(()) };
        let own = scope.and_then(|scope| known.scopes.get(scope)?.as_ref().map(|(_, keys)| keys));
        let in_rings = known.process.iter().flat_map(|process| process.iter()).chain(own);
        if let Some(foreign) =
            in_rings.flat_map(|keys| &keys.foreign).find(|key| key.id == id.get())
        {
            let detail = format!(
                "a later release has written its entry, for the purpose {:?}; upgrade encrypted-field",
                foreign.purpose()
            );
            return Err(Error::new(ErrorKind::KeyUnusable).detail(detail).key(id));
        }
        let has = |keys: &Arc<ScopeKeys>| keys.has(id.get());
        let in_process = known.process.as_ref().is_some_and(|process| process.iter().any(has));
        let on_demand = known
            .scopes
            .iter()
            .filter(|(_, keys)| keys.as_ref().is_some_and(|(_, keys)| has(keys)));
        let mut on_demand = on_demand.map(|(name, _)| &**name);
        let error = match (on_demand.next(), scope) {
            // The ring with it is about to be made.
            (Some(name), Some(scope)) if name == scope => return Ok(()),
            (None, None) if in_process => return Ok(()),
            (Some(_), _) => Error::new(ErrorKind::ScopeMismatch),
            (None, _) if in_process => Error::new(ErrorKind::ScopeMismatch),
            (None, None) if known.head.tree.is_none() => {
                Error::new(ErrorKind::UnknownKey).detail("the key store has never given this id")
            }
            (None, _) => {
                let detail = "it is of another scope, or the key store has never given this id";
                Error::new(ErrorKind::ScopeMismatch).detail(detail)
            }
        };
        Err(error.key(id))
    }
}
