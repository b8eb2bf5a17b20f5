//! What is to become of one row. Nothing here touches a database.

use encrypted_field::column::Column;
use encrypted_field::format::{self, is_ours};
use encrypted_field::plaintext::{PlaintextError, Zeroizing};
use encrypted_field::{Error, ErrorFamily, ErrorKind, Keyring};

use crate::report::FailureKind;
use crate::spec::{Job, Operation};

/// The bytes of a value, or of a plaintext. They wipe themselves.
pub(crate) type Bytes = Zeroizing<Vec<u8>>;

/// What is to become of one row.
#[derive(Debug)]
pub(crate) enum Decision {
    /// It stays.
    Keep(Kept),
    /// This is to be written.
    Replace(Bytes),
    /// It stays, and somebody has to look at it.
    Fail(Flaw),
}

/// Why a row can't be moved.
#[derive(Debug)]
pub(crate) enum Flaw {
    /// It fails.
    Row(FailureKind, String),
    /// Its key is not loaded. It may come with a refresh. If it does not, the row fails with this
    /// reason.
    NotLoaded(String),
}

impl Decision {
    fn fail(kind: FailureKind, reason: impl Into<String>) -> Self {
        Self::Fail(Flaw::Row(kind, reason.into()))
    }
}

/// Why a row stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// NULL stays NULL.
    Null,
    /// It is in the target state.
    Done,
    /// The application is about to write it.
    Pending,
}

/// What rows are judged by: the job and the keys, for one scope.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    job: &'a Job,
    ring: &'a Keyring,
    declared: Column,
    source: Option<Column>,
}

impl<'a> Judge<'a> {
    /// For the rows of the scope that the job declares, or of the one that is named.
    pub(crate) fn new(job: &'a Job, ring: &'a Keyring, scope: Option<&str>) -> Self {
        let of = |column: &Column| match scope {
            Some(scope) => column.clone().scope(scope.to_owned()),
            None => column.clone(),
        };
        Self { job, ring, declared: of(&job.declared), source: job.source.as_ref().map(of) }
    }

    /// `stored` is what is read. `target` is what stands in the column that is written, if that is
    /// another one.
    #[allow(clippy::option_option, reason = "no such column, and NULL in it")]
    pub(crate) fn decide(&self, stored: Option<&[u8]>, target: Option<Option<&[u8]>>) -> Decision {
        let Some(stored) = stored else { return Decision::Keep(Kept::Null) };
        let decided = match &self.job.operation {
            Operation::Encrypt => {
                self.seal_foreign(stored, |stored| self.job.plaintext.from_plain(stored))
            }
            Operation::Import(_, reader) => self.seal_foreign(stored, &**reader),
            Operation::Rotate | Operation::Rename => self.reseal(stored),
            Operation::Restore => self.restore(stored),
            Operation::Decrypt => self.decrypt(stored),
        };
        let decided = match target {
            Some(target) => self.beside_target(stored, target, decided),
            None => decided,
        };
        decided.unwrap_or_else(|decision| decision)
    }

    /// The job's last look at a row, for `verify`: whether it is in the target state, under which
    /// key, and whether that is stale. An error is a row that fails.
    pub(crate) fn verify(&self, stored: &[u8]) -> Result<Verdict, Flaw> {
        let fails = |kind, reason: String| Err(Flaw::Row(kind, reason));
        if matches!(self.job.operation, Operation::Decrypt) {
            if is_ours(stored) {
                return fails(FailureKind::NotDone, "the row still holds a stored value".into());
            }
            return match self.job.plaintext.from_plain(stored) {
                Ok(_) => Ok(Verdict { key: None, is_stale: false }),
                Err(error) => fails(FailureKind::Unreadable, error.to_string()),
            };
        }
        let opened =
            self.declared.open(self.ring, stored.to_vec()).map_err(|error| flaw(&error))?;
        let key = opened.key_id.get();
        match self.job.plaintext.to_plain(opened.encoded) {
            Err(error) => fails(FailureKind::WrongType, format!("key {key}: {error}")),
            Ok(plain) if is_whole(&plain) => fails(
                FailureKind::Nested,
                format!(
                    "key {key}: the plaintext is a stored value itself, so ciphertext was encrypted once more: open it \
                     twice, and store the plaintext"
                ),
            ),
            Ok(_) => Ok(Verdict { key: Some(key), is_stale: opened.is_stale }),
        }
    }

