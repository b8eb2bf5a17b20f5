"""Key stores that must be refused, since somebody without the KEK changed them."""

import copy
import json

from . import store
from .store_json import b64
from .store_valid import changed, tenants
from .store_vectors import File, Records
from .store_writer import EPOCH, NOW, THEN, Scope, Store
from .vectors import derived

TENANT = "tenant-0"
FIRST = store.digest(TENANT)
KEYS, SLACK = f"process/{store.digest('')}", f"process/{store.digest('slack')}"
DEMAND, NODE = f"demand/{FIRST}", f"tree/{FIRST[0]}"
# Another scope of the same node, so that both can change places in it.
SIBLING = next(f"tenant-{n}" for n in range(1, 33) if store.digest(f"tenant-{n}")[0] == FIRST[0])
STRANGER = next(f"tenant-{n}" for n in range(1, 33) if store.digest(f"tenant-{n}")[0] != FIRST[0])


def whole(split: bool = True) -> Store:
    """A store with something of everything; of 33 scopes that are loaded on demand, or of 3."""
    made = tenants(33 if split else 3)
    made.revision, made.next_id = 50, 60
    made.process[""] = Scope(
        41,
        [
            made.entry(1, "retired", enabled=THEN + 9999, changed=changed(40, by="ops", why="again")),
            made.entry(40, version=2, changed=changed(41)),
            made.entry(41, "pending", version=3, created=NOW - 60),
            made.entry(42, purpose="index"),
            made.entry(43, "destroyed", version=4, changed=changed(41)),
        ],
    )
    made.process["slack"] = Scope(39, [made.entry(44, scope="slack"), made.entry(45, scope="slack", purpose="index")])
    made.demand[TENANT].keys.append(made.entry(46, "retired", scope=TENANT, version=2))
    made.head |= {
        "previous": b64(derived("key store", "previous", 32)),
        "restored": {"epoch": EPOCH - 9, "revision": 4},
    }
    made.head |= {"by": "ops@example.com", "why": "a reason"}
    return made


def other_value(name: str, value):
    """Another value of the same kind."""
    if isinstance(value, int):
        return value + 1
    if name == "state":
        return "retired" if value == "active" else "active"
    if name == "purpose":
        return "index" if value == "field" else "field"
    if name in ("scope", "by", "why"):
        return value + "x"
    return ("B" if value[0] == "A" else "A") + value[1:]


def paths(value, path: tuple = ()):
    """The way to each member; of lists and of children, into the first alone."""
    if isinstance(value, dict):
        members = list(value.items())
        if path[-1:] == ("children",):
            members = [(FIRST[0], value[FIRST[0]])]
        for name, member in members:
            yield (*path, name)
            yield from paths(member, (*path, name))
    elif isinstance(value, list) and value:
        yield from paths(value[0], (*path, 0))


def at(body: dict, path: tuple):
    for step in path:
        body = body[step]
    return body


def edited(records: Records, name: str, edit) -> Records:
    """With a record that was changed and not hashed or signed again. Its revision is that of the body."""
    record = copy.deepcopy(records[name])
    edit(record["body"])
    revision = record["body"].get("revision")
    if type(revision) is int and 0 < revision < 2**63:
        record["revision"] = revision
    return records | {name: record}


def changes():
    file = File("One member changed, left out or added by somebody without the KEK.")
    made = whole()
    ext = {"note": "no release knows it", "list": [{"number": 1}]}
    made.head["ext"] = ext
    for scope in (made.process[""], made.demand[TENANT]):
        scope.ext = scope.keys[0]["ext"] = ext
    records = made.records()
    base = file.put("whole", records)
    for record, title in [
        ("head", "head"),
        ("process", "process"),
        (KEYS, "keys"),
        ("tree", "tree"),
        (NODE, "node"),
        (DEMAND, "demand"),
    ]:
        scope = TENANT if record in ("tree", NODE, DEMAND) else None

        def put(kind: str, path: tuple, edit, *errors: str) -> None:
            where = ".".join(map(str, (title, *path)))
            file.refused(
                f"{kind}-{where}",
                f"{kind} in {record}",
                made,
                base,
                edited(records, record, edit),
                *errors,
                scope=scope,
            )

        body = records[record]["body"]
        for path in paths(body):
            value, parent, name = at(body, path), path[:-1], path[-1]
            # Without its key nothing can be said of the head.
            errors = (
                ("tampered", "wrap")
                if record == "head" and path[0] in ("store", "epoch", "store_key")
                else ("tampered",)
            )
            if path == ("version",) and record == "head":
                errors = ("upgrade",)
            if not isinstance(value, dict | list):
                put("changed", path, lambda body: at(body, parent).update({name: other_value(name, value)}), *errors)
            if not (record == "head" and path == ("version",)):
                put("removed", path, lambda body: at(body, parent).pop(name), *errors)
            if isinstance(value, dict) and name != "store_key":
                # What is in `ext` is no reason to upgrade.
                errors = ("tampered",) if "ext" in path else ("tampered", "upgrade")
                put("added", path, lambda body: at(body, path).update(more=1), *errors)
        put("added", (), lambda body: body.update(more=1), "tampered", "upgrade")
        for kind, revision in [
            ("body", {"body": records[record]["body"] | {"revision": 38}}),
            ("record", {"revision": 38}),
        ]:
            one = records | {record: records[record] | revision}
            comment = f"revision 38 in the {kind} of {record} alone"
            file.refused(f"revision-{kind}-{title}", comment, made, base, one, scope=scope)
    return file


