//! The examples of encrypted-field: `cargo run --example quickstart`, `diesel`, `sqlx`. Keys in
//! production (Vault, AWS KMS, a rotation across processes) have a package of their own, in the
//! folder `keys`.
