//! JSON without what nobody reads.

/// Leaves out the white space between the tokens of a JSON object, and nothing else. Any other text
/// stays as it is.
pub(super) fn json(text: String) -> String {
    let is_object = text.trim_start().starts_with('{')
        && serde_json::from_str::<serde_json::Value>(&text).is_ok();
    if !is_object {
        return text;
    }
    let (mut in_string, mut is_escaped) = (false, false);
    let is_wanted = |c: &char| {
        if is_escaped {
            is_escaped = false;
        } else if in_string {
            is_escaped = *c == '\\';
            in_string = *c != '"';
        } else {
            in_string = *c == '"';
            return !matches!(c, ' ' | '\t' | '\r' | '\n');
        }
        true
    };
    text.chars().filter(is_wanted).collect()
}

#[cfg(test)]
mod tests {
    use super::json;

    #[test]
    fn only_white_space_between_tokens_goes() {
        for (text, compact) in [
            ("{}", "{}"),
            (
                " {\n\t\"b\" : [ 1 , 2.50 , 18446744073709551615 ] ,\r\n \"a\" : null } \n",
                "{\"b\":[1,2.50,18446744073709551615],\"a\":null}",
            ),
            (r#"{ "a b" : "c \" d" }"#, r#"{"a b":"c \" d"}"#),
            (r#"{ "a\\" : " \\" , "b" : " \\\" " }"#, r#"{"a\\":" \\","b":" \\\" "}"#),
            ("{ \"ä €\" : \"𝄞 \u{a0}\" }", "{\"ä €\":\"𝄞 \u{a0}\"}"),
        ] {
            assert_eq!(json(text.into()), compact);
        }
    }

    #[test]
    fn what_is_no_json_object_stays() {
        for text in ["", "00ff 1 2\n", "[ 1 ]", "\" \"", "{ \"a\" : }", "{ } x", " { \"a\" : 1 "] {
            assert_eq!(json(text.into()), text);
        }
    }
}
