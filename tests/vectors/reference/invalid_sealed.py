"""Vectors that are well-formed and must not open: they do not authenticate, or what they hold is not of the field's
type. One function for each file under invalid/."""

from . import stored, xaes
from .invalid import binary, text
from .vectors import CONTEXT, KEY, bound, bound_columns, derived, key, seal

UUID = "018f3c1e-7a4b-7c3d-8e2f-0123456789ab"


def flip(data: bytes, position: int, bit: int = 1) -> bytes:
    out = bytearray(data)
    out[position] ^= bit
    return bytes(out)


def authentication():
    sealed = seal("authentication", b"a token")
    raw = sealed.payload.raw()
    for name, changed, comment in [
        ("nonce-first-bit", flip(raw, 1, 0x80), "the first bit of the nonce"),
        ("nonce-bit-95", flip(raw, 12), "the last bit that selects the subkey"),
        ("nonce-bit-96", flip(raw, 13, 0x80), "the first bit of the GCM nonce"),
        ("nonce-last-bit", flip(raw, 24), "the last bit of the nonce"),
        ("ciphertext-first-bit", flip(raw, 25, 0x80), "the first bit of the ciphertext"),
        ("ciphertext-last-bit", flip(raw, -17), "the last bit of the ciphertext"),
        ("tag-first-bit", flip(raw, -16, 0x80), "the first bit of the tag"),
        ("tag-last-bit", flip(raw, -1), "the last bit of the tag"),
        ("tag-zero", raw[:-16] + bytes(16), "no tag"),
        ("flag-padded-set", flip(raw, 0, 0x10), "the flag for padding added"),
        ("truncated", raw[:-1], "the last byte missing"),
        ("truncated-to-shortest", raw[:41], "as short as a value can be"),
        ("extended", raw + b"\0", "one byte more"),
        ("ciphertext-dropped", raw[:25] + raw[-16:], "nonce and tag without ciphertext"),
    ]:
        yield text(f"{name}-text", "Authentication", stored.write_text(7, changed), comment)
        yield binary(f"{name}-binary", "Authentication", stored.write_binary(7, changed), comment)
    padded = seal("authentication-padded", b"a token\x80", suite=0x11)
    changed = flip(padded.payload.raw(), 0, 0x10)
    yield text("flag-padded-cleared", "Authentication", stored.write_text(7, changed), "the flag for padding removed")
    ring = (KEY, key(8, state="retired"))
    moved = stored.write_text(8, raw)
    yield text("other-key-id", "Authentication", moved, "relabelled with another known key's id", keys=ring)
    comment = "relabelled with an id under which the reader has the same bytes: the id itself is authenticated"
    yield text("other-key-id-same-bytes", "Authentication", moved, comment, keys=(key(8, "7"),))
    whole = sealed.stored("text")
    yield text("other-key-bytes", "Authentication", whole, "other bytes under the id", keys=(key(7, "other"),))


def contexts_and_kinds():
    whole = seal("context", b"a token").stored("text")
    for name, context in [
        ("other-column", "slack_connections.signing_secret"), ("other-table", "teams.bot_token"),
        ("prefix", CONTEXT[:-1]), ("longer", CONTEXT + "s"), ("upper-case", CONTEXT.upper()),
        ("nul", CONTEXT + "\0"), ("quoted", '"slack_connections"."bot_token"'),
    ]:
        yield text(f"context-{name}", "Authentication", whole, "another context", context=context)
    comment = "none of the reader's contexts"
    yield text("context-previous", "Authentication", whole, comment, context="a.b", previous_contexts=("c.d", "e.f"))
    detached = seal("detached", b"a token", kind="detached")
    for storage, make in [("text", text), ("binary", binary)]:
        comment = "a detached value put into a column"
        yield make(f"detached-as-column-{storage}", "Authentication", detached.stored(storage), comment)
        whole = seal("column", b"a token").stored(storage)
        comment = "a column's value used as a detached one"
        yield make(f"column-as-detached-{storage}", "Authentication", whole, comment, kind="detached")


def bound_values():
    """The reader's row differs from the row that the value was sealed with."""
    number, word = bound("id", "integer", "42"), bound("org_id", "utf8", "T024BE7LD")
    pair = [number, word]
    for name, written, read, comment in [
        ("other-value", [number], [bound("id", "integer", "43")], "another row"),
        ("negated", [number], [bound("id", "integer", "-42")], "another number"),
        ("other-name", [number], [bound("ID", "integer", "42")], "names are compared byte by byte"),
        ("null-and-empty", [bound("a", "null")], [bound("a", "utf8", "")], "NULL is not the empty string"),
        ("empty-and-null", [bound("a", "utf8", "")], [bound("a", "null")], "the empty string is not NULL"),
        ("null-and-no-bytes", [bound("a", "null")], [bound("a", "bytes", "")], "NULL is not no bytes"),
        ("utf8-and-bytes", [bound("a", "utf8", "x")], [bound("a", "bytes", "78")], "same bytes, another tag"),
        ("integer-and-utf8", [number], [bound("id", "utf8", "42")], "a number is not its digits"),
        ("bool-and-integer", [bound("a", "bool", True)], [bound("a", "integer", "1")], "true is not 1"),
        ("bool-and-bytes", [bound("a", "bool", True)], [bound("a", "bytes", "01")], "same bytes, another tag"),
        ("uuid-and-utf8", [bound("a", "uuid", UUID)], [bound("a", "utf8", UUID)], "a UUID is not its text"),
        ("uuid-and-bytes", [bound("a", "uuid", UUID)], [bound("a", "bytes", UUID.replace("-", ""))], "another tag"),
        ("uuid-and-integer", [bound("a", "uuid", "00000000-0000-0000-0000-00000000002a")],
         [bound("a", "integer", "42")], "same 16 bytes, another tag"),
        ("one-missing", pair, [number], "a column less"),
        ("one-more", [number], pair, "a column more"),
        ("values-swapped", [bound("a", "utf8", "x"), bound("b", "utf8", "y")],
         [bound("a", "utf8", "y"), bound("b", "utf8", "x")], "values exchanged"),
        ("boundary-moved", [bound("ab", "utf8", "c")], [bound("a", "utf8", "bc")], "lengths keep name and value apart"),
    ]:
        sealed = seal(f"bound-{name}", b"a token", bound=written)
        yield text(name, "Authentication", sealed.stored("text"), comment, bound=read)


