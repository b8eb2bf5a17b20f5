//! The database whose columns are moved.

use encrypted_field::plaintext::Zeroizing;
use encrypted_field_migrate::Migration;

use crate::args::Common;
use crate::config::{self, DataConfig, Database, Server, Url};
use crate::context::Context;
use crate::failure::{Failure, Result};

/// The configuration, and the database that it names.
pub(in crate::commands) async fn open(
    common: &Common,
    context: &mut Context<'_>,
) -> Result<(DataConfig, Migration)> {
    let config = config::read_data(context, common.config.as_deref())?;
    let Some(database) = &config.database else {
        return Err(Failure::new(
            "the configuration says of no database what is to be moved; add a section [database] with `kind` and `url_env`",
        ));
    };
    let url = url(database, context)?;
    let migration = Migration::connect(&url).await?;
    Ok((config, migration))
}

/// With the password in it.
fn url(database: &Database, context: &mut Context<'_>) -> Result<Zeroizing<String>> {
    let Server { url, password } = match database {
        Database::Sqlite(path) => {
            let path = path
                .to_str()
                .ok_or_else(|| Failure::new(format!("{} is no path in UTF-8", path.display())))?;
            return Ok(Zeroizing::new(format!("sqlite://{}", escaped(path, b"/"))));
        }
        Database::Postgres(server) | Database::MySql(server) => server,
    };
    let url = match url {
        Url::Plain(url) => Zeroizing::new(url.clone()),
        Url::Secret(source) => source.read(context, "the URL of the database")?,
    };
    let Some(password) = password else { return Ok(url) };
    let password = password.read(context, "the password of the database")?;
    let with_password = url.split_once("://").and_then(|(scheme, rest)| {
        let (user, rest) = rest.split_once('@')?;
        let password = Zeroizing::new(escaped(&password, b""));
        Some(Zeroizing::new(format!("{scheme}://{user}:{}@{rest}", *password)))
    });
    with_password.ok_or_else(|| {
        Failure::new("[database]: the URL names no user, so the password is nobody's; write it as postgres://app@host/database")
    })
}

/// Percent-encoded, but for letters, digits and these.
fn escaped(text: &str, but: &[u8]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || but.contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.push_str(&crate::output::hex(&[byte]).to_uppercase());
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::secret::SecretSource;
    use crate::session::tests_support::with_context;

    const PASSWORD: &str = "CANARY-p@ss:w/rd";

    fn server(url: &str) -> Database {
        Database::Postgres(Server {
            url: Url::Plain(url.into()),
            password: Some(SecretSource::Environment("PASSWORD".into())),
        })
    }

    fn of(database: &Database) -> Result<String, String> {
        with_context(None, |context| {
            context.environment = Arc::new(|name| (name == "PASSWORD").then(|| PASSWORD.into()));
            url(database, context).map(|url| url.to_string()).map_err(|error| error.to_string())
        })
    }

    #[test]
    fn a_password_is_escaped() {
        let url = of(&server("postgres://app@db.internal:5432/app?sslmode=require")).unwrap();
        assert_eq!(
            url,
            "postgres://app:CANARY-p%40ss%3Aw%2Frd@db.internal:5432/app?sslmode=require"
        );
        let refused = of(&server("postgres://db.internal/app")).unwrap_err();
        assert!(refused.contains("names no user") && !refused.contains("CANARY"), "{refused}");
    }

    #[test]
    fn a_file_is_named_by_its_path() {
        let file = Database::Sqlite(PathBuf::from("/var/my app/größe?.sqlite"));
        assert_eq!(of(&file).unwrap(), "sqlite:///var/my%20app/gr%C3%B6%C3%9Fe%3F.sqlite");
    }
}
