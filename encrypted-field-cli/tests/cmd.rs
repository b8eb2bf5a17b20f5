//! What the command prints, as it is written in `tests/cmd`: `TRYCMD=overwrite` records it.

#[test]
fn commands_print_what_is_written() {
    use base64::Engine as _;
    let key = base64::engine::general_purpose::STANDARD.encode(tests::secrets::KEYS[0]);
    let cases = trycmd::TestCases::new();
    cases
        .env("USER", "alice")
        // For `moving.md`: the key of the Fernet specification.
        .env("FERNET_KEY", "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=")
        // For `data.md`. It is in the list of test secrets.
        .env("ENCRYPTED_FIELD_KEYS", format!("active=1,1:{key}"))
        .register_bin(
            "encrypted-field",
            trycmd::schema::Bin::Path(env!("CARGO_BIN_EXE_encrypted-field").into()),
        )
        .case("tests/cmd/*.md");
}
