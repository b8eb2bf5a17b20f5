//! What can be asked for, as clap reads it. The comments here are the help that users see.

#[cfg_attr(not(feature = "sql"), allow(dead_code, reason = "only where a feature is off"))]
mod data;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use encrypted_field::{KeyId, key::Purpose};

pub(crate) use data::Data;
#[cfg(feature = "sql")]
pub(crate) use data::{
    BATCH, Decrypt, Failures, How, Job, Move, Place as ColumnPlace, Rate, Run, Shard,
    Status as DataStatus, Verify, WORKERS, Width, Work,
};

/// Makes, rotates, watches and backs up the keys of encrypted-field, and moves the data under them.
///
/// Everything is read from a configuration file, encrypted-field.toml in the current folder.
/// `encrypted-field init` writes one. Secrets come from files, variables or prompts, never from
/// arguments.
#[derive(Debug, Parser)]
#[command(name = "encrypted-field", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    #[allow(clippy::doc_markdown, reason = "as help shows it")]
    /// The configuration [default: $ENCRYPTED_FIELD_CONFIG, or encrypted-field.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Of every command that changes the store.
#[derive(Debug, Default, Args)]
pub(crate) struct Change {
    /// Why: kept with the change
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Who: kept with the change [default: `changed_by` of the configuration, or $USER@host]
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// Says what would be written, and writes nothing; key services are asked as usual
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Of what can't be undone.
#[derive(Debug, Default, Args)]
pub(crate) struct Confirm {
    /// The text that confirms it, instead of typing it on the terminal
    #[arg(long, value_name = "TEXT")]
    pub(crate) confirm: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a commented configuration file
    Init(Init),
    /// Make a key of 32 random bytes in base64, for a local KEK
    Keygen(Keygen),
    /// Print the SQL that makes the store's table, or apply it
    Schema(Schema),
    /// Make the store and its first key: once
    CreateStore(CreateStore),
    /// List and change keys
    #[command(subcommand)]
    Keys(Keys),
    /// Make the first key of scopes that are loaded on demand, such as tenants
    Provision(Provision),
    /// Destroy all keys of a scope, such as of a tenant who leaves
    DestroyScope(DestroyScope),
    /// Do what is due: publish, activate and disable keys by the policy, sign the store
    Maintain(Maintain),
    /// Show the store and whether it is healthy; exit code 0 healthy, 1 degraded, 2 failing
    Status(Json),
    /// Unwrap every key under every KEK and compare; exit code 1 with problems
    Consistency(Json),
    /// Mend what `consistency` has found
    Repair(Maintain),
    /// Wrap each key under the KEKs that it lacks, after one was added
    Rewrap(Maintain),
    /// Remove the wraps under a KEK that is not in the configuration any more
    LeaveOutKek(LeaveOutKek),
    /// Give the store a new key for its authentication, and begin a new epoch
    RotateStoreKey(Maintain),
    /// Set how often the store is signed at least
    SetHeartbeat(SetHeartbeat),
    /// Write all of the store into a file, verified
    Backup(Backup),
    /// Verify a backup: that it is authentic, and that each key in it unwraps
    VerifyBackup(VerifyBackup),
    /// Write a backup into a store that is empty
    Restore(Restore),
    /// Show which key ids the values in a database name
    KeyIds(KeyIds),
    /// Accept a store that was set back, after a backup of it was restored
    AcceptRestored(AcceptRestored),
    /// Move the values of columns: encrypt, rotate, import, decrypt, verify
    #[command(subcommand)]
    Data(Data),
    /// Say what a stored value tells of itself, without a key
    Inspect(Inspect),
    /// Open one stored value of a column
    Open(Open),
    /// Print the completions for a shell
    Completions(Completions),
    /// Write the manual pages
    Man(Man),
}

/// The value is read from standard input, so that it is in no list of processes.
#[cfg_attr(not(feature = "sql"), allow(dead_code, reason = "only where a feature is off"))]
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    #[command(flatten)]
    pub(crate) json: Json,
}

