use std::path::Path;

use super::section::Source;
use super::{Config, Database, Store, Url, parse};

const KEK: &str = "[[kek]]\nname = \"main\"\nkind = \"local\"\nkey_file = \"kek\"\n";

fn parse(text: &str) -> Result<Config, String> {
    let source = Source { name: "ef.toml".into(), folder: "/etc/app".into(), text: text.into() };
    parse::config(&source).map_err(|failure| failure.to_string())
}

fn with_store(store: &str) -> Result<Config, String> {
    parse(&format!("key_set = \"production\"\n[store]\n{store}\n{KEK}"))
}

fn refused(text: Result<Config, String>) -> String {
    text.expect_err("a refusal")
}

#[test]
fn relative_paths_start_at_the_file() {
    let config = with_store("kind = \"file\"\npath = \"keys.json\"").unwrap();
    let Store::File { path, .. } = config.store else { panic!("a file") };
    assert_eq!(path, Path::new("/etc/app/keys.json"));
}

#[test]
fn errors_have_the_line() {
    let unknown = refused(with_store("kind = \"file\"\npath = \"keys.json\"\npaht = \"x\""));
    assert_eq!(
        unknown,
        "ef.toml, line 5: [store] knows no `paht`; it knows allow_group_read, kind, path"
    );
    let duration = refused(parse(&format!(
        "key_set = \"p\"\npropagation = \"soon\"\n[store]\nkind = \"file\"\npath = \"k\"\n{KEK}"
    )));
    assert!(
        duration.starts_with("ef.toml, line 2: the configuration `propagation` is a time"),
        "{duration}"
    );
    let second = refused(parse(&format!(
        "key_set = \"p\"\n[store]\nkind = \"file\"\npath = \"k\"\n{KEK}[[kek]]\nname = \"b\"\nkind = \"hsm\"\n"
    )));
    assert_eq!(
        second,
        "ef.toml, line 11: [[kek]] \"b\" knows no kind \"hsm\"; it is one of local, vault, aws-kms"
    );
}

#[test]
fn passwords_in_urls_are_found() {
    for secret in [
        "postgres://app:CANARY-pw@db/app",
        "postgres://app:CANARY-p/w@db/app",
        "postgres://db/app?password=CANARY-pw",
        "postgres://app@db/app?sslmode=require&PASSWORD=CANARY-pw",
    ] {
        let message = refused(with_store(&format!("kind = \"postgres\"\nurl = \"{secret}\"")));
        assert!(message.contains("line 4") && message.contains("`password_env`"), "{message}");
        assert!(!message.contains("CANARY"), "{message}");
    }
    for plain in [
        "postgres://app@db:5432/app",
        "postgres://db/app",
        "postgres://app@[::1]:5432/app?sslmode=require",
    ] {
        let config = with_store(&format!("kind = \"postgres\"\nurl = \"{plain}\"")).unwrap();
        let Store::Table(table) = config.store else { panic!("a table") };
        assert!(
            matches!(table.database, Database::Postgres(server) if matches!(server.url, Url::Plain(_))),
            "{plain}"
        );
    }
}

#[test]
fn no_secret_stands_in_the_file_and_none_is_quoted() {
    let vault = |login: &str| {
        format!(
            "key_set = \"p\"\n[vault.main]\naddress = \"https://v\"\n{login}\n[store]\nkind = \"file\"\npath = \"k\"\n{KEK}"
        )
    };
    for (login, advice) in [
        ("token = \"CANARY-t\"", "`token_env`"),
        ("role_id = \"r\"\nsecret_id = \"CANARY-s\"", "`secret_id_env`"),
    ] {
        let message = refused(parse(&vault(login)));
        assert!(message.contains(advice), "{message}");
        assert!(!message.contains("CANARY"), "{message}");
    }
    let kek =
        "[[kek]]\nname = \"a\"\nkind = \"local\"\nkey_file = \"f\"\npassphrase = \"CANARY-p\"\n";
    let message =
        refused(parse(&format!("key_set = \"p\"\n[store]\nkind = \"file\"\npath = \"k\"\n{kek}")));
    assert!(message.contains("line 9") && message.contains("`passphrase_env`"), "{message}");
    // Also where it is no TOML: without quotes, or on a line that is broken otherwise.
    for broken in
        ["token = CANARY-t", "token = \"CANARY-t", "CANARY-t", "a = \"CANARY-t\" \"CANARY-t\""]
    {
        let message = refused(parse(&vault(broken)));
        assert!(message.starts_with("ef.toml, line "), "{message}");
        assert!(!message.contains("CANARY"), "{message}");
    }
}

