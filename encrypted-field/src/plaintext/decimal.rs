//! Decimals as text that keeps the scale: `1.50` stays `1.50`. Plain notation has 0 to 28 digits
//! after the point. Any other scale is `<digits>E<sign><exponent>`, so that a huge scale is not a
//! huge text.
#![cfg(any(feature = "rust_decimal", feature = "bigdecimal"))]

use zeroize::Zeroizing;

use super::{Encoded, Plaintext, PlaintextError, legacy_str, plain_value};

const NOT_A_DECIMAL: PlaintextError = PlaintextError::new("not a decimal of the field's type");

#[cfg(feature = "rust_decimal")]
impl Plaintext for rust_decimal::Decimal {
    plain_value!(Self);

    const ENCODING: Option<&'static str> = Some("decimal");
    super::overwrite_with!(Self::ZERO);

    fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
        // Negative zero equals zero, and equal values have equal encodings.
        let mut positive_zero = *self;
        if self.is_zero() {
            positive_zero.set_sign_positive(true);
        }
        Ok(Encoded::owned(positive_zero.to_string().into_bytes()))
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        let text = std::str::from_utf8(&bytes).map_err(|_| NOT_A_DECIMAL)?;
        let value = Self::from_str_exact(text).map_err(|_| NOT_A_DECIMAL)?;
        // One spelling per value and scale.
        if *value.encode()? == **bytes { Ok(value) } else { Err(NOT_A_DECIMAL) }
    }

    fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
        Self::from_str_exact(legacy_str(stored)?).map_err(|_| NOT_A_DECIMAL)
    }
}

#[cfg(feature = "bigdecimal")]
impl Plaintext for bigdecimal::BigDecimal {
    plain_value!(Self);

    const ENCODING: Option<&'static str> = Some("decimal");

    fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
        let (digits, scale) = self.as_bigint_and_exponent();
        let text = match scale {
            0..=28 => self.to_plain_string(),
            _ => format!("{digits}E{:+}", -i128::from(scale)),
        };
        Ok(Encoded::owned(text.into_bytes()))
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        let text = std::str::from_utf8(&bytes).map_err(|_| NOT_A_DECIMAL)?;
        let value: Self = text.parse().map_err(|_| NOT_A_DECIMAL)?;
        // One spelling per value and scale.
        if *value.encode()? == **bytes { Ok(value) } else { Err(NOT_A_DECIMAL) }
    }

    fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
        legacy_str(stored)?.parse().map_err(|_| NOT_A_DECIMAL)
    }
}
