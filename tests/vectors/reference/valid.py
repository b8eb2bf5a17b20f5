"""Vectors that open, one function for each file under valid/."""

from .plaintext import INTEGERS, integer_range
from .vectors import CONTEXT, bound, derived, key, valid

TOKEN = "xoxb-example-0000-this-is-not-a-real-token-42"
LEAP = ("leap-second",)
LAST_DAY = ("last-day-of-9999",)
WIDE = ("years-beyond-9999",)
WIDEST = ("years-beyond-9999", "years-beyond-262142")
BIG = ("wide-decimals",)


def date(year, month, day):
    return {"year": year, "month": month, "day": day}


def time(hour, minute, second, nanosecond=0):
    return {"hour": hour, "minute": minute, "second": second, "nanosecond": nanosecond}


def decimal(unscaled, scale):
    return {"unscaled": str(unscaled), "scale": str(scale)}


def strings():
    yield valid("token-text", "string", TOKEN, "45 ASCII bytes", show=True)
    yield valid("token-binary", "string", TOKEN, "45 ASCII bytes", storage="binary", show=True)
    for name, value, comment in [
        ("empty", "", "the empty string, which is not NULL; 41 payload bytes leave 2 over in base64url"),
        ("one-byte", "x", "42 payload bytes, none left over in base64url"),
        ("two-bytes", "ab", "43 payload bytes leave 1 over in base64url"),
    ]:
        yield valid(f"{name}-text", "string", value, comment)
        yield valid(f"{name}-binary", "string", value, comment, storage="binary")
    for name, value, comment in [
        ("non-ascii", "Größe 密码 🔑", "two, three and four bytes of UTF-8"),
        ("not-normalised", "e\u0301 \u00e9", "decomposed and composed, both kept as they are"),
        ("byte-order-mark", "\ufeffx", "a leading U+FEFF is part of the value"),
        ("last-code-point", "\U0010ffff\uffff", "U+10FFFF and a noncharacter"),
        ("nul", "\0", "a single NUL"),
        ("embedded-nul", "a\0b\0", "NUL inside and at the end"),
        ("white-space", " x \r\n", "white space at both ends"),
        ("looks-stored", "ef1:1:AAAA", "a plaintext that merely looks like a stored value"),
        ("looks-pending", "ef1:0:", "a plaintext that reads like the pending value"),
        ("long", "0123456789abcdef" * 64, "1024 bytes: 64 AES blocks"),
    ]:
        yield valid(name, "string", value, comment)


def byte_strings():
    for name, value, comment in [
        ("empty", b"", "no bytes"),
        ("zero", b"\0", "one zero byte"),
        ("not-utf8", b"\xff\xfe\x80", "never valid UTF-8"),
        ("looks-stored", b"\xeff1\0\0\0\1", "a plaintext that looks like a binary form"),
        ("every-byte", bytes(range(256)), "each byte value once"),
        ("long", derived("plaintext", "long", 1000), "1000 bytes, the last AES block partial"),
    ]:
        yield valid(f"{name}-text", "bytes", value.hex(), comment)
        yield valid(f"{name}-binary", "bytes", value.hex(), comment, storage="binary")


def integers():
    for kind in INTEGERS:
        low, high = integer_range(kind)
        for name, value in [("min", low), ("max", high), ("zero", 0), ("minus-one", -1), ("forty-two", 42)]:
            if low <= value <= high and not (name == "zero" and low == 0):
                comment = "the largest u128 with an encoding: i128::MAX" if (kind, name) == ("u128", "max") else ""
                yield valid(f"{kind}-{name}", kind, str(value), comment or f"{value}, always 16 bytes")
    yield valid("i64-binary", "i64", "-2", "in binary storage", storage="binary")


def bools_and_uuids():
    for storage in ("text", "binary"):
        yield valid(f"false-{storage}", "bool", False, "one byte, 00", storage=storage)
        yield valid(f"true-{storage}", "bool", True, "one byte, 01", storage=storage)
        value = "8c6a1f0e-52d4-4b7b-9d0c-3f1f0f6c2a77"
        yield valid(f"uuid-v4-{storage}", "uuid", value, "16 bytes in network order", storage=storage)
    yield valid("uuid-nil", "uuid", "00000000-0000-0000-0000-000000000000", "the nil UUID")
    yield valid("uuid-max", "uuid", "ffffffff-ffff-ffff-ffff-ffffffffffff", "the max UUID")


