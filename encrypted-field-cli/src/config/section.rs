//! A section of the configuration: reads its keys one by one, and refuses what is left over.
//!
//! By hand and not through serde, so that each error has its line and says what to write instead,
//! and so that no error quotes a value that may be a secret.

#[cfg(feature = "sql")]
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::failure::{Failure, Result};
use crate::secret::SecretSource;

/// The file.
pub(super) struct Source {
    /// As it is named in messages.
    pub(super) name: String,
    /// Where relative paths start.
    pub(super) folder: PathBuf,
    pub(super) text: String,
}

impl Source {
    pub(super) fn refuse(&self, line: usize, what: impl std::fmt::Display) -> Failure {
        Failure::new(format!("{}, line {line}: {what}", self.name))
    }

    /// Of a position in the text; the first line is 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
    }
}

pub(super) struct Section<'a> {
    source: &'a Source,
    /// Such as `[store]`, for messages.
    pub(super) name: String,
    pub(super) line: usize,
    left: Vec<Entry<'a>>,
    /// The keys that were asked for.
    known: Vec<String>,
}

struct Entry<'a> {
    key: String,
    line: usize,
    value: DeValue<'a>,
}

/// What would be a secret if it stood in the file.
const SECRETS: [&str; 7] =
    ["password", "passphrase", "token", "secret_id", "secret", "bytes", "access_key"];

impl<'a> Section<'a> {
    pub(super) fn new(
        source: &'a Source,
        name: impl Into<String>,
        at: usize,
        table: DeTable<'a>,
    ) -> Self {
        let entries = table.into_iter().map(|(key, value)| Entry {
            line: source.line(key.span().start),
            key: key.into_inner().into_owned(),
            value: value.into_inner(),
        });
        Self {
            source,
            name: name.into(),
            line: source.line(at),
            left: entries.collect(),
            known: Vec::new(),
        }
    }

    pub(super) fn refuse(&self, line: usize, what: impl std::fmt::Display) -> Failure {
        self.source.refuse(line, format!("{} {what}", self.name))
    }

