//! The options there are, where each may stand, and the nearest one to a misspelt word.

use std::fmt::Write as _;

/// What an `#[encrypted(…)]` attribute is written on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The model struct: what holds for all of its fields.
    Model,
    /// A field of a model.
    Field,
    /// A hand-written `struct BotToken(Secret<String>);`.
    Newtype,
}

const OF_A_FIELD: [&str; 9] = [
    "context",
    "json",
    "legacy",
    "pg_array",
    "previous_context",
    "previous_scope",
    "scope",
    "serialize",
    "storage",
];
const OF_A_NEWTYPE: [&str; 9] = [
    "context",
    "crate",
    "legacy",
    "pg_array",
    "previous_context",
    "previous_scope",
    "scope",
    "serialize",
    "storage",
];
const OF_A_MODEL: [&str; 3] = ["crate", "primary_key", "table"];

/// Names that a later release gives a meaning.
const RESERVED: [&str; 2] = ["bind", "index"];

impl Place {
    pub(crate) fn options(self) -> &'static [&'static str] {
        match self {
            Place::Model => &OF_A_MODEL,
            Place::Field => &OF_A_FIELD,
            Place::Newtype => &OF_A_NEWTYPE,
        }
    }
}

pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// Whether `name` means something anywhere, so that alone it is not read as a type.
pub(crate) fn is_option(name: &str) -> bool {
    is_reserved(name)
        || [Place::Model, Place::Field, Place::Newtype].iter().any(|p| p.options().contains(&name))
}

/// The candidate a typing slip may have come from.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    let distance = |c: &&str| edit_distance(&word.to_lowercase(), c);
    candidates.iter().copied().filter(|c| distance(c) <= limit).min_by_key(distance)
}

/// `` `a`, `b` or `c` ``
pub(crate) fn one_of(words: &[&str]) -> String {
    let mut out = String::new();
    for (i, word) in words.iter().enumerate() {
        let joint = match words.len() - i {
            _ if i == 0 => "",
            1 => " or ",
            _ => ", ",
        };
        let _ = write!(out, "{joint}`{word}`");
    }
    out
}

/// Levenshtein distance in which swapping two neighbours is one step (optimal string alignment).
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let differs = usize::from(a[i - 1] != b[j - 1]);
            let mut best =
                (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + differs);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, d) in [
            ("", "", 0),
            ("", "abc", 3),
            ("context", "contxet", 1),
            ("scope", "scop", 1),
            ("ab", "ba", 1),
        ] {
            assert_eq!((edit_distance(a, b), edit_distance(b, a)), (d, d), "{a} {b}");
        }
    }

    #[test]
    fn slips_find_their_option_and_strangers_none() {
        let fields = Place::Field.options();
        for (slip, option) in [
            ("contex", "context"),
            ("conetxt", "context"),
            ("Context", "context"),
            ("previous", "previous_context"),
            ("serialise", "serialize"),
            ("storge", "storage"),
            ("pgarray", "pg_array"),
            ("jsn", "json"),
        ] {
            let expected = (slip != "previous").then_some(option);
            assert_eq!(nearest(slip, fields), expected, "{slip}");
        }
        assert_eq!(nearest("default", fields), None);
        assert_eq!(nearest("id", fields), None);
    }

    #[test]
    fn lists_read_as_prose() {
        assert_eq!(one_of(&["a"]), "`a`");
        assert_eq!(one_of(&["a", "b"]), "`a` or `b`");
        assert_eq!(one_of(&["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
