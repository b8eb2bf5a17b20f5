"""Vectors that authenticate and hold no value of the field's type: error InvalidPlaintext, and Authentication for
detached values."""

from .invalid import binary, text
from .plaintext import INTEGERS
from .stored import PADDED, XAES_256_GCM
from .vectors import seal


def each(type: str, cases):
    for name, plain, comment in cases:
        plain = plain.encode() if isinstance(plain, str) else plain
        yield text(name, "InvalidPlaintext", seal(f"{type}-{name}", plain).stored("text"), comment, type=type)


def strings():
    yield from each("string", [
        ("ff", b"\xff", "never in UTF-8"),
        ("lone-continuation", b"a\x80", "a continuation byte alone"),
        ("truncated", b"\xe2\x82", "a sequence cut off"),
        ("overlong-nul", b"\xc0\x80", "an overlong NUL"),
        ("overlong-slash", b"\xe0\x80\xaf", "an overlong slash"),
        ("surrogate", b"\xed\xa0\x80", "a surrogate"),
        ("surrogate-pair", b"\xed\xa0\xbd\xed\xb4\x91", "CESU-8"),
        ("above-last-code-point", b"\xf4\x90\x80\x80", "U+110000"),
        ("latin-1", "Größe".encode("latin-1"), "ISO 8859-1"),
        ("utf-16", "ab\u20ac".encode("utf-16"), "UTF-16 with its byte order mark"),
    ])
    sealed = seal("string-binary", b"\xff")
    yield binary("binary", "InvalidPlaintext", sealed.stored("binary"), "in binary storage")


def integers():
    yield from each("i64", [
        ("empty", b"", "0 bytes"),
        ("8-bytes", (42).to_bytes(8, "big"), "8 bytes"),
        ("15-bytes", (42).to_bytes(15, "big"), "15 bytes"),
        ("17-bytes", (42).to_bytes(17, "big"), "17 bytes"),
        ("digits", b"42", "digits"),
        ("sixteen-digits", b"0000000000000042", "16 bytes are always an integer, here one above i64::MAX"),
    ])
    for kind, (sign, bits) in INTEGERS.items():
        above = 2 ** (bits - (sign == "i"))
        below = -(2 ** (bits - 1)) - 1 if sign == "i" else -1
        outside = [("minus-one", -1, "negative")] if kind == "u128" else [
            ("above", above, "one above the largest"), ("below", below, "one below the smallest"),
        ]
        if kind != "i128":
            values = ((n, v.to_bytes(16, "big", signed=True), c) for n, v, c in outside)
            yield from each(kind, ((f"{kind}-{n}", v, c) for n, v, c in values))


def bools_and_uuids():
    yield from each("bool", [
        ("bool-empty", b"", "0 bytes"),
        ("bool-two-bytes", b"\0\1", "2 bytes"),
        ("bool-02", b"\x02", "neither 00 nor 01"),
        ("bool-ff", b"\xff", "neither 00 nor 01"),
        ("bool-digit", b"1", "the digit 1"),
        ("bool-word", b"true", "the word"),
        ("bool-16-bytes", bytes(15) + b"\1", "an integer"),
    ])
    yield from each("uuid", [
        ("uuid-empty", b"", "0 bytes"),
        ("uuid-15-bytes", bytes(15), "15 bytes"),
        ("uuid-17-bytes", bytes(17), "17 bytes"),
        ("uuid-text", b"8c6a1f0e-52d4-4b7b-9d0c-3f1f0f6c2a77", "36 characters"),
        ("uuid-hexadecimal", b"8c6a1f0e52d44b7b9d0c3f1f0f6c2a77", "32 characters"),
    ])


def chars():
    yield from each("char", [
        ("empty", "", "no character"),
        ("two", "xy", "two characters"),
        ("with-accent", "e\u0301", "two characters, which are shown as one"),
        ("not-utf8", b"\xff", "not UTF-8"),
        ("surrogate", b"\xed\xa0\x80", "a surrogate"),
        ("utf-32", b"\0\0\0x", "UTF-32"),
    ])


