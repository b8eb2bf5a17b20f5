"""A reader of key stores, from KEY-STORE.md alone. `../store.py` is its command line."""

import hashlib
import hmac
from dataclasses import dataclass, field

from . import xaes
from .store_json import (
    DATE,
    MAX_BODY,
    MAX_DATE,
    NAME,
    REVISION,
    Absent,
    Refused,
    anything,
    binary,
    canonical,
    decode,
    mapping,
    number,
    parse,
    refuse_other_versions,
    shape,
    tampered,
    text,
    wraps,
)
from .stored import Key, hkdf_expand

PURPOSES = ("field", "index", "file")
IN_USE = ("pending", "active", "retired")
STATES = (*IN_USE, "disabled", "destroyed", "compromised")
MAX_DIGITS = 16
MAX_SCOPE = 255
FIVE_MINUTES = 300
EPOCH = number(1, MAX_DATE)

HEAD = {
    "version": number(1, 1),
    "store": binary(16),
    "epoch": EPOCH,
    "revision": REVISION,
    "previous?": binary(32),
    "restored?": anything,
    "signed": DATE,
    "heartbeat": number(0, MAX_DATE),
    "propagation": number(0, MAX_DATE),
    "next_id": number(1, 2**32),
    "change": binary(32),
    "by?": text(200),
    "why?": text(500),
    "process?": anything,
    "tree?": anything,
    "store_key": wraps,
    "ext?": mapping,
    "mac": binary(32),
}
RESTORED = {"epoch": EPOCH, "revision": REVISION}
DATES_OF_LINKS = {"oldest?": DATE, "waiting?": DATE}
LINK_TO_NODE = {"hash": binary(32), "scopes": number(0, 2**53 - 1), **DATES_OF_LINKS}
LINK_TO_SCOPE = {"hash": binary(32), "scope": text(MAX_SCOPE), **DATES_OF_LINKS}
NODE = {"revision": REVISION, "scopes?": anything, "children?": anything}
KEYS = {"revision": REVISION, "scope": text(MAX_SCOPE), "keys": anything, "ext?": mapping}
DATES = ["activate_after", "activated", "seal_until", "retired", "compromised", "disabled", "enabled", "destroyed"]
ENTRY = {
    "id": number(1, 2**32 - 1),
    "purpose": text(MAX_BODY),
    "version": number(1, 2**32 - 1),
    "state": text(MAX_BODY),
    "created": DATE,
    **{f"{name}?": DATE for name in DATES},
    "check": binary(32),
    "wraps": wraps,
    "changed": anything,
    "ext?": mapping,
}
CHANGED = {"revision": REVISION, "date": DATE, "by?": text(200), "why?": text(500)}


def sized(value: str) -> bytes:
    return len(value.encode()).to_bytes(4, "big") + value.encode()


def digest(scope: str) -> str:
    return hashlib.sha256(b"encrypted-field/v1/store-scope\0" + scope.encode()).hexdigest()


def record_hash(name: str, body: dict) -> bytes:
    return hashlib.sha256(b"encrypted-field/v1/store-record\0" + sized(name) + canonical(body)).digest()


def head_hash(key_set: str, head: dict) -> bytes:
    return hashlib.sha256(b"encrypted-field/v1/store-head\0" + sized(key_set) + canonical(head)).digest()


def head_mac(store_key: bytes, key_set: str, head: dict) -> bytes:
    unsigned = {name: value for name, value in head.items() if name != "mac"}
    mac_key = hkdf_expand(store_key, b"encrypted-field/v1/store-mac\0")
    content = b"encrypted-field/v1/store-head\0" + sized(key_set) + canonical(unsigned)
    return hmac.digest(mac_key, content, "sha256")


def context_of_key(key_set: str, id: int, scope: str, purpose: str) -> bytes:
    return b"encrypted-field/v1/wrap\0" + sized(key_set) + b"\1" + id.to_bytes(4, "big") + sized(scope) + sized(purpose)


def context_of_store(key_set: str, store: bytes, epoch: int) -> bytes:
    return b"encrypted-field/v1/wrap\0" + sized(key_set) + b"\2" + store + epoch.to_bytes(8, "big")


