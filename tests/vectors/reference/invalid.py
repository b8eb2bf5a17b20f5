"""Vectors that must not open for what they look like: everything that is refused without a key, and by the key's
properties. One function for each file under invalid/."""

from .stored import base64url, write_binary, write_text
from .vectors import KEY, bound, key, refused, seal

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def text(name, error, value, comment, **more):
    return refused(name, error, value.encode() if isinstance(value, str) else value, comment, storage="text", **more)


def binary(name, error, value, comment, **more):
    return refused(name, error, value, comment, storage="binary", **more)


def not_encrypted():
    whole = seal("not-encrypted", b"a token").stored("text").decode()
    for name, value, comment in [
        ("empty", "", "an empty column"),
        ("plain", "xoxb-example", "a plaintext"),
        ("marker-e", "e", "a stored value cut off within its marker"),
        ("marker-ef", "ef", "a stored value cut off within its marker"),
        ("marker-ef1", "ef1", "a stored value cut off before the colon"),
        ("marker-ef2", "ef2", "no colon"),
        ("no-version", "ef:", "no digit"),
        ("no-version-key-id", "ef:1:" + "A" * 55, "no digit"),
        ("letter-version", "efx:" + whole[4:], "not a digit"),
        ("letter-after-version", "ef1x" + whole[3:], "not a digit"),
        ("dotted-version", "ef1.0" + whole[3:], "not a digit"),
        ("signed-version", "ef-1" + whole[3:], "not a digit"),
        ("full-width-digit", "ef\uff11" + whole[3:], "a digit, but not an ASCII one"),
        ("semicolon", "ef1;" + whole[4:], "not a colon"),
        ("not-ours", "ef1: not ours", "no key id"),
        ("two-digits", "ef12:foo", "a version is one digit"),
        ("address", "ef1:12:34:56::1", "a key id, and then nothing that a suite could begin with"),
        ("sentence", "ef1:7: and so on, for more than the characters of a nonce", "no payload"),
        ("letter-before", "x" + whole, "a letter before the marker"),
        ("within-json", '{"t":"' + whole + '"}', "a document that holds a value"),
        ("within-list", '["' + whole + '"]', "a bracket before the marker"),
        ("far-before", " " * 65 + whole, "65 bytes before the marker"),
        ("quoted-33", '"' + whole[:39], "33 characters of payload, and a quotation mark before them"),
        ("capitals-33", "EF1" + whole[3:39], "33 characters of payload, in capitals"),
        ("quoted-marker", '"ef1:7:', "a marker and a key id that do not begin the value"),
    ]:
        yield text(f"text-{name}", "NotEncrypted", value, comment)
    yield from not_a_key_id(whole)
    whole = seal("not-encrypted-binary", b"a token").stored("binary")
    for name, value, comment in [
        ("empty", b"", "an empty column"),
        ("plain", b"xoxb-example", "a plaintext"),
        ("marker-ef", b"\xef", "a stored value cut off within its marker"),
        ("marker-ef66", b"\xef\x66", "a stored value cut off within its marker"),
        ("version-2f", b"\xef\x66\x2f" + whole[3:], "the byte before 0"),
        ("version-3a", b"\xef\x66\x3a" + whole[3:], "the byte after 9"),
        ("second-byte", b"\xef\x46" + whole[2:], "not the marker"),
        ("ascii-marker", b"ef1" + whole[3:], "the letters e and f, and no colon"),
        ("leading-zero-byte", b"\0" + whole, "the marker stands at the very start"),
        ("key-id-zero", write_binary(0, whole[7:]), "key id 0 with a payload"),
        ("key-id-zero-late", write_binary(0, bytes(40) + b"\x01"), "key id 0 and not only zeros"),
    ]:
        yield binary(f"binary-{name}", "NotEncrypted", value, comment)