def floats():
    yield from each("f64", [
        ("f64-empty", b"", "0 bytes"),
        ("f64-4-bytes", bytes(4), "the length of an f32"),
        ("f64-7-bytes", bytes(7), "7 bytes"),
        ("f64-9-bytes", bytes(9), "9 bytes"),
        ("f64-16-bytes", bytes(16), "the length of an integer"),
        ("f64-digits", b"1.5", "digits"),
    ])
    yield from each("f32", [
        ("f32-empty", b"", "0 bytes"),
        ("f32-3-bytes", bytes(3), "3 bytes"),
        ("f32-8-bytes", bytes(8), "the length of an f64"),
    ])


def addresses():
    for type, right in [("ipv4", 4), ("ipv6", 16), ("ipv4-socket", 6), ("ipv6-socket", 26)]:
        lengths = [0, right - 1, right + 1]
        yield from each(type, [(f"{type}-{n}-bytes", bytes(n), f"{n} bytes") for n in lengths])
    yield from each("ipv4", [("ipv4-text", b"192.0.2.1", "text")])
    yield from each("ipv4-socket", [("ipv4-socket-text", b"192.0.2.1:80", "text")])
    yield from each("ipv6-socket", [("ipv6-socket-18-bytes", bytes(18), "address and port alone")])


def dates():
    yield from each("date", [
        ("empty", "", "nothing"),
        ("month-0", "2024-00-01", "no such month"),
        ("month-13", "2024-13-01", "no such month"),
        ("day-0", "2024-01-00", "no such day"),
        ("day-32", "2024-01-32", "no such day"),
        ("april-31", "2024-04-31", "no such day"),
        ("february-30", "2024-02-30", "no such day"),
        ("february-29-2023", "2023-02-29", "not a leap year"),
        ("february-29-1900", "1900-02-29", "not a leap year"),
        ("february-29-minus-1", "-000001-02-29", "not a leap year"),
        ("negative-four-digits", "-0001-01-01", "a sign needs six digits"),
        ("plus-four-digits", "+2024-01-01", "a sign needs six digits"),
        ("plus-needless", "+002024-01-01", "four digits exist for this year"),
        ("plus-9999", "+009999-12-31", "four digits exist for this year"),
        ("minus-zero", "-000000-01-01", "there is one year 0"),
        ("plus-zero", "+000000-01-01", "four digits exist for this year"),
        ("five-digits", "12024-01-01", "no sign"),
        ("six-digits", "012024-01-01", "no sign"),
        ("seven-digits", "+1000000-01-01", "beyond the format"),
        ("three-digits", "999-01-01", "too few digits of year"),
        ("one-digit-month", "2024-1-01", "too few digits of month"),
        ("one-digit-day", "2024-01-1", "too few digits of day"),
        ("basic", "20240101", "no hyphens"),
        ("slashes", "2024/01/01", "slashes"),
        ("unicode-minus", "\u2212000001-01-01", "U+2212"),
        ("full-width-digit", "202\uff14-01-01", "a digit, but not an ASCII one"),
        ("space-before", " 2024-01-01", "white space"),
        ("space-after", "2024-01-01 ", "white space"),
        ("newline-after", "2024-01-01\n", "white space"),
        ("time-after", "2024-01-01T00:00:00.000000000", "a date-time"),
    ])


def times():
    yield from each("time", [
        ("empty", "", "nothing"),
        ("hour-24", "24:00:00.000000000", "no such hour"),
        ("minute-60", "00:60:00.000000000", "no such minute"),
        ("second-61", "23:59:61.000000000", "no such second"),
        ("no-fraction", "12:34:56", "no fraction"),
        ("point-only", "12:34:56.", "no digits"),
        ("three-digits", "12:34:56.789", "three digits of fraction"),
        ("eight-digits", "12:34:56.00000000", "eight digits of fraction"),
        ("ten-digits", "12:34:56.0000000000", "ten digits of fraction"),
        ("comma", "12:34:56,000000000", "a comma"),
        ("no-seconds", "12:34", "no seconds"),
        ("one-digit-hour", "1:02:03.000000000", "too few digits"),
        ("basic", "123456.000000000", "no colons"),
        ("z", "12:34:56.000000000Z", "an offset"),
        ("t", "T12:34:56.000000000", "the letter T"),
        ("negative", "-12:34:56.000000000", "a sign"),
        ("space-after", "12:34:56.000000000 ", "white space"),
    ])


