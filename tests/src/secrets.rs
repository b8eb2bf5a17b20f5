//! Every secret a test may use. The scan of the test output looks for exactly these, so a test
//! takes its plaintexts and keys from here: a secret of its own would leak unseen.
//!
//! Two ways to be found: a plaintext carries [`CANARY`] somewhere inside (a test may put it into a
//! literal of its own), a key stands in [`KEYS`]. The unit tests inside the library, which cannot
//! use this package, carry the canary in their plaintexts and its seven bytes in their keys.

/// Stands inside every secret plaintext and nowhere else.
pub const CANARY: &str = "CANARY-";

/// The bytes of [`CANARY`] as one integer, for integer fields.
pub const CANARY_INTEGER: i64 = 0x43_41_4e_41_52_59_2d;

/// A Slack bot token, 45 bytes.
pub const BOT_TOKEN: &str = "xoxb-CANARY-2417093341-8Wm3kQvT1rYzLp0dUe6JsH";

/// A Slack signing secret.
pub const SIGNING_SECRET: &str = "CANARY-9f2d61c07be84a3f";

/// Text outside ASCII, with an embedded NUL.
pub const UNUSUAL_TEXT: &str = "CANARY-\0-größe-鍵-🔑";

/// For the key derived from a passphrase.
pub const PASSPHRASE: &str = "CANARY-otter wagon plinth 71";

/// Data keys, drawn at random; the ring refuses any that look made up.
pub const KEYS: [[u8; 32]; 8] = [
    bytes32("7ac7a73b650e16f1f7942f202cdec88ea77c74345453cfadc2723b8b30ec0c79"),
    bytes32("43b21ba62ac04d43918afc755f37aedcb9d8c5c1c3bfebe63aa821f087250e5c"),
    bytes32("fd6dd512a6584e5b085aad373b47029c1681758fe851d25548074dce9e75b163"),
    bytes32("4e6f8a74e137bd2bf0046aa18b07ea7ce67e549b0077d5922c3f46fdb6acee44"),
    bytes32("4dec31c8d01a7f8c56d5f85d9a10d71a278d68ac87f731246220faa1adc9185a"),
    bytes32("3dad0a117dc410602b75d74090b7678d1095b47d2ad97bdfb75d79838137853c"),
    bytes32("160721b9e4c9ff3f1211873be3e0dcff00525a41874174a7c1fd7d2be6c2867d"),
    bytes32("c2cb20f0bd24d96ee5bc8faf06469cbfe77f51e1aeecdb690f488e346fe1b220"),
];

/// A different plaintext for each `name`.
pub fn plaintext(name: &str) -> String {
    format!("{CANARY}{name}")
}

const fn bytes32(hex: &str) -> [u8; 32] {
    let hex = hex.as_bytes();
    assert!(hex.len() == 64);
    let mut bytes = [0; 32];
    let mut at = 0;
    while at < 32 {
        bytes[at] = nibble(hex[2 * at]) << 4 | nibble(hex[2 * at + 1]);
        at += 1;
    }
    bytes
}

const fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => panic!("not a lower-case hex digit"),
    }
}
