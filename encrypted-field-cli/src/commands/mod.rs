//! What the command can do: a file for each group of subcommands.

mod backup;
mod consistency;
#[cfg(feature = "sql")]
mod data;
mod generated;
mod init;
#[cfg(feature = "sql")]
mod key_ids;
mod keygen;
mod keys;
mod keys_list;
mod maintain;
mod needed;
mod restored;
mod scopes;
mod status;
mod store;
mod wait;
mod wraps;

use crate::args::{Cli, Command};
use crate::context::Context;
use crate::failure::Result;

/// Does what was asked for, and gives the exit code.
pub(crate) async fn run(asked: Cli, context: &mut Context<'_>) -> Result<u8> {
    let common = &asked.common;
    match &asked.command {
        Command::Init(args) => init::run(common, args, context),
        Command::Keygen(args) => keygen::run(args, context),
        Command::Schema(args) => store::schema(common, args, context).await,
        Command::CreateStore(args) => store::create(common, args, context).await,
        Command::Keys(command) => keys::run(common, command, context).await,
        Command::Provision(args) => scopes::provision(common, args, context).await,
        Command::DestroyScope(args) => scopes::destroy(common, args, context).await,
        Command::Maintain(args) => maintain::run(common, args, context).await,
        Command::Status(args) => status::run(common, *args, context).await,
        Command::Consistency(args) => consistency::run(common, *args, context).await,
        Command::Repair(args) => wraps::repair(common, args, context).await,
        Command::Rewrap(args) => wraps::rewrap(common, args, context).await,
        Command::LeaveOutKek(args) => wraps::leave_out(common, args, context).await,
        Command::RotateStoreKey(args) => store::rotate_key(common, args, context).await,
        Command::SetHeartbeat(args) => store::set_heartbeat(common, args, context).await,
        Command::Backup(args) => backup::write(common, args, context).await,
        Command::VerifyBackup(args) => backup::verify(common, args, context).await,
        Command::Restore(args) => backup::restore(common, args, context).await,
        #[cfg(feature = "sql")]
        Command::KeyIds(args) => key_ids::run(common, args, context).await,
        #[cfg(not(feature = "sql"))]
        Command::KeyIds(_) => Err(crate::backends::missing("postgres, mysql or sqlite")),
        Command::AcceptRestored(args) => restored::accept(common, args, context).await,
        #[cfg(feature = "sql")]
        Command::Data(command) => data::run(common, command, context).await,
        #[cfg(feature = "sql")]
        Command::Inspect(args) => data::inspect(args, context),
        #[cfg(feature = "sql")]
        Command::Open(args) => data::open(common, args, context).await,
        #[cfg(not(feature = "sql"))]
        Command::Data(_) | Command::Inspect(_) | Command::Open(_) => {
            Err(crate::backends::missing("postgres, mysql or sqlite"))
        }
        Command::Completions(args) => generated::completions(args, context),
        Command::Man(args) => generated::man(args, context),
    }
}
