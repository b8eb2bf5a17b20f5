"""A key store with its KEK, from KEY-STORE.md alone."""

import base64
import hashlib
import hmac

from . import xaes
from .stored import Key, associated_data, hkdf_expand, write_text
from .vectors import derived

KEY_SET = "vectors"
KEK = derived("key store", "kek", 32)
OTHER_KEK = derived("key store", "other kek", 32)
STORE_KEY = derived("key store", "store key", 32)
EPOCH = 7
REVISION = 12


def text(value: str) -> bytes:
    return sized(value.encode())


def sized(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


def u32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def u64(value: int) -> bytes:
    return value.to_bytes(8, "big")


def date(value: int | None) -> bytes:
    return b"\0" if value is None else b"\1" + u64(value)


def wraps_bytes(wraps: dict[str, bytes]) -> bytes:
    names = sorted(wraps, key=str.encode)
    return u32(len(names)) + b"".join(text(name) + sized(wraps[name]) for name in names)


def wrap(kek: bytes, key_id: int, scope: str, purpose: str, key: bytes) -> bytes:
    aad = b"encrypted-field/v1/wrap\0" + u32(key_id) + text(KEY_SET) + text(scope) + text(purpose)
    nonce = derived("key store", f"nonce {key_id} {kek.hex()}", 24)
    return nonce + xaes.seal(hkdf_expand(kek, b"encrypted-field/v1/wrap\0"), nonce, aad, key)


def wraps_of(key_id: int, scope: str, purpose: str, key: bytes) -> dict[str, bytes]:
    return {"ä": wrap(OTHER_KEK, key_id, scope, purpose, key), "eu": wrap(KEK, key_id, scope, purpose, key)}


def mac(label: bytes, content: bytes) -> bytes:
    key = hkdf_expand(STORE_KEY, b"encrypted-field/v1/store-mac\0")
    return hmac.digest(key, b"encrypted-field/v1/" + label + b"\0" + text(KEY_SET) + content, "sha256")


DATES = ["activate_after", "activated", "seal_until", "retired", "compromised", "disabled", "enabled", "destroyed"]


def entry(key: Key, version: int, revision: int, created: int, on_demand: bool, dates: dict[str, int]) -> dict:
    wraps = {} if key.state == "destroyed" else wraps_of(key.id, key.scope, key.purpose, key.data)
    content = u32(key.id) + text(key.scope) + text(key.purpose) + u32(version) + text(key.state) + u64(revision)
    content += bytes([on_demand]) + u64(created) + b"".join(date(dates.get(name)) for name in DATES)
    content += sized(key.check_value()) + wraps_bytes(wraps)
    body = {"id": key.id}
    if key.scope:
        body["scope"] = key.scope
    body |= {"purpose": key.purpose, "version": version, "state": key.state, "revision": revision}
    if on_demand:
        body["on_demand"] = True
    body |= {"created": created} | {name: dates[name] for name in DATES if name in dates}
    body |= {"check": b64(key.check_value()), "wraps": json_of(wraps), "mac": b64(mac(b"store-entry", content))}
    return {"id": key.id, "revision": revision, "body": body}


def head(entries: list[dict], next_id: int) -> dict:
    all_macs = b"".join(u32(one["id"]) + base64.b64decode(one["body"]["mac"]) for one in entries)
    hashed = hashlib.sha256(b"encrypted-field/v1/store-entries\0" + all_macs).digest()
    store_key = wraps_of(0, "", f"store-{EPOCH}", STORE_KEY)
    change = derived("key store", "change", 32)
    changed, propagation = 1_800_000_000, 3900
    content = u32(1) + u64(REVISION) + u64(EPOCH) + u64(next_id) + u64(changed) + u64(propagation)
    content += sized(change) + sized(hashed) + wraps_bytes(store_key)
    body = {"version": 1, "revision": REVISION, "epoch": EPOCH, "next_id": next_id, "changed": changed}
    body |= {"propagation": propagation, "change": b64(change), "entries": b64(hashed)}
    body |= {"store_key": json_of(store_key), "mac": b64(mac(b"store-head", content))}
    return {"id": 0, "revision": REVISION, "body": body}


def file() -> dict:
    def key(id: int, **properties) -> Key:
        return Key(id, derived("key store", f"key {id}", 32), **properties)

    keys = [
        (key(1, state="destroyed"), 1, 12, False, {"activated": 1, "retired": 2, "disabled": 3, "destroyed": 4}),
        (key(2, state="retired"), 2, 9, False, {"activate_after": 5, "activated": 6, "retired": 7, "enabled": 8}),
        (key(3), 3, 9, False, {"activate_after": 5, "activated": 6, "seal_until": 250_000_000_000}),
        (key(4, scope="mandant/ä b", state="pending"), 1, 3, True, {"activate_after": 1_800_003_900}),
        (key(7, purpose="index", state="compromised"), 1, 4, False, {"activated": 6, "compromised": 8}),
    ]
    entries = [entry(key, version, revision, 1_700_000_000, demand, dates) for key, version, revision, demand, dates in keys]
    return {
        "about": "A key store of version 1 and its KEKs, made by reference/store.py. KEY-STORE.md section 5.",
        "key_set": KEY_SET,
        "keks": {"eu": b64(KEK), "ä": b64(OTHER_KEK)},
        "stored": sealed(keys[2][0]),
        "context": "connections.token",
        "plaintext": "CANARY-in-the-store",
        "records": [head(entries, 9), *entries],
    }


def sealed(key: Key) -> str:
    nonce = derived("key store", "value", 24)
    aad = associated_data(1, key.id, "column", "connections.token")
    return write_text(key.id, bytes([1]) + nonce + xaes.seal(key.field_key(), nonce, aad, b"CANARY-in-the-store")).decode()


def json_of(wraps: dict[str, bytes]) -> dict[str, str]:
    return {name: b64(wrapped) for name, wrapped in wraps.items()}


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()