def naive_datetimes():
    yield from each("naive-datetime", [
        ("z", "2024-02-29T13:14:15.000000000Z", "an instant"),
        ("offset", "2024-02-29T13:14:15.000000000+00:00", "an offset"),
        ("space", "2024-02-29 13:14:15.000000000", "a space instead of T"),
        ("lower-case-t", "2024-02-29t13:14:15.000000000", "a lower-case t"),
        ("no-fraction", "2024-02-29T13:14:15", "no fraction"),
        ("date-only", "2024-02-29", "a date"),
        ("hour-24", "2024-02-29T24:00:00.000000000", "no such hour"),
        ("february-29", "2023-02-29T13:14:15.000000000", "not a leap year"),
        ("minus-zero", "-000000-01-01T00:00:00.000000000", "there is one year 0"),
    ])


def datetimes_utc():
    yield from each("datetime-utc", [
        ("empty", "", "nothing"),
        ("no-z", "2024-02-29T13:14:15.000000000", "no Z"),
        ("lower-case-z", "2024-02-29T13:14:15.000000000z", "a lower-case z"),
        ("lower-case-t", "2024-02-29t13:14:15.000000000Z", "a lower-case t"),
        ("space", "2024-02-29 13:14:15.000000000Z", "a space instead of T"),
        ("zero-offset", "2024-02-29T13:14:15.000000000+00:00", "an offset of zero is written Z"),
        ("offset", "2024-02-29T13:14:15.000000000+01:00", "another offset"),
        ("unix", "1709212455", "seconds since 1970"),
        ("no-fraction", "2024-02-29T13:14:15Z", "no fraction"),
        ("three-digits", "2024-02-29T13:14:15.000Z", "three digits of fraction"),
        ("ten-digits", "2024-02-29T13:14:15.0000000000Z", "ten digits of fraction"),
        ("second-61", "2016-12-31T23:59:61.000000000Z", "no such second"),
        ("hour-24", "2024-02-29T24:00:00.000000000Z", "no such hour"),
        ("month-13", "2024-13-29T13:14:15.000000000Z", "no such month"),
        ("plus-needless", "+002024-02-29T13:14:15.000000000Z", "four digits exist for this year"),
        ("newline-after", "2024-02-29T13:14:15.000000000Z\n", "white space"),
    ])


def decimals():
    yield from each("decimal", [
        ("empty", "", "nothing"),
        ("minus-only", "-", "no digits"),
        ("plus", "+1", "no plus sign"),
        ("leading-zero", "01", "a leading zero"),
        ("leading-zero-fraction", "00.5", "a leading zero"),
        ("no-integer-part", ".5", "no digit before the point"),
        ("no-fraction", "5.", "no digit after the point"),
        ("point-only", ".", "no digits"),
        ("two-points", "1.2.3", "two points"),
        ("comma", "1,5", "a comma"),
        ("underscore", "1_000", "an underscore"),
        ("minus-zero", "-0", "a minus sign on zero"),
        ("minus-zero-fraction", "-0.00", "a minus sign on zero"),
        ("minus-zero-exponent", "-0E+3", "a minus sign on zero"),
        ("lower-case-e", "1e+3", "a lower-case e"),
        ("exponent-without-sign", "1E3", "no sign of the exponent"),
        ("exponent-leading-zero", "1E+03", "a leading zero"),
        ("exponent-empty", "1E+", "no exponent"),
        ("exponent-zero", "1E+0", "plain notation exists"),
        ("exponent-minus-zero", "1E-0", "plain notation exists"),
        ("exponent-minus-1", "1E-1", "plain notation exists: 0.1"),
        ("exponent-minus-28", "1E-28", "plain notation exists"),
        ("exponent-and-point", "1.5E+3", "a point and an exponent"),
        ("exponent-digits-leading-zero", "01E+3", "a leading zero"),
        ("exponent-no-digits", "E+3", "no digits"),
        ("exponent-above-largest", f"1E+{2**63 + 1}", "the scale is a signed 64-bit integer"),
        ("exponent-below-smallest", f"1E-{2**63}", "the scale is a signed 64-bit integer"),
        ("exponent-huge", "1E+100000000000000000000", "beyond the format"),
        ("exponent-huge-negative", "1E-100000000000000000000", "beyond the format"),
        ("scale-29-plain", "0." + "0" * 28 + "1", "29 digits after the point are written with an exponent"),
        ("nan", "NaN", "not a number"),
        ("infinity", "Infinity", "not a number"),
        ("hexadecimal", "0x10", "not decimal"),
        ("space-before", " 1", "white space"),
        ("space-after", "1 ", "white space"),
        ("full-width-digit", "\uff11", "a digit, but not an ASCII one"),
        ("binary-integer", (42).to_bytes(16, "big"), "an integer's encoding"),
    ])


