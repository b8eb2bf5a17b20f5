//! Wiping a plaintext whose type may or may not be `Zeroize`: types inside of `Json` and `Text` are
//! the application's own.
//!
//! Generated code knows the concrete type, so method resolution can choose: `(&mut Wipe(x)).wipe()`
//! takes the first impl that fits, the one for `Zeroize` types before the one that needs one more
//! reference.

use zeroize::Zeroize;

use crate::plaintext::{Json, Text};

/// The value to be wiped.
#[derive(Debug)]
pub struct Wipe<'a, T>(pub &'a mut T);

/// Taken for JSON and text of a type that is `Zeroize`.
pub trait WipeZeroize {
    /// Overwrites the value.
    fn wipe(&mut self);
}

impl<T: Zeroize> WipeZeroize for Wipe<'_, Json<T>> {
    fn wipe(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> WipeZeroize for Wipe<'_, Text<T>> {
    fn wipe(&mut self) {
        self.0.zeroize();
    }
}

/// Taken for everything else: [`Secret`](crate::Secret) wipes the other types by itself.
pub trait WipeElsewhere {
    /// Does nothing.
    fn wipe(&mut self);
}

impl<T> WipeElsewhere for &mut Wipe<'_, T> {
    fn wipe(&mut self) {}
}