    fn seal_foreign(
        &self,
        stored: &[u8],
        read: impl Fn(&[u8]) -> Result<Bytes, PlaintextError>,
    ) -> Judged {
        // What is ours never goes to a reader: damaged ciphertext would come back as a plaintext,
        // and be encrypted once more.
        if is_ours(stored) {
            return self.open(&self.declared, stored).map(|_| Decision::Keep(Kept::Done));
        }
        let encoded = read(stored)
            .map_err(|error| Decision::fail(FailureKind::Unreadable, error.to_string()))?;
        // An encoding that is not one of the type would be found by the application, row by row.
        self.job
            .plaintext
            .to_plain(encoded.clone())
            .map_err(|error| Decision::fail(FailureKind::WrongType, error.to_string()))?;
        self.seal(&encoded)
    }

    fn reseal(&self, stored: &[u8]) -> Judged {
        let opened = self.open(&self.declared, stored)?;
        if opened.is_stale { self.seal(&opened.encoded) } else { Ok(Decision::Keep(Kept::Done)) }
    }

    fn restore(&self, stored: &[u8]) -> Judged {
        let source = self.source.as_ref().unwrap_or(&self.declared);
        match source.open(self.ring, stored.to_vec()) {
            Ok(opened) => self.seal(&opened.encoded),
            // In the same column: it has the declared form already.
            Err(error) if error.kind() == ErrorKind::WrongStorage => {
                self.open(&self.declared, stored).map(|_| Decision::Keep(Kept::Done))
            }
            Err(error) => Err(refused(&error)),
        }
    }

    fn decrypt(&self, stored: &[u8]) -> Judged {
        if !is_ours(stored) {
            return Ok(Decision::Keep(Kept::Done));
        }
        let encoded = self.open(&self.declared, stored)?.encoded;
        let fails = |kind, error: PlaintextError| Decision::fail(kind, error.to_string());
        let plain = self
            .job
            .plaintext
            .to_plain(encoded.clone())
            .map_err(|error| fails(FailureKind::WrongType, error))?;
        if is_ours(&plain) {
            let reason = "the plaintext itself looks like a stored value, and would be refused";
            return Err(Decision::fail(FailureKind::LooksSealed, reason));
        }
        let again = self
            .job
            .plaintext
            .from_plain(&plain)
            .map_err(|error| fails(FailureKind::NotExact, error))?;
        if again != encoded {
            let reason = "the plain form does not give the value back";
            return Err(Decision::fail(FailureKind::NotExact, reason));
        }
        Ok(Decision::Replace(plain))
    }

    /// With a column of its own to write: what stands there is never overwritten, because nobody
    /// can tell which of the two is newer.
    fn beside_target(&self, stored: &[u8], target: Option<&[u8]>, decided: Judged) -> Judged {
        let Some(target) = target else {
            return match decided? {
                // The source is in the target state, and the target is still empty.
                Decision::Keep(Kept::Done) => {
                    self.seal(&self.open(&self.declared, stored)?.encoded)
                }
                decided => Ok(decided),
            };
        };
        let is_same = match decided? {
            Decision::Replace(new) => self.value_of(&new)? == self.value_of(target)?,
            Decision::Keep(Kept::Done) => self.value_of(stored)? == self.value_of(target)?,
            decided => return Ok(decided),
        };
        if is_same {
            return Ok(Decision::Keep(Kept::Done));
        }
        let reason = "the column that is written holds another value already";
        Err(Decision::fail(FailureKind::Differs, reason))
    }