def chars():
    for name, value, comment in [
        ("ascii", "x", "one byte"),
        ("two-bytes", "é", "two bytes"),
        ("three-bytes", "密", "three bytes"),
        ("four-bytes", "🔑", "four bytes"),
        ("nul", "\0", "NUL"),
        ("combining", "\u0301", "a combining accent alone is a character"),
        ("last", "\U0010ffff", "U+10FFFF"),
    ]:
        yield valid(name, "char", value, comment)
    yield valid("binary", "char", "x", "in binary storage", storage="binary")


def floats():
    for name, bits, comment in [
        ("zero", "0000000000000000", "0.0"),
        ("minus-zero", "8000000000000000", "-0.0, which is another value"),
        ("one-and-a-half", "3ff8000000000000", "1.5"),
        ("tenth", "3fb999999999999a", "the double nearest to 0.1"),
        ("smallest", "0000000000000001", "the smallest subnormal"),
        ("largest", "7fefffffffffffff", "the largest finite double"),
        ("infinity", "7ff0000000000000", "infinity"),
        ("minus-infinity", "fff0000000000000", "minus infinity"),
        ("nan", "7ff8000000000000", "a quiet NaN"),
        ("nan-payload", "fff8000000abcdef", "a NaN with a sign and a payload"),
        ("nan-signalling", "7ff0000000000001", "a signalling NaN"),
    ]:
        yield valid(f"f64-{name}", "f64", bits, comment)
    for name, bits, comment in [
        ("minus-zero", "80000000", "-0.0"),
        ("one-and-a-half", "3fc00000", "1.5"),
        ("infinity", "7f800000", "infinity"),
        ("nan-payload", "ffc0abcd", "a NaN with a sign and a payload"),
        ("nan-signalling", "7f800001", "a signalling NaN"),
    ]:
        yield valid(f"f32-{name}", "f32", bits, comment)
    yield valid("binary", "f64", "3ff8000000000000", "in binary storage", storage="binary")


def addresses():
    for name, type, value, comment in [
        ("ipv4", "ipv4", "192.0.2.1", "4 bytes"),
        ("ipv4-unspecified", "ipv4", "0.0.0.0", "4 zero bytes"),
        ("ipv4-broadcast", "ipv4", "255.255.255.255", "4 bytes of ones"),
        ("ipv6", "ipv6", "2001:db8::1", "16 bytes"),
        ("ipv6-unspecified", "ipv6", "::", "16 zero bytes"),
        ("ipv6-all-ones", "ipv6", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "16 bytes of ones"),
        ("ipv4-socket", "ipv4-socket", {"ip": "192.0.2.1", "port": 443}, "address and port"),
        ("ipv4-socket-last-port", "ipv4-socket", {"ip": "0.0.0.0", "port": 65535}, "port 65535"),
        (
            "ipv6-socket", "ipv6-socket", {"ip": "2001:db8::1", "port": 443, "flow": 0, "scope": 0},
            "address, port, flow label, scope id",
        ),
        (
            "ipv6-socket-scoped", "ipv6-socket", {"ip": "fe80::1", "port": 1, "flow": 0xABCDE, "scope": 2**32 - 1},
            "flow label and scope id are kept",
        ),
    ]:
        yield valid(name, type, value, comment)
    yield valid("binary", "ipv6", "2001:db8::1", "in binary storage", storage="binary")


def dates():
    for name, value, needs, comment in [
        ("epoch", date(1970, 1, 1), (), "four digits of year"),
        ("leap-day", date(2024, 2, 29), (), "a leap day"),
        ("leap-day-2000", date(2000, 2, 29), (), "divisible by 400"),
        ("year-0", date(0, 1, 1), (), "year 0 exists and has four digits"),
        ("leap-day-year-0", date(0, 2, 29), (), "year 0 is a leap year"),
        ("year-9999", date(9999, 12, 31), (), "the last year of four digits"),
        ("year-minus-1", date(-1, 1, 1), (), "a sign and six digits"),
        ("leap-day-year-minus-4", date(-4, 2, 29), (), "a leap day before year 0"),
        ("year-minus-9999", date(-9999, 1, 1), (), "a sign and six digits"),
        ("year-10000", date(10000, 1, 1), WIDE, "a plus sign and six digits"),
        ("year-minus-10000", date(-10000, 12, 31), WIDE, "a minus sign and six digits"),
        ("year-minus-262143", date(-262143, 1, 1), WIDE, "the first day that chrono knows"),
        ("year-262142", date(262142, 12, 31), WIDE, "the last day that chrono knows"),
        ("year-minus-999999", date(-999999, 1, 1), WIDEST, "the first day of the format"),
        ("year-999999", date(999999, 12, 31), WIDEST, "the last day of the format"),
    ]:
        yield valid(name, "date", value, comment, needs=needs)
    yield valid("binary", "date", date(2024, 12, 24), "in binary storage", storage="binary")


