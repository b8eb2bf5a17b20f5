//! What does not compile without a feature of encrypted-field, with the messages.
//!
//! `TRYBUILD=overwrite cargo test -p ui-bare-tests` writes the expected messages anew.

#[test]
fn fail() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}
