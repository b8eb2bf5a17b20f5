//! Why the command did not do what it was asked.

use std::error::Error as _;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use encrypted_field::Error;
use encrypted_field::envelope::BackendError;

use crate::output::plain;

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// What is shown after `error:`. It holds no secret.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Of this command.
    Command(String),
    /// Of the library.
    Library(Error),
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::Command(text.into())
    }

    /// A file that can't be read or written.
    pub(crate) fn of_file(path: &Path, what: &str, error: &std::io::Error) -> Self {
        let why = match error.kind() {
            ErrorKind::NotFound => "it is not there, or its folder is not".to_owned(),
            ErrorKind::PermissionDenied => "this user has no permission".to_owned(),
            _ => error.to_string(),
        };
        Self::Command(format!("{}: {what}: {why}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = match self {
            Self::Command(text) => return f.write_str(&plain(text)),
            Self::Library(error) => error,
        };
        let mut said = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !said.contains(&text) {
                said.push_str(": ");
                said.push_str(&text);
            }
            next = cause.source();
        }
        f.write_str(&plain(&in_commands(&said)))
    }
}

/// What the library's messages advise, and what it is called here.
const CALLS: [(&str, &str); 22] = [
    (
        "let a process `install` or `maintain`",
        "run `encrypted-field maintain`, or start the application",
    ),
    (
        "`FileStore::allow_group_read`",
        "`allow_group_read = true` in its section, [store] or [anchor]",
    ),
    ("`LocalKek::from_group_readable_file`", "`allow_group_read = true` in its [[kek]]"),
    ("`StoreStatus::anchor`", "`encrypted-field status`"),
    (
        "as `migrations/key_store/postgres/up.sql` of encrypted-field makes it",
        "as `encrypted-field schema --apply` makes it",
    ),
    (
        "as `migrations/key_store/mysql/up.sql` of encrypted-field makes it",
        "as `encrypted-field schema --apply` makes it",
    ),
    (
        "as `migrations/key_store/sqlite/up.sql` of encrypted-field makes it",
        "as `encrypted-field schema --apply` makes it",
    ),
    ("`load` them", "`encrypted-field status` shows them"),
    ("`initialize`", "`encrypted-field create-store`"),
    ("`create`", "`encrypted-field keys create`"),
    ("`publish`", "`encrypted-field keys publish`"),
    ("`activate`", "`encrypted-field keys activate`"),
    ("`activate_at_once`", "`encrypted-field keys activate --at-once`"),
    ("`provision`", "`encrypted-field provision`"),
    ("`maintain`", "`encrypted-field maintain`"),
    ("`rewrap`", "`encrypted-field rewrap`"),
    ("`repair`", "`encrypted-field repair`"),
    ("`check_consistency`", "`encrypted-field consistency`"),
    ("`leave_out_kek`", "`encrypted-field leave-out-kek`"),
    ("`accept_restored`", "`encrypted-field accept-restored`"),
    ("`renew_store_key`", "`encrypted-field rotate-store-key`"),
    ("`offline_kek`", "one of the `offline_keks`"),
];

/// A message of the library, with the commands in place of the calls that it names.
pub(crate) fn in_commands(text: &str) -> String {
    CALLS.iter().fold(text.to_owned(), |text, (call, command)| text.replace(call, command))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

#[cfg(feature = "sql")]
impl From<encrypted_field_migrate::Error> for Failure {
    fn from(error: encrypted_field_migrate::Error) -> Self {
        Self::Command(in_commands(&error.to_string()))
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::Command(in_commands(&error.to_string()))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Command(format!("the result can't be written as JSON: {error}"))
    }
}

/// What can't be printed ends the command, as where it is piped into `head`.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Command(format!("the output can't be written: {error}"))
    }
}

/// What all calls run on.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    let made = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    made.map_err(|error| Failure::new(format!("no threads can be started: {error}")))
}

#[cfg(test)]
mod tests {
    use super::in_commands;

    #[test]
    fn what_is_advised_can_be_typed() {
        let said = in_commands(
            "make its first one with `initialize`, once; or `publish` and `activate_at_once`",
        );
        assert_eq!(
            said,
            "make its first one with `encrypted-field create-store`, once; or `encrypted-field keys publish` and \
             `encrypted-field keys activate --at-once`"
        );
        assert_eq!(
            in_commands("let a process `install` or `maintain`"),
            "run `encrypted-field maintain`, or start the application"
        );
    }
}