def times():
    for name, value, needs, comment in [
        ("midnight", time(0, 0, 0), (), "nine digits even where all are 0"),
        ("last", time(23, 59, 59, 999_999_999), (), "the last nanosecond of a day"),
        ("one-nanosecond", time(12, 34, 56, 1), (), "leading zeros of the fraction"),
        ("tenth", time(1, 2, 3, 100_000_000), (), "trailing zeros of the fraction"),
        ("leap-second", time(23, 59, 60, 500_000_000), LEAP, "second 60 follows second 59"),
        ("local-leap-second", time(5, 29, 60), LEAP, "a leap second as a clock at +05:30 shows it"),
    ]:
        yield valid(name, "time", value, comment, needs=needs)
    yield valid("binary", "time", time(6, 7, 8, 9), "in binary storage", storage="binary")


def naive_datetimes():
    for name, value, needs, comment in [
        ("ordinary", date(2024, 2, 29) | time(13, 14, 15, 16), (), "no offset, no Z"),
        ("midnight", date(1970, 1, 1) | time(0, 0, 0), (), "nine digits even where all are 0"),
        ("year-minus-1", date(-1, 12, 31) | time(23, 59, 59, 999_999_999), (), "a sign and six digits"),
        ("local-leap-second", date(2017, 1, 1) | time(5, 29, 60), LEAP, "as a clock at +05:30 shows it"),
        ("first", date(-999999, 1, 1) | time(0, 0, 0), WIDEST, "the first of the format"),
        ("last", date(999999, 12, 31) | time(23, 59, 59, 999_999_999), WIDEST, "the last without leap second"),
    ]:
        yield valid(name, "naive-datetime", value, comment, needs=needs)
    value = date(2024, 12, 24) | time(6, 7, 8, 9)
    yield valid("binary", "naive-datetime", value, "in binary storage", storage="binary")


def datetimes_utc():
    last = time(23, 59, 59, 999_999_999)
    for name, value, needs, comment in [
        ("epoch", date(1970, 1, 1) | time(0, 0, 0), (), "the Unix epoch"),
        ("ordinary", date(2024, 2, 29) | time(13, 14, 15, 123_456_789), (), "with Z"),
        ("after-2038", date(2038, 1, 19) | time(3, 14, 8), (), "2^31 seconds after the epoch"),
        ("year-0", date(0, 1, 1) | time(0, 0, 0), (), "four digits of year"),
        ("year-9999", date(9999, 12, 31) | last, LAST_DAY, "the last instant of four digits"),
        ("year-minus-1", date(-1, 12, 31) | last, (), "a sign and six digits"),
        ("leap-second", date(2016, 12, 31) | time(23, 59, 60, 500_000_000), LEAP, "the leap second of 2016"),
        ("year-10000", date(10000, 1, 1) | time(0, 0, 0), WIDE, "a plus sign and six digits"),
        ("year-minus-262143", date(-262143, 1, 1) | time(0, 0, 0), WIDE, "the first instant that chrono knows"),
        ("year-262142", date(262142, 12, 31) | last, WIDE, "the last instant that chrono knows"),
    ]:
        yield valid(name, "datetime-utc", value, comment, needs=needs)
    value = date(2024, 12, 24) | time(6, 7, 8, 9)
    yield valid("binary", "datetime-utc", value, "in binary storage", storage="binary")


def decimals():
    mantissa = 2**96 - 1
    for name, value, needs, comment in [
        ("zero", decimal(0, 0), (), "0"),
        ("zero-scale-2", decimal(0, 2), (), "0.00: the scale is kept"),
        ("one", decimal(1, 0), (), "1"),
        ("minus-one", decimal(-1, 0), (), "-1"),
        ("trailing-zero", decimal(150, 2), (), "1.50: the scale is kept"),
        ("below-one", decimal(-5, 1), (), "-0.5: a zero before the point"),
        ("hundred", decimal(100, 0), (), "100: trailing zeros of the digits are kept"),
        ("scale-28", decimal(1, 28), (), "the largest scale in plain notation"),
        ("96-bit-max", decimal(mantissa, 0), (), "the largest of 96 bits"),
        ("96-bit-min", decimal(-mantissa, 0), (), "the smallest of 96 bits"),
        ("96-bit-scale-28", decimal(mantissa, 28), (), "96 bits, scale 28"),
        ("scale-29", decimal(1, 29), BIG, "1E-29: the smallest scale with an exponent"),
        ("zero-scale-29", decimal(0, 29), BIG, "0E-29: the scale of a zero is kept"),
        ("scale-40", decimal(-5, 40), BIG, "-5E-40"),
        ("scale-minus-1", decimal(10, -1), BIG, "10E+1: digits are kept as they are"),
        ("scale-minus-3", decimal(1, -3), BIG, "1E+3"),
        ("zero-scale-minus-3", decimal(0, -3), BIG, "0E+3"),
        ("97-bit", decimal(2**96, 0), BIG, "more than 96 bits in plain notation"),
        ("100-digits", decimal(-(10**100 - 1), 28), BIG, "100 digits in plain notation"),
        ("exponent-max", decimal(7, -(2**63)), BIG, "the largest exponent, 2^63"),
        ("exponent-min", decimal(-7, 2**63 - 1), BIG, "the smallest exponent, -(2^63 - 1)"),
    ]:
        yield valid(name, "decimal", value, comment, needs=needs)
    yield valid("binary", "decimal", decimal(12345, 3), "in binary storage", storage="binary")