def json_values():
    yield from each("json", [
        ("empty", "", "nothing"),
        ("white-space", " \n", "nothing but white space"),
        ("unclosed", '{"a":1', "cut off"),
        ("trailing", "{} x", "something after the value"),
        ("two-values", "1 2", "two values"),
        ("trailing-comma", "[1,]", "a trailing comma"),
        ("single-quotes", "'a'", "not JSON"),
        ("bare-word", "token", "not JSON"),
        ("nan", "NaN", "not JSON"),
        ("leading-zero", "01", "not JSON"),
        ("comment", "/**/1", "not JSON"),
        ("control-character", '"\n"', "a control character in a string"),
        ("byte-order-mark", "\ufeff1", "U+FEFF before the value"),
        ("not-utf8", b'"\xff"', "not UTF-8"),
    ])


def padding():
    for name, message, comment in [
        ("empty", b"", "no padding at all"),
        ("zero", b"\0", "zeros without 80"),
        ("zeros", bytes(16), "zeros without 80"),
        ("none", b"a token", "no padding"),
        ("other-byte", b"a token\x01\0\0", "01 instead of 80"),
        ("byte-after", b"a token\x80\0\x01", "a byte after the zeros"),
        ("ff", b"a token\x80\0\xff", "a byte after the zeros"),
        ("pkcs7", b"a token" + bytes([9] * 9), "PKCS #7"),
    ]:
        sealed = seal(f"padding-{name}", message, suite=XAES_256_GCM | PADDED)
        yield text(name, "InvalidPlaintext", sealed.stored("text"), comment, type="bytes")
        yield binary(f"{name}-binary", "InvalidPlaintext", sealed.stored("binary"), comment, type="bytes")
    sealed = seal("padding-unflagged", (42).to_bytes(16, "big") + b"\x80")
    yield text("not-flagged", "InvalidPlaintext", sealed.stored("text"), "padding that no flag announces", type="i64")
    sealed = seal("padding-of-integer", (42).to_bytes(15, "big") + b"\x80", suite=XAES_256_GCM | PADDED)
    yield text("integer-too-short", "InvalidPlaintext", sealed.stored("text"), "15 bytes without padding", type="i64")


def detached():
    """Whoever offers such a value could tell by another error which of his values open."""
    for name, type, message, suite in [
        ("string", "string", b"\xff", 0x01), ("integer", "i64", b"42", 0x01), ("json", "json", b"{", 0x01),
        ("padding", "bytes", b"a token", 0x11), ("padding-empty", "bytes", b"", 0x11),
    ]:
        sealed = seal(f"detached-{name}", message, suite=suite, kind="detached")
        comment = "it opens, and holds no value of the type"
        for storage, make in [("text", text), ("binary", binary)]:
            value = sealed.stored(storage)
            yield make(f"{name}-{storage}", "Authentication", value, comment, type=type, kind="detached")


FILES = {
    "plaintext-strings": (strings, "Not UTF-8."),
    "plaintext-integers": (integers, "Not 16 bytes, or outside the type's range."),
    "plaintext-bools-and-uuids": (bools_and_uuids, "Not the bytes of a bool or a UUID."),
    "plaintext-chars": (chars, "Not one character."),
    "plaintext-floats": (floats, "Not the bytes of a float."),
    "plaintext-addresses": (addresses, "Not the bytes of an address."),
    "plaintext-dates": (dates, "Not a date in its one spelling."),
    "plaintext-times": (times, "Not a time of day in its one spelling."),
    "plaintext-naive-datetimes": (naive_datetimes, "Not a date-time without offset in its one spelling."),
    "plaintext-datetimes-utc": (datetimes_utc, "Not an instant in its one spelling."),
    "plaintext-decimals": (decimals, "Not a decimal in its one spelling."),
    "plaintext-json": (json_values, "Not JSON."),
    "plaintext-padding": (padding, "Not padded as the suite says."),
    "plaintext-detached": (detached, "Detached values that open and hold no value of the field's type."),
}
