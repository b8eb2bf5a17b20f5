"""The stored value, version 1: keys, associated data, both forms, sealing and opening. FORMAT.md sections 2 to 9."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

from . import xaes

XAES_256_GCM = 0x01
PADDED = 0x10
BOUND = 0x20
KINDS = {"column": 1, "detached": 2}
TAGS = {"null": 0, "integer": 1, "utf8": 2, "bytes": 3, "uuid": 4, "bool": 5}
MAX_MESSAGE = 2**28
OVERHEAD = 1 + xaes.NONCE_LEN + xaes.TAG_LEN
# Key states that may open a value. A reader decides for itself about compromised keys.
OPENING_STATES = {"pending", "active", "retired"}


class Refused(Exception):
    """A value that must not be opened; `error` is the error class."""

    def __init__(self, error: str, why: str = ""):
        super().__init__(f"{error}: {why}")
        self.error = error


@dataclass(frozen=True)
class Key:
    id: int
    data: bytes
    scope: str = ""
    purpose: str = "field"
    state: str = "active"

    def field_key(self, algorithm: int = XAES_256_GCM) -> bytes:
        return hkdf_expand(self.data, b"encrypted-field/v1/field\0" + bytes([algorithm]))

    def check_value(self) -> bytes:
        return hkdf_expand(self.data, b"encrypted-field/v1/check\0")


@dataclass(frozen=True)
class Bound:
    """One bound column; `value` is already encoded."""

    name: str
    tag: str
    value: bytes


@dataclass(frozen=True)
class Reader:
    """What the one who opens a value knows: its keys, and what the field declares."""

    keys: tuple[Key, ...]
    context: str
    previous_contexts: tuple[str, ...] = ()
    kind: str = "column"
    scope: str = ""
    bound: tuple[Bound, ...] = ()


@dataclass(frozen=True)
class Opened:
    key_id: int
    context: str
    message: bytes
    plaintext: bytes


@dataclass(frozen=True)
class Payload:
    suite: int
    nonce: bytes
    sealed: bytes

    def raw(self) -> bytes:
        return bytes([self.suite]) + self.nonce + self.sealed


def hkdf_expand(key: bytes, info: bytes) -> bytes:
    """HKDF-Expand (RFC 5869) with SHA-256 for 32 bytes of output: its first and only block."""
    return hmac.new(key, info + b"\x01", hashlib.sha256).digest()


def associated_data(suite: int, key_id: int, kind: str, context: str, bound: tuple[Bound, ...] = ()) -> bytes:
    def sized(data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + data

    out = b"encrypted-field/v1\0" + bytes([suite]) + key_id.to_bytes(4, "big") + bytes([KINDS[kind]])
    out += sized(context.encode())
    for column in sorted(bound, key=lambda column: column.name.encode()):
        out += sized(column.name.encode()) + bytes([TAGS[column.tag]]) + sized(column.value)
    return out


def pad(plaintext: bytes, length: int) -> bytes:
    """ISO/IEC 7816-4: 80, then zeros, up to `length` bytes."""
    assert length > len(plaintext)
    return plaintext + b"\x80" + bytes(length - len(plaintext) - 1)


def unpad(message: bytes) -> bytes:
    stripped = message.rstrip(b"\0")
    if not stripped.endswith(b"\x80"):
        raise Refused("InvalidPlaintext", "no padding")
    return stripped[:-1]


def write_binary(key_id: int, payload: bytes) -> bytes:
    return b"\xeff1" + key_id.to_bytes(4, "big") + payload


def write_text(key_id: int | str, payload: bytes) -> bytes:
    return f"ef1:{key_id}:{base64url(payload)}".encode()


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# What programs put around a value: white space, control characters, quotation marks, backslashes, all but ASCII.
AROUND = rb"[\x00-\x20\x22\x27\x5c\x60\x7f-\xff]"
KEY_ID = rb"([1-9][0-9]{0,9})"
# What stands in place of a suite, and a nonce.
NONCE = rb"..[A-Za-z0-9_-]{32}"
# The characters with which a suite that may be assigned begins, or all that there is of one.
SUITE = rb"(?:\Z|[AEIM](?:\Z|[Q-Za-z0-9_-]))"


@dataclass(frozen=True)
class Recognised:
    """A value of ours, whole or damaged: its form ("text" or "binary"), and its version, or None for a text form
    that does not begin as it was written."""

    form: str
    version: int | None


def recognise(stored: bytes) -> Recognised | None:
    """Section 3.4. None: not ours."""
    if match := re.match(rb"ef([1-9]):(.*)", stored, re.DOTALL):
        version, rest = int(match[1]), match[2]
        if fits_text(version, rest):
            return Recognised("text", version)
    if stored.startswith(b"\xeff1") and fits_binary(stored[3:]):
        return Recognised("binary", 1)
    if match := re.match(rb"\xeff([2-9])\xeff\1", stored):
        return Recognised("binary", int(match[1]))
    if match := re.match(rb"%b{0,64}(?i:ef)([1-9]):(.*)" % AROUND, stored, re.DOTALL):
        key_id = re.match(KEY_ID + rb":" + NONCE, match[2], re.DOTALL)
        is_pending = match[1] == b"1" and re.fullmatch(rb"0:%b*" % AROUND, match[2], re.DOTALL)
        if is_pending or key_id and int(key_id[1]) < 2**32:
            return Recognised("text", None)
    return None


def fits_text(version: int, rest: bytes) -> bool:
    """What follows the marker."""
    if rest in (b"", b"0") or version == 1 and re.fullmatch(rb"0:%b*" % AROUND, rest, re.DOTALL):
        return True
    match = re.match(KEY_ID + rb"(?:\Z|:(.*))", rest, re.DOTALL)
    if match is None or int(match[1]) >= 2**32:
        return False
    return match[2] is None or re.match(rb"%b|%b" % (SUITE, NONCE), match[2], re.DOTALL) is not None


def fits_binary(rest: bytes) -> bool:
    """What follows the marker of version 1."""
    key_id, payload = rest[:4], rest[4:]
    if len(key_id) < 4 or not payload:
        return True
    if key_id == bytes(4):
        return payload == bytes(len(payload))
    return may_be_suite(payload[0])


def may_be_suite(suite: int) -> bool:
    """Whether version 1 has this suite or may assign it: algorithms 1 to 3, flags 10 and 20."""
    return suite & 0x0F in (1, 2, 3) and suite & 0xF0 in (0x00, 0x10, 0x20, 0x30)


def parse(storage: str, stored: bytes) -> tuple[int, Payload]:
    """Steps 1 to 7 of opening: everything that needs neither a key nor the field's declaration."""
    recognised = recognise(stored)
    if recognised is None:
        raise Refused("NotEncrypted")
    if recognised.version is None:
        raise Refused("Malformed", "does not begin as it was written")
    if recognised.form != storage:
        raise Refused("WrongStorage", f"{recognised.form} form in {storage} storage")
    if recognised.version != 1:
        raise Refused("UnsupportedVersion")
    key_id, payload = parse_text(stored) if storage == "text" else parse_binary(stored)
    if not payload:
        raise Refused("Malformed", "no suite")
    suite = payload[0]
    if not may_be_suite(suite):
        raise Refused("Malformed", f"suite 0x{suite:02x} is of no version")
    if suite not in (0x01, 0x11, 0x21, 0x31):
        raise Refused("UnsupportedSuite", f"0x{suite:02x}")
    if not OVERHEAD <= len(payload) <= OVERHEAD + MAX_MESSAGE:
        raise Refused("Malformed", "length")
    return key_id, Payload(suite, payload[1:25], payload[25:])


