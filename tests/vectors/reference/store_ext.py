"""Key stores with what a later release wrote into an `ext`: ignored, and authenticated."""

from .store_invalid import DEMAND, KEYS, TENANT, whole
from .store_memory import after, key
from .store_valid import changed
from .store_vectors import File
from .store_writer import Scope, Store, sealed

EXT = {
    "\U00010000": [1, -2, 2**64 - 1, -(2**63), True, False, "\u007f\u2028/"],
    "\uff5e": {"deep": {"deeper": []}},
    "": 0,
    # Names of the text say nothing here.
    "state": "destroyed",
    "version": 2,
    "ext": {"mac": ""},
}
VALUES = [sealed(1, "CANARY-one"), sealed(2, "CANARY-two"), sealed(3, "CANARY-acme", scope="acme")]


def plain() -> Store:
    made = Store(revision=9, next_id=4)
    made.process[""] = Scope(8, [made.entry(1, "retired"), made.entry(2, version=2, changed=changed(8))])
    made.demand["acme"] = Scope(7, [made.entry(3, scope="acme", changed=changed(7))])
    return made


def with_ext(made: Store, where: str, ext: dict) -> Store:
    made = made.copy()
    if where in ("head", "all"):
        made.head["ext"] = ext
    for scope in [*made.process.values(), *made.demand.values()]:
        if where in ("scope", "all"):
            scope.ext = ext
        for entry in scope.keys:
            if where in ("entry", "all"):
                entry["ext"] = ext
    return made


def ignored():
    file = File("What a reader does not know in an `ext` changes nothing.")
    for where in ("head", "scope", "entry", "all"):
        comment = {"scope": "in the record of each scope", "all": "in all of them"}.get(where, f"in each {where}")
        file.valid(where, comment, with_ext(plain(), where, EXT), values=VALUES)
    made = with_ext(plain(), "all", EXT)
    made.process[""].keys[0]["more"] = 1
    values = [VALUES[0] | {"opens": False}, *VALUES[1:]]
    file.valid("unknown-entry", "an entry may have both", made, base="all", values=values, unused=(1,))
    before = {"store": "all", "replace": [], "remove": [], "scopes": ["acme"]}
    made = with_ext(plain(), "all", EXT)
    for where in ("head", "scope"):
        later = with_ext(after(made), where, {"later": 1})
        later.head = later.head | ({"ext": EXT} if where == "scope" else {})
        for scope in [later.process[""], later.demand["acme"]]:
            scope.revision = 10 if where == "scope" else scope.revision
        comment = f"it changes in the {where}: keys stay what they were"
        file.valid(f"changed-{where}", comment, later, base="all", before=before, values=VALUES)
    for title, ext in [("changed", {"later": 1}), ("left-out", None)]:
        later = after(made)
        for id, scope in [(2, later.process[""]), (3, later.demand["acme"])]:
            entry = key(later, id)
            entry.update(ext=ext, changed=changed(10))
            if ext is None:
                del entry["ext"]
            scope.revision = 10
        file.valid(f"{title}-entry", "a change of an entry", later, base="all", before=before, values=VALUES)
    return file


def refused():
    file = File("An `ext` that is no object, and one that changes as no entry may.")
    made = whole(split=False)
    base = file.put("whole", made.records())
    for name, value in [("null", None), ("list", []), ("text", "{}"), ("number", 0), ("false", False)]:
        for title, record, scope, of in [
            ("head", "head", None, lambda body: body),
            ("scope", KEYS, None, lambda body: body),
            ("scope-on-demand", DEMAND, TENANT, lambda body: body),
            ("entry", KEYS, None, lambda body: body["keys"][0]),
            ("entry-on-demand", DEMAND, TENANT, lambda body: body["keys"][0]),
        ]:
            records = made.records({record: lambda body: of(body).update(ext=value)})
            file.refused(f"{title}-{name}", "hashed and signed, and no object", made, base, records, scope=scope)
    for title, record, scope in [
        ("node", "tree", TENANT),
        ("process", "process", None),
        ("link", "head", None),
        ("restored", "head", None),
    ]:
        of = {"link": lambda body: body["process"], "restored": lambda body: body["restored"]}.get(
            title, lambda body: body
        )
        records = made.records({record: lambda body: of(body).update(ext={})})
        comment = "only heads, scopes and entries have it: elsewhere it is an unknown member"
        file.refused(f"upgrade-{title}", comment, made, base, records, "upgrade", scope=scope)
    seen = with_ext(plain(), "all", EXT)
    seen_base = file.put("seen", seen.records())
    before = {"store": seen_base, "replace": [], "remove": [], "scopes": ["acme"]}
    for id, part, scope in [(2, "process", None), (3, "demand", "acme")]:
        for name, ext in [("changed", {"later": 1}), ("removed", None)]:
            later = after(seen)
            entry = key(later, id)
            entry["ext"] = ext
            if ext is None:
                del entry["ext"]
            (later.process[""] if scope is None else later.demand[scope]).revision = 10
            comment = "an entry changes in its `ext`, without a higher `changed.revision`"
            more = {"scope": scope, "before": before}
            file.refused(f"{part}-{name}", comment, later, seen_base, later.records(), "rolled_back", **more)
    return file


VALID = {"ext": ignored}
INVALID = {"ext": refused}
