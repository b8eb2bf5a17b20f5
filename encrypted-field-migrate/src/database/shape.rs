//! A table as the engine needs it.

/// The key of a row: its parts, in the form in which the database gives and takes them as text.
pub(crate) type Key = Vec<String>;

/// A table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// Its name as SQL, with the schema, quoted.
    pub(crate) sql: String,
    /// The key, by which rows are found and sorted.
    pub(crate) key: Vec<KeyColumn>,
    pub(crate) columns: Vec<Column>,
    /// The columns of each unique key without NULL, those of the primary key first.
    pub(crate) unique: Vec<Vec<String>>,
    /// What it is if it is no table, such as a view. In words.
    pub(crate) alien: Option<String>,
}

impl Table {
    /// Whether no two rows can have one key.
    pub(crate) fn has_unique_key(&self, given: &[String]) -> bool {
        let is_part = |name: &String| given.iter().any(|part| part.eq_ignore_ascii_case(name));
        self.unique.iter().any(|unique| unique.iter().all(is_part))
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// One part of a key.
#[derive(Debug, Clone)]
pub(crate) struct KeyColumn {
    /// Quoted.
    pub(crate) sql: String,
    /// Takes a part as text: `{}` stands for the place of the text.
    pub(crate) take: String,
    /// Gives it as text: `{}` stands for the column.
    pub(crate) give: String,
}

impl KeyColumn {
    pub(crate) fn give(&self, qualifier: &str) -> String {
        self.give.replace("{}", &format!("{qualifier}{}", self.sql))
    }

    pub(crate) fn take(&self, place: &str) -> String {
        self.take.replace("{}", place)
    }
}

/// A column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Quoted.
    pub(crate) sql: String,
    /// As the database names it.
    pub(crate) type_name: String,
    pub(crate) holds: Holds,
    /// The most characters or bytes.
    pub(crate) limit: Option<u64>,
    /// It fills up what is shorter.
    pub(crate) pads: bool,
    /// The database computes it.
    pub(crate) is_generated: bool,
    pub(crate) has_default: bool,
    /// What it may hold, for a text on MySQL.
    pub(crate) charset: String,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    Text,
    Bytes,
    /// Either, on SQLite.
    Anything,
    /// It can be read as text, and can't be written.
    Other,
}

/// The columns of each index, from rows of an index and a column each.
pub(super) fn by_index(rows: impl IntoIterator<Item = (String, String)>) -> Vec<Vec<String>> {
    let mut indexes: Vec<(String, Vec<String>)> = Vec::new();
    for (index, column) in rows {
        match indexes.last_mut() {
            Some((last, columns)) if *last == index => columns.push(column),
            _ => indexes.push((index, vec![column])),
        }
    }
    indexes.into_iter().map(|(_, columns)| columns).collect()
}

/// The columns of the key: those that the job names, or the first unique ones.
pub(super) fn key_of(given: &[String], unique: &[Vec<String>]) -> Vec<String> {
    if given.is_empty() { unique.first().cloned().unwrap_or_default() } else { given.to_vec() }
}
