//! Case conversion of names, word by word as the `heck` crate does it, which `sqlx` and `sea_orm`
//! use for `rename_all`: the derive must arrive at the very column name they ask the database for.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Snake,
    Lower,
    Upper,
    Camel,
    Pascal,
    ScreamingSnake,
    Kebab,
}

impl Case {
    /// From the value of `rename_all`.
    pub(crate) fn parse(style: &str) -> Option<Self> {
        Some(match style {
            "snake_case" => Case::Snake,
            "lowercase" => Case::Lower,
            "UPPERCASE" => Case::Upper,
            "camelCase" => Case::Camel,
            "PascalCase" => Case::Pascal,
            "SCREAMING_SNAKE_CASE" => Case::ScreamingSnake,
            "kebab-case" => Case::Kebab,
            _ => return None,
        })
    }

    /// Whether the result depends on the words alone, and not on what stood between them.
    pub(crate) fn keeps_words(self) -> bool {
        !matches!(self, Case::Lower | Case::Upper)
    }

    pub(crate) fn apply(self, name: &str) -> String {
        match self {
            // `lowercase` and `UPPERCASE` keep the underscores
            Case::Lower => name.to_lowercase(),
            Case::Upper => name.to_uppercase(),
            Case::Snake => join(name, "_", |_, w| lower(w)),
            Case::ScreamingSnake => join(name, "_", |_, w| w.to_uppercase()),
            Case::Kebab => join(name, "-", |_, w| lower(w)),
            Case::Pascal => join(name, "", |_, w| capitalized(w)),
            Case::Camel => join(name, "", |i, w| if i == 0 { lower(w) } else { capitalized(w) }),
        }
    }
}

fn join(name: &str, separator: &str, convert: impl Fn(usize, &str) -> String) -> String {
    let words = words(name);
    words.iter().enumerate().map(|(i, w)| convert(i, w)).collect::<Vec<_>>().join(separator)
}

/// Letter by letter, with heck's rule for a final sigma (`str::to_lowercase` has a finer one).
fn lower(word: &str) -> String {
    match word.strip_suffix('Σ') {
        Some(rest) => rest.chars().flat_map(char::to_lowercase).chain(['ς']).collect(),
        None => word.chars().flat_map(char::to_lowercase).collect(),
    }
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(lower(chars.as_str()).chars()).collect()
    })
}

/// Words end at anything not alphanumeric, before an upper-case letter that follows a lower-case
/// one (`fooBar`), and before the last upper-case letter of a run that goes on in lower case
/// (`XMLHttp`).
fn words(name: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for part in name.split(|c: char| !c.is_alphanumeric()).filter(|p| !p.is_empty()) {
        let (mut start, mut after_lower, mut after_upper) = (0, false, false);
        let mut chars = part.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let Some(&(next_at, next)) = chars.peek() else { break };
            let (mut lower, mut upper) = (after_lower, after_upper);
            if c.is_lowercase() {
                (lower, upper) = (true, false);
            } else if c.is_uppercase() {
                (lower, upper) = (false, true);
            }
            if lower && next.is_uppercase() {
                words.push(&part[start..next_at]);
                (start, after_lower, after_upper) = (next_at, false, false);
            } else if after_upper && c.is_uppercase() && next.is_lowercase() {
                words.push(&part[start..at]);
                (start, after_lower, after_upper) = (at, false, false);
            } else {
                (after_lower, after_upper) = (lower, upper);
            }
        }
        words.push(&part[start..]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values are heck 0.5's.
    #[test]
    fn as_heck_does_it() {
        let cases = [
            // name, snake, kebab, camel, Pascal, SCREAMING
            ("bot_token", "bot_token", "bot-token", "botToken", "BotToken", "BOT_TOKEN"),
            ("token2_b", "token2_b", "token2-b", "token2B", "Token2B", "TOKEN2_B"),
            (
                "_lead__double_",
                "lead_double",
                "lead-double",
                "leadDouble",
                "LeadDouble",
                "LEAD_DOUBLE",
            ),
            ("type", "type", "type", "type", "Type", "TYPE"),
            (
                "XMLHttpRequest",
                "xml_http_request",
                "xml-http-request",
                "xmlHttpRequest",
                "XmlHttpRequest",
                "XML_HTTP_REQUEST",
            ),
            (
                "FIELD_NAME11",
                "field_name11",
                "field-name11",
                "fieldName11",
                "FieldName11",
                "FIELD_NAME11",
            ),
            ("99BOTTLES", "99bottles", "99bottles", "99bottles", "99bottles", "99BOTTLES"),
            ("aB1c", "a_b1c", "a-b1c", "aB1c", "AB1c", "A_B1C"),
            (
                "ABC123DEF456",
                "abc123def456",
                "abc123def456",
                "abc123def456",
                "Abc123def456",
                "ABC123DEF456",
            ),
            ("größe_Öl", "größe_öl", "größe-öl", "größeÖl", "GrößeÖl", "GRÖSSE_ÖL"),
            ("ΟΔΟΣ_ΣΑΣ", "οδος_σας", "οδος-σας", "οδοςΣας", "ΟδοςΣας", "ΟΔΟΣ_ΣΑΣ"),
            ("", "", "", "", "", ""),
        ];
        for (name, snake, kebab, camel, pascal, screaming) in cases {
            let all = [Case::Snake, Case::Kebab, Case::Camel, Case::Pascal, Case::ScreamingSnake];
            assert_eq!(
                all.map(|c| c.apply(name)),
                [snake, kebab, camel, pascal, screaming],
                "{name}"
            );
        }
        assert_eq!(Case::Lower.apply("Bot_Token"), "bot_token");
        assert_eq!(Case::Upper.apply("bot_token"), "BOT_TOKEN");
    }

    #[test]
    fn styles_by_name() {
        assert_eq!(Case::parse("camelCase"), Some(Case::Camel));
        assert_eq!(Case::parse("camel_case"), None);
    }
}
