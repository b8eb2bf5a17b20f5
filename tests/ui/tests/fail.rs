//! What does not compile, with the messages.
//!
//! The cases are programs of their own. `TRYBUILD=overwrite cargo test -p ui-tests` writes the
//! expected messages anew.

#[test]
fn fail() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}
