//! A memory outside of the store: how new the store is at least.

use std::fmt;
use std::pin::Pin;

use super::{BackendError, BackendErrorKind, Document, StoreId};
use crate::envelope::record::{MAX_DATE, MAX_REVISION};
use crate::error::{Error, ErrorKind, Result};

/// How new a store is at least. An anchor is kept where nobody who can set the store back can reach
/// it: in a file, in an object of another account, or in the configuration. With it, even a process
/// that has not seen the store before notices that it was set back, replaced or emptied.
///
/// The text is `<store in hexadecimal> <epoch> <revision>`, as
/// [`StoreStatus::anchor`](crate::envelope::StoreStatus::anchor) has it.
pub struct Anchor(Place);

enum Place {
    /// Given once, and never raised.
    Fixed(Mark),
    Document(Box<dyn AnyDocument>),
}

impl Anchor {
    /// In a document that each process reads when it starts, at each refresh and before each
    /// change, and that each process which changes the store raises. A document that was never
    /// written is made at the first change.
    pub fn in_document(document: impl Document) -> Self {
        Self(Place::Document(Box::new(document)))
    }

    /// In a file with the rules of a [`FileStore`](crate::envelope::FileStore), on a volume that
    /// all processes share or on one host. A file of one host is raised by the changes of that
    /// host's processes only, and so may be behind. One that is missing counts as never written. A
    /// file that its group may read is
    /// `Anchor::in_document(FileStore::new(path).allow_group_read())`.
    #[cfg(feature = "file-store")]
    pub fn in_file(path: impl AsRef<std::path::Path>) -> Self {
        Self::in_document(crate::envelope::FileStore::of_anchor(path))
    }

    /// A lower bound that nobody raises, such as one from an environment variable.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKeys`]: it is not the text of an anchor.
    pub fn fixed(text: &str) -> Result<Self> {
        Mark::parse(text).map(|mark| Self(Place::Fixed(mark))).ok_or_else(|| {
            let detail = "an anchor is the id of the store in 32 hexadecimal digits, the epoch and the revision, with spaces \
                          between; `StoreStatus::anchor` gives it";
            Error::new(ErrorKind::InvalidKeys).detail(detail)
        })
    }

    /// What it says. `None` if it was never written.
    pub(in crate::envelope) async fn read(&self) -> Result<Option<Mark>, BackendError> {
        match &self.0 {
            Place::Fixed(mark) => Ok(Some(*mark)),
            Place::Document(document) => match document.read().await? {
                None => Ok(None),
                Some(text) => parse(&text).map(Some),
            },
        }
    }

    /// Raises it, unless it says as much already.
    pub(in crate::envelope) async fn raise(&self, mark: Mark) -> Result<(), BackendError> {
        match &self.0 {
            Place::Fixed(_) => Ok(()),
            Place::Document(document) => document.raise(mark).await,
        }
    }

    pub(in crate::envelope) fn describe(&self) -> String {
        match &self.0 {
            Place::Fixed(_) => "anchor".to_owned(),
            Place::Document(document) => format!("anchor ({})", document.describe()),
        }
    }
}

impl fmt::Debug for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// One moment in the life of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::envelope) struct Mark {
    pub(in crate::envelope) store: StoreId,
    pub(in crate::envelope) epoch: u64,
    pub(in crate::envelope) revision: u64,
}

impl Mark {
    pub(in crate::envelope) fn age(&self) -> (u64, u64) {
        (self.epoch, self.revision)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split_ascii_whitespace();
        let (store, epoch, revision) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || store.len() != 32 || !store.is_ascii() {
            return None;
        }
        let mut id = [0; 16];
        for (at, byte) in id.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&store[2 * at..2 * at + 2], 16).ok()?;
        }
        let mark = Self {
            store: StoreId(id),
            epoch: epoch.parse().ok()?,
            revision: revision.parse().ok()?,
        };
        (mark.epoch <= MAX_DATE && mark.revision <= MAX_REVISION).then_some(mark)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.store, self.epoch, self.revision)
    }
}

fn parse(text: &str) -> Result<Mark, BackendError> {
    Mark::parse(text)
        .ok_or_else(|| no_anchor("it holds no anchor: the id of a store, an epoch and a revision"))
}

/// A damaged anchor, which is not to be taken for a damaged store.
fn no_anchor(what: impl fmt::Display) -> BackendError {
    let detail = format!("{what}; restore it, or write the text of `StoreStatus::anchor` there");
    BackendError::new(BackendErrorKind::Misconfigured, detail)
}

/// Errors of a document are about its text, which is an anchor here.
fn of_anchor(error: BackendError) -> BackendError {
    match error.kind() {
        BackendErrorKind::Garbled => no_anchor(error),
        _ => error,
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// [`Document`] with its type erased, as far as an anchor needs it.
trait AnyDocument: Send + Sync {
    fn read(&self) -> Answer<'_, Option<String>>;
    fn raise(&self, mark: Mark) -> Answer<'_, ()>;
    fn describe(&self) -> String;
}

impl<D: Document> AnyDocument for D {
    fn read(&self) -> Answer<'_, Option<String>> {
        Box::pin(async { Ok(Document::read(self).await.map_err(of_anchor)?.map(|(text, _)| text)) })
    }

    fn raise(&self, mark: Mark) -> Answer<'_, ()> {
        Box::pin(async move {
            // Each time another process was faster, and has raised it, too.
            for _ in 0..10 {
                let before = Document::read(self).await.map_err(of_anchor)?;
                if let Some((text, _)) = &before {
                    let said = parse(text)?;
                    if said.store != mark.store {
                        let detail =
                            format!("it is of the store {}, not of {}", said.store, mark.store);
                        return Err(BackendError::new(BackendErrorKind::Misconfigured, detail));
                    }
                    if said.age() >= mark.age() {
                        return Ok(());
                    }
                }
                let version = before.as_ref().map(|(_, version)| version);
                if self.replace(version, format!("{mark}\n")).await? {
                    return Ok(());
                }
            }
            Err(BackendError::new(BackendErrorKind::Unavailable, "others change it all the time"))
        })
    }

    fn describe(&self) -> String {
        Document::describe(self)
    }
}