def moves():
    file = File("Records that were swapped, set back, left out, removed or doubled by somebody without the KEK.")
    made = whole()
    before = made.copy(revision=49)
    before.process[""] = Scope(37, [before.entry(1), before.entry(42, purpose="index")])
    before.demand[TENANT] = Scope(36, [before.entry(2, scope=TENANT)])
    before.demand[SIBLING] = Scope(35, [])
    old, records = before.records(), made.records()
    base = file.put("whole", records)

    def swapped(one: str, other: str) -> Records:
        bodies = {one: records[other], other: records[one]}
        return records | {name: record | {"name": name} for name, record in bodies.items()}

    def put(name: str, comment: str, changed: Records, scope: str | None = None, at: str | None = None) -> None:
        file.refused(name, comment, made, base, changed, scope=scope, at=at)

    sibling = f"demand/{store.digest(SIBLING)}"
    put("swapped-process", "two scopes of each process", swapped(KEYS, SLACK))
    put("swapped-demand", "two scopes on demand", swapped(DEMAND, sibling), TENANT)
    put("swapped-parts", "a scope of each process and one on demand", swapped(KEYS, DEMAND))
    put("swapped-nodes", "two nodes", swapped(NODE, f"tree/{store.digest(STRANGER)[0]}"), TENANT)
    put("swapped-roots", "`process` and `tree`", swapped("process", "tree"))
    for name, record, scope in [
        ("scope", DEMAND, TENANT),
        ("node", NODE, TENANT),
        ("root", "tree", TENANT),
        ("process-scope", KEYS, None),
        ("process", "process", None),
    ]:
        put(f"set-back-{name}", f"{record} alone is that of an older revision", records | {record: old[record]}, scope)
        without = {name: one for name, one in records.items() if name != record}
        put(f"removed-{name}", f"{record} is not there", without, scope)
    both = records | {DEMAND: old[DEMAND], NODE: old[NODE]}
    put("set-back-branch", "a scope and its node", both, TENANT)
    put("set-back-head", "the head alone", records | {"head": old["head"]})
    put("set-back-but-head", "all but the head", old | {"head": records["head"]})
    without = {name: one for name, one in records.items() if name != "head"}
    put("removed-head", "the head is not there", without)
    put("removed-all-but-head", "the head alone", {"head": records["head"]})
    left = edited(
        records,
        NODE,
        lambda body: body.update(
            scopes=(
                body["scopes"][1:]
                if body["scopes"][0]["scope"] == TENANT
                else [link for link in body["scopes"] if link["scope"] != TENANT]
            )
        ),
    )
    put("left-out-of-a-node", "a scope is left out of its node", left, TENANT)
    left = edited(records, "tree", lambda body: body["children"].pop(FIRST[0]))
    put("left-out-of-the-root", "a node is left out of its parent", left, TENANT)
    left = edited(records, "process", lambda body: body["scopes"].pop())
    put("left-out-of-process", "a scope is left out of `process`", left)
    left = edited(records, "head", lambda body: body.pop("tree"))
    put("left-out-of-the-head", "the tree is left out of the head", left)
    keys = edited(records, KEYS, lambda body: body["keys"].pop(0))
    put("left-out-of-a-scope", "a key is left out of its scope", keys)

    def other_wraps(body: dict) -> None:
        body["keys"][0]["wraps"], body["keys"][1]["wraps"] = body["keys"][1]["wraps"], body["keys"][0]["wraps"]

    put("swapped-wraps", "the wraps of two keys", edited(records, KEYS, other_wraps))
    foreign = whole().copy(id=derived("key store", "another store", 16)).records()
    put(
        "record-of-another-store",
        "a scope of another store, which differs",
        records | {KEYS: edited(foreign, KEYS, other_wraps)[KEYS]},
    )
    file.refused(
        "head-of-another-store",
        "its store key is another",
        made,
        base,
        records
        | {"head": foreign["head"] | {"body": foreign["head"]["body"] | {"store": records["head"]["body"]["store"]}}},
        "wrap",
        "tampered",
    )
    twice = file.vector(
        "two-heads",
        "two records are called `head`",
        made,
        base,
        records,
        expect="refused",
        at="load",
        errors=["tampered"],
    )
    twice["replace"] = [records["head"], old["head"]]
    twice = file.vector(
        "two-records",
        "two records have one name, the right one last",
        made,
        base,
        records,
        expect="refused",
        at="load",
        errors=["tampered"],
    )
    twice["replace"] = [old[KEYS], records[KEYS]]
    return file


