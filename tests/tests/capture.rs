//! The control of the scan: what these print must be in the captured output, or the scan fails.

use tests::leaks::CAPTURED;

#[test]
fn standard_output_is_captured() {
    println!("{}", CAPTURED[0]);
}

#[test]
#[should_panic = "captured: a panic on standard error"]
fn panics_are_captured() {
    panic!("{}", CAPTURED[1]);
}
