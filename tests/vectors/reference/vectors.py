"""Vectors as JSON objects: made by sealing, checked by opening what the JSON says and nothing else.

README.md beside the vector files documents the schema.
"""

import hashlib
import uuid
from dataclasses import dataclass

from . import plaintext, stored, xaes
from .stored import Bound, Key

SEED = b"encrypted-field/v1 test vectors"
CONTEXT = "slack_connections.bot_token"
STATES = ("pending", "active", "retired", "disabled", "destroyed")


def derived(purpose: str, label: str, length: int) -> bytes:
    """Bytes that look random and never change: SHA-256 over a counter, of its own for each label, so that
    a new vector leaves all others as they are."""
    seed = b"\0".join((SEED, purpose.encode(), label.encode()))
    blocks = (hashlib.sha256(seed + i.to_bytes(4, "big")).digest() for i in range(-(-length // 32)))
    return b"".join(blocks)[:length]


def key(id: int, label: str | None = None, **properties) -> Key:
    return Key(id, derived("key", label or f"{id}", 32), **properties)


KEY = key(7)


def bound(name: str, tag: str, value=None) -> dict:
    """A bound column as it stands in a vector."""
    return {"name": name, "tag": tag, "value": value}


def bound_bytes(column: dict) -> bytes:
    tag, value = column["tag"], column["value"]
    if tag == "null":
        assert value is None
        return b""
    if tag == "integer":
        return int(value).to_bytes(16, "big", signed=True)
    if tag == "utf8":
        return value.encode()
    if tag == "bytes":
        return bytes.fromhex(value)
    if tag == "uuid":
        return uuid.UUID(value).bytes
    assert tag == "bool" and isinstance(value, bool)
    return bytes([value])


def bound_columns(columns: list[dict]) -> tuple[Bound, ...]:
    return tuple(Bound(c["name"], c["tag"], bound_bytes(c)) for c in columns)


@dataclass(frozen=True)
class Sealed:
    """One sealed value with everything that led to it."""

    key: Key
    aad: bytes
    message: bytes
    payload: stored.Payload

    def stored(self, storage: str) -> bytes:
        write = stored.write_text if storage == "text" else stored.write_binary
        return write(self.key.id, self.payload.raw())

    def intermediates(self) -> dict:
        field_key = self.key.field_key()
        steps = xaes.derive(field_key, self.payload.nonce)
        values = {
            "field_key": field_key, "L": steps.l, "K1": steps.k1, "M1": steps.m1, "M2": steps.m2,
            "subkey": steps.subkey, "gcm_nonce": steps.gcm_nonce, "aad": self.aad,
            "ciphertext": self.payload.sealed[:-16], "tag": self.payload.sealed[-16:],
        }
        return {name: value.hex() for name, value in values.items()}


def seal(
    label: str, message: bytes, *, key: Key = KEY, kind: str = "column", context: str = CONTEXT,
    bound: list[dict] | tuple = (), suite: int | None = None, aad: bytes | None = None,
    field_key: bytes | None = None,
) -> Sealed:
    """Seals what is already padded. `suite`, `aad` and `field_key` replace the right ones in must-fail vectors."""
    if suite is None:
        suite = stored.XAES_256_GCM | (stored.BOUND if bound else 0)
    if aad is None:
        aad = stored.associated_data(suite, key.id, kind, context, bound_columns(list(bound)))
    field_key = field_key or key.field_key(suite & 0x0F)
    # Of everything that is sealed, so that no two vectors share a nonce whatever they are called.
    digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in (field_key, aad, message)))
    nonce = derived("nonce", f"{label}/{digest.hexdigest()}", xaes.NONCE_LEN)
    sealed = xaes.seal(field_key, nonce, aad, message)
    return Sealed(key, aad, message, stored.Payload(suite, nonce, sealed))


def reader(
    type: str, *, keys: tuple[Key, ...] = (KEY,), kind: str = "column", context: str = CONTEXT,
    previous_contexts: tuple[str, ...] = (), scope: str = "", bound: list[dict] | tuple = (),
) -> dict:
    """The part of a vector that says who reads."""
    return {
        "kind": kind,
        "context": context,
        "previous_contexts": list(previous_contexts),
        "scope": scope,
        "bound": list(bound),
        "keys": [
            {"id": k.id, "data_key": k.data.hex(), "scope": k.scope, "purpose": k.purpose, "state": k.state}
            for k in keys
        ],
        "type": type,
    }


def stored_json(storage: str, value: bytes) -> dict:
    if storage == "text":
        try:
            return {"text": value.decode()}
        except UnicodeDecodeError:
            pass
    return {"hex": value.hex()}


def valid(
    name: str, type: str, value, comment: str, *, storage: str = "text", key: Key = KEY,
    keys: tuple[Key, ...] | None = None, kind: str = "column", context: str = CONTEXT, scope: str = "",
    current_context: str | None = None, previous_contexts: tuple[str, ...] = (),
    bound: list[dict] | tuple = (), declared: list[dict] | None = None, pad_to: int | None = None,
    written: bytes | None = None, needs: tuple[str, ...] = (), show: bool = False,
) -> dict:
    """A value that opens. `written` is a plaintext that readers take and writers do not make;
    `declared` the bound columns in the order in which the reader has them; `show` adds intermediates."""
    plain = written if written is not None else plaintext.encode(type, value)
    message = plain if pad_to is None else stored.pad(plain, pad_to)
    suite = stored.XAES_256_GCM
    suite |= (stored.BOUND if bound else 0) | (0 if pad_to is None else stored.PADDED)
    sealed = seal(name, message, key=key, kind=kind, context=context, bound=bound, suite=suite)
    read = reader(
        type, keys=keys or (key,), kind=kind, context=current_context or context,
        previous_contexts=previous_contexts, scope=scope,
        bound=declared if declared is not None else bound,
    )
    vector = {
        "name": name, "comment": comment, "expect": "open", "storage": storage,
        "stored": stored_json(storage, sealed.stored(storage)), **read, "needs": list(needs),
        "read_only": written is not None, "opens_with": {"key_id": key.id, "context": context},
        "suite": suite, "nonce": sealed.payload.nonce.hex(), "message": message.hex(),
        "plaintext": plain.hex(), "value": value,
    }
    if show:
        vector["intermediates"] = sealed.intermediates()
    return vector


def refused(name: str, error: str, value: bytes, comment: str, *, storage: str, type: str = "string", **read) -> dict:
    """A value that must not open, and the error class that says why."""
    return {
        "name": name, "comment": comment, "expect": "error", "error": error, "storage": storage,
        "stored": stored_json(storage, value), **reader(type, **read),
    }


def check(vector: dict) -> None:
    """Opens a vector from its JSON alone, and seals it again where a writer would make the same bytes."""
    storage, value = vector["storage"], vector["stored"]
    value = value["text"].encode() if "text" in value else bytes.fromhex(value["hex"])
    keys = tuple(
        Key(k["id"], bytes.fromhex(k["data_key"]), k["scope"], k["purpose"], k["state"]) for k in vector["keys"]
    )
    check_ring(keys)
    columns = bound_columns(vector["bound"])
    read = stored.Reader(
        keys, vector["context"], tuple(vector["previous_contexts"]), vector["kind"], vector["scope"], columns
    )
    try:
        opened = stored.open_stored(read, storage, value)
        decoded = plaintext.decode(vector["type"], opened.plaintext)
    except stored.Refused as refusal:
        assert vector["expect"] == "error", (vector["name"], refusal)
        # Section 9.2: whoever offers detached values does not learn which of them open.
        hidden = vector["kind"] == "detached" and refusal.error == "InvalidPlaintext"
        error = "Authentication" if hidden else refusal.error
        assert vector["error"] == error, (vector["name"], refusal)
        return
    assert vector["expect"] == "open", (vector["name"], "opened")
    assert decoded == vector["value"], (vector["name"], decoded)
    assert opened.plaintext.hex() == vector["plaintext"], vector["name"]
    assert opened.message.hex() == vector["message"], vector["name"]
    assert {"key_id": opened.key_id, "context": opened.context} == vector["opens_with"], vector["name"]
    if not vector["read_only"]:
        assert plaintext.encode(vector["type"], decoded) == opened.plaintext, vector["name"]
    check_sealing(vector, value, next(k for k in keys if k.id == opened.key_id), columns)


def check_ring(keys: tuple[Key, ...]) -> None:
    """A ring that any library can load: unique ids and bytes, at most one active key per scope and purpose."""
    active = [(k.scope, k.purpose) for k in keys if k.state == "active"]
    for unique in (active, [k.id for k in keys], [k.data for k in keys]):
        assert len(set(unique)) == len(unique), unique
    assert all(k.state in STATES for k in keys)
    assert all((k.scope, k.purpose) in active for k in keys if k.state == "retired"), "retired without active"


def check_sealing(vector: dict, value: bytes, key: Key, columns: tuple[Bound, ...]) -> None:
    suite, context = vector["suite"], vector["opens_with"]["context"]
    aad = stored.associated_data(suite, key.id, vector["kind"], context, columns)
    nonce, message = bytes.fromhex(vector["nonce"]), bytes.fromhex(vector["message"])
    payload = stored.Payload(suite, nonce, xaes.seal(key.field_key(), nonce, aad, message))
    sealed = Sealed(key, aad, message, payload)
    assert sealed.stored(vector["storage"]) == value, vector["name"]
    if "intermediates" in vector:
        assert sealed.intermediates() == vector["intermediates"], vector["name"]
