"""Makes key stores for vectors, right ones and wrong ones, always the same bytes."""

import copy
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from . import store, xaes
from .store_json import b64
from .stored import Key, associated_data, write_text
from .vectors import derived

KEY_SET = "vectors"
CONTEXT = "connections.token"
NOW = 1_800_000_000
# When the keys of the vectors were made, unless a vector says otherwise.
THEN = 1_700_000_000
EPOCH = THEN
MAX_SCOPES = 32
EU, US = derived("key store", "kek eu", 32), derived("key store", "kek us", 32)
# A change of a body before it is hashed, or of the head before it is signed.
Edit = Callable[[dict], None]


def data_key(id: int) -> bytes:
    return derived("key store", f"key {id}", 32)


def wrapped(kek: bytes, context: bytes, key: bytes) -> str:
    digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in (kek, context, key)))
    nonce = derived("key store", f"nonce {digest.hexdigest()}", xaes.NONCE_LEN)
    return b64(store.wrap(kek, nonce, context, key))


@dataclass
class Scope:
    revision: int
    keys: list[dict]
    ext: dict | None = None


@dataclass
class Store:
    """A store in the making."""

    revision: int = 1
    next_id: int = 2
    epoch: int = EPOCH
    id: bytes = derived("key store", "store", 16)
    key_set: str = KEY_SET
    keks: dict[str, bytes] = field(default_factory=lambda: {"eu": EU})
    process: dict[str, Scope] = field(default_factory=dict)
    demand: dict[str, Scope] = field(default_factory=dict)
    head: dict = field(default_factory=dict)
    # What makes two changes with the same content differ.
    change: str = "change"
    # How many scopes a node holds before it is split; a writer takes 32.
    most: int = MAX_SCOPES

    def copy(self, **changes) -> "Store":
        other = copy.deepcopy(self)
        for name, value in changes.items():
            setattr(other, name, value)
        return other

    def entry(
        self, id: int, state: str = "active", *, scope: str = "", purpose: str = "field", version: int = 1, **more
    ):
        """An entry with the dates that its state needs. A member that is None is left out."""
        created = more.get("created", THEN)
        began, used = {"activate_after": created + 3900}, {"activated": created + 4000}
        dates = {
            "pending": began,
            "active": began | used,
            "retired": began | used | {"retired": created + 9000},
            "disabled": began | used | {"retired": created + 9000, "disabled": created + 9500},
            "destroyed": began
            | used
            | {"retired": created + 9000, "disabled": created + 9500, "destroyed": created + 9900},
            "compromised": began | used | {"retired": created + 9000, "compromised": created + 9200},
        }.get(state, began)
        context = store.context_of_key(self.key_set, id, scope, purpose)
        key = data_key(id)
        wraps = {name: wrapped(kek, context, key) for name, kek in self.keks.items()}
        body = {"id": id, "purpose": purpose, "version": version, "state": state, "created": created, **dates}
        body |= {"check": b64(Key(id, key).check_value()), "wraps": {} if state == "destroyed" else wraps}
        body |= {"changed": {"revision": 1, "date": created}} | more
        return {name: value for name, value in body.items() if value is not None}

    def store_key(self) -> bytes:
        return derived("key store", f"store key {self.id.hex()} {self.epoch}", 32)

    def head_body(self) -> dict:
        context = store.context_of_store(self.key_set, self.id, self.epoch)
        body = {
            "version": 1,
            "store": b64(self.id),
            "epoch": self.epoch,
            "revision": self.revision,
            "signed": NOW,
            # Twice the heartbeat and 600 seconds are the propagation time, the least that may be.
            "heartbeat": 1650,
            "propagation": 3900,
            "next_id": self.next_id,
            "change": b64(derived("key store", f"{self.change} {self.revision}", 32)),
            "store_key": {name: wrapped(kek, context, self.store_key()) for name, kek in self.keks.items()},
        }
        return body | copy.deepcopy(self.head)

    def records(self, edits: dict[str, Edit] | None = None, *, signed: bool = True) -> dict[str, dict]:
        """All records by name. `edits` change bodies before they are hashed, and the head before it is signed."""
        return Builder(self, edits or {}).build(signed)

    def head_hash(self) -> bytes:
        return store.head_hash(self.key_set, self.records()["head"]["body"])


