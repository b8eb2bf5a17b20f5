//! `data`: moves the values of columns, and says what is there.

mod inspect;
mod jobs;
mod keys;
mod legacy;
mod moving;
mod progress;
mod schema;
mod status;
mod target;
mod verify;

pub(super) use inspect::{inspect, open};
pub(super) use target::open as open_target;

use crate::args::{Common, Data};
use crate::config::Move;
use crate::context::Context;
use crate::failure::Result;

pub(super) async fn run(common: &Common, command: &Data, context: &mut Context<'_>) -> Result<u8> {
    match command {
        Data::Status(args) => status::run(common, args, context).await,
        Data::Schema(args) => schema::run(common, args, context).await,
        Data::Check(args) => schema::check(common, args, context).await,
        Data::Encrypt(args) => moving::run(common, args, Move::Encrypt, context).await,
        Data::Rotate(args) => moving::run(common, args, Move::Rotate, context).await,
        Data::Rename(args) => moving::run(common, args, Move::Rename, context).await,
        Data::Storage(args) => moving::run(common, args, Move::Storage, context).await,
        Data::Import(args) => moving::run(common, args, Move::Import, context).await,
        Data::Decrypt(args) => moving::decrypt(common, args, context).await,
        Data::Run(args) => moving::configured(common, args, context).await,
        Data::Verify(args) => verify::run(common, args, context).await,
        Data::Pause(args) => jobs::pause(common, args, context).await,
        Data::Resume(args) => jobs::resume(common, args, context).await,
        Data::Rate(args) => jobs::rate(common, args, context).await,
        Data::Failures(args) => jobs::failures(common, args, context).await,
        Data::Forget(args) => jobs::forget(common, args, context).await,
    }
}
