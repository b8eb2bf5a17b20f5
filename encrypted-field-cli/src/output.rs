//! Tables, dates and durations, as people and scripts read them.

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

/// What comes from a store, a database or a service, for a terminal: characters that would steer it
/// are shown, and not sent.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if steers(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(shown).collect())
}

/// Control characters, and those that change the direction of what follows.
fn steers(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Lines of cells, each column as wide as its widest cell. The first line has the titles.
pub(crate) fn table(to: &mut dyn Write, lines: &[Vec<String>]) -> io::Result<()> {
    let plain =
        |line: &Vec<String>| line.iter().map(|cell| plain(cell).replace('\n', "\\n")).collect();
    let lines: Vec<Vec<String>> = lines.iter().map(plain).collect();
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for line in &lines {
        let mut text = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        writeln!(to, "{}", text.trim_end())?;
    }
    Ok(())
}

/// Names and what they stand for, one a line.
pub(crate) fn list(to: &mut dyn Write, entries: &[(&str, String)]) -> io::Result<()> {
    let lines: Vec<Vec<String>> =
        entries.iter().map(|(name, value)| vec![format!("{name}:"), value.clone()]).collect();
    table(to, &lines)
}

/// In UTC, to the second: `2026-05-03T10:00:00Z`.
pub(crate) fn date(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}

/// As in the configuration, to the second: `1h 10m`.
pub(crate) fn duration(time: Duration) -> String {
    humantime::format_duration(Duration::from_secs(time.as_secs())).to_string()
}

/// In lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// The name of a scope for a table: the default one has none.
pub(crate) fn scope(name: &str) -> String {
    if name.is_empty() { "(default)".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let mut text = Vec::new();
        let line = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        table(
            &mut text,
            &[line(["ID", "SCOPE", "KEKS"]), line(["10", "größe", "a, b"]), line(["7", "", "c"])],
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "ID  SCOPE  KEKS\n10  größe  a, b\n7          c\n"
        );
    }

    #[test]
    fn what_steers_a_terminal_is_shown() {
        assert_eq!(plain("größe, 鍵\nnext"), "größe, 鍵\nnext");
        assert_eq!(plain("a\u{1b}[2Jb\r\u{202e}"), "a\\u{1b}[2Jb\\r\\u{202e}");
        let mut text = Vec::new();
        table(&mut text, &[vec!["ID".into()], vec!["7\n8".into()]]).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "ID\n7\\n8\n");
    }

    #[test]
    fn bytes_have_two_digits_each() {
        assert_eq!(hex(&[0, 10, 0xff]), "000aff");
    }

    #[test]
    fn times_are_read_back_by_the_configuration() {
        let time = Duration::from_mins(70);
        assert_eq!(duration(time), "1h 10m");
        assert_eq!(humantime::parse_duration(&duration(time)).unwrap(), time);
        assert_eq!(date(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00Z");
    }
}