def wrap(kek: bytes, nonce: bytes, context: bytes, key: bytes) -> bytes:
    return nonce + xaes.seal(hkdf_expand(kek, b"encrypted-field/v1/wrap\0"), nonce, context, key)


def unwrap(keks: dict[str, bytes], wrapped: dict[str, str], context: bytes, what: str) -> bytes:
    """By any of the KEKs that opens one of the wraps."""
    for name, kek in keks.items():
        try:
            one = decode(wrapped.get(name, ""))
        except ValueError:
            continue
        if len(one) == xaes.NONCE_LEN + 32 + xaes.TAG_LEN:
            nonce, sealed = one[: xaes.NONCE_LEN], one[xaes.NONCE_LEN :]
            key = xaes.open_sealed(hkdf_expand(kek, b"encrypted-field/v1/wrap\0"), nonce, context, sealed)
            if key is not None:
                return key
    raise Refused("wrap", f"{what}: none of its wraps is one of its context under a KEK that is given")


@dataclass(frozen=True)
class Entry:
    """A key of the store. `known` is false where this text does not name all of it."""

    scope: str
    part: str
    body: dict
    known: bool

    @property
    def id(self) -> int:
        return self.body["id"]

    @property
    def changed(self) -> int:
        """The revision of its last change; 0 where an entry of a later release has none."""
        changed = self.body.get("changed")
        revision = changed.get("revision") if isinstance(changed, dict) else None
        return revision if type(revision) is int else 0

    def opens(self) -> bool:
        """Whether values under it open. Of a compromised key that is the application's decision; here they don't."""
        return self.known and self.body["state"] in IN_USE


@dataclass
class Memory:
    """What a reader remembers of a store: the newest head, and the entries that it has used."""

    head: dict | None = None
    hash: bytes = b""
    entries: dict[int, Entry] = field(default_factory=dict)


