//! One text for each JSON value, so that the same content always has the same hash.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A JSON value in which no object has a member twice. Otherwise readers could take different ones
/// of two.
pub(in crate::envelope) struct Strict(pub(in crate::envelope) Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

/// How `serde_json` gives a number if another crate has turned on its feature
/// `arbitrary_precision`.
const NUMBER: &str = "$serde_json::private::Number";

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            if name == NUMBER {
                // Nothing else is a number here.
                let number: String = object.next_value()?;
                let unsigned = number.parse::<u64>().map(Value::from);
                return unsigned
                    .or_else(|_| number.parse::<i64>().map(Value::from))
                    .map_err(A::Error::custom);
            }
            let Strict(value) = object.next_value()?;
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(members.into())
    }
}

/// Without white space, members by name in byte-wise order, integers in decimal, strings as in RFC
/// 8785 section 3.2.2.2 (which is how `serde_json` writes them). `None` if a number is no integer
/// of 64 bits.
pub(super) fn text(value: &Value) -> Option<String> {
    let mut out = String::with_capacity(512);
    put(&mut out, value)?;
    Some(out)
}

fn put(out: &mut String, value: &Value) -> Option<()> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(is) => out.push_str(if *is { "true" } else { "false" }),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => out.push_str(&number.to_string()),
            (None, Some(number)) => out.push_str(&number.to_string()),
            (None, None) => return None,
        },
        Value::String(text) => put_string(out, text),
        Value::Array(values) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                put(out, value)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            // Sorted here: with a feature of `serde_json` that another crate may turn on, its maps
            // keep the order of insertion.
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
            out.push('{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                put_string(out, name);
                out.push(':');
                put(out, value)?;
            }
            out.push('}');
        }
    }
    Some(())
}

fn put_string(out: &mut String, text: &str) {
    out.push_str(&Value::from(text).to_string());
}

/// `length u32 | UTF-8 bytes`.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    // No name is as long as 4 GiB.
    out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_for_each_value() {
        let value: Value = serde_json::from_str(
            " { \"b\" : [ 1 , -2 , true , null , \"\\u00e9\\u0001\\n\\/\\u007f\" ] , \"\" : {} , \"a\" : 18446744073709551615 } ",
        )
        .unwrap();
        let canonical =
            "{\"\":{},\"a\":18446744073709551615,\"b\":[1,-2,true,null,\"é\\u0001\\n/\u{7f}\"]}";
        assert_eq!(text(&value).unwrap(), canonical);
    }

    #[test]
    fn members_are_there_once() {
        assert!(serde_json::from_str::<Strict>("{\"a\":[{\"b\":1,\"c\":{\"b\":2.5}}]}").is_ok());
        for refused in ["{\"a\":1,\"a\":1}", "[{\"b\":{\"a\":1,\"c\":2,\"a\":1}}]"] {
            assert!(serde_json::from_str::<Strict>(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn numbers_are_integers() {
        for refused in
            ["1.0", "1e3", "0.5", "18446744073709551616", "-9223372036854775809", "[{\"a\":1.5}]"]
        {
            assert_eq!(text(&serde_json::from_str(refused).unwrap()), None, "{refused}");
        }
    }
}
