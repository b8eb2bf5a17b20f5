//! `--wait`: one process that stays until the library allows what no clock confirms.
//!
//! A process that has just begun has seen nothing of a key, and on a file with a local KEK nobody
//! confirms its clock. So the library makes it wait until it has seen the key for the propagation
//! time itself. Nothing is written while it waits: it can be stopped and run again.

use std::time::Duration;

use encrypted_field::envelope::{Clock, StoreStatus};
use encrypted_field::{Error, ErrorKind, KeyId, Result as LibraryResult, key::KeyState};

use super::keys_list;
use crate::failure::Result;
use crate::output;
use crate::session::Session;

/// How often it tries: each try reads the store, so that the key is seen.
const INTERVAL: Duration = Duration::from_mins(1);
/// For how long past the propagation time it goes on trying.
const SLACK: Duration = Duration::from_mins(15);

/// What is to be done.
pub(super) enum Step {
    Activate(KeyId),
    /// With the confirmation.
    Destroy(KeyId, String),
}

impl Step {
    fn id(&self) -> KeyId {
        match self {
            Self::Activate(id) | Self::Destroy(id, _) => *id,
        }
    }

    /// In which state waiting helps.
    fn waits_in(&self) -> KeyState {
        match self {
            Self::Activate(_) => KeyState::Pending,
            Self::Destroy(..) => KeyState::Disabled,
        }
    }
}

/// Does it as soon as it is allowed.
pub(super) async fn until_allowed(session: &mut Session<'_, '_>, step: Step) -> Result<()> {
    let id = step.id();
    let propagation = status(session)?.propagation;
    let keys = session.keys.clone();
    let attempt = async || {
        keys.load().await?;
        match &step {
            Step::Activate(id) => keys.activate(*id).await,
            Step::Destroy(id, confirmation) => keys.destroy(*id, confirmation).await,
        }
    };
    // Another state, or another key: time does not help.
    let waits = keys_list::find(session, id).await?.is_some_and(|key| key.state == step.waits_in());
    let is_dry_run = session.is_dry_run();
    let context = &mut *session.context;
    let mut wait = Wait {
        clock: context.clock.clone(),
        pause: &mut *context.pause,
        tell: &mut |text| {
            let _ = writeln!(context.errors, "{text}");
        },
        longest: if waits && !is_dry_run { propagation } else { Duration::ZERO },
    };
    Ok(wait.until_allowed(attempt).await?)
}

fn status(session: &Session<'_, '_>) -> Result<StoreStatus> {
    super::status::store(&session.keys)
}

/// The clock, how to let time pass, and whom to tell: so that a test waits for nothing.
struct Wait<'a> {
    clock: Clock,
    pause: &'a mut dyn FnMut(Duration),
    tell: &'a mut dyn FnMut(String),
    /// What the library waits for; zero where waiting does not help.
    longest: Duration,
}

impl Wait<'_> {
    /// Tries until it succeeds, fails for another reason than the time, or the time is over.
    async fn until_allowed(
        &mut self,
        attempt: impl AsyncFn() -> LibraryResult<()>,
    ) -> LibraryResult<()> {
        let begun = self.clock.monotonic();
        loop {
            let refused = match attempt().await {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            };
            let passed = self.clock.monotonic().saturating_sub(begun);
            if self.longest.is_zero()
                || passed > self.longest + SLACK
                || !is_worth_waiting(&refused)
            {
                return Err(refused);
            }
            let left = self.longest.saturating_sub(passed);
            (self.tell)(if refused.kind() == ErrorKind::KeyLifecycle {
                format!("not yet, for {} more at most", output::duration(left.max(INTERVAL)))
            } else {
                format!("trying again: {refused}")
            });
            (self.pause)(left.clamp(Duration::from_secs(1), INTERVAL));
        }
    }
}

fn is_worth_waiting(error: &Error) -> bool {
    error.kind() == ErrorKind::KeyLifecycle || error.is_retryable()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::SystemTime;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    /// An error of the library: those can't be made here.
    fn refusal() -> Error {
        let keys = encrypted_field::Keyring::builder().active(1, [7; 32]).build();
        keys.expect_err("a key that is not random")
    }

    fn wait<'a>(
        clock: &Clock,
        pause: &'a mut dyn FnMut(Duration),
        tell: &'a mut dyn FnMut(String),
        longest: Duration,
    ) -> Wait<'a> {
        Wait { clock: clock.clone(), pause, tell, longest }
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        crate::failure::runtime().unwrap().block_on(future)
    }

    /// What the library says of a key that is pending for a moment only.
    async fn too_early() -> Error {
        use encrypted_field::envelope::{KeyManager, LocalKek};
        use encrypted_field::key::Purpose;
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(SystemTime::now());
        let store = encrypted_field::envelope::FileStore::new(folder.path().join("keys.json"));
        let kek = LocalKek::new(encrypted_field::generate_key().unwrap()).unwrap();
        let keys =
            KeyManager::builder("production", store).kek("main", kek).clock(clock).build().unwrap();
        keys.initialize().await.unwrap();
        let id = keys.publish("", Purpose::Field).await.unwrap();
        keys.activate(id).await.unwrap_err()
    }

    #[test]
    fn it_tries_every_minute_until_it_is_allowed() {
        let clock = Clock::manual(SystemTime::UNIX_EPOCH);
        let (tries, told) = (Cell::new(0), Cell::new(0));
        let allowed_at = clock.monotonic() + 70 * MINUTE;
        let (mut pause, mut tell) = (|time| clock.advance(time), |_| told.set(told.get() + 1));
        let done =
            run(wait(&clock, &mut pause, &mut tell, 70 * MINUTE).until_allowed(async || {
                tries.set(tries.get() + 1);
                if clock.monotonic() >= allowed_at { Ok(()) } else { Err(too_early().await) }
            }));
        assert!(done.is_ok());
        assert_eq!((tries.get(), told.get()), (71, 70));
    }

    #[test]
    fn it_does_not_wait_for_what_time_does_not_change() {
        let clock = Clock::manual(SystemTime::UNIX_EPOCH);
        let (mut pause, mut tell) = (|_| panic!("it waits"), |_| {});
        // A key in another state.
        let done = run(wait(&clock, &mut pause, &mut tell, Duration::ZERO)
            .until_allowed(async || Err(too_early().await)));
        assert_eq!(done.unwrap_err().kind(), ErrorKind::KeyLifecycle);
        // Another kind of error.
        let done =
            run(wait(&clock, &mut pause, &mut tell, MINUTE).until_allowed(async || Err(refusal())));
        assert_eq!(done.unwrap_err().kind(), ErrorKind::InvalidKeys);
    }

    #[test]
    fn it_gives_up_when_the_time_is_long_over() {
        let clock = Clock::manual(SystemTime::UNIX_EPOCH);
        let (mut pause, mut tell) = (|time| clock.advance(time), |_| {});
        let done = run(wait(&clock, &mut pause, &mut tell, 70 * MINUTE)
            .until_allowed(async || Err(too_early().await)));
        assert_eq!(done.unwrap_err().kind(), ErrorKind::KeyLifecycle);
    }
}
