//! Tests of what a process does, in `tests/`.