def not_a_key_id(whole):
    """After the marker stands what is no key id in its one spelling."""
    payload = whole[6:]
    for name, value, comment in [
        ("empty", f"ef1::{payload}", "no key id"),
        ("no-colon-payload", f"ef1:7{payload}", "no second colon"),
        ("leading-zero", f"ef1:07:{payload}", "a leading zero"),
        ("leading-zeros", f"ef1:0000000007:{payload}", "leading zeros"),
        ("leading-zero-cut", "ef1:07", "a leading zero, and nothing after it"),
        ("zero", f"ef1:0:{payload}", "key id 0 with a payload"),
        ("plus", f"ef1:+7:{payload}", "a sign"),
        ("minus", f"ef1:-7:{payload}", "a sign"),
        ("space-before", f"ef1: 7:{payload}", "white space"),
        ("space-after", f"ef1:7 :{payload}", "white space"),
        ("payload-cut-space-before", f"ef1:7: {payload[:32]}", "white space in place of a suite, and no nonce"),
        ("hexadecimal", f"ef1:0x7:{payload}", "not decimal"),
        ("letter", f"ef1:a:{payload}", "not decimal"),
        ("arabic-indic-digit", f"ef1:\u0667:{payload}", "a digit, but not an ASCII one"),
        ("u32-overflow", f"ef1:4294967296:{payload}", "2^32"),
        ("u32-overflow-cut", "ef1:4294967296", "2^32, and nothing after it"),
        ("u32-wraps", f"ef1:{2**32 + 7}:{payload}", "2^32 + 7 is not 7"),
        ("u64-wraps", f"ef1:{2**64 + 7}:{payload}", "2^64 + 7 is not 7"),
        ("long", f"ef1:{'9' * 1000}:{payload}", "a thousand digits"),
    ]:
        yield text(f"key-id-{name}", "NotEncrypted", value, comment)


def changed():
    """Text forms that something put characters before, or changed to capitals: damage."""
    whole = seal("changed", b"a token").stored("text").decode()
    for name, value, comment in [
        ("upper-case", whole.upper(), "all in capitals"),
        ("upper-case-marker", "EF1" + whole[3:], "the marker is lower case"),
        ("mixed-case", "Ef1" + whole[3:], "the marker is lower case"),
        ("lower-case", whole.lower(), "its payload has no capitals any more"),
        ("quoted", f'"{whole}"', "in quotation marks"),
        ("quoted-single", f"'{whole}'", "in quotation marks"),
        ("quoted-twice", f'"\\"{whole}\\""', "in escaped quotation marks"),
        ("leading-space", " " + whole, "a space before it"),
        ("leading-newline", "\n" + whole, "the marker stands at the very start of the value, not of a line"),
        ("leading-nul", "\0" + whole, "a control character before it"),
        ("leading-64", " " * 64 + whole, "the most that may stand before it"),
        ("leading-no-break-space", "\xa0" + whole, "not ASCII"),
        ("byte-order-mark", "\ufeff" + whole, "a byte order mark before it"),
        ("quoted-34", '"' + whole[:40], "cut off after the nonce, with a quotation mark before it"),
        ("quoted-version-2", '"ef2' + whole[3:] + '"', "before the version"),
        ("quoted-pending", '"ef1:0:"', "the pending value in quotation marks"),
        ("upper-case-pending", "EF1:0:", "the pending value in capitals"),
    ]:
        yield text(name, "Malformed", value, comment)
    yield binary("quoted-in-binary", "Malformed", f'"{whole}"'.encode(), "before the storage")


