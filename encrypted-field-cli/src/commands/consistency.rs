//! `consistency`: whether every key unwraps under every KEK.

use encrypted_field::envelope::{Consistency, WrapProblem};
use serde::Serialize;

use crate::args::{Common, Json};
use crate::context::Context;
use crate::failure::{Result, in_commands};
use crate::output::plain;
use crate::session::Session;

pub(super) async fn run(common: &Common, args: Json, context: &mut Context<'_>) -> Result<u8> {
    let session = Session::to_read(common, context).await?;
    let found = session.keys.check_consistency().await?;
    let report = Report::of(&found);
    if args.json {
        writeln!(session.context.output, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        writeln!(
            session.context.output,
            "checked {} wraps, {} problems",
            report.checked,
            report.problems.len()
        )?;
        for line in lines(&found.problems) {
            writeln!(session.context.output, "{line}")?;
        }
        if !report.of_later_release.is_empty() {
            writeln!(
                session.context.output,
                "not checked, because a later release has written them: {}",
                super::maintain::ids(&found.of_later_release)
            )?;
        }
    }
    if !found.problems.is_empty() {
        writeln!(session.context.errors, "`encrypted-field repair` mends what can be mended")?;
    }
    Ok(u8::from(!found.problems.is_empty()))
}

/// What was found, as JSON.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) checked: usize,
    pub(super) problems: Vec<Problem>,
    pub(super) of_later_release: Vec<u32>,
}

#[derive(Serialize)]
pub(super) struct Problem {
    /// None: the store key.
    key_id: Option<u32>,
    /// None: no KEK unwraps it.
    kek: Option<String>,
    /// None: it is not wrapped under this KEK.
    error: Option<String>,
}

impl Report {
    pub(super) fn of(found: &Consistency) -> Self {
        let problem = |problem: &WrapProblem| Problem {
            key_id: problem.key_id.map(encrypted_field::KeyId::get),
            kek: problem.kek.clone(),
            error: problem.error.as_ref().map(ToString::to_string),
        };
        Self {
            checked: found.checked,
            problems: found.problems.iter().map(problem).collect(),
            of_later_release: found.of_later_release.iter().map(|id| id.get()).collect(),
        }
    }
}

/// A line for each problem.
pub(super) fn lines(problems: &[WrapProblem]) -> impl Iterator<Item = String> {
    let lines = problems.iter().map(|problem| {
        let key =
            problem.key_id.map_or_else(|| "the store key".to_owned(), |id| format!("key {id}"));
        match (&problem.kek, &problem.error) {
            (Some(kek), Some(error)) => format!("{key} under KEK \"{kek}\": {error}"),
            (Some(kek), None) => format!("{key} is not wrapped under KEK \"{kek}\""),
            (None, Some(error)) => format!("{key}: {error}"),
            (None, None) => format!("{key} unwraps under no KEK"),
        }
    });
    lines.map(|line| plain(&in_commands(&line)).into_owned())
}