def json_values():
    for name, value, comment in [
        ("null", None, "JSON null is a value; SQL NULL is not stored at all"),
        ("true", True, "a literal"),
        ("integer", -7, "an integer"),
        ("u64-max", 2**64 - 1, "the largest u64, exact"),
        ("fraction", 1.5, "a fraction"),
        ("empty-string", "", "an empty string"),
        ("escapes", 'a"\\/\b\f\n\r\t\0\x1f\x7fé🔑', "the escapes that a writer uses, and what it leaves as it is"),
        ("empty-array", [], "an empty array"),
        ("empty-object", {}, "an empty object"),
        ("object", {"a": [1, None, {"b": False}], "é": "x"}, "compact, members in order"),
    ]:
        yield valid(name, "json", value, comment)
    spaced = b' { "a" :\n[ 1 ,\t2 ] }\r\n'
    yield valid("white-space", "json", {"a": [1, 2]}, "white space that no writer makes", written=spaced)
    escaped = b'"\\u00e9\\/\\ud83d\\udd11"'
    yield valid("escaped", "json", "é/🔑", "escapes that no writer makes", written=escaped)
    yield valid("binary", "json", {"token": "x"}, "in binary storage", storage="binary")


def padding():
    for name, type, value, length, comment in [
        ("empty-to-1", "string", "", 1, "the shortest padding of the shortest plaintext"),
        ("empty-to-64", "string", "", 64, "nothing but padding"),
        ("one-byte-of-padding", "string", "abc", 4, "80 alone"),
        ("to-32", "string", "a token", 32, "80 and 24 zeros"),
        ("to-256", "string", TOKEN, 256, "any length may be chosen"),
        ("to-odd-length", "string", TOKEN, 77, "not a multiple of anything"),
        ("plaintext-ends-in-padding", "bytes", "018000", 8, "a plaintext that ends like padding keeps its end"),
        ("plaintext-of-zeros", "bytes", "000000", 4, "zeros of the plaintext stay"),
        ("plaintext-of-80", "bytes", "80", 2, "only the last 80 goes"),
        ("integer", "i64", "-1", 32, "a padded integer has 16 bytes again"),
        ("bool", "bool", True, 2, "a padded bool"),
        ("uuid", "uuid", "8c6a1f0e-52d4-4b7b-9d0c-3f1f0f6c2a77", 17, "a padded UUID"),
    ]:
        yield valid(name, type, value, comment, pad_to=length, show=name == "to-32")
    yield valid("binary", "string", "a token", "in binary storage", storage="binary", pad_to=48)
    row = [bound("id", "integer", "42")]
    yield valid("padded-and-bound", "string", "a token", "both flags, suite 0x31", pad_to=16, bound=row, show=True)
    yield valid("detached", "string", "a token", "a detached value may be padded", pad_to=16, kind="detached")


