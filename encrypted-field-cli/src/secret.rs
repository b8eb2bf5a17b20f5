//! Secrets: where they come from. Never an argument, never the configuration itself.

use std::fs;
use std::path::PathBuf;

use encrypted_field::plaintext::Zeroizing;

use crate::context::Context;
use crate::failure::{Failure, Result};

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecretSource {
    /// In this variable of the environment.
    Environment(String),
    /// In this file, with white space around it.
    File(PathBuf),
    /// In somebody's head or safe.
    Prompt,
}

impl SecretSource {
    /// The secret; `what` it is, for questions and messages.
    pub(crate) fn read(&self, context: &mut Context<'_>, what: &str) -> Result<Zeroizing<String>> {
        let text = match self {
            Self::Environment(name) => match (context.environment)(name)
                .map(std::ffi::OsString::into_string)
            {
                None => {
                    return Err(Failure::new(format!("{what}: the variable {name} is not set")));
                }
                Some(Err(value)) => {
                    drop(Zeroizing::new(value.into_encoded_bytes()));
                    return Err(Failure::new(format!("{what}: the variable {name} is not UTF-8")));
                }
                Some(Ok(text)) => Zeroizing::new(text),
            },
            Self::File(path) => {
                let bytes = fs::read(path).map(Zeroizing::new);
                let bytes = bytes.map_err(|error| {
                    Failure::of_file(path, &format!("{what} can't be read"), &error)
                })?;
                let text = std::str::from_utf8(&bytes).map_err(|_| {
                    Failure::new(format!("{}: {what} is not UTF-8", path.display()))
                })?;
                Zeroizing::new(text.to_owned())
            }
            Self::Prompt => {
                let Some(terminal) = &mut context.terminal else {
                    return Err(Failure::new(format!(
                        "{what} is to be typed, and there is no terminal to ask on; run it on a terminal, or let it come from a \
                         file or a variable"
                    )));
                };
                let answer = terminal.ask_secret(&format!("{what}: "));
                answer
                    .map_err(|error| Failure::new(format!("{what} could not be read: {error}")))?
            }
        };
        let text = Zeroizing::new(text.trim().to_owned());
        if text.is_empty() {
            return Err(Failure::new(format!("{what} is empty ({})", self.describe())));
        }
        Ok(text)
    }

    fn describe(&self) -> String {
        match self {
            Self::Environment(name) => format!("variable {name}"),
            Self::File(path) => format!("file {}", path.display()),
            Self::Prompt => "as it was typed".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::SecretSource;
    use crate::session::tests_support::{Answers, with_context};

    const SECRET: &str = "CANARY-secret";

    fn read(
        source: &SecretSource,
        typed: Option<&str>,
        set: Option<&'static str>,
    ) -> Result<String, String> {
        let mut answers = typed.map(|answer| Answers(vec![answer.to_owned()]));
        with_context(answers.as_mut(), |context| {
            context.environment =
                Arc::new(move |name| set.filter(|_| name == "TOKEN").map(Into::into));
            let read = source.read(context, "the token");
            read.map(|text| text.to_string()).map_err(|failure| failure.to_string())
        })
    }

    #[test]
    fn it_comes_from_a_prompt() {
        assert_eq!(read(&SecretSource::Prompt, Some(SECRET), None).unwrap(), SECRET);
        assert!(read(&SecretSource::Prompt, Some(" "), None).unwrap_err().contains("empty"));
        assert!(read(&SecretSource::Prompt, None, None).unwrap_err().contains("no terminal"));
    }

    #[test]
    fn it_comes_from_a_variable() {
        let variable = SecretSource::Environment("TOKEN".into());
        assert_eq!(read(&variable, None, Some("CANARY-secret\n")).unwrap(), SECRET);
        assert_eq!(
            read(&variable, None, None).unwrap_err(),
            "the token: the variable TOKEN is not set"
        );
    }

    #[test]
    fn it_comes_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let source = SecretSource::File(file.path().into());
        assert!(read(&source, None, None).unwrap_err().contains("empty"));
        std::fs::write(file.path(), format!("{SECRET}\n")).unwrap();
        assert_eq!(read(&source, None, None).unwrap(), SECRET);
        std::fs::write(file.path(), b"CANARY-\xff").unwrap();
        let refused = read(&source, None, None).unwrap_err();
        assert!(refused.contains("not UTF-8") && !refused.contains("CANARY"), "{refused}");
        assert!(read(&SecretSource::File("/nowhere/token".into()), None, None).is_err());
    }
}