def malformed_text():
    sealed = seal("malformed-text", b"a token")
    whole = sealed.stored("text").decode()
    prefix, payload = whole[:6], whole[6:]
    raw = sealed.payload.raw()
    for name, value, comment in [
        ("marker-only", "ef1:", "nothing after the marker"),
        ("key-id-no-colon", "ef1:7", "cut off after the key id"),
        ("key-id-two-digits-no-colon", "ef1:12", "cut off within or after the key id"),
        ("payload-empty", prefix, "no payload"),
        ("payload-suite-only", prefix + base64url(raw[:1]), "cut off after the suite"),
        ("payload-nonce-cut", prefix + base64url(raw[:24]), "cut off within the nonce"),
        ("payload-nonce-only", prefix + base64url(raw[:25]), "no ciphertext, no tag"),
        ("payload-40-bytes", prefix + base64url(raw[:40]), "one byte short of suite, nonce and tag"),
        ("payload-colon", f"{prefix}{payload[:20]}:{payload[20:]}", "not in the alphabet"),
        ("payload-space-inside", f"{prefix}{payload[:20]} {payload[20:]}", "white space"),
        ("payload-space-before", f"{prefix} {payload}", "white space"),
        ("payload-line-break-before", f"{prefix}\r\n{payload}", "two characters before the payload"),
        ("payload-first-digit", f"{prefix}+{payload[1:]}", "not in the alphabet, and the rest is all there"),
        ("payload-newline-inside", f"{prefix}{payload[:20]}\n{payload[20:]}", "white space"),
        ("payload-space-after", f"{whole} ", "white space"),
        ("payload-newline-after", f"{whole}\n", "white space"),
        ("payload-spaces-after", f"{whole}{' ' * 40}", "what CHAR(n) does"),
        ("payload-quote-after", f'{whole}"', "a quotation mark"),
        ("payload-line-breaks", f"{whole[:76]}\n{whole[76:]}", "wrapped at 76 characters"),
        ("payload-line-breaks-64", f"{whole[:64]}\r\n{whole[64:]}", "wrapped at 64 characters"),
        ("payload-one-digit", prefix + payload[:1], "cut off within the suite"),
        ("payload-nul-after", f"{whole}\0", "trailing byte"),
        ("payload-non-ascii", f"{whole[:-1]}é", "not in the alphabet"),
        ("payload-non-ascii-full-width", f"{whole[:-1]}\uff21", "a full-width A is not an A"),
        ("second-value", f"{whole}{whole}", "two stored values"),
    ]:
        yield text(name, "Malformed", value, comment)
    yield from base64_spellings()


def base64_spellings():
    """Other spellings of a payload that decoders often let pass, for each length of the last group."""
    for over, plain in [(0, b"x"), (1, b"ab"), (2, b"")]:
        payload = base64url(seal(f"base64-{over}", plain).payload.raw())
        prefix = f"ef1:{KEY.id}:"
        yield text(
            f"base64-{over}-padding", "Malformed", prefix + payload + "=" * (-len(payload) % 4 or 4),
            f"padded; {over} bytes left over",
        )
        if over:
            # One more in the last digit sets a bit that no byte uses.
            digit = ALPHABET[ALPHABET.index(payload[-1]) + 1]
            yield text(
                f"base64-{over}-trailing-bits", "Malformed", prefix + payload[:-1] + digit,
                f"set trailing bits; {over} bytes left over",
            )
        extra = "A" * ((1 - len(payload)) % 4)
        yield text(
            f"base64-{over}-length", "Malformed", prefix + payload + extra, "4n + 1 digits, which no bytes have"
        )
    # Digits 62 and 63, which the two alphabets spell differently.
    n, payload = 0, ""
    while not {"-", "_"} <= set(payload):
        n += 1
        payload = base64url(seal(f"base64-alphabet-{n}", b"a token").payload.raw())
    standard = payload.replace("-", "+").replace("_", "/")
    yield text("base64-standard-alphabet", "Malformed", prefix + standard, "RFC 4648 section 4 instead of 5")
    yield text("base64-plus", "Malformed", prefix + payload.replace("-", "+"), "a plus sign")
    yield text("base64-slash", "Malformed", prefix + payload.replace("_", "/"), "a slash")


def malformed_binary():
    sealed = seal("malformed-binary", b"a token")
    whole, raw = sealed.stored("binary"), sealed.payload.raw()
    for name, value, comment in [
        ("marker-only", whole[:3], "nothing after the marker"),
        ("key-id-one-byte", whole[:4], "cut off within the key id"),
        ("key-id-three-bytes", whole[:6], "cut off within the key id"),
        ("key-id-three-zeros", whole[:3] + bytes(3), "cut off within key id 0"),
        ("payload-empty", whole[:7], "no payload"),
        ("payload-suite-only", whole[:8], "cut off after the suite"),
        ("payload-nonce-cut", whole[:31], "cut off within the nonce"),
        ("payload-nonce-only", whole[:32], "no ciphertext, no tag"),
        ("payload-40-bytes", whole[:47], "one byte short of suite, nonce and tag"),
    ]:
        yield binary(name, "Malformed", value, comment)


