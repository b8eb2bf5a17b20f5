//! Strings, bytes, bools and UUIDs: the same value comes back, and only values of the type do.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::str::FromStr;

use encrypted_field::{EncryptedFieldExt, ErrorKind, Plaintext, Text};
use secrecy::{ExposeSecret as _, SecretString};
use tests::refused;
use tests::secrets::{BOT_TOKEN, CANARY, UNUSUAL_TEXT};
use uuid::Uuid;

use crate::fields::{
    BotToken, BotTokenBytes, FORMS, KINDS, Kind, Typed, open, plaintext, read_as, ring, round_trip,
    seal,
};

#[test]
fn strings() {
    let long = "ß鍵🔑".repeat(1000);
    for text in [
        "",
        "\0",
        " ",
        "\n",
        "0",
        "false",
        "NULL",
        "null",
        "''",
        "\\",
        "%",
        "\u{feff}",
        "\u{7f}",
        "\u{80}",
        "\u{fffd}",
        "\u{10ffff}",
        "e\u{301}",
        "\u{e9}",
        "\r\n",
        "\u{202e}",
        "👩‍👩‍👧‍👦",
        UNUSUAL_TEXT,
        BOT_TOKEN,
        &long,
        "[encrypted]",
    ] {
        for read in round_trip::<String>(text.to_owned()) {
            assert!(read == text, "{:?}", text.chars().next());
        }
        assert!(plaintext::<String>(text.to_owned()) == text.as_bytes());
    }
}

#[test]
fn bytes() {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    for bytes in [&b""[..], b"\0", b"\0\0\0", b"\xFF", b"\x80", b"\x80\0\0", b"\xEF\x66", &all] {
        for read in round_trip::<Vec<u8>>(bytes.to_vec()) {
            assert_eq!(read, bytes);
        }
        assert_eq!(plaintext::<Vec<u8>>(bytes.to_vec()), bytes);
    }
}

/// A column of bytes that a field takes for text.
#[test]
fn a_plaintext_that_is_not_utf_8_is_an_error() {
    let ring = ring();
    let truncated_emoji = &"🔑".as_bytes()[..3];
    for not_utf8 in [
        &b"\xFF"[..],
        b"\x80",
        b"\xC0\x80",
        b"\xED\xA0\x80",
        b"\xF4\x90\x80\x80",
        b"\xEF\x66",
        truncated_emoji,
    ] {
        let bytes = [CANARY.as_bytes(), not_utf8].concat();
        for form in FORMS {
            for kind in KINDS {
                let sealed = seal(&ring, form, kind, &BotTokenBytes::from(bytes.clone())).unwrap();
                let opened = open::<BotToken>(&ring, form, kind, &sealed);
                if kind == Kind::Detached {
                    refused(opened, ErrorKind::Authentication);
                    continue;
                }
                let error = refused(opened, ErrorKind::InvalidPlaintext);
                assert_eq!(error.column(), Some("slack_connections.bot_token"));
                assert_eq!(error.key_id().map(encrypted_field::KeyId::get), Some(7));
                assert!(error.to_string().contains("UTF-8"), "{error}");
            }
        }
    }
}

#[test]
fn bools() {
    for (value, encoding) in [(false, 0), (true, 1)] {
        assert_eq!(round_trip::<bool>(value), [value; 2]);
        assert_eq!(plaintext::<bool>(value), [encoding]);
    }
    for wrong in [&b""[..], b"\x02", b"\xFF", b"\0\0", b"\x01\0", b"true", b"0", &[0; 16]] {
        refused(read_as::<bool>(wrong), ErrorKind::InvalidPlaintext);
    }
}

#[test]
fn uuids() {
    let some = Uuid::from_u128(0x0123_4567_89ab_cdef_fedc_ba98_7654_3210);
    for value in [Uuid::nil(), Uuid::max(), some, Uuid::new_v4()] {
        assert_eq!(round_trip::<Uuid>(value), [value; 2]);
        assert_eq!(plaintext::<Uuid>(value), value.as_bytes());
    }
    let text = some.to_string();
    for wrong in [&b""[..], &[0; 15], &[0; 17], text.as_bytes()] {
        refused(read_as::<Uuid>(wrong), ErrorKind::InvalidPlaintext);
    }
}

/// A UUID and an integer have the same length: nothing tells them apart but the field's type.
#[test]
fn types_are_the_fields_business() {
    assert_eq!(read_as::<i128>(&plaintext::<Uuid>(Uuid::from_u128(7))).unwrap(), 7);
    assert_eq!(read_as::<String>(&plaintext::<bool>(true)).unwrap(), "\u{1}");
}