    /// The plaintext behind what is in the target state.
    fn value_of(&self, stored: &[u8]) -> Result<Bytes, Decision> {
        if matches!(self.job.operation, Operation::Decrypt) {
            return Ok(Bytes::new(stored.to_vec()));
        }
        self.open(&self.declared, stored).map(|opened| opened.encoded)
    }

    /// Seals, and opens what came out before anybody stores it: neither a wrong key nor a mistake
    /// of ours reaches a row.
    fn seal(&self, encoded: &[u8]) -> Judged {
        let sealed = self.declared.seal(self.ring, encoded).map_err(|error| refused(&error))?;
        let opened = self.open(&self.declared, &sealed)?;
        if *opened.encoded == *encoded && !opened.is_stale {
            return Ok(Decision::Replace(Bytes::new(sealed)));
        }
        let reason = "the sealed value did not open to what was sealed";
        Err(Decision::fail(FailureKind::NotExact, reason))
    }

    fn open(
        &self,
        column: &Column,
        stored: &[u8],
    ) -> Result<encrypted_field::column::OpenedValue, Decision> {
        column.open(self.ring, stored.to_vec()).map_err(|error| refused(&error))
    }
}

/// What `verify` finds in a row that is as it should be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) key: Option<u32>,
    pub(crate) is_stale: bool,
}

/// Both sides are decisions: the second one ends the work on the row.
type Judged = Result<Decision, Decision>;

fn refused(error: &Error) -> Decision {
    match error.kind() {
        ErrorKind::Pending => Decision::Keep(Kept::Pending),
        _ => Decision::Fail(flaw(error)),
    }
}

fn flaw(error: &Error) -> Flaw {
    match error.kind() {
        ErrorKind::KeyNotLoaded => Flaw::NotLoaded(error.to_string()),
        _ => Flaw::Row(kind_of(error), error.to_string()),
    }
}

/// Whether this is all of a stored value, in either form. A text that somebody has typed, and that
/// only begins like one, is none.
fn is_whole(plain: &[u8]) -> bool {
    let is_text = |text| format::inspect_text(text).is_ok();
    format::inspect(plain).is_ok() || std::str::from_utf8(plain).is_ok_and(is_text)
}