def pending():
    yield text("text", "Pending", "ef1:0:", "exactly this")
    yield binary("binary", "Pending", bytes.fromhex("ef663100000000"), "exactly this")
    for name, value, comment in [
        ("text-no-colon", "ef1:0", "no second colon"),
        ("text-space", "ef1:0: ", "trailing white space"),
        ("text-newline", "ef1:0:\n", "trailing white space"),
        ("text-nul", "ef1:0:\0", "trailing byte"),
        ("text-spaces", f"ef1:0:{' ' * 30}", "what CHAR(n) does"),
    ]:
        yield text(name, "Malformed", value, comment)
    for name, value, comment in [
        ("text-two-zeros", "ef1:00:", "a leading zero"),
        ("text-payload", "ef1:0:AA", "key id 0 never has a payload"),
        ("text-version-2", "ef2:0:", "no other version has one"),
    ]:
        yield text(name, "NotEncrypted", value, comment)
    yield binary("binary-trailing", "Malformed", bytes.fromhex("ef66310000000000"), "trailing byte")
    yield binary("binary-padded", "Malformed", bytes.fromhex("ef6631") + bytes(61), "what BINARY(n) does")
    yield binary("binary-version-2", "NotEncrypted", bytes.fromhex("ef663200000000"), "no other version has one")


def unsupported_version():
    payload = seal("unsupported-version", b"a token").payload.raw()
    for version in ("2", "9"):
        whole = f"ef{version}:7:{base64url(payload)}"
        yield text(f"text-{version}", "UnsupportedVersion", whole, f"version {version} in the text form")
    for version in ("0", "00", "01", "001", "10", "11", "4294967297", "1" * 1000):
        whole = f"ef{version}:7:{base64url(payload)}"
        name = version if len(version) < 20 else "long"
        yield text(f"text-{name}", "NotEncrypted", whole, "a version is one digit from 1 to 9")
    yield text("text-2-only", "UnsupportedVersion", "ef2:", "cut off after the marker")
    yield text("text-2-cut", "UnsupportedVersion", "ef2:7:AQ", "cut off after the first byte")
    whole = f"ef2:7:{base64url(bytes(25))}"
    yield text("text-2-suite-0", "UnsupportedVersion", whole, "a version owns its suites")
    yield text("text-2-otherwise", "NotEncrypted", "ef2:?!\n", "a version does not own the key id")
    for version in (b"0", b"2", b"9"):
        short = b"\xef\x66" + version
        name = version.decode()
        comment = "the marker of a later version stands twice"
        yield binary(f"binary-{name}", "NotEncrypted", short + write_binary(7, payload)[3:], comment)
        error = "NotEncrypted" if version == b"0" else "UnsupportedVersion"
        yield binary(f"binary-{name}-twice", error, short + short + payload, f"version {name} in the binary form")
    yield binary("binary-2-only", "NotEncrypted", b"\xef\x66\x32", "nothing after the marker")
    yield binary("binary-2-twice-only", "UnsupportedVersion", b"\xef\x66\x32" * 2, "nothing after the marker")
    yield binary("binary-2-and-3", "NotEncrypted", b"\xef\x66\x32\xef\x66\x33" + payload, "two versions")
    yield binary("binary-1-twice", "NotEncrypted", b"\xef\x66\x31\xef\x66\x31\x00\x00" + payload, "no suite")