def bound_columns():
    uuid = "018f3c1e-7a4b-7c3d-8e2f-0123456789ab"
    for name, tag, value, comment in [
        ("null", "null", None, "tag 0, no bytes"),
        ("integer", "integer", "42", "tag 1, 16 bytes whatever the column's width"),
        ("integer-negative", "integer", "-1", "two's complement"),
        ("integer-min", "integer", str(-(2**127)), "i128::MIN"),
        ("integer-max", "integer", str(2**127 - 1), "i128::MAX"),
        ("utf8", "utf8", "T024BE7LD", "tag 2"),
        ("utf8-empty", "utf8", "", "the empty string, which is not NULL"),
        ("utf8-non-ascii", "utf8", "Größe\0", "as it is, NUL included"),
        ("bytes", "bytes", "00ff80", "tag 3"),
        ("bytes-empty", "bytes", "", "no bytes, which is not NULL"),
        ("uuid", "uuid", uuid, "tag 4, 16 bytes, also where the column is text"),
        ("false", "bool", False, "tag 5, 00"),
        ("true", "bool", True, "tag 5, 01"),
    ]:
        yield valid(name, "string", "a token", comment, bound=[bound("id", tag, value)])
    row = [bound("id", "integer", "42"), bound("org_id", "utf8", "T024BE7LD")]
    yield valid("two-columns", "string", TOKEN, "sorted by name", bound=row, show=True)
    turned = row[::-1]
    yield valid("declared-unsorted", "string", TOKEN, "declared in another order", bound=row, declared=turned)
    names = ["a", "B", "aa", "a_b", "é", "z", "A", "ab", "Z", "10", "9", "\U0001f511", "\uffee"]
    many = [bound(n, "integer", str(i)) for i, n in enumerate(names)]
    comment = "names sort by their UTF-8 bytes: not by locale, case, number or UTF-16 unit"
    yield valid("sorted-bytewise", "string", "a token", comment, bound=many, show=True)
    tags = [
        bound("n", "null"), bound("i", "integer", "-7"), bound("t", "utf8", "x"), bound("x", "bytes", "00"),
        bound("u", "uuid", uuid), bound("b", "bool", True),
    ]
    yield valid("every-tag", "i64", "7", "all tags in binary storage", storage="binary", bound=tags)


def contexts_and_kinds():
    for storage in ("text", "binary"):
        yield valid(f"detached-{storage}", "string", TOKEN, "kind 2", storage=storage, kind="detached", show=True)
    yield valid("long-context", "string", "a token", "300 bytes of context", context="t" * 200 + "." + "c" * 99)
    yield valid("non-ascii-context", "string", "a token", "the length counts bytes", context="schlüssel.größe")
    yield valid("one-byte-context", "string", "a token", "the shortest context", context="c")
    old = ("old.token", "older.token")
    for name, context in [("current", CONTEXT), ("previous-first", old[0]), ("previous-second", old[1])]:
        yield valid(
            name, "string", "a token", f"opens under the context {context}", context=context,
            current_context=CONTEXT, previous_contexts=old,
        )
    yield valid(
        "detached-previous", "string", "a token", "previous contexts hold for detached values too",
        kind="detached", context=old[0], current_context=CONTEXT, previous_contexts=old,
    )


def keys():
    for id in (1, 10, 4294967295):
        for storage in ("text", "binary"):
            yield valid(f"id-{id}-{storage}", "string", "a token", f"key id {id}", storage=storage, key=key(id))
    old, new = key(1, state="retired"), key(2)
    later = key(3, state="pending")
    ring = (new, old, later)
    yield valid("active", "string", "a token", "under the active key", key=new, keys=ring)
    yield valid("retired", "string", "a token", "under a retired key", key=old, keys=ring)
    yield valid("pending", "string", "a token", "a process that has it active already wrote", key=later, keys=ring)
    slack = key(4, scope="slack")
    index = key(5, purpose="index")
    ring = (slack, new, index)
    yield valid("scope", "string", "a token", "a field of scope slack", key=slack, keys=ring, scope="slack")
    yield valid("default-scope", "string", "a token", "beside keys of other scopes and purposes", key=new, keys=ring)


FILES = {
    "strings": (strings, "UTF-8 strings, in both forms."),
    "bytes": (byte_strings, "Byte strings."),
    "integers": (integers, "Integers: 16 bytes, i128 big-endian."),
    "bools-and-uuids": (bools_and_uuids, "Bools and UUIDs."),
    "chars": (chars, "Single characters."),
    "floats": (floats, "Floats: their bits, big-endian."),
    "addresses": (addresses, "IP and socket addresses in network order."),
    "dates": (dates, "Calendar dates."),
    "times": (times, "Times of day."),
    "naive-datetimes": (naive_datetimes, "Date-times without offset."),
    "datetimes-utc": (datetimes_utc, "Instants."),
    "decimals": (decimals, "Decimals, digits and scale exact."),
    "json": (json_values, "JSON values."),
    "padding": (padding, "Flag 0x10: padded plaintexts."),
    "bound-columns": (bound_columns, "Flag 0x20: values bound to other columns of their row."),
    "contexts-and-kinds": (contexts_and_kinds, "Contexts, previous contexts and detached values."),
    "keys": (keys, "Key ids, states and scopes."),
}
