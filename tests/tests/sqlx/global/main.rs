//! What belongs to the process and not to a thread: the event hook, and the key ring that `install`
//! sets. Apart from the other tests through SQLx, which would see both.

#[path = "../databases/mod.rs"]
#[allow(dead_code, reason = "most of it is for the other tests")]
mod databases;
mod events;
mod install;