/// A column may be declared with any of them: the bytes are those of a `String`.
#[test]
fn other_strings() {
    for text in ["", " \0", UNUSUAL_TEXT, BOT_TOKEN] {
        assert!(round_trip::<Box<str>>(text.into()).iter().all(|read| **read == *text));
        assert!(plaintext::<Box<str>>(text.into()) == text.as_bytes());
        let owned = || Cow::<'static, str>::Owned(text.to_owned());
        assert!(round_trip::<Cow<'static, str>>(owned()).iter().all(|read| *read == text));
        assert!(plaintext::<Cow<'static, str>>(owned()) == text.as_bytes());
        let read = round_trip::<SecretString>(text.into());
        assert!(read.iter().all(|read| read.expose_secret() == text));
        assert!(plaintext::<SecretString>(text.into()) == text.as_bytes());
    }
    let not_utf_8 = [CANARY.as_bytes(), b"\xFF"].concat();
    refused(read_as::<Box<str>>(&not_utf_8), ErrorKind::InvalidPlaintext);
    refused(read_as::<Cow<'static, str>>(&not_utf_8), ErrorKind::InvalidPlaintext);
    refused(read_as::<SecretString>(&not_utf_8), ErrorKind::InvalidPlaintext);
}

#[test]
fn chars() {
    for char in ['\0', 'x', 'ß', '鍵', '🔑', '\u{feff}', char::MAX, '\u{301}'] {
        assert_eq!(round_trip::<char>(char), [char; 2]);
        assert_eq!(plaintext::<char>(char), char.to_string().as_bytes());
    }
    for wrong in [&b""[..], b"ab", "e\u{301}".as_bytes(), b"\xFF", b"\0\0\0x", b"\xED\xA0\x80"] {
        refused(read_as::<char>(wrong), ErrorKind::InvalidPlaintext);
    }
}

#[test]
fn byte_arrays() {
    assert_eq!(round_trip::<[u8; 4]>([0, 0xFF, 0x80, 1]), [[0, 0xFF, 0x80, 1]; 2]);
    assert_eq!(plaintext::<[u8; 4]>([0, 0xFF, 0x80, 1]), [0, 0xFF, 0x80, 1]);
    assert_eq!(round_trip::<[u8; 0]>([]), [[0_u8; 0]; 2]);
    assert_eq!(round_trip::<[u8; 1000]>([7; 1000]), [[7; 1000]; 2]);
    for wrong in [&b""[..], &[0; 3], &[0; 5]] {
        refused(read_as::<[u8; 4]>(wrong), ErrorKind::InvalidPlaintext);
    }
}

/// To the bit, which `==` does not tell.
#[test]
fn floats() {
    for bits in [
        0,
        1 << 63,
        1,
        0x3FF0_0000_0000_0000,
        0x7FEF_FFFF_FFFF_FFFF,
        0x7FF0_0000_0000_0000,
        0xFFF0_0000_0000_0000,
        0x7FF8_0000_0000_0000,
        0xFFF8_0000_0000_0001,
        // A signalling NaN.
        0x7FF0_0000_0000_0001,
    ] {
        let float = f64::from_bits(bits);
        assert_eq!(round_trip::<f64>(float).map(f64::to_bits), [bits; 2]);
        assert_eq!(plaintext::<f64>(float), bits.to_be_bytes());
    }
    for bits in [0, 1 << 31, 1, 0x3F80_0000, 0x7F80_0000, 0x7FC0_0001, 0x7F80_0001] {
        let float = f32::from_bits(bits);
        assert_eq!(round_trip::<f32>(float).map(f32::to_bits), [bits; 2]);
        assert_eq!(plaintext::<f32>(float), bits.to_be_bytes());
    }
    for wrong in [&b""[..], b"1.5", &[0; 4], &[0; 7], &[0; 9], &[0; 16]] {
        refused(read_as::<f64>(wrong), ErrorKind::InvalidPlaintext);
    }
    for wrong in [&b""[..], &[0; 3], &[0; 8]] {
        refused(read_as::<f32>(wrong), ErrorKind::InvalidPlaintext);
    }
}

#[test]
fn addresses() {
    let (v4, v6) = (Ipv4Addr::new(192, 0, 2, 1), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    let mapped = v4.to_ipv6_mapped();
    for (ip, bytes) in [
        (IpAddr::V4(v4), &v4.octets()[..]),
        (IpAddr::V6(v6), &v6.octets()),
        // Not the same as the IPv4 address.
        (IpAddr::V6(mapped), &mapped.octets()),
    ] {
        assert_eq!(round_trip::<IpAddr>(ip), [ip; 2]);
        assert_eq!(plaintext::<IpAddr>(ip), bytes);
    }
    assert_eq!(
        (round_trip::<Ipv4Addr>(v4), plaintext::<Ipv4Addr>(v4)),
        ([v4; 2], vec![192, 0, 2, 1])
    );
    assert_eq!(
        (round_trip::<Ipv6Addr>(v6), plaintext::<Ipv6Addr>(v6)),
        ([v6; 2], v6.octets().to_vec())
    );
    refused(read_as::<Ipv4Addr>(&v6.octets()), ErrorKind::InvalidPlaintext);
    refused(read_as::<Ipv6Addr>(&v4.octets()), ErrorKind::InvalidPlaintext);
    for wrong in [&b""[..], &[0; 3], &[0; 5], &[0; 15], &[0; 17], b"192.0.2.1"] {
        refused(read_as::<IpAddr>(wrong), ErrorKind::InvalidPlaintext);
    }
    let (socket4, socket6) =
        (SocketAddrV4::new(v4, 0x1234), SocketAddrV6::new(v6, 443, 0x000F_FFFF, u32::MAX));
    let bytes4 = [&v4.octets()[..], &[0x12, 0x34]].concat();
    let bytes6 = [&v6.octets()[..], &[1, 0xBB], &[0, 0xF, 0xFF, 0xFF], &[0xFF; 4]].concat();
    for (socket, bytes) in [(SocketAddr::V4(socket4), &bytes4), (SocketAddr::V6(socket6), &bytes6)]
    {
        assert_eq!(round_trip::<SocketAddr>(socket), [socket; 2]);
        assert_eq!(plaintext::<SocketAddr>(socket), **bytes);
    }
    assert_eq!(
        (round_trip::<SocketAddrV4>(socket4), plaintext::<SocketAddrV4>(socket4)),
        ([socket4; 2], bytes4)
    );
    assert_eq!(
        (round_trip::<SocketAddrV6>(socket6), plaintext::<SocketAddrV6>(socket6)),
        ([socket6; 2], bytes6)
    );
    for wrong in
        [&b""[..], &[0; 4], &[0; 5], &[0; 7], &[0; 18], &[0; 25], &[0; 27], b"192.0.2.1:80"]
    {
        refused(read_as::<SocketAddr>(wrong), ErrorKind::InvalidPlaintext);
    }
}

/// Reads in any case, and writes lower case. Without a form of its own, `Lost` is written as
/// `admin`.
#[derive(Debug, Clone, PartialEq)]
enum Role {
    Admin,
    Named(String),
    Lost,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Admin | Self::Lost => "admin",
            Self::Named(name) => name,
        })
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_lowercase().as_str() {
            "admin" => Ok(Self::Admin),
            "" => Err(format!("empty, not {CANARY}")),
            name => Ok(Self::Named(name.to_owned())),
        }
    }
}

#[test]
fn types_with_a_text_form() {
    for role in [Role::Admin, Role::Named(CANARY.to_lowercase())] {
        assert!(round_trip::<Text<Role>>(role.clone()).iter().all(|read| *read == role));
        assert!(plaintext::<Text<Role>>(role.clone()) == role.to_string().as_bytes());
    }
    assert_eq!(plaintext::<Text<u16>>(443), b"443");
    // What would not come back is not written.
    for lost in
        ["", CANARY, "admin"].map(|name| Role::Named(name.into())).into_iter().chain([Role::Lost])
    {
        let error = Typed::<Text<Role>>::new(lost).to_stored_with(&ring());
        let error = refused(error, ErrorKind::Unrepresentable);
        assert!(error.to_string().contains("does not read back"), "{error}");
    }
    // One spelling, save for what was there before.
    for wrong in [&b""[..], b"ADMIN", CANARY.as_bytes(), b"\xFF"] {
        refused(read_as::<Text<Role>>(wrong), ErrorKind::InvalidPlaintext);
    }
    refused(read_as::<Text<u16>>(b"0443"), ErrorKind::InvalidPlaintext);
    assert_eq!(Text::<Role>::from_legacy(b"ADMIN"), Ok(Text(Role::Admin)));
    assert_eq!(Text::<u16>::from_legacy(b"0443"), Ok(Text(443)));
}
