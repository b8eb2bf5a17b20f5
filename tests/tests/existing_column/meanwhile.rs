//! What happens between a read and a write of the loop, in the middle of it: the library tells of
//! each plaintext that it reads, on the thread that reads it.

use std::cell::RefCell;
use std::sync::Once;

use encrypted_field::event::{self, Event};

type Action = Box<dyn FnMut()>;

thread_local! {
    static ACTION: RefCell<Option<Action>> = const { RefCell::new(None) };
}

/// Runs `action` at each plaintext that `run` reads on this thread.
pub fn at_each_plaintext<R>(action: impl FnMut() + 'static, run: impl FnOnce() -> R) -> R {
    static SET: Once = Once::new();
    SET.call_once(|| event::set_hook(tell));
    let _end = End;
    ACTION.set(Some(Box::new(action)));
    run()
}

struct End;

impl Drop for End {
    fn drop(&mut self) {
        ACTION.set(None);
    }
}

fn tell(event: &Event<'_>) {
    if let Event::LegacyRead { .. } = event
        && let Some(mut action) = ACTION.take()
    {
        action();
        ACTION.set(Some(action));
    }
}
