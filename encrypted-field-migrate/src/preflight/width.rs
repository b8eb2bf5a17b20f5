//! Whether the column is wide enough for the longest value (`FORMAT.md` section 10).

use super::Finding;
use crate::database::Place;
use crate::keys::Keys;
use crate::spec::{Form, Job, Operation, text_width};

/// The most bytes that an encoding of something else than texts and bytes needs: a time with its
/// fraction and its year. A decimal or a document has as many as its text.
const OTHER: u64 = 48;
/// What a stored value adds to its message, in binary.
const BINARY: u64 = 48;
/// Suite, nonce and tag.
const PAYLOAD: u64 = 41;

/// `longest` is the length of the longest value that is there.
pub(super) async fn check(
    job: &Job,
    place: &Place,
    longest: u64,
    keys: &dyn Keys,
    findings: &mut Vec<Finding>,
) {
    let Some(limit) = place.target.limit else { return };
    let digits = match keys.ring_for(&job.description.scope).await {
        Ok(ring) => digits(job, &ring),
        Err(_) => 10,
    };
    let needed = needed(
        &job.operation,
        job.description.storage,
        &job.description.plaintext,
        longest,
        digits,
    );
    if needed > limit {
        findings.push(Finding::error(
            "too-narrow",
            format!(
                "column {} is {}, and the longest value needs {needed}: make it wider, or better without a limit. Longer values may \
                 come tomorrow",
                place.target.name, place.target.type_name
            ),
        ));
    }
}

/// The digits of the id of the key that seals.
fn digits(job: &Job, ring: &encrypted_field::Keyring) -> u64 {
    let sealed = job.declared.clone().storage(Form::Text.into()).seal(ring, b"");
    sealed.map_or(10, |sealed| (sealed.len() as u64).saturating_sub(text_width(0, 0)))
}

/// The most bytes or characters that a value will have, if the longest one that is there has
/// `longest` bytes.
fn needed(operation: &Operation, form: Form, plaintext: &str, longest: u64, digits: u64) -> u64 {
    let sealed = |message: u64| match form {
        Form::Text => text_width(message, digits),
        Form::Binary => form.width(message),
    };
    // At least what it has by itself, under an id of one digit.
    let message_of_text = |stored: u64| (stored.saturating_sub(6) * 3 / 4).saturating_sub(PAYLOAD);
    match operation {
        Operation::Encrypt if matches!(plaintext, "text" | "bytes") => sealed(longest),
        Operation::Encrypt | Operation::Import(..) => sealed(longest.max(OTHER)),
        Operation::Rotate | Operation::Rename => match form {
            // Under an id of one digit it had the longest message.
            Form::Text => longest.max(text_width(message_of_text(longest), digits)),
            Form::Binary => longest,
        },
        Operation::Restore => match form {
            Form::Text => sealed(longest.saturating_sub(BINARY)),
            Form::Binary => sealed(message_of_text(longest)),
        },
        // Shorter than what is there. A text in another encoding is refused row by row.
        Operation::Decrypt => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of `FORMAT.md` section 10.
    #[test]
    fn widths_are_those_of_the_format() {
        for (message, binary, one, ten) in
            [(0, 48, 61, 70), (45, 93, 121, 130), (4096, 4144, 5522, 5531)]
        {
            let of = |form, digits| needed(&Operation::Encrypt, form, "text", message, digits);
            assert_eq!(
                (of(Form::Binary, 1), of(Form::Text, 1), of(Form::Text, 10)),
                (binary, one, ten)
            );
        }
    }

    #[test]
    fn a_rotation_needs_what_it_adds_in_digits() {
        let of = |longest, digits| needed(&Operation::Rotate, Form::Text, "text", longest, digits);
        assert_eq!((of(121, 1), of(121, 10)), (121, 130));
        assert_eq!(needed(&Operation::Restore, Form::Binary, "text", 121, 1), 93);
        assert_eq!(needed(&Operation::Restore, Form::Text, "text", 93, 1), 121);
    }
}