def unsupported_suite():
    # Sealed under this very suite, so that a reader which masks or ignores bits would open it.
    def sealed_as(suite):
        return seal(f"suite-{suite:02x}", b"a token\x80", suite=suite)

    for suite in (0x02, 0x03, 0x12, 0x22, 0x33):
        comment = f"algorithm {suite & 15}, flags 0x{suite & 0xF0:02x}: may be assigned"
        for storage, make in [("text", text), ("binary", binary)]:
            yield make(f"{suite:02x}-{storage}", "UnsupportedSuite", sealed_as(suite).stored(storage), comment)
    for suite in (0x00, 0x04, 0x0F, 0x10, 0x20, 0x30, 0x41, 0x51, 0x80, 0x81, 0xC1, 0xF1, 0xFF):
        comment = f"algorithm {suite & 15}, flags 0x{suite & 0xF0:02x}: never assigned"
        # All that stands before it says that it is ours in the text form, and 24 bits in the binary form.
        yield text(f"{suite:02x}-text", "Malformed", sealed_as(suite).stored("text"), comment)
        yield binary(f"{suite:02x}-binary", "NotEncrypted", sealed_as(suite).stored("binary"), comment)
    for suite in (0x00, 0x02, 0x41):
        # How long a payload of another suite is, version 1 does not know.
        error = "UnsupportedSuite" if suite == 2 else "NotEncrypted"
        yield text(f"{suite:02x}-alone", error, write_text(7, bytes([suite])), "a suite and nothing else")
    yield binary("02-short", "UnsupportedSuite", write_binary(7, b"\x02" + bytes(30)), "another nonce length, say")
    row = [bound("id", "integer", "42")]
    sealed = seal("suite-22", b"a token", suite=0x22, bound=row)
    yield text("22-bound", "UnsupportedSuite", sealed.stored("text"), "before bound columns", bound=row)


def wrong_storage():
    sealed = seal("wrong-storage", b"a token")
    yield binary("text-in-binary", "WrongStorage", sealed.stored("text"), "the text form in a binary column")
    yield text("binary-in-text", "WrongStorage", sealed.stored("binary"), "the binary form in a text column")
    yield binary("text-marker-in-binary", "WrongStorage", b"ef1:", "the marker decides")
    yield text("binary-marker-in-text", "WrongStorage", b"\xef\x66\x31", "the marker decides")
    yield binary("text-pending-in-binary", "WrongStorage", b"ef1:0:", "before pending")
    yield text("binary-pending-in-text", "WrongStorage", bytes.fromhex("ef663100000000"), "before pending")
    yield binary("text-version-2-in-binary", "WrongStorage", b"ef2:", "before the version")
    yield text("binary-version-2-in-text", "WrongStorage", b"\xef\x66\x32" * 2, "before the version")


def keys():
    sealed = seal("keys", b"a token")
    value = sealed.stored("text")
    for name, error, ring, comment in [
        ("unknown", "UnknownKey", (), "the ring has another id"),
        ("scope-of-another", "ScopeMismatch", (key(7, scope="slack"),), "the key's scope is not the default"),
        ("scope-upper-case", "ScopeMismatch", (key(7, scope="Slack"),), "scopes are compared byte by byte"),
        ("purpose-index", "PurposeMismatch", (key(7, purpose="index"),), "a key for blind indexes"),
        ("purpose-file", "PurposeMismatch", (key(7, purpose="file"),), "a key for files"),
        ("disabled", "KeyUnusable", (key(7, state="disabled"),), "disabled keys open nothing"),
        ("destroyed", "KeyUnusable", (key(7, state="destroyed"),), "destroyed keys open nothing"),
    ]:
        # Beside it stands an active key of the default scope, as in any ring.
        yield text(name, error, value, comment, keys=(*ring, key(9)))
    ring = (key(7), key(9, scope="slack"))
    comment = "a scoped field does not fall back to the default scope"
    yield text("scope-default-key", "ScopeMismatch", value, comment, keys=ring, scope="slack")
    comment = "scopes are compared byte by byte, not by prefix"
    ring = (key(7, scope="slack2"), key(9, scope="slack"))
    yield text("scope-prefix", "ScopeMismatch", value, comment, keys=ring, scope="slack")
    whole = seal("unknown-largest", b"a token", key=key(4294967295)).stored("binary")
    yield binary("unknown-largest", "UnknownKey", whole, "the largest key id")