def wrong_construction():
    """Mistakes of a second implementation. Each value is what a writer with that mistake would have written."""
    label, suite, key_id = b"encrypted-field/v1\0", b"\x01", (7).to_bytes(4, "big")
    length, context = len(CONTEXT).to_bytes(4, "big"), CONTEXT.encode()
    for name, aad, comment in [
        ("aad-empty", b"", "no associated data"),
        ("aad-context-only", context, "the context alone"),
        ("aad-label-without-nul", label[:-1] + suite + key_id + b"\x01" + length + context, "no NUL after the label"),
        ("aad-no-suite", label + key_id + b"\x01" + length + context, "no suite"),
        ("aad-no-key-id", label + suite + b"\x01" + length + context, "no key id"),
        ("aad-key-id-little-endian", label + suite + key_id[::-1] + b"\x01" + length + context, "little-endian key id"),
        ("aad-key-id-text", label + suite + b"7\x01" + length + context, "key id as text"),
        ("aad-no-kind", label + suite + key_id + length + context, "no kind"),
        ("aad-kind-0", label + suite + key_id + b"\0" + length + context, "kinds counted from 0"),
        ("aad-no-length", label + suite + key_id + b"\x01" + context, "no length before the context"),
        ("aad-length-little-endian", label + suite + key_id + b"\x01" + length[::-1] + context, "little-endian length"),
        ("aad-length-u64", label + suite + key_id + b"\x01" + bytes(4) + length + context, "a length of 8 bytes"),
        ("aad-context-nul", label + suite + key_id + b"\x01" + length + context + b"\0", "NUL after the context"),
        ("aad-count", label + suite + key_id + b"\x01" + length + context + bytes(4), "a count of bound columns"),
    ]:
        yield text(name, "Authentication", seal(name, b"a token", aad=aad).stored("text"), comment)

    info = b"encrypted-field/v1/field\0"
    padded = seal("key-with-flags", b"a token\x80", suite=0x11, field_key=stored.hkdf_expand(KEY.data, info + b"\x11"))
    yield text("key-with-flags", "Authentication", padded.stored("text"), "flags in the field key's label")
    flagless = stored.associated_data(0x01, 7, "column", CONTEXT)
    padded = seal("aad-without-flags", b"a token\x80", suite=0x11, aad=flagless)
    yield text("aad-without-flags", "Authentication", padded.stored("text"), "flags left out of the associated data")
    extracted = stored.hkdf_expand(stored.hmac.new(bytes(32), KEY.data, "sha256").digest(), info + b"\x01")
    for name, field_key, comment in [
        ("key-not-derived", KEY.data, "under the data key itself"),
        ("key-label-without-nul", stored.hkdf_expand(KEY.data, info[:-1] + b"\x01"), "no NUL in the field key's label"),
        ("key-label-without-algorithm", stored.hkdf_expand(KEY.data, info), "no algorithm in the field key's label"),
        ("key-extracted", extracted, "HKDF with its extract step"),
    ]:
        yield text(name, "Authentication", seal(name, b"a token", field_key=field_key).stored("text"), comment)

    row = [bound("id", "integer", "42"), bound("org_id", "utf8", "T024BE7LD")]
    columns = bound_columns(row)
    start = stored.associated_data(0x21, 7, "column", CONTEXT)
    one, two = (stored.associated_data(0x21, 7, "column", CONTEXT, (c,))[len(start):] for c in columns)
    narrow = stored.associated_data(0x21, 7, "column", CONTEXT, (stored.Bound("id", "integer", b"\0\0\0\x2a"),))
    for name, aad, comment in [
        ("bound-unsorted", start + two + one, "columns in descending order"),
        ("bound-left-out", start, "the flag without the columns"),
        ("bound-integer-of-4-bytes", narrow + two, "an integer in its SQL width"),
    ]:
        sealed = seal(name, b"a token", suite=0x21, aad=aad)
        yield text(name, "Authentication", sealed.stored("text"), comment, bound=row)
    yield gcm_instead_of_xaes()


def gcm_instead_of_xaes():
    nonce = derived("nonce", "gcm-instead-of-xaes", 24)
    aad = stored.associated_data(0x01, 7, "column", CONTEXT)
    body = xaes.AESGCM(KEY.field_key()).encrypt(nonce[12:], b"a token", aad)
    value = stored.write_text(7, stored.Payload(0x01, nonce, body).raw())
    return text("gcm-instead-of-xaes", "Authentication", value, "AES-256-GCM under the field key itself")


FILES = {
    "authentication": (authentication, "Changed bits, lengths and keys."),
    "contexts-and-kinds": (contexts_and_kinds, "Values moved to another column, or out of one or into one."),
    "bound-values": (bound_values, "Values moved to another row."),
    "wrong-construction": (wrong_construction, "What writers with a mistake in them make."),
}