fn kind_of(error: &Error) -> FailureKind {
    match error.kind() {
        ErrorKind::NotEncrypted => FailureKind::NotEncrypted,
        ErrorKind::Authentication => FailureKind::Authentication,
        ErrorKind::UnknownKey => FailureKind::UnknownKey,
        ErrorKind::InvalidPlaintext => FailureKind::WrongType,
        ErrorKind::DoubleEncryption => FailureKind::Nested,
        // The value may be as it should be. Its key is another scope's, or no field's.
        ErrorKind::ScopeMismatch | ErrorKind::PurposeMismatch => FailureKind::Keys,
        ErrorKind::Pending => FailureKind::Pending,
        kind if kind.family() == ErrorFamily::Keys => FailureKind::Keys,
        _ => FailureKind::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use encrypted_field::generate_key;

    use super::*;
    use crate::spec::{Description, Reader};

    fn ring() -> Keyring {
        let [first, second] = [generate_key().unwrap(), generate_key().unwrap()];
        Keyring::builder().retired(1, first).active(2, second).build().unwrap()
    }

    fn decide(operation: Operation, plaintext: &str, ring: &Keyring, stored: &[u8]) -> Decision {
        let described =
            Description { plaintext: plaintext.to_owned(), ..Description::new("t", "c") };
        let job = match operation {
            Operation::Decrypt => {
                let confirm = Job::confirmation(&described);
                Job::decrypt(described, &confirm).unwrap()
            }
            operation => Job::new(described, operation).unwrap(),
        };
        Judge::new(&job, ring, None).decide(Some(stored), None)
    }

    fn failed(decision: &Decision) -> Option<FailureKind> {
        match decision {
            Decision::Fail(Flaw::Row(kind, _)) => Some(*kind),
            _ => None,
        }
    }

    fn seal(ring: &Keyring, plaintext: &[u8]) -> Vec<u8> {
        Column::new("t.c").unwrap().seal(ring, plaintext).unwrap()
    }

    #[test]
    fn no_reader_ever_gets_what_may_be_ours() {
        let ring = ring();
        let reader: Reader = Arc::new(|stored| {
            assert!(!is_ours(stored));
            Ok(Bytes::new(stored.to_vec()))
        });
        let sealed = seal(&ring, b"CANARY-");
        for end in 4..sealed.len() {
            for stored in [sealed[..end].to_vec(), [b"\"", &sealed[..]].concat()] {
                for operation in
                    [Operation::Encrypt, Operation::Import("any".into(), reader.clone())]
                {
                    let kind = failed(&decide(operation, "text", &ring, &stored));
                    let is_damaged =
                        matches!(kind, Some(FailureKind::Malformed | FailureKind::Authentication));
                    assert!(is_damaged, "cut at {end}: {kind:?}");
                }
            }
        }
        assert!(matches!(
            decide(Operation::Import("any".into(), reader), "text", &ring, &sealed),
            Decision::Keep(Kept::Done)
        ));
    }

    #[test]
    fn a_reader_that_gives_another_type_is_refused() {
        let reader: Reader = Arc::new(|stored| Ok(Bytes::new(stored.to_vec())));
        let decided =
            decide(Operation::Import("any".into(), reader), "integer", &ring(), b"CANARY-7");
        assert_eq!(failed(&decided), Some(FailureKind::WrongType));
    }

    #[test]
    fn what_could_not_be_read_again_is_not_decrypted() {
        let ring = ring();
        // A user has typed it, and it was sealed as any other text.
        let decided = decide(Operation::Decrypt, "text", &ring, &seal(&ring, b"ef1:12"));
        assert_eq!(failed(&decided), Some(FailureKind::LooksSealed));
        let decided = decide(Operation::Decrypt, "integer", &ring, &seal(&ring, b"CANARY-"));
        assert_eq!(failed(&decided), Some(FailureKind::WrongType));
        let Decision::Replace(plain) =
            decide(Operation::Decrypt, "text", &ring, &seal(&ring, b"CANARY-"))
        else {
            panic!("not decrypted")
        };
        assert!(**plain == *b"CANARY-");
    }

    #[test]
    fn the_states_of_a_row_are_told_apart() {
        let ring = ring();
        let of = |operation, stored: &[u8]| decide(operation, "text", &ring, stored);
        assert!(matches!(of(Operation::Encrypt, b"ef1:0:"), Decision::Keep(Kept::Pending)));
        assert!(matches!(of(Operation::Decrypt, b"CANARY-"), Decision::Keep(Kept::Done)));
        assert_eq!(failed(&of(Operation::Rotate, b"CANARY-")), Some(FailureKind::NotEncrypted));
        let other = Column::new("t.d").unwrap().seal(&ring, b"CANARY-").unwrap();
        assert_eq!(failed(&of(Operation::Rotate, &other)), Some(FailureKind::Authentication));
        let binary = Column::new("t.c").unwrap().storage(encrypted_field::Storage::Binary);
        let binary = binary.seal(&ring, b"CANARY-").unwrap();
        assert_eq!(failed(&of(Operation::Rotate, &binary)), Some(FailureKind::Malformed));
        assert!(matches!(of(Operation::Restore, &binary), Decision::Replace(_)));
        assert!(matches!(
            of(Operation::Restore, &seal(&ring, b"CANARY-")),
            Decision::Keep(Kept::Done)
        ));
    }
}
