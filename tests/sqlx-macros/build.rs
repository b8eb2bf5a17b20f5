//! Leaves the tests out where there is no database to compile them against, and compiles them again
//! when the database or its schema is another.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(macros_database)");
    println!("cargo::rerun-if-env-changed=EF_TEST_SQLX_MACROS_URL");
    println!("cargo::rerun-if-changed=schema.sql");
    println!("cargo::rerun-if-changed=sqlx.toml");
    if std::env::var("EF_TEST_SQLX_MACROS_URL").is_ok_and(|url| !url.is_empty()) {
        println!("cargo::rustc-cfg=macros_database");
    } else {
        println!("cargo::warning=SKIPPED: no database for the query macros: run ./test");
    }
}
