//! Integers are 16 bytes, an `i128` big-endian. So the length tells nothing of the number, and a
//! column may change its width. `bool` is `00` or `01`.

use zeroize::{Zeroize as _, Zeroizing};

use super::{Encoded, Plaintext, PlaintextError, legacy_str, plain_value, shown};

macro_rules! integers {
    ($($int:ty)+) => {$(
        impl Plaintext for $int {
            plain_value!(Self);

            const ENCODING: Option<&'static str> = Some("integer");

            fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
                let wide = Zeroizing::new(
                    i128::try_from(*self)
                        .map_err(|_| PlaintextError::new("a u128 above i128::MAX"))?
                        .to_be_bytes(),
                );
                Ok(Encoded::inline(&*wide))
            }

            fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
                let wide = bytes.as_slice().try_into().map_err(|_| PlaintextError::new("not a 16-byte integer"))?;
                i128::from_be_bytes(wide)
                    .try_into()
                    .map_err(|_| PlaintextError::new(concat!("an integer out of the range of ", stringify!($int))))
            }

            fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
                legacy_str(stored)?.parse().map_err(|_| PlaintextError::new(concat!("not a ", stringify!($int))))
            }

            fn to_legacy(&self) -> Result<Encoded<'_>, PlaintextError> {
                shown(self)
            }

            fn wipe(&mut self) {
                self.zeroize();
            }
        }
    )+};
}

integers!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

impl Plaintext for bool {
    plain_value!(Self);

    const ENCODING: Option<&'static str> = Some("bool");

    fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
        Ok(Encoded::inline(&[u8::from(*self)]))
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        match bytes.as_slice() {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(PlaintextError::new("not a bool")),
        }
    }

    /// `true`/`false`, and as databases print them: `t`/`f`, `1`/`0`.
    fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
        match legacy_str(stored)? {
            "true" | "t" | "1" => Ok(true),
            "false" | "f" | "0" => Ok(false),
            _ => Err(PlaintextError::new("not a bool")),
        }
    }

    fn to_legacy(&self) -> Result<Encoded<'_>, PlaintextError> {
        shown(self)
    }

    fn wipe(&mut self) {
        self.zeroize();
    }
}
