//! The examples of encrypted-field: `cargo run --example quickstart`, `diesel`, `sqlx`.
