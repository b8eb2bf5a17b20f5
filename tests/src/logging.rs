//! Sends everything the ORMs and drivers log to the test output, where the scan for secrets reads
//! it.

use log::{LevelFilter, Log, Metadata, Record};

struct ToTestOutput;

impl Log for ToTestOutput {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        // The macro and not the stream: only what goes through it belongs to the test that caused
        // it.
        eprintln!("log: {} {}: {}", record.level(), record.target(), record.args());
    }

    fn flush(&self) {}
}

/// From here on every log record of this process, down to trace, is test output. Asking for a
/// server ([`crate::part`] and all that use it) does this too.
pub fn to_test_output() {
    // Fails when it was done already, by another test of the same process.
    if log::set_logger(&ToTestOutput).is_ok() {
        log::set_max_level(LevelFilter::Trace);
    }
}
