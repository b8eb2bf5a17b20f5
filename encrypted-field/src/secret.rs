//! Secret bytes in memory: wiped, never printed.

use std::fmt;

use zeroize::Zeroizing;

/// 32 secret bytes (256 bits), zeroized on drop.
///
/// In a box, because moving them, as a growing list of keys does, would leave a copy behind that
/// nothing wipes.
#[derive(Clone)]
pub(crate) struct SecretBytes(Box<Zeroizing<[u8; 32]>>);

impl SecretBytes {
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Self(Box::new(Zeroizing::new(bytes)))
    }

    /// All zeros, to be filled through [`SecretBytes::expose_mut`].
    pub(crate) fn zeroed() -> Self {
        Self::new([0; 32])
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn expose_mut(&mut self) -> &mut [u8; 32] {
        &mut self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

/// Overwrites everything that the vector has room for, and leaves it empty. As `Zeroize` does, but
/// a block at a time instead of a byte: that of a long value would take longer than to decrypt it.
pub(crate) fn wipe(bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.resize(bytes.capacity(), 0);
    zeroize::optimization_barrier(bytes.as_slice());
    bytes.clear();
}

/// Overwrites what a cipher may have left of a key on the stack, below the frame of the caller.
///
/// Compiled code saves registers there, and which ones depends on the processor. A future that is
/// moved to the heap takes the bytes of its frame along, also those that nothing reads any more.
#[cfg(feature = "local-kek")]
#[inline(never)]
pub(crate) fn wipe_stack() {
    let below = [0_u8; 16 * 1024];
    zeroize::optimization_barrier(&below);
}
