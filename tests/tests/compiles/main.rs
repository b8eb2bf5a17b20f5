//! What compiles. Each module has lints of its own, and is public, as the modules of a library are:
//! some lints look at nothing else.

macro_rules! all {
    ($($name:ident)*) => {
        $(pub mod $name;)*

        #[test]
        fn every_file_is_listed() {
            let entries = std::fs::read_dir("tests/compiles").expect("tests/tests/compiles");
            let mut files: Vec<_> = entries
                .map(|entry| entry.expect("an entry").file_name())
                .filter(|name| name != "main.rs")
                .collect();
            files.sort();
            assert_eq!(files, [$(concat!(stringify!($name), ".rs")),*]);
        }
    };
}

all! {
    derive_order
    from_macro_rules
    function_body
    generics
    names_of_the_library
    newtypes
    other_path
    other_structs
    own_serialize
    raw_identifiers
    renamed_columns
    same_names
    scopes
    shadowed_prelude
    sorted
    strict_lints
    value_types
    visibility
}
