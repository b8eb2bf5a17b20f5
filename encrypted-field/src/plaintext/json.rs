//! Any serde type, as JSON.

#[cfg(feature = "json")]
use zeroize::Zeroizing;

/// The plaintext type of `#[encrypted(json = T)]`: `T`, stored as `serde_json` writes it (feature `json`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Json<T>(pub T);

impl<T: zeroize::Zeroize> zeroize::Zeroize for Json<T> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(feature = "json")]
impl<T> super::Plaintext for Json<T>
where
    T: serde::Serialize + serde::de::DeserializeOwned + Clone + 'static,
{
    type Value = T;
    type View = T;

    fn from_value(value: T) -> Self {
        Self(value)
    }

    fn into_value(self) -> T {
        self.0
    }

    fn view(&self) -> &T {
        &self.0
    }

    fn encode(&self) -> Result<super::Encoded<'_>, super::PlaintextError> {
        // Measured first, so that growing leaves no copies behind that are not wiped.
        let mut len = Counter(0);
        serde_json::to_writer(&mut len, &self.0)
            .map_err(|_| super::PlaintextError::new("can't be written as JSON"))?;
        let mut json = Vec::with_capacity(len.0);
        serde_json::to_writer(&mut json, &self.0)
            .map_err(|_| super::PlaintextError::new("can't be written as JSON"))?;
        let json = super::Encoded::owned(json);
        // What can be written can't always be read: NaN becomes null, and reading stops at 128 levels. Nothing is
        // stored that is lost. (What is read here is wiped only by a `T` that wipes itself when dropped.)
        match serde_json::from_slice::<T>(&json) {
            Ok(_) => Ok(json),
            Err(_) => Err(super::PlaintextError::new(
                "its JSON does not read back as the type (NaN, or nested too deeply)",
            )),
        }
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, super::PlaintextError> {
        // Not serde_json's own message: it quotes what it read.
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|_| super::PlaintextError::new("not JSON of the field's type"))
    }

    fn from_legacy(stored: &[u8]) -> Result<Self, super::PlaintextError> {
        serde_json::from_slice(stored)
            .map(Self)
            .map_err(|_| super::PlaintextError::new("not JSON of the field's type"))
    }
}

#[cfg(feature = "json")]
struct Counter(usize);

#[cfg(feature = "json")]
impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
