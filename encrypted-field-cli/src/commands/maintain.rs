//! `maintain`: what is due by the policy, once.

use encrypted_field::KeyId;

use crate::args::{Common, Maintain};
use crate::context::Context;
use crate::failure::Result;
use crate::session::Session;

pub(super) async fn run(common: &Common, args: &Maintain, context: &mut Context<'_>) -> Result<u8> {
    let mut session = Session::to_change(common, &args.change, context).await?;
    session.keys.load().await?;
    let mut lines: Vec<String> = Vec::new();
    loop {
        let done = match session.keys.maintain().await {
            Ok(done) => done,
            Err(error) => {
                // What was done is done.
                if !lines.is_empty() {
                    session.done(lines.join("; "))?;
                }
                return Err(error.into());
            }
        };
        let lists = [
            ("published", &done.published),
            ("activated", &done.activated),
            ("disabled", &done.disabled),
            ("rewrapped", &done.rewrapped),
        ];
        lines.extend(
            lists
                .into_iter()
                .filter(|(_, ids)| !ids.is_empty())
                .map(|(what, keys)| format!("{what} {}", ids(keys))),
        );
        if done.signed {
            lines.push("signed the store".to_owned());
        }
        if !done.unfinished {
            break;
        }
    }
    let text = if lines.is_empty() { "nothing was due".to_owned() } else { lines.join("; ") };
    session.done(text)
}

pub(super) fn ids(ids: &[KeyId]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("{} {}", if ids.len() == 1 { "key" } else { "keys" }, ids.join(", "))
}