class Builder:
    def __init__(self, made: Store, edits: dict[str, Edit]):
        self.made, self.edits, self.all = made, dict(edits), {}

    def build(self, signed: bool) -> dict[str, dict]:
        head = self.made.head_body()
        if self.made.process:
            head["process"] = self.node("process", "process", self.made.process, None)
        if self.made.demand:
            head["tree"] = self.node("tree", "demand", self.made.demand, "")
        if edit := self.edits.pop("head", None):
            edit(head)
        if signed:
            head["mac"] = b64(store.head_mac(self.made.store_key(), self.made.key_set, head))
        self.all["head"] = {"name": "head", "revision": head["revision"], "body": head}
        assert not self.edits, f"no such records: {list(self.edits)}"
        return {name: self.all[name] for name in sorted(self.all, key=lambda name: (name != "head", name))}

    def put(self, name: str, body: dict) -> str:
        if edit := self.edits.pop(name, None):
            edit(body)
        self.all[name] = {"name": name, "revision": body["revision"], "body": body}
        return b64(store.record_hash(name, body))

    def node(self, name: str, part: str, scopes: dict[str, Scope], digits: str | None) -> dict:
        """Writes a node and what is beneath it; gives the link to it."""
        ordered = sorted(scopes, key=store.digest)
        if digits is None or len(ordered) <= self.made.most or len(digits) == store.MAX_DIGITS:
            links = {scope: self.scope(part, scope, scopes[scope]) for scope in ordered}
            body = {"revision": max(one.revision for one in scopes.values()), "scopes": list(links.values())}
        else:
            links = {}
            for digit in "0123456789abcdef":
                here = {scope: scopes[scope] for scope in ordered if store.digest(scope).startswith(digits + digit)}
                if here:
                    links[digit] = self.node(f"tree/{digits}{digit}", part, here, digits + digit)
            body = {"revision": max(one.revision for one in scopes.values()), "children": links}
        dates = earliest(links.values())
        return {"hash": self.put(name, body), "scopes": len(ordered)} | dates

    def scope(self, part: str, scope: str, keys: Scope) -> dict:
        body = {"revision": keys.revision, "scope": scope, "keys": keys.keys}
        body |= {} if keys.ext is None else {"ext": keys.ext}
        active = [key for key in keys.keys if key.get("state") == "active" and key.get("purpose") != "index"]
        waiting = [key["activate_after"] for key in keys.keys if key.get("state") == "pending"]
        waiting += [
            key["created"]
            for key in keys.keys
            if key.get("state") != "destroyed" and not set(self.made.keks) <= set(key.get("wraps", {}))
        ]
        dates = earliest([{"oldest": key["activated"]} for key in active] + [{"waiting": date} for date in waiting])
        return {"hash": self.put(f"{part}/{store.digest(scope)}", copy.deepcopy(body)), "scope": scope} | dates


def earliest(links) -> dict:
    """The least `oldest` and `waiting` of these."""
    found = {name: [link[name] for link in links if name in link] for name in ("oldest", "waiting")}
    return {name: min(dates) for name, dates in found.items() if dates}


def sealed(id: int, plaintext: str, *, scope: str = "", opens: bool = True) -> dict:
    """A stored value under a key of a store, as it stands in a vector."""
    key = Key(id, data_key(id))
    aad = associated_data(1, id, "column", CONTEXT)
    nonce = derived("key store", f"value {id} {plaintext}", xaes.NONCE_LEN)
    payload = bytes([1]) + nonce + xaes.seal(key.field_key(), nonce, aad, plaintext.encode())
    return {
        "scope": scope,
        "key": id,
        "stored": write_text(id, payload).decode(),
        "plaintext": plaintext,
        "opens": opens,
    }
