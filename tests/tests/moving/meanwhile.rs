//! What somebody else does between the two statements of a move: the legacy reader of these tests
//! runs it, on the thread that reads.

use std::cell::RefCell;
use std::string::FromUtf8Error;

type Action = Box<dyn FnOnce()>;

thread_local! {
    static ACTION: RefCell<Option<Action>> = const { RefCell::new(None) };
}

/// Runs `action` once, when the next plaintext is read on this thread.
pub fn at_next_plaintext(action: impl FnOnce() + 'static) {
    ACTION.set(Some(Box::new(action)));
}

/// For `legacy = …`: the plaintext as it is.
pub fn read(stored: &[u8]) -> Result<String, FromUtf8Error> {
    if let Some(action) = ACTION.take() {
        action();
    }
    String::from_utf8(stored.to_vec())
}