/// The stored value is read from standard input: the text form as it is, the binary form in
/// hexadecimal digits.
#[cfg_attr(not(feature = "sql"), allow(dead_code, reason = "only where a feature is off"))]
#[derive(Debug, Args)]
pub(crate) struct Open {
    /// The column, as the configuration names it: table.column
    #[arg(value_name = "COLUMN")]
    pub(crate) column: String,
    /// The tenant, where the column has a `scope_column`
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Option<String>,
    /// Print the plaintext; without this only whether it opens, under which key, and its length
    #[arg(long)]
    pub(crate) show: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The folder for the pages, one for each command; it must be there
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where the keys are kept
    #[arg(long, value_enum, default_value_t = StoreKind::File)]
    pub(crate) store: StoreKind,
    /// What the keys are wrapped under
    #[arg(long, value_enum, default_value_t = KekKind::Local)]
    pub(crate) kek: KekKind,
    /// The name of the key set; it can't be changed later
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub(crate) key_set: String,
    /// Print it, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum StoreKind {
    File,
    Postgres,
    Mysql,
    Sqlite,
    VaultKv,
    SecretsManager,
    S3,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KekKind {
    Local,
    Vault,
    AwsKms,
}

#[derive(Debug, Args)]
pub(crate) struct Keygen {
    /// Write it into a new file, with mode 0600, and print nothing
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Make the table where it is not there
    #[arg(long)]
    pub(crate) apply: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CreateStore {
    /// The id of its first key: above all ids that rows use, where a store was lost
    #[arg(long, value_name = "ID", value_parser = key_id, conflicts_with_all = ["from_env", "from_key_file"])]
    pub(crate) first_key_id: Option<KeyId>,
    #[allow(clippy::doc_markdown, reason = "as help shows it")]
    /// With the keys of the variables ENCRYPTED_FIELD_KEYS or ENCRYPTED_FIELD_KEY
    #[arg(long, conflicts_with = "from_key_file")]
    pub(crate) from_env: bool,
    /// With the keys of this key file
    #[arg(long, value_name = "FILE")]
    pub(crate) from_key_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) change: Change,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// List keys
    List(List),
    /// Show one key
    Show(Show),
    /// Make the first key of a scope that each process loads
    Create(Place),
    /// Make the next key of a scope; it seals nothing before it is activated
    Publish(Place),
    /// Publish the next key, and activate it; the one before is retired then
    Rotate(Rotate),
    /// Make a pending key active; the one before is retired
    Activate(Activate),
    /// Says how a key is retired: by the activation of the next one
    Retire(Retire),
    /// Refuse all use of a retired or compromised key, reversibly
    Disable(OneKey),
    /// Take `disable` back
    Enable(OneKey),
    /// Destroy a disabled or pending key: what it has sealed can't be read any more
    Destroy(Destroy),
    /// Mark a key as known to somebody else; it can't be taken back
    Compromised(Compromised),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// The keys of the scopes that are loaded on demand, such as tenants
    #[arg(long)]
    pub(crate) on_demand: bool,
    /// Only this page of them, from 0
    #[arg(long, value_name = "N", requires = "on_demand")]
    pub(crate) page: Option<u64>,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The id of the key
    #[arg(value_name = "ID", value_parser = key_id)]
    pub(crate) id: KeyId,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The scope [default: the default one]
    #[arg(long, value_name = "SCOPE", default_value = "", hide_default_value = true)]
    pub(crate) scope: String,
    /// What the key is for
    #[arg(long, value_enum, default_value_t = PurposeName::Field)]
    pub(crate) purpose: PurposeName,
    #[command(flatten)]
    pub(crate) change: Change,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PurposeName {
    Field,
    Index,
    File,
}

impl From<PurposeName> for Purpose {
    fn from(name: PurposeName) -> Self {
        match name {
            PurposeName::Field => Self::Field,
            PurposeName::Index => Self::Index,
            PurposeName::File => Self::File,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Stay until the key may be activated, and activate it
    #[arg(long)]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Activate {
    /// The id of the key
    #[arg(value_name = "ID", value_parser = key_id)]
    pub(crate) id: KeyId,
    /// Don't wait until every process has the key: where the one before it is compromised
    #[arg(long, conflicts_with = "wait")]
    pub(crate) at_once: bool,
    /// Stay until it may be activated, and activate it; it can be stopped and run again
    #[arg(long)]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) change: Change,
}

#[derive(Debug, Args)]
pub(crate) struct Retire {
    /// The id of the key
    #[arg(value_name = "ID", value_parser = key_id)]
    pub(crate) id: KeyId,
}

#[derive(Debug, Args)]
pub(crate) struct OneKey {
    /// The id of the key
    #[arg(value_name = "ID", value_parser = key_id)]
    pub(crate) id: KeyId,
    #[command(flatten)]
    pub(crate) change: Change,
}

#[derive(Debug, Args)]
pub(crate) struct Destroy {
    /// The id of the key
    #[arg(value_name = "ID", value_parser = key_id)]
    pub(crate) id: KeyId,
    /// Stay until it may be destroyed, and destroy it; it can be stopped and run again
    #[arg(long)]
    pub(crate) wait: bool,
    /// Also if rows of the configured columns are under it: they can't be read any more
    #[arg(long)]
    pub(crate) rows_are_lost: bool,
    #[command(flatten)]
    pub(crate) confirm: Confirm,
    #[command(flatten)]
    pub(crate) change: Change,
}

#[derive(Debug, Args)]
pub(crate) struct Compromised {
    /// The id of the key
    #[arg(value_name = "ID", value_parser = key_id)]
    pub(crate) id: KeyId,
    #[command(flatten)]
    pub(crate) confirm: Confirm,
    #[command(flatten)]
    pub(crate) change: Change,
}

#[derive(Debug, Args)]
pub(crate) struct Provision {
    /// The scopes
    #[arg(value_name = "SCOPE", required_unless_present = "from")]
    pub(crate) scopes: Vec<String>,
    /// A file with a scope on each line, or - for standard input; what has a key is passed over
    #[arg(long, value_name = "FILE", conflicts_with = "scopes")]
    pub(crate) from: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) change: Change,
}

#[derive(Debug, Args)]
pub(crate) struct DestroyScope {
    /// The name of the scope
    #[arg(value_name = "SCOPE")]
    pub(crate) scope: String,
    /// Also if rows of the configured columns are under its keys: they can't be read any more
    #[arg(long)]
    pub(crate) rows_are_lost: bool,
    #[command(flatten)]
    pub(crate) confirm: Confirm,
    #[command(flatten)]
    pub(crate) change: Change,
}

#[derive(Debug, Args)]
pub(crate) struct Maintain {
    #[command(flatten)]
    pub(crate) change: Change,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Json {
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LeaveOutKek {
    /// The name of the KEK
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) confirm: Confirm,
    #[command(flatten)]
    pub(crate) change: Change,
}

#[derive(Debug, Args)]
pub(crate) struct SetHeartbeat {
    /// Such as 30m; 0s turns it off
    #[arg(value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) time: Duration,
    #[command(flatten)]
    pub(crate) change: Change,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// A file that is not there yet
    #[arg(value_name = "OUT")]
    pub(crate) out: PathBuf,
    /// Write it also where a key does not unwrap under a KEK that it should be under
    #[arg(long)]
    pub(crate) with_problems: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyBackup {
    /// The backup
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Says what would be written, and writes nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Every column of every table is read in full, and nothing is written. An account that sees only
/// some of the tables finds only some of the ids.
#[cfg_attr(not(feature = "sql"), allow(dead_code, reason = "only where a feature is off"))]
#[derive(Debug, Args)]
pub(crate) struct KeyIds {
    /// The variable with the URL of the database [default: the one of the configured store]
    #[arg(long, value_name = "NAME", conflicts_with = "url_file")]
    pub(crate) url_env: Option<String>,
    /// The file with the URL of the database
    #[arg(long, value_name = "FILE")]
    pub(crate) url_file: Option<PathBuf>,
    /// Write it into a new file
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct AcceptRestored {
    /// The revision that the restored store has
    #[arg(long, value_name = "N")]
    pub(crate) revision: u64,
    /// The next id for a key: above every id that a row may use
    #[arg(long, value_name = "N")]
    pub(crate) next_id: u32,
    /// What `key-ids --json` has found: a next id that is not above all of them is refused
    #[arg(long, value_name = "FILE")]
    pub(crate) key_ids: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) confirm: Confirm,
    #[command(flatten)]
    pub(crate) change: Change,
}

fn key_id(text: &str) -> Result<KeyId, String> {
    text.parse::<u32>()
        .ok()
        .and_then(KeyId::new)
        .ok_or_else(|| "an id is a number from 1 to 4294967295".to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_arguments_fit_together() {
        <super::Cli as clap::CommandFactory>::command().debug_assert();
    }
}