class Reader:
    def __init__(self, key_set: str, keks: dict[str, bytes], *, anchor: str | None = None):
        for name in (key_set, *keks):
            NAME(name)
        self.key_set, self.keks, self.anchor = key_set, keks, anchor
        self.memory = Memory()
        self.records: dict[str, dict] = {}
        self.head: dict = {}
        self.entries: dict[int, Entry] = {}
        self.process: set[str] = set()
        self.restored = False

    def load(self, records: list[dict]) -> None:
        """The head, the scopes of each process, and those that were entered before. A failure changes no memory."""
        names = [record["name"] for record in records]
        if len(set(names)) != len(names):
            raise tampered("two records have one name")
        self.records = {record["name"]: record for record in records}
        self.entries, self.process = {}, set()
        self.head = self.read_head()
        self.check_head()
        for link in self.process_links():
            self.process.add(link["scope"])
            self.keys_of("process", link)
        known = {entry.scope for entry in self.memory.entries.values()}
        for scope in sorted(known - self.process):
            try:
                self.enter(scope)
            except Absent:
                pass
        for entry in self.memory.entries.values():
            self.check_entry(entry)
        self.memory = Memory(self.head, head_hash(self.key_set, self.head), dict(self.entries))

    def enter(self, scope: str) -> None:
        """Loads a scope that is loaded on demand."""
        if scope in self.process:
            return
        link, name, wanted = self.head.get("tree"), "tree", digest(scope)
        while link is not None:
            digits = name.removeprefix("tree").removeprefix("/")
            node = self.node(name, link)
            if "scopes" in node:
                link = next((link for link in node["scopes"] if link["scope"] == scope), None)
                if link is None:
                    break
                self.keys_of("demand", link)
                for entry in self.entries.values():
                    if entry.scope == scope:
                        self.memory.entries.setdefault(entry.id, entry)
                return
            digit = wanted[len(digits)]
            link, name = node["children"].get(digit), f"tree/{digits}{digit}"
        raise Absent(scope)

    def everything(self) -> None:
        """Reads the whole store, as an audit does."""

        def walk(name: str, link: dict) -> None:
            node = self.node(name, link)
            for link in node.get("scopes", []):
                if link["scope"] in self.process:
                    raise tampered(f"the scope {link['scope']!r} is in both parts")
                self.keys_of("demand", link)
            for digit, link in node.get("children", {}).items():
                walk(f"tree/{name.removeprefix('tree').removeprefix('/')}{digit}", link)

        if "tree" in self.head:
            walk("tree", self.head["tree"])

    def key(self, id: int) -> bytes:
        """The bytes of a data key, for those who may have them."""
        entry = self.entries[id]
        body = entry.body
        context = context_of_key(self.key_set, id, entry.scope, body["purpose"])
        data = unwrap(self.keks, body["wraps"], context, f"key {id}")
        if Key(id, data).check_value() != decode(body["check"]):
            raise tampered(f"key {id} has another check value")
        return data

    def frozen(self, now: int) -> bool:
        """Whether the head is too old to seal by, seen for the first time now. What was signed in the future, is now."""
        heartbeat, age = self.head["heartbeat"], max(now - self.head["signed"], 0)
        return heartbeat > 0 and age > 2 * heartbeat + FIVE_MINUTES

    def body(self, name: str) -> dict:
        if (record := self.records.get(name)) is None:
            raise tampered(f"the record {name} is missing")
        body = parse(record["body"], name)
        if type(body.get("revision")) is not int or body["revision"] != record["revision"]:
            raise tampered(f"{name}: its body has another revision")
        return body

    def read_head(self) -> dict:
        if "head" in self.records:
            # Before anything else: what the head of a later version may hold, this text does not know.
            refuse_other_versions(self.records["head"]["body"], "head")
        head = self.body("head")
        authentic = {"store": HEAD["store"], "epoch": HEAD["epoch"], "store_key": wraps, "mac": HEAD["mac"]}
        shape({name: head[name] for name in authentic if name in head}, authentic, "head")
        context = context_of_store(self.key_set, decode(head["store"]), head["epoch"])
        store_key = unwrap(self.keks, head["store_key"], context, "the store key")
        if not hmac.compare_digest(head_mac(store_key, self.key_set, head), decode(head["mac"])):
            raise tampered("the MAC of the head is wrong")
        shape(head, HEAD, "head")
        if "restored" in head:
            shape(head["restored"], RESTORED, "head: restored")
            if head["restored"]["epoch"] > head["epoch"]:
                raise tampered("head: restored is of a later epoch, which only who has a KEK can begin")
        for name in ("process", "tree"):
            if name in head:
                shape(head[name], LINK_TO_NODE, f"head: {name}")
        return head

    def check_head(self) -> None:
        """What must not go back, as far as the head says."""
        head, known = self.head, self.memory.head
        age = head["epoch"], head["revision"]
        if self.anchor is not None:
            store, epoch, revision = self.anchor.split(" ")
            if bytes.fromhex(store) != decode(head["store"]) or age < (int(epoch), int(revision)):
                raise Refused("rolled_back", "older than the anchor, or another store")
        self.restored = False
        if known is None:
            return
        if known["store"] != head["store"] or head["epoch"] < known["epoch"]:
            raise Refused("rolled_back", "of a lower epoch than one that was seen, or another store")
        self.restored = head.get("restored", {}).get("epoch", -1) > known["epoch"]
        if not self.restored:
            if head["revision"] < known["revision"]:
                raise Refused("rolled_back", "older than one that was seen")
            if head["revision"] == known["revision"] and head_hash(self.key_set, head) != self.memory.hash:
                raise Refused("rolled_back", "another head of a revision that was seen")
            if head["revision"] == known["revision"] + 1:
                if "previous" not in head or decode(head["previous"]) != self.memory.hash:
                    raise Refused("rolled_back", "another history than the one that was seen")
        if head["next_id"] < known["next_id"]:
            raise Refused("rolled_back", "ids that were given would be given again")

    def check_entry(self, known: Entry) -> None:
        """What must not go back, as far as an entry says that is known."""
        now = self.entries.get(known.id)
        if now is None:
            if self.restored:
                return
            raise Refused("rolled_back", f"key {known.id} is missing")
        lasting = ("purpose", "version", "created", "check")
        if now.scope != known.scope or any(now.body.get(name) != known.body.get(name) for name in lasting):
            raise Refused("rolled_back", f"key {known.id} is another key now")
        if self.restored or canonical(now.body) == canonical(known.body):
            return
        if now.changed <= known.changed:
            raise Refused("rolled_back", f"key {known.id} has changed in the past")
        state = now.body.get("state")
        if known.body.get("state") == "destroyed" != state:
            raise Refused("rolled_back", f"key {known.id} was destroyed")
        if "compromised" in known.body and ("compromised" not in now.body or state in IN_USE):
            raise Refused("rolled_back", f"key {known.id} was compromised")

    def process_links(self) -> list[dict]:
        if "process" not in self.head:
            return []
        node = self.node("process", self.head["process"])
        if "children" in node:
            raise tampered("process has children")
        return node["scopes"]

    def linked(self, name: str, link: dict) -> dict:
        """The body of a record whose hash the link has."""
        body = self.body(name)
        if body["revision"] > self.head["revision"]:
            raise tampered(f"{name}: its revision is above that of the head")
        if record_hash(name, body) != decode(link["hash"]):
            raise tampered(f"{name} is not what the link to it says")
        return body

    def node(self, name: str, link: dict) -> dict:
        node = self.linked(name, link)
        shape(node, NODE, name)
        digits = name.removeprefix("tree").removeprefix("/") if name != "process" else ""
        if ("scopes" in node) == ("children" in node):
            raise tampered(f"{name}: it has scopes and children, or neither")
        if "children" in node:
            children = node["children"]
            if not isinstance(children, dict) or len(digits) == MAX_DIGITS:
                raise tampered(f"{name}: it can't have these children")
            for digit, link in children.items():
                if len(digit) != 1 or digit not in "0123456789abcdef":
                    raise tampered(f"{name}: {digit!r} is no digit")
                shape(link, LINK_TO_NODE, f"{name}: {digit}")
            return node
        if not isinstance(node["scopes"], list):
            raise tampered(f"{name}: scopes is no list")
        before = ""
        for link in node["scopes"]:
            shape(link, LINK_TO_SCOPE, f"{name}: scopes")
            here = digest(link["scope"])
            if here <= before or not here.startswith(digits):
                raise tampered(f"{name}: the scope {link['scope']!r} is in the wrong place")
            before = here
        return node

    def keys_of(self, part: str, link: dict) -> None:
        scope = link["scope"]
        name = f"{part}/{digest(scope)}"
        body = self.linked(name, link)
        shape(body, KEYS, name)
        if body["scope"] != scope:
            raise tampered(f"{name}: it is of the scope {body['scope']!r}, not of {scope!r}")
        if not isinstance(body["keys"], list):
            raise tampered(f"{name}: keys is no list")
        before, active, versions = 0, set(), set()
        for one in body["keys"]:
            entry = Entry(scope, part, one, self.is_known(one, name))
            if entry.id <= before:
                raise tampered(f"{name}: key {entry.id} does not come after key {before}")
            before = entry.id
            if entry.id >= self.head["next_id"]:
                raise tampered(f"{name}: key {entry.id} has an id that was not given yet")
            if (other := self.entries.get(entry.id)) and (other.scope, other.part) != (scope, part):
                raise tampered(f"key {entry.id} is in two scopes")
            if entry.known:
                which, version = one["purpose"], (one["purpose"], one["version"])
                if version in versions or (one["state"] == "active" and which in active):
                    raise tampered(f"{name}: two keys have one version, or two are active")
                versions.add(version)
                active |= {which} if one["state"] == "active" else set()
            self.entries[entry.id] = entry
        for one in body["keys"]:
            if self.entries[one["id"]].opens():
                self.key(one["id"])

    def is_known(self, entry, where: str) -> bool:
        """Whether this text names all of an entry. Of one that it doesn't, only the id need be there."""
        if not isinstance(entry, dict):
            raise tampered(f"{where}: an entry is no object")
        shape({name: entry[name] for name in ("id",) if name in entry}, {"id": ENTRY["id"]}, where)
        for name, known in (("purpose", PURPOSES), ("state", STATES)):
            if isinstance(entry.get(name), str) and entry[name] not in known:
                return False
        try:
            for value, members in ((entry, ENTRY), (entry.get("changed", {}), CHANGED)):
                shape(value, members, f"{where}: key {entry['id']}", unknown="unknown")
        except Refused as e:
            if e.error == "unknown":
                return False
            raise
        return True
