//! `inspect` and `open`: one stored value.

use std::io::Read as _;

use encrypted_field::format;
use encrypted_field::plaintext::Zeroizing;
use encrypted_field_migrate::Form;
use serde::Serialize;

use super::{keys, legacy};
use crate::args::{Common, Inspect, Open};
use crate::config;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;

/// The longest value that is read: a text of the longest plaintext, and a line break.
const MOST: u64 = 400 << 20;

#[derive(Serialize)]
struct Outside {
    form: &'static str,
    version: u8,
    key_id: u32,
    suite: String,
    padded: bool,
    bound: bool,
    ciphertext_bytes: usize,
}

pub(in crate::commands) fn inspect(args: &Inspect, context: &mut Context<'_>) -> Result<u8> {
    let stored = read(context)?;
    let (form, info) = match std::str::from_utf8(&stored) {
        Ok(text) if !is_hexadecimal(text) => ("text", format::inspect_text(text)),
        _ => ("binary", format::inspect(&from_hexadecimal(&stored))),
    };
    let info = info?;
    let outside = Outside {
        form,
        version: 1,
        key_id: info.key_id.get(),
        suite: format!("0x{:02x}", info.suite),
        padded: info.suite & 0x10 != 0,
        bound: info.suite & 0x20 != 0,
        ciphertext_bytes: info.ciphertext_len,
    };
    if args.json.json {
        writeln!(context.output, "{}", serde_json::to_string_pretty(&outside)?)?;
        return Ok(0);
    }
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let length = if outside.padded {
        "ciphertext, with its padding"
    } else {
        "ciphertext, as long as the plaintext"
    };
    let entries = [
        ("form", outside.form.to_owned()),
        ("format version", outside.version.to_string()),
        ("key id", outside.key_id.to_string()),
        ("suite", format!("{} (XAES-256-GCM)", outside.suite)),
        ("padded", yes(outside.padded)),
        ("bound to its row", yes(outside.bound)),
        (length, format!("{} bytes", outside.ciphertext_bytes)),
    ];
    output::list(context.output, &entries)?;
    writeln!(context.output, "nothing of this is authenticated: `encrypted-field open` does that")?;
    Ok(0)
}

pub(in crate::commands) async fn open(
    common: &Common,
    args: &Open,
    context: &mut Context<'_>,
) -> Result<u8> {
    let config = config::read_data(context, common.config.as_deref())?;
    let description = &config.column(&args.column)?.description;
    let scope = match (&description.scope_column, &args.scope) {
        (None, None) => description.scope.clone(),
        (Some(_), Some(scope)) => scope.clone(),
        (Some(column), None) => {
            return Err(Failure::new(format!(
                "{} has a key for each {column}; name one with --scope",
                args.column
            )));
        }
        (None, Some(_)) => {
            return Err(Failure::new(format!("{} has no `scope_column`", args.column)));
        }
    };
    let stored = read(context)?;
    let stored = match description.storage {
        Form::Text => stored,
        Form::Binary => from_hexadecimal(&stored),
    };
    let keys = keys::of(&config.keys, context).await?;
    let ring = keys.ring_for(&scope).await?;
    let opened = description.declaration()?.scope(scope).open(&ring, stored.to_vec())?;
    let plain = legacy::plaintext(&description.plaintext)?.to_plain(opened.encoded);
    let plain = plain.map_err(|error| {
        Failure::new(format!("it opens, and is no {}: {error}", description.plaintext))
    })?;
    if args.show {
        context.output.write_all(&plain)?;
        context.output.write_all(b"\n")?;
        return Ok(0);
    }
    let stale = if opened.is_stale { "; a rotation would move it" } else { "" };
    writeln!(
        context.output,
        "it opens under key {}: {} bytes of {}{stale}. --show prints them",
        opened.key_id,
        plain.len(),
        description.plaintext
    )?;
    Ok(0)
}

/// Standard input, without the line break at its end.
fn read(context: &mut Context<'_>) -> Result<Zeroizing<Vec<u8>>> {
    let mut stored = Zeroizing::new(Vec::new());
    let read = (&mut context.input).take(MOST).read_to_end(&mut stored);
    read.map_err(|error| Failure::new(format!("standard input can't be read: {error}")))?;
    while stored.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
        stored.pop();
    }
    Ok(stored)
}

fn is_hexadecimal(text: &str) -> bool {
    let digits = text.strip_prefix("\\x").unwrap_or(text);
    !digits.is_empty()
        && digits.len().is_multiple_of(2)
        && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The bytes that hexadecimal digits stand for, as psql shows them too; else the bytes themselves.
fn from_hexadecimal(stored: &[u8]) -> Zeroizing<Vec<u8>> {
    let bytes = std::str::from_utf8(stored).ok().filter(|text| is_hexadecimal(text)).map(|text| {
        let digits = text.strip_prefix("\\x").unwrap_or(text).as_bytes();
        let byte = |pair: &[u8]| {
            std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
        };
        digits.chunks(2).filter_map(byte).collect()
    });
    Zeroizing::new(bytes.unwrap_or_else(|| stored.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_are_bytes() {
        assert_eq!(from_hexadecimal(b"EF6631").as_slice(), b"\xEFf1");
        assert_eq!(from_hexadecimal(b"\\xef6631").as_slice(), b"\xEFf1");
        assert_eq!(from_hexadecimal(b"\xEFf1").as_slice(), b"\xEFf1");
        assert_eq!(from_hexadecimal(b"ef663").as_slice(), b"ef663");
    }
}
