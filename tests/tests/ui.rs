//! What compiles and what does not, with the messages.
//!
//! `ui/pass` are modules of this test, each with lints of its own, so that they share one build. `ui/fail` are
//! programs of their own; `TRYBUILD=overwrite cargo test -p tests --test ui` writes the expected messages anew.

/// Public, as the modules of a library are: some lints look at nothing else.
macro_rules! pass {
    ($($name:ident $path:literal)*) => {
        $(
            #[path = $path]
            pub mod $name;
        )*

        #[test]
        fn every_file_of_ui_pass_is_listed() {
            let entries = std::fs::read_dir("ui/pass").expect("tests/ui/pass");
            let mut files: Vec<_> = entries.map(|e| e.expect("an entry").file_name()).collect();
            files.sort();
            assert_eq!(files, [$(concat!(stringify!($name), ".rs")),*]);
        }
    };
}

pass! {
    derive_order "../ui/pass/derive_order.rs"
    from_macro_rules "../ui/pass/from_macro_rules.rs"
    function_body "../ui/pass/function_body.rs"
    generics "../ui/pass/generics.rs"
    names_of_the_library "../ui/pass/names_of_the_library.rs"
    newtypes "../ui/pass/newtypes.rs"
    other_path "../ui/pass/other_path.rs"
    other_structs "../ui/pass/other_structs.rs"
    raw_identifiers "../ui/pass/raw_identifiers.rs"
    renamed_columns "../ui/pass/renamed_columns.rs"
    scopes "../ui/pass/scopes.rs"
    shadowed_prelude "../ui/pass/shadowed_prelude.rs"
    strict_lints "../ui/pass/strict_lints.rs"
    value_types "../ui/pass/value_types.rs"
    visibility "../ui/pass/visibility.rs"
}

#[test]
#[cfg_attr(any(feature = "aws-lc-rs", feature = "fips"), ignore = "no message depends on the cipher")]
fn fail() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}
