//! Floats are their bits, big-endian (IEEE 754): 4 or 8 bytes. So -0.0, infinities and each NaN
//! come back as they were, and fields compare by bits.

use zeroize::{Zeroize as _, Zeroizing};

use super::{Encoded, Plaintext, PlaintextError, legacy_str, plain_value, shown};

macro_rules! floats {
    ($($float:ty)+) => {$(
        impl Plaintext for $float {
            plain_value!(Self);

            const ENCODING: Option<&'static str> = Some(stringify!($float));

            fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
                let bits = Zeroizing::new(self.to_be_bytes());
                Ok(Encoded::inline(&*bits))
            }

            fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
                let bits = bytes.as_slice().try_into();
                bits.map(Self::from_be_bytes)
                    .map_err(|_| PlaintextError::new(concat!("not the bytes of an ", stringify!($float))))
            }

            /// As databases and Rust print it. The nearest float is taken.
            fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
                const NO_FLOAT: PlaintextError = PlaintextError::new(concat!("not an ", stringify!($float)));
                let text = legacy_str(stored)?;
                let float: Self = text.parse().map_err(|_| NO_FLOAT)?;
                // Digits beyond the range are read as infinity, which they are not.
                if float.is_infinite() && text.contains(|c: char| c.is_ascii_digit()) {
                    return Err(NO_FLOAT);
                }
                Ok(float)
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

floats!(f32 f64);
