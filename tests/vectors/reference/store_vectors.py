"""Vectors of key stores as JSON: made from stores, checked by reading what the JSON says and nothing else.

README.md beside the vector files documents the schema.
"""

import json

from . import store, stored
from .store_json import Absent, Refused, b64, decode
from .store_writer import CONTEXT, NOW, Store

ERRORS = ("tampered", "rolled_back", "upgrade", "wrap")
Records = dict[str, dict]


class File:
    """A file of vectors in the making: stores, and vectors that name one and what is different in it."""

    def __init__(self, about: str):
        self.about, self.stores, self.vectors = about, {}, []

    def put(self, name: str, records: Records) -> str:
        assert self.stores.setdefault(name, records) == records, f"two stores are called {name}"
        return name

    def step(self, base: str, records: Records) -> dict:
        """These records, as what is different from a store of the file."""
        before = self.stores[base]
        replace = [record for name, record in records.items() if record != before.get(name)]
        return {"store": base, "replace": replace, "remove": [name for name in before if name not in records]}

    def vector(self, name: str, comment: str, made: Store, base: str, records: Records, **more) -> dict:
        keks = more.pop("keks", made.keks)
        vector = {"name": name, "comment": comment, "key_set": more.pop("key_set", made.key_set)}
        vector |= {"keks": {name: b64(kek) for name, kek in keks.items()}, "now": more.pop("now", NOW)}
        vector |= {"before": more.pop("before")} if "before" in more else {}
        vector |= self.step(base, records) | more
        self.vectors.append(vector)
        return vector

    def valid(
        self, name: str, comment: str, made: Store, records: Records | None = None, *, base: str | None = None, **more
    ):
        """A store that loads. What is expected is what it was made from, not what the reader says."""
        records = records or made.records()
        base = base or self.put(name, records)
        head = records["head"]["body"]
        parts = [("process", made.process), ("demand", made.demand)]
        keys = [
            {
                "id": key["id"],
                "scope": scope,
                "part": part,
                "purpose": key["purpose"],
                "version": key["version"],
                "state": key["state"],
                "used": key["id"] not in more.get("unused", ()),
            }
            for part, scopes in parts
            for scope, one in scopes.items()
            for key in one.keys
        ]
        expected = {
            "store_id": made.id.hex(),
            "epoch": head["epoch"],
            "revision": head["revision"],
            "next_id": head["next_id"],
        }
        expected |= {"frozen": more.pop("frozen", False), "keys": sorted(keys, key=lambda key: key["id"])}
        expected |= {"absent": more.pop("absent", []), "values": more.pop("values", [])}
        more.pop("unused", None)
        return self.vector(name, comment, made, base, records, **more, expect="valid", **expected)

    def refused(
        self,
        name: str,
        comment: str,
        made: Store,
        base: str,
        records: Records,
        *errors: str,
        scope: str | None = None,
        at: str | None = None,
        **more,
    ):
        at = at or ("load" if scope is None else "scope")
        expected = {"at": at} | ({} if scope is None else {"scope": scope}) | {"errors": list(errors or ("tampered",))}
        return self.vector(name, comment, made, base, records, **more, expect="refused", **expected)

    def json(self) -> dict:
        stores = {name: list(records.values()) for name, records in self.stores.items()}
        return {"about": self.about, "stores": stores, "vectors": self.vectors}


def records_of(file: dict, step: dict) -> list[dict]:
    """The records of a step, with their bodies as texts."""
    replaced = {record["name"] for record in step["replace"]} | set(step["remove"])
    kept = [record for record in file["stores"][step["store"]] if record["name"] not in replaced]
    return [
        {"name": r["name"], "revision": r["revision"], "body": r["text"] if "text" in r else json.dumps(r["body"])}
        for r in kept + step["replace"]
    ]


def check(file: dict) -> None:
    names = [vector["name"] for vector in file["vectors"]]
    assert len(set(names)) == len(names), f"a name stands twice: {names}"
    for vector in file["vectors"]:
        try:
            check_vector(file, vector)
        except (AssertionError, Refused, Absent) as e:
            raise AssertionError(f"{vector['name']}: {e!r}") from e


def check_vector(file: dict, vector: dict) -> None:
    keks = {name: decode(kek) for name, kek in vector["keks"].items()}
    reader = store.Reader(vector["key_set"], keks, anchor=vector.get("anchor"))
    if before := vector.get("before"):
        reader.load(records_of(file, before))
        for scope in before["scopes"]:
            reader.enter(scope)
    records = records_of(file, vector)
    if vector["expect"] == "refused":
        assert set(vector["errors"]) <= set(ERRORS)
        check_refused(vector, reader, records)
        return
    assert vector["expect"] == "valid"
    reader.load(records)
    reader.everything()
    check_valid(vector, reader)


def check_refused(vector: dict, reader: store.Reader, records: list[dict]) -> None:
    at = vector["at"]
    steps = {
        "load": lambda: reader.load(records),
        "scope": lambda: reader.enter(vector["scope"]),
        "all": reader.everything,
    }
    done = []
    try:
        for name in ["load"] if at == "load" else ["load", at]:
            done.append(name)
            steps[name]()
    except Refused as refused:
        assert refused.error in vector["errors"], refused
        # Where the reader has seen the store before, it reads the scopes that it has entered when it loads.
        assert done[-1] == at or "before" in vector, f"refused at {done[-1]}: {refused}"
        return
    raise AssertionError("was not refused")


def check_valid(vector: dict, reader: store.Reader) -> None:
    head = reader.head
    for name in ("epoch", "revision", "next_id"):
        assert head[name] == vector[name], (name, head[name])
    assert decode(head["store"]).hex() == vector["store_id"]
    assert reader.frozen(vector["now"]) == vector["frozen"]
    keys = [
        {"id": entry.id, "scope": entry.scope, "part": entry.part}
        | {name: entry.body[name] for name in ("purpose", "version", "state")}
        | {"used": entry.known}
        for entry in sorted(reader.entries.values(), key=lambda entry: entry.id)
    ]
    assert keys == vector["keys"], keys
    for scope in {key["scope"] for key in keys}:
        reader.enter(scope)
    for scope in vector["absent"]:
        try:
            reader.enter(scope)
        except Absent:
            continue
        raise AssertionError(f"{scope!r} is not absent")
    for value in vector["values"]:
        check_value(reader, value)


def check_value(reader: store.Reader, value: dict) -> None:
    entry = reader.entries[value["key"]]
    assert entry.scope == value["scope"]
    assert entry.opens() == value["opens"], value
    if not value["opens"]:
        return
    key = stored.Key(entry.id, reader.key(entry.id), entry.scope, entry.body["purpose"])
    read = stored.Reader((key,), CONTEXT, scope=entry.scope)
    opened = stored.open_stored(read, "text", value["stored"].encode())
    assert opened.plaintext.decode() == value["plaintext"]


def dump(value, depth: int = 0) -> str:
    """ASCII only, and a record, a key or a value in one line."""
    is_record = isinstance(value, dict) and ("body" in value or "text" in value)
    if depth >= 4 or is_record or not value or not isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=True)
    indent = "  " * (depth + 1)
    if isinstance(value, dict):
        lines = [f"{indent}{json.dumps(name)}: {dump(member, depth + 1)}" for name, member in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + "  " * depth + "}"
    return "[\n" + ",\n".join(indent + dump(member, depth + 1) for member in value) + "\n" + "  " * depth + "]"