    fn take(&mut self, key: &str) -> Option<Entry<'a>> {
        self.known.push(key.to_owned());
        let at = self.left.iter().position(|entry| entry.key == key)?;
        Some(self.left.swap_remove(at))
    }

    fn refuse_type(&self, entry: &Entry<'_>, wanted: &str) -> Failure {
        self.refuse(
            entry.line,
            format!("`{}` is {wanted}, and not {}", entry.key, entry.value.type_str()),
        )
    }

    pub(super) fn missing(&self, key: &str, example: &str) -> Failure {
        self.refuse(self.line, format!("has no `{key}`; add {key} = {example}"))
    }

    pub(super) fn text_at(&mut self, key: &str) -> Result<Option<(String, usize)>> {
        let Some(entry) = self.take(key) else { return Ok(None) };
        match entry.value {
            DeValue::String(text) => Ok(Some((text.into_owned(), entry.line))),
            _ => Err(self.refuse_type(&entry, "a text in quotes")),
        }
    }

    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>> {
        Ok(self.text_at(key)?.map(|(text, _)| text))
    }

    /// A text, a number or `true` and `false`, as text.
    #[cfg(feature = "sql")]
    pub(super) fn scalar(&mut self, key: &str) -> Result<Option<String>> {
        let Some(entry) = self.take(key) else { return Ok(None) };
        match &entry.value {
            DeValue::String(text) => Ok(Some(text.clone().into_owned())),
            DeValue::Integer(number) if number.radix() == 10 => {
                Ok(Some(number.as_str().to_owned()))
            }
            DeValue::Boolean(flag) => Ok(Some(flag.to_string())),
            _ => Err(self.refuse_type(&entry, "a text in quotes, a number, or true or false")),
        }
    }

    /// The names of what was not asked for yet.
    #[cfg(feature = "sql")]
    pub(super) fn keys(&self) -> Vec<String> {
        self.left.iter().map(|entry| entry.key.clone()).collect()
    }

    /// A text that must be there.
    pub(super) fn needed(&mut self, key: &str, example: &str) -> Result<String> {
        self.text(key)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| self.missing(key, &format!("\"{example}\"")))
    }

    /// A path, by itself or from the folder of the file.
    pub(super) fn path(&mut self, key: &str) -> Result<Option<PathBuf>> {
        Ok(self.text(key)?.map(|path| self.source.folder.join(path)))
    }

    pub(super) fn needed_path(&mut self, key: &str, example: &str) -> Result<PathBuf> {
        self.path(key)?.ok_or_else(|| self.missing(key, &format!("\"{example}\"")))
    }

    pub(super) fn flag(&mut self, key: &str) -> Result<bool> {
        let Some(entry) = self.take(key) else { return Ok(false) };
        match entry.value {
            DeValue::Boolean(flag) => Ok(flag),
            _ => Err(self.refuse_type(&entry, "true or false")),
        }
    }

    pub(super) fn number<T: TryFrom<u64>>(&mut self, key: &str) -> Result<Option<T>> {
        Ok(self.number_at(key)?.map(|(number, _)| number))
    }

    fn number_at<T: TryFrom<u64>>(&mut self, key: &str) -> Result<Option<(T, usize)>> {
        let Some(entry) = self.take(key) else { return Ok(None) };
        let number = match &entry.value {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => return Err(self.refuse_type(&entry, "a number")),
        };
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(number) => Ok(Some((number, entry.line))),
            None => Err(self.refuse(entry.line, format!("`{key}` is negative or too large"))),
        }
    }

    /// A number within these bounds.
    #[cfg(feature = "sql")]
    pub(super) fn number_in(
        &mut self,
        key: &str,
        bounds: &RangeInclusive<i64>,
    ) -> Result<Option<u32>> {
        let Some((number, line)) = self.number_at::<u32>(key)? else { return Ok(None) };
        if bounds.contains(&number.into()) {
            return Ok(Some(number));
        }
        let (least, most) = (bounds.start(), bounds.end());
        Err(self.refuse(line, format!("`{key}` is a number from {least} to {most}")))
    }

    pub(super) fn duration(&mut self, key: &str) -> Result<Option<Duration>> {
        let Some((text, line)) = self.text_at(key)? else { return Ok(None) };
        let refuse = |_| {
            self.refuse(line, format!("`{key}` is a time such as \"90d\", \"30m\" or \"1h 10m\""))
        };
        humantime::parse_duration(&text).map(Some).map_err(refuse)
    }

    pub(super) fn texts(&mut self, key: &str) -> Result<Vec<String>> {
        let Some(mut entry) = self.take(key) else { return Ok(Vec::new()) };
        let wanted = "a list such as [\"break-glass\"]";
        let DeValue::Array(values) = std::mem::replace(&mut entry.value, DeValue::Boolean(false))
        else {
            return Err(self.refuse(entry.line, format!("`{key}` is {wanted}")));
        };
        let text = |value: Spanned<DeValue<'_>>| match value.into_inner() {
            DeValue::String(text) => Ok(text.into_owned()),
            _ => Err(self.refuse(entry.line, format!("`{key}` is {wanted}"))),
        };
        values.into_iter().map(text).collect()
    }

    /// Where a secret comes from: `<name>_env`, `<name>_file` or `<name>_prompt = true`, at most
    /// one.
    pub(super) fn secret(&mut self, name: &str) -> Result<Option<SecretSource>> {
        let variable = self.text(&format!("{name}_env"))?.map(SecretSource::Environment);
        let file = self.path(&format!("{name}_file"))?.map(SecretSource::File);
        let prompt = self.flag(&format!("{name}_prompt"))?.then_some(SecretSource::Prompt);
        let mut all = [variable, file, prompt].into_iter().flatten();
        let first = all.next();
        if all.next().is_some() {
            let what =
                format!("takes one of `{name}_env`, `{name}_file` and `{name}_prompt`, not two");
            return Err(self.refuse(self.line, what));
        }
        Ok(first)
    }

    /// A section within this one, such as `[store]`.
    pub(super) fn section(&mut self, key: &str) -> Result<Option<Section<'a>>> {
        let Some(entry) = self.take(key) else { return Ok(None) };
        let line = entry.line;
        match entry.value {
            DeValue::Table(table) => Ok(Some(self.within(format!("[{key}]"), line, table))),
            _ => Err(self.refuse_type(&entry, &format!("a section, [{key}]"))),
        }
    }

    /// Sections of one name, such as `[[kek]]`.
    pub(super) fn sections(&mut self, key: &str) -> Result<Vec<Section<'a>>> {
        let Some(entry) = self.take(key) else { return Ok(Vec::new()) };
        let (line, wanted) = (entry.line, format!("a list of sections: begin each with [[{key}]]"));
        let DeValue::Array(values) = entry.value else {
            return Err(self.refuse_type(&entry, &wanted));
        };
        let section = |value: Spanned<DeValue<'a>>| {
            let at = self.source.line(value.span().start);
            match value.into_inner() {
                DeValue::Table(table) => Ok(self.within(format!("[[{key}]]"), at, table)),
                _ => Err(self.refuse(line, format!("`{key}` is {wanted}"))),
            }
        };
        values.into_iter().map(section).collect()
    }

    /// Sections with names of their own, such as `[vault.main]`.
    pub(super) fn named(&mut self, key: &str) -> Result<Vec<(String, Section<'a>)>> {
        let Some(entry) = self.take(key) else { return Ok(Vec::new()) };
        let wanted = format!("a section with a name: [{key}.main]");
        let DeValue::Table(table) = entry.value else {
            return Err(self.refuse_type(&entry, &wanted));
        };
        let section = |(name, value): (Spanned<_>, Spanned<DeValue<'a>>)| {
            let line = self.source.line(name.span().start);
            let name = std::borrow::Cow::into_owned(name.into_inner());
            match value.into_inner() {
                DeValue::Table(table) => {
                    let section = self.within(format!("[{key}.{name}]"), line, table);
                    Ok((name, section))
                }
                _ => Err(self.refuse(line, format!("`{key}` is {wanted}"))),
            }
        };
        table.into_iter().map(section).collect()
    }

    fn within(&self, name: String, line: usize, table: DeTable<'a>) -> Section<'a> {
        Section { line, ..Section::new(self.source, name, 0, table) }
    }

    /// Refuses keys that nobody has asked for.
    pub(super) fn finish(self) -> Result<()> {
        let Some(entry) = self.left.iter().min_by_key(|entry| entry.line) else { return Ok(()) };
        let key = entry.key.as_str();
        let sourced = |name: &str| self.known.contains(&format!("{name}_env"));
        if sourced(key) {
            let what = format!(
                "has the secret `{key}` itself; put it into a variable or a file, and write `{key}_env` or `{key}_file`"
            );
            return Err(self.refuse(entry.line, what));
        }
        if SECRETS.contains(&key) {
            return Err(
                self.refuse(entry.line, format!("has `{key}`: secrets don't stand in this file"))
            );
        }
        let mut known = self.known.clone();
        known.sort();
        known.dedup();
        Err(self.refuse(entry.line, format!("knows no `{key}`; it knows {}", known.join(", "))))
    }
}
