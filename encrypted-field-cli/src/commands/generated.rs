//! `completions` and `man`: what is made of the arguments by itself.

use crate::args::{Completions, Man};
use crate::context::Context;
use crate::failure::{Failure, Result};

const NAME: &str = "encrypted-field";

pub(super) fn completions(args: &Completions, context: &mut Context<'_>) -> Result<u8> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut crate::command(), NAME, &mut text);
    context.output.write_all(&text)?;
    Ok(0)
}

pub(super) fn man(args: &Man, context: &mut Context<'_>) -> Result<u8> {
    let folder = context.folder.join(&args.folder);
    let written = clap_mangen::generate_to(crate::command(), &folder);
    written.map_err(|error| Failure::of_file(&folder, "the pages can't be written", &error))?;
    writeln!(context.output, "wrote the pages into {}", args.folder.display())?;
    Ok(0)
}
