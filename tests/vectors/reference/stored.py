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


def recognise(stored: bytes) -> tuple[str, bytes] | None:
    """The form, "text" or "binary", and the version digits of a value of ours in any version; else None."""
    if match := re.match(rb"ef([0-9]+):", stored):
        return "text", match[1]
    if match := re.match(rb"\xeff([0-9])", stored):
        return "binary", match[1]
    return None


def parse(storage: str, stored: bytes) -> tuple[int, Payload]:
    """Steps 1 to 7 of opening: everything that needs neither a key nor the field's declaration."""
    recognised = recognise(stored)
    if recognised is None:
        raise Refused("NotEncrypted")
    form, version = recognised
    if form != storage:
        raise Refused("WrongStorage", f"{form} form in {storage} storage")
    if version != b"1":
        raise Refused("UnsupportedVersion")
    key_id, payload = parse_text(stored) if form == "text" else parse_binary(stored)
    if not payload:
        raise Refused("Malformed", "no suite")
    suite = payload[0]
    if suite & 0x0F != XAES_256_GCM or suite & ~(0x0F | PADDED | BOUND):
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
    if key_id > 2**32 - 1:
        raise Refused("Malformed", "key id")
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
