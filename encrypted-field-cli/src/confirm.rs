//! What can't be undone is confirmed by typing what it is done to.

use crate::context::Context;
use crate::failure::{Failure, Result};

/// The text that the library or a command asks for, once it was typed: in `given`, from
/// `--confirm`, or on the terminal.
pub(crate) fn confirmed(
    context: &mut Context<'_>,
    expected: &str,
    given: Option<&str>,
) -> Result<String> {
    let answer = match (given, &mut context.terminal) {
        (Some(given), _) => given.to_owned(),
        (None, Some(terminal)) => terminal
            .ask(&format!("This can't be undone. Type \"{expected}\" to go on: "))
            .map_err(|error| Failure::new(format!("no answer could be read: {error}")))?,
        (None, None) => {
            return Err(Failure::new(format!(
                "this can't be undone, and there is no terminal to ask on; confirm it with --confirm \"{expected}\""
            )));
        }
    };
    if answer == expected {
        return Ok(answer);
    }
    Err(Failure::new(format!("not confirmed, and nothing was done; the text is \"{expected}\"")))
}

#[cfg(test)]
mod tests {
    use crate::failure::Failure;
    use crate::session::tests_support::{Answers, with_context};

    fn ask(terminal: Option<&str>, given: Option<&str>) -> Result<String, Failure> {
        let mut answers = terminal.map(|answer| Answers(vec![answer.to_owned()]));
        with_context(answers.as_mut(), |context| {
            super::confirmed(context, "destroy key 3 of production", given)
        })
    }

    #[test]
    fn only_the_text_itself_confirms() {
        let text = "destroy key 3 of production";
        assert!(ask(None, Some(text)).is_ok());
        assert!(ask(Some(text), None).is_ok());
        for wrong in ["", "yes", "destroy key 2 of production", "destroy key 3 of staging"] {
            assert!(ask(None, Some(wrong)).is_err(), "{wrong}");
            assert!(ask(Some(wrong), None).is_err(), "{wrong}");
        }
        // What was given as an argument counts, whoever sits at the terminal.
        assert!(ask(Some(text), Some("yes")).is_err());
    }

    #[test]
    fn without_a_terminal_it_says_the_text() {
        let refused = ask(None, None).unwrap_err().to_string();
        assert!(refused.contains("--confirm \"destroy key 3 of production\""), "{refused}");
    }
}