def bound_columns():
    row = [bound("id", "integer", "42")]
    plain, fixed = seal("unbound", b"a token"), seal("bound", b"a token", bound=row)
    for storage, make in [("text", text), ("binary", binary)]:
        comment = "a bound value, and the field declares no bound columns"
        yield make(f"not-declared-{storage}", "BoundColumns", fixed.stored(storage), comment)
        comment = "an unbound value, and the field declares bound columns"
        yield make(f"not-bound-{storage}", "BoundColumns", plain.stored(storage), comment, bound=row)
    fixed = seal("bound-detached", b"a token", bound=row, kind="detached")
    yield text("detached", "BoundColumns", fixed.stored("text"), "a detached value has no row", kind="detached")
    none = seal("bound-none", b"a token", suite=0x21)
    yield text("flag-without-columns", "BoundColumns", none.stored("text"), "the flag, and no column to bind")


def precedence():
    """Values with two faults: the first check in the order of FORMAT.md section 9 names the error."""
    sealed = seal("precedence", b"a token")
    cut = write_text(7, sealed.payload.raw()[:40])
    other = (key(8),)
    yield text("malformed-before-unknown-key", "Malformed", cut, "too short, and an unknown key", keys=other)
    suite = write_text(7, b"\x02" + sealed.payload.raw()[1:])
    yield text("suite-before-unknown-key", "UnsupportedSuite", suite, "and an unknown key", keys=other)
    row = [bound("id", "integer", "42")]
    unbound = sealed.stored("text")
    yield text("unknown-key-before-bound", "UnknownKey", unbound, "and no bound columns", keys=other, bound=row)
    tampered = write_text(7, sealed.payload.raw()[:-1] + bytes([sealed.payload.raw()[-1] ^ 1]))
    comment = "a wrong tag, and no bound columns"
    yield text("bound-before-authentication", "BoundColumns", tampered, comment, bound=row)
    ring = (key(7, scope="slack"), key(9))
    yield text("scope-before-bound", "ScopeMismatch", unbound, "and no bound columns", keys=ring, bound=row)
    yield text("scope-before-authentication", "ScopeMismatch", tampered, "and a wrong tag", keys=ring)
    ring = (key(7, purpose="index"), key(9))
    yield text("purpose-before-authentication", "PurposeMismatch", tampered, "and a wrong tag", keys=ring)
    ring = (key(7, state="disabled"), key(9))
    yield text("state-before-authentication", "KeyUnusable", tampered, "and a wrong tag", keys=ring)
    ring = (key(7, scope="slack", state="disabled"), key(9))
    yield text("scope-before-state", "ScopeMismatch", unbound, "a disabled key of another scope", keys=ring)
    ring = (key(7, scope="slack", purpose="index"), key(9))
    yield text("scope-before-purpose", "ScopeMismatch", unbound, "an index key of another scope", keys=ring)
    ring = (key(7, purpose="index", state="disabled"), key(9))
    yield text("purpose-before-state", "PurposeMismatch", unbound, "a disabled index key", keys=ring)


FILES = {
    "not-encrypted": (not_encrypted, "Not ours: what no version writes."),
    "changed": (changed, "Text forms in another case, or with something before them."),
    "malformed-text": (malformed_text, "Text forms that are cut off or not canonical."),
    "malformed-binary": (malformed_binary, "Binary forms that are cut off or not canonical."),
    "pending": (pending, "The pending value, and what is nearly it."),
    "unsupported-version": (unsupported_version, "Other versions of the format."),
    "unsupported-suite": (unsupported_suite, "Algorithms and flags that version 1 does not have."),
    "wrong-storage": (wrong_storage, "One form where the other belongs."),
    "keys": (keys, "Keys that are unknown, or not for this field."),
    "bound-columns": (bound_columns, "Bound values and unbound fields, unbound values and bound fields."),
    "precedence": (precedence, "Two faults at once: which is named."),
}