def bodies():
    file = File("Bodies that have no canonical form, or are no JSON.")
    made = whole(split=False)
    records = made.records()
    base = file.put("whole", records)
    signed_one = json.dumps(records[KEYS]["body"])
    assert signed_one.count('"version": 2,') == 1

    def put(name: str, comment: str, record: str, text: str, *errors: str, scope=None) -> None:
        vector = file.refused(name, comment, made, base, records, *errors, scope=scope)
        vector["replace"] = [{"name": record, "revision": records[record]["revision"], "text": text}]

    for title, record, scope in [
        ("head", "head", None),
        ("process", "process", None),
        ("keys", KEYS, None),
        ("tree", "tree", TENANT),
        ("demand", DEMAND, TENANT),
    ]:
        whole_text = json.dumps(records[record]["body"])
        for name, comment, text in [
            ("empty", "nothing", ""),
            ("cut", "cut off", whole_text[:-1]),
            ("null", "null", "null"),
            ("list", "a list", f"[{whole_text}]"),
            ("two", "two objects", whole_text * 2),
            ("comma", "a comma more", whole_text[:-1] + ",}"),
            ("html", "another text", "<html>"),
            ("bom", "a byte order mark", "\ufeff" + whole_text),
            ("space", "white space that is none of JSON", "\u00a0" + whole_text),
        ]:
            put(f"{title}-{name}", comment, record, text, scope=scope)
        text = whole_text.replace('"revision": ', '"revision": 1, "revision": ', 1)
        put(f"{title}-twice", "a member is there twice, the right one last", record, text, scope=scope)
    for name, number in [
        ("fraction", "2.0"),
        ("exponent", "2e0"),
        ("exponent-negative", "20E-1"),
        ("zero", "02"),
        ("plus", "+2"),
        ("true", "true"),
        ("text", '"2"'),
    ]:
        text = signed_one.replace('"version": 2,', f'"version": {number},')
        put(f"number-{name}", "the number 2 has one spelling", KEYS, text)
    text = signed_one.replace('"version": 2,', '"version": 2, "version": 2,')
    put("member-twice", "the same member twice", KEYS, text)
    for name, number in [
        ("fraction", "1.5"),
        ("above", str(2**64)),
        ("below", str(-(2**63) - 1)),
        ("huge", "1" * 400),
        ("exponent", "1e400"),
        ("minus-zero", "-0"),
        ("zero-fraction", "0.0"),
        ("nan", "NaN"),
        ("infinity", "-Infinity"),
        ("surrogate", '"\\ud800"'),
        ("surrogates-swapped", '"\\udc00\\ud800"'),
        ("control", '"\u0001"'),
        ("twice", '{"a":1,"a":1}'),
    ]:
        # Nobody could sign it, since it has no canonical form.
        text = signed_one.replace('"version": 2,', f'"version": 2, "more": {number},')
        put(f"unknown-{name}", "in a member that a later release may have written", KEYS, text)
        text = text.replace(f'"more": {number},', f'"ext": {{"more": {number}}},')
        put(f"ext-{name}", "the same in `ext`", KEYS, text)
    return file


FILES = {"changes": changes, "moves": moves, "bodies": bodies}
