//! `init`: a configuration file to begin with.

use super::keygen::new_file;
use crate::args::{Common, Init, KekKind, StoreKind};
use crate::config;
use crate::context::Context;
use crate::failure::{Failure, Result};

const HEAD: &str = "\
# The configuration of the command `encrypted-field`. Relative paths start at the folder of this file.
# No secret stands in here: each comes from a file, a variable (`…_env`) or a prompt (`…_prompt = true`).

# Bound into everything that is stored; it can't be changed later.
key_set = \"{key_set}\"
# Who makes changes, where --by does not say it. By default $USER@host.
# changed_by = \"operations\"
# KEKs of the store that are not in reach here on purpose, such as a break-glass key in a safe.
# offline_keks = [\"break-glass\"]
# The store has at least this revision and epoch: `encrypted-field status` shows both.
# min_revision = 1
# min_epoch = 1
# For a new store: the time between publishing a key and its use, and how often the store is signed.
# propagation = \"1h 10m\"
# heartbeat = \"30m\"
";

const TAIL: &str = "
# A second KEK from the first day, in another region or in a safe. `encrypted-field rewrap` adds it.
# [[kek]]
# name = \"break-glass\"
# kind = \"local\"
# key_prompt = true

# How new the store is at least, kept where whoever can set the store back can't write.
# [anchor]
# kind = \"file\"          # or vault-kv, secrets-manager, s3, fixed
# path = \"/var/lib/app/keys.anchor\"

# When keys rotate. Give the same to the application.
# [rotation]
# interval = \"90d\"       # or by_hand = true
# grace = \"7d\"

# For how long keys are used without a refresh. Give the same to the application.
# [cache]
# refresh = \"5m\"
# max_age = \"30m\"
# grace = \"30m\"
";

/// A build without a database knows none of this.
#[cfg(feature = "sql")]
const DATA: &str = "
# The values under the keys, for `encrypted-field data`: where they are, and which columns have them.
# [database]
# kind = \"postgres\"      # or mysql; or sqlite with path
# url_env = \"DATABASE_URL\"
# [[column]]
# table = \"users\"
# column = \"token\"

# A move with its options, for `encrypted-field data run encrypt-tokens`.
# [[job]]
# name = \"encrypt-tokens\"
# operation = \"encrypt\"  # or rotate, rename, import, storage, decrypt
# column = \"users.token\"
# rate = 2000             # rows per second
# max_lag = \"10s\"
";

const VAULT: &str = "
# A connection to Vault. There may be several, each with a name.
[vault.main]
address = \"https://vault.internal:8200\"
# ca_certificate = \"/etc/vault/ca.pem\"
# namespace = \"team\"
token_file = \"/run/secrets/vault-token\"   # or token_env; or role_id with secret_id_file; or kubernetes_role
";

pub(super) fn run(common: &Common, args: &Init, context: &mut Context<'_>) -> Result<u8> {
    if args.key_set.chars().any(char::is_control) {
        return Err(Failure::new("the name of a key set has no control characters"));
    }
    let text = text(args);
    if args.dry_run {
        context.output.write_all(text.as_bytes())?;
        return Ok(0);
    }
    let path = config::place(context, common.config.as_deref());
    new_file(&path, text.as_bytes(), false)?;
    let shown = path.strip_prefix(&context.folder).unwrap_or(&path).display().to_string();
    writeln!(context.output, "wrote {shown}; look through it, and then:")?;
    if matches!(args.kek, KekKind::Local) {
        writeln!(
            context.output,
            "encrypted-field keygen --out kek    (beside {shown}; keep a copy in a safe)"
        )?;
    }
    if matches!(args.store, StoreKind::Postgres | StoreKind::Mysql | StoreKind::Sqlite) {
        writeln!(context.output, "encrypted-field schema --apply")?;
    }
    writeln!(context.output, "encrypted-field create-store")?;
    Ok(0)
}

fn text(args: &Init) -> String {
    // As TOML writes it: a name may hold what ends a text.
    let key_set = args.key_set.replace('\\', "\\\\").replace('"', "\\\"");
    let mut text = HEAD.replace("{key_set}", &key_set);
    if matches!(args.store, StoreKind::VaultKv) || matches!(args.kek, KekKind::Vault) {
        text.push_str(VAULT);
    }
    text.push_str(store(args.store));
    text.push_str(kek(args.kek));
    text.push_str(TAIL);
    #[cfg(feature = "sql")]
    text.push_str(DATA);
    text
}

const fn store(kind: StoreKind) -> &'static str {
    match kind {
        StoreKind::File => {
            "
[store]
kind = \"file\"
path = \"keys.json\"
# allow_group_read = true
"
        }
        StoreKind::Postgres => {
            "
[store]
kind = \"postgres\"
url = \"postgres://app@db.internal/app\"   # without a password; or url_env, url_file
password_env = \"DATABASE_PASSWORD\"       # or password_file, password_prompt
# table = \"encrypted_field_keys\"
"
        }
        StoreKind::Mysql => {
            "
[store]
kind = \"mysql\"
url = \"mysql://app@db.internal/app\"      # without a password; or url_env, url_file
password_env = \"DATABASE_PASSWORD\"       # or password_file, password_prompt
# table = \"encrypted_field_keys\"
"
        }
        StoreKind::Sqlite => {
            "
[store]
kind = \"sqlite\"
path = \"app.sqlite\"
# table = \"encrypted_field_keys\"
"
        }
        StoreKind::VaultKv => {
            "
[store]
kind = \"vault-kv\"
path = \"app/data-keys\"
# mount = \"secret\"
"
        }
        StoreKind::SecretsManager => {
            "
[store]
kind = \"secrets-manager\"
secret_name = \"app/keys\"     # made beforehand, without a value
region = \"eu-central-1\"
# profile = \"operations\"
"
        }
        StoreKind::S3 => {
            "
[store]
kind = \"s3\"
bucket = \"example-keys\"      # made beforehand, with versioning
key = \"app/keys\"
region = \"eu-central-1\"
# profile = \"operations\"
"
        }
    }
}

const fn kek(kind: KekKind) -> &'static str {
    match kind {
        KekKind::Local => {
            "
[[kek]]
name = \"main\"
kind = \"local\"
key_file = \"kek\"             # or key_env, key_prompt; or passphrase_file and salt
"
        }
        KekKind::Vault => {
            "
[[kek]]
name = \"vault\"
kind = \"vault\"
key = \"app\"
# mount = \"transit\"
# key_per_scope = \"tenant-\"
"
        }
        KekKind::AwsKms => {
            "
[[kek]]
name = \"eu\"
kind = \"aws-kms\"
key = \"alias/app\"
region = \"eu-central-1\"
# profile = \"operations\"
# key_per_scope = \"alias/app-tenant-{scope}\"
"
        }
    }
}

#[cfg(test)]
mod tests;
