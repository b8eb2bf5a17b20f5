//! A store in a text in memory: how a backup is written and read. The library makes the document of
//! `KEY-STORE.md`, section 4, of any [`Document`].

use std::sync::{Mutex, PoisonError};

use encrypted_field::envelope::{BackendError, BackendErrorKind, Document, KeyStore as _, Record};

/// The document of these records.
pub(crate) async fn of(records: &[Record]) -> Result<String, BackendError> {
    let text = Text { name: "backup".to_owned(), document: Mutex::default(), is_writable: true };
    if !text.compare_and_swap(0, records).await? {
        let detail = "it could not be put into one text";
        return Err(BackendError::new(BackendErrorKind::Garbled, detail));
    }
    Ok(text.document.into_inner().unwrap_or_else(PoisonError::into_inner).unwrap_or_default())
}

/// A store that is in this text, and can only be read. `name` is for messages.
pub(crate) fn store(name: impl Into<String>, text: String) -> super::StoreHandle {
    super::StoreHandle::new(Text {
        name: name.into(),
        document: Mutex::new(Some(text)),
        is_writable: false,
    })
}

struct Text {
    name: String,
    document: Mutex<Option<String>>,
    is_writable: bool,
}

impl Document for Text {
    type Version = ();

    async fn read(&self) -> Result<Option<(String, ())>, BackendError> {
        let text = self.document.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(text.clone().map(|text| (text, ())))
    }

    async fn replace(&self, _: Option<&()>, text: String) -> Result<bool, BackendError> {
        if !self.is_writable {
            return Err(BackendError::new(
                BackendErrorKind::Denied,
                "a backup is never written to",
            ));
        }
        *self.document.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        Ok(true)
    }

    fn describe(&self) -> String {
        self.name.clone()
    }
}
