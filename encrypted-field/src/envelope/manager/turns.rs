//! The turn of this process. One refresh or one change runs at a time, and all who wait for it
//! share it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use futures_util::lock::MutexGuard;

use super::{Inner, never_loaded};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};

impl Inner {
    /// Everything up to date, and the keys confirmed.
    pub(super) async fn refresh(self: &Arc<Self>) -> Result<()> {
        let turn = self.turn.lock().await;
        self.refresh_in(turn).await
    }

    /// As [`refresh`](Self::refresh), for those who find the keys expired. If it has failed a
    /// moment ago, all of them are told so, and the key service is not asked.
    pub(super) async fn refresh_expired(self: &Arc<Self>) -> Result<()> {
        self.outage.check()?;
        let turn = self.turn_soon().await?;
        // Others may have found it out meanwhile.
        if self.health.is_current() {
            return Ok(());
        }
        self.outage.check()?;
        self.refresh_in(turn).await
    }

    /// The turn, for somebody who does not wait for ever while others have it.
    async fn turn_soon(&self) -> Result<MutexGuard<'_, ()>> {
        let backends = &self.loader.backends;
        let most = backends.call_timeout.saturating_mul(4);
        backends.runtime.timeout(most, self.turn.lock()).await.ok_or_else(|| {
            let detail =
                format!("earlier calls of this process are not over after {} ms", most.as_millis());
            Error::new(ErrorKind::KeyServiceUnavailable).detail(detail)
        })
    }

    /// As [`in_turn`](Self::in_turn), for changes of which many may be asked for at once, by people
    /// who sign up. If the key service fails, they are told so, and don't each try.
    pub(super) async fn in_turn_if_in_reach<T>(
        self: &Arc<Self>,
        change: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        self.outage.check()?;
        let turn = self.turn_soon().await?;
        let attempt = self.outage.begin()?;
        let changed = change.await;
        match &changed {
            Ok(_) => self.outage.ended(),
            Err(error) if is_of_a_service(error.kind()) => self.outage.failed(&attempt, "", error),
            Err(_) => self.outage.release(&attempt),
        }
        self.follow().await;
        drop(turn);
        changed
    }

    async fn refresh_in(self: &Arc<Self>, _turn: MutexGuard<'_, ()>) -> Result<()> {
        let clock = &self.loader.backends.clock;
        // From before the store is read. A change while it is read may not be in it.
        let (at, date) = (clock.monotonic(), clock.wall());
        // Whoever calls this means it, even if it is known to fail.
        let attempt = self.outage.begin().ok();
        let refreshed =
            std::panic::AssertUnwindSafe(self.refresh_all(at, date)).catch_unwind().await;
        let refreshed = refreshed.unwrap_or_else(|_| {
            let detail = "refreshing the keys has panicked, such as in the hook for events";
            Err(Error::new(ErrorKind::KeyServiceUnavailable).detail(detail))
        });
        match &refreshed {
            Ok(()) => {
                self.outage.ended();
                self.scopes.in_reach();
                event::emit(&Event::KeysRefreshed { key_set: self.key_set() });
            }
            Err(error) => {
                if let Some(attempt) = attempt {
                    self.outage.failed(&attempt, "", error);
                }
                self.not_refreshed(error);
            }
        }
        refreshed
    }

    async fn refresh_all(self: &Arc<Self>, at: Duration, date: SystemTime) -> Result<()> {
        let view = self.loader.refresh(&self.scopes.in_use()).await?;
        let process = view.process.as_ref().ok_or_else(never_loaded)?;
        self.process.use_keys(process, self.finder()).await?;
        // Before those of scopes, of which there may be many.
        self.health.confirm(at, date);
        self.process.extend();
        self.check_freshness();
        self.scopes.refresh(&view, &self.finder()).await;
        self.refresher.loaded(at);
        Ok(())
    }

    /// A change of the store, one at a time in this process. Its result is used here at once. It
    /// confirms no key: only a refresh has looked at all that are in use.
    pub(super) async fn in_turn<T>(
        self: &Arc<Self>,
        change: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let _turn = self.turn.lock().await;
        let changed = change.await;
        self.follow().await;
        changed
    }

    /// Makes use of what this process has written. If something can't be used now, the next refresh
    /// does it.
    async fn follow(self: &Arc<Self>) {
        let Some(view) = self.loader.known() else { return };
        let Some(process) = &view.process else { return };
        if let Err(error) = self.process.use_keys(process, self.finder()).await {
            self.not_refreshed(&error);
        }
        self.check_freshness();
        self.scopes.forget_misses();
        self.scopes.refresh(&view, &self.finder()).await;
    }

    fn not_refreshed(&self, error: &Error) {
        self.health.failed(error);
        event::emit(&Event::RefreshFailed { key_set: self.key_set(), kind: error.kind(), error });
    }
}

/// Whether a key service or a store has failed, and not what was asked of it.
fn is_of_a_service(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::KeyServiceUnavailable
            | ErrorKind::KeyServiceDenied
            | ErrorKind::KeyStoreUnavailable
            | ErrorKind::KeyStoreUnusable
    )
}