def parse_text(stored: bytes) -> tuple[int, bytes]:
    if stored == b"ef1:0:":
        raise Refused("Pending")
    match = re.fullmatch(rb"ef1:([1-9][0-9]*):([A-Za-z0-9_-]*)", stored)
    if match is None:
        raise Refused("Malformed", "text form")
    key_id, digits = int(match[1]), match[2]
    if len(digits) % 4 == 1:
        raise Refused("Malformed", "base64url length")
    payload = base64.urlsafe_b64decode(digits + b"=" * (-len(digits) % 4))
    # Python ignores set trailing bits; re-encoding shows them.
    if base64url(payload).encode() != digits:
        raise Refused("Malformed", "base64url trailing bits")
    return key_id, payload


def parse_binary(stored: bytes) -> tuple[int, bytes]:
    if len(stored) < 7:
        raise Refused("Malformed", "key id")
    key_id = int.from_bytes(stored[3:7], "big")
    if key_id == 0:
        raise Refused("Pending" if len(stored) == 7 else "Malformed", "key id 0")
    return key_id, stored[7:]


def open_stored(reader: Reader, storage: str, stored: bytes) -> Opened:
    key_id, payload = parse(storage, stored)
    key = next((key for key in reader.keys if key.id == key_id), None)
    if key is None:
        raise Refused("UnknownKey", str(key_id))
    if key.scope != reader.scope:
        raise Refused("ScopeMismatch")
    if key.purpose != "field":
        raise Refused("PurposeMismatch")
    if key.state not in OPENING_STATES:
        raise Refused("KeyUnusable", key.state)
    if bool(payload.suite & BOUND) != bool(reader.bound):
        raise Refused("BoundColumns")
    for context in (reader.context, *reader.previous_contexts):
        aad = associated_data(payload.suite, key_id, reader.kind, context, reader.bound)
        message = xaes.open_sealed(key.field_key(), payload.nonce, aad, payload.sealed)
        if message is not None:
            plaintext = unpad(message) if payload.suite & PADDED else message
            return Opened(key_id, context, message, plaintext)
    raise Refused("Authentication")