#[test]
fn what_is_missing_is_named() {
    assert!(refused(parse("")).contains("has no `key_set`; add key_set = \"production\""));
    assert!(refused(parse("key_set = \"p\"")).contains("no section [store]"));
    assert!(
        refused(parse("key_set = \"p\"\n[store]\nkind = \"file\"\npath = \"k\"\n"))
            .contains("[[kek]]")
    );
    assert!(
        refused(with_store("kind = \"file\""))
            .contains("line 2: [store] has no `path`; add path = \"keys.json\"")
    );
    assert!(refused(with_store("kind = \"vault-kv\"\npath = \"a\"")).contains("[vault.main]"));
    let kms = "[[kek]]\nname = \"eu\"\nkind = \"aws-kms\"\nkey = \"alias/app\"\nkey_per_scope = \"alias/tenants\"\n";
    let message =
        refused(parse(&format!("key_set = \"p\"\n[store]\nkind = \"file\"\npath = \"k\"\n{kms}")));
    assert!(message.contains("line 9") && message.contains("{scope}"), "{message}");
}

#[cfg(feature = "sql")]
mod jobs {
    use super::*;
    use crate::config::Move;
    use crate::config::data::{self, DataConfig};

    fn with_job(job: &str) -> Result<DataConfig, String> {
        let text = format!(
            "[keys]\nkind = \"environment\"\n[[column]]\ntable = \"users\"\ncolumn = \"token\"\n{job}"
        );
        let source = Source { name: "ef.toml".into(), folder: "/etc/app".into(), text };
        data::parse(&source).map_err(|failure| failure.to_string())
    }

    const JOB: &str =
        "[[job]]\nname = \"tokens\"\noperation = \"rotate\"\ncolumn = \"users.token\"\n";

    #[test]
    fn a_job_has_the_options_of_the_command_line() {
        let options = "workers = 4\nshard = \"3/16\"\nrate = 2000\nbatch = 100\nbatch_time = \"1s\"\n\
                       max_lag = \"10s\"\nreplica_env = [\"REPLICA\"]\nload_command = \"is-calm now\"\n";
        let config = with_job(&format!("{JOB}{options}")).unwrap();
        let job = config.job("tokens").unwrap();
        assert_eq!((job.operation, job.column.as_str()), (Move::Rotate, "users.token"));
        let how = &job.how;
        assert_eq!((how.workers, how.batch, how.rate), (Some(4), Some(100), Some(2000)));
        assert_eq!(how.shard.map(|shard| (shard.index, shard.count)), Some((3, 16)));
        let second = std::time::Duration::from_secs(1);
        assert_eq!((how.batch_time, how.max_lag), (Some(second), Some(second * 10)));
        assert_eq!(how.replica_env, ["REPLICA"]);
        assert_eq!(how.load_command.as_deref(), Some("is-calm now"));
        let unknown = config.job("token").unwrap_err().to_string();
        assert_eq!(unknown, "the configuration has no job \"token\"; it has tokens");
    }

    #[test]
    fn what_a_job_can_not_be_is_told() {
        for (job, said) in [
            ("[[job]]\n", "line 6: [[job]] has no `name`; add name = \"encrypt-tokens\""),
            (
                "[[job]]\nname = \"a\"\n",
                "line 6: [[job]] \"a\" has no `operation`; add operation = one of encrypt, rotate",
            ),
            (
                "[[job]]\nname = \"a\"\noperation = \"seal\"\n",
                "line 8: [[job]] \"a\" knows no operation \"seal\"; it is one of encrypt, rotate, rename, import, storage, decrypt",
            ),
            (
                "[[job]]\nname = \"a\"\noperation = \"rotate\"\ncolumn = \"users.tokn\"\n",
                "line 9: [[job]] \"a\" is of a column that has no section: the file has no column users.tokn; it has users.token",
            ),
        ] {
            let message = with_job(job).unwrap_err();
            assert!(message.starts_with(&format!("ef.toml, {said}")), "{message}");
        }
        for (option, said) in [
            ("batch = 0", "line 10: [[job]] \"tokens\" `batch` is a number from 1 to 10000"),
            ("workers = 1000", "`workers` is a number from 1 to 256"),
            ("shard = \"16/16\"", "has a `shard` that is none: a part is such as 3/16"),
            ("dry_run = true", "knows no `dry_run`"),
        ] {
            let message = with_job(&format!("{JOB}{option}\n")).unwrap_err();
            assert!(message.contains(said), "{message}");
        }
        assert!(
            with_job(&format!("{JOB}{JOB}")).unwrap_err().contains("\"tokens\" is there twice")
        );
    }
}
