//! The guide's code blocks. A comment before a block names it: `<!-- tested: NAME, STORAGE -->`
//! before SQL, which has the statements of three databases, and `<!-- tested: NAME -->` before
//! Rust.

const CHAPTER: &str = include_str!("../../../encrypted-field/docs/existing-column.md");

const DIESEL_TEXT: &str = include_str!("suite/diesel_text.rs");
const DIESEL_BINARY: &str = include_str!("suite/diesel_binary.rs");
const SQLX_TEXT: &str = include_str!("suite/sqlx_text.rs");
const SQLX_BINARY: &str = include_str!("suite/sqlx_binary.rs");

/// The SQL of one database, of a statement or several; nothing where the guide says that there is
/// nothing to do.
pub fn sql(name: &str, storage: &str, database: &str) -> String {
    let is_it = |block: &&Block| {
        block.language == "sql"
            && block.name.split_once(", ").is_some_and(|(named, storages)| {
                named == name && storages.split(" and ").any(|named| named == storage)
            })
    };
    let blocks = blocks();
    let block = blocks.iter().find(is_it).unwrap_or_else(|| panic!("no SQL for {name}, {storage}"));
    let mut of_database = false;
    let mut sql = String::new();
    for line in block.code.lines() {
        if let Some(heading) = line.strip_prefix("-- ") {
            of_database = heading.split(':').next() == Some(database);
        } else if of_database {
            sql.push_str(line);
            sql.push('\n');
        }
    }
    let is_there = block.code.lines().any(|line| {
        line.strip_prefix("-- ").is_some_and(|line| line.split(':').next() == Some(database))
    });
    assert!(is_there, "{name}, {storage}: nothing of {database}");
    sql.trim_end().to_owned()
}

struct Block {
    name: String,
    language: String,
    code: String,
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut name = None;
    let mut lines = CHAPTER.lines();
    while let Some(line) = lines.next() {
        if let Some(comment) = line.strip_prefix("<!-- tested: ") {
            assert!(name.is_none(), "a comment for no block, before: {line}");
            name = Some(comment.strip_suffix(" -->").expect("an end").to_owned());
        } else if let Some(language) = line.strip_prefix("```") {
            let code = lines.by_ref().take_while(|line| *line != "```").collect::<Vec<_>>();
            let name = name.take().unwrap_or_else(|| panic!("no name: {}", code.join("\n")));
            blocks.push(Block { name, language: language.to_owned(), code: code.join("\n") });
        } else {
            assert!(name.is_none(), "a comment for no block, before: {line}");
        }
    }
    blocks
}

/// Without indentation, which differs where code stands in a module.
fn flat(code: &str) -> String {
    code.lines().map(|line| format!("{}\n", line.trim_start())).collect()
}

/// What is in the guide is what the tests run.
#[test]
fn its_rust_code_is_that_of_these_tests() {
    let expected = [
        ("Diesel", DIESEL_TEXT),
        ("SQLx", SQLX_TEXT),
        ("SQLx, statements", include_str!("on_postgres.rs")),
        ("switch", DIESEL_TEXT),
        ("keys of phase 1", include_str!("keys.rs")),
        ("Diesel, loop", DIESEL_TEXT),
        ("SQLx, loop", SQLX_TEXT),
        ("close", DIESEL_TEXT),
    ];
    let blocks = blocks();
    let rust = blocks.iter().filter(|block| block.language == "rust").collect::<Vec<_>>();
    let names = rust.iter().map(|block| block.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names, expected.map(|(name, _)| name));
    for (block, (name, source)) in rust.iter().zip(expected) {
        assert!(flat(source).contains(&flat(&block.code)), "{name}: the tests run other code");
    }
    // What both have in common.
    for name in ["switch", "close"] {
        let block = rust.iter().find(|block| block.name == name).unwrap();
        assert!(flat(SQLX_TEXT).contains(&flat(&block.code)), "{name}: SQLx's tests differ");
    }
}

/// Each statement of the guide is run: by a scenario of `suite`, which takes it by its name.
#[test]
fn its_sql_is_run_by_these_tests() {
    let scenarios = include_str!("suite/scenarios.rs");
    let mut count = 0;
    for block in blocks().iter().filter(|block| block.language != "rust") {
        assert_eq!(block.language, "sql", "{}", block.name);
        let (name, storages) = block.name.split_once(", ").expect("a storage");
        assert!(["text", "binary", "text and binary"].contains(&storages), "{}", block.name);
        assert!(scenarios.contains(&format!("\"{name}\"")), "{name}: nothing runs it");
        for storage in storages.split(" and ") {
            for database in ["PostgreSQL", "MySQL, MariaDB", "SQLite"] {
                sql(name, storage, database);
                count += 1;
            }
        }
    }
    assert_eq!(count, 3 * 2 * 10);
}

/// The guide's table of what to write for a binary column makes the code that these tests run.
#[test]
fn its_table_gives_the_code_for_binary_columns() {
    let with = |encrypted: &'static str| {
        [
            ("encrypted(String,", encrypted),
            ("String", "Vec<u8>"),
            ("Text", "Binary"),
            ("from_stored_text", "from_stored"),
            ("to_stored_text", "to_stored"),
        ]
    };
    let (of_diesel, of_sqlx) =
        (with("encrypted(Vec<u8>,"), with("encrypted(Vec<u8>, storage = \"binary\","));
    let (_, table) = CHAPTER.split_once("## The code for a binary column").expect("the table");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    for (row, (text, binary)) in rows.clone().zip(of_diesel) {
        assert!(row.starts_with(&format!("| `{text}`")), "{row}");
        assert!(row.contains(&format!("| `{binary}`")), "{row}");
    }
    assert_eq!(rows.count(), of_diesel.len());
    assert!(table.contains(of_sqlx[0].1));

    for (text, binary, table) in
        [(DIESEL_TEXT, DIESEL_BINARY, of_diesel), (SQLX_TEXT, SQLX_BINARY, of_sqlx)]
    {
        let made = table.iter().fold(text.to_owned(), |code, (from, to)| code.replace(from, to));
        let lines = made.lines().zip(binary.lines());
        for (made, binary) in lines.skip_while(|(made, _)| made.starts_with("//!")) {
            assert_eq!(made, binary);
        }
        assert_eq!(made.lines().count(), binary.lines().count());
    }
}
