"""Key stores that must be refused though they are signed: by somebody who has the KEK and writes nonsense, by a later
release, or with keys that are wrapped for something else."""

import copy

from . import store
from .store_invalid import DEMAND, FIRST, KEYS, NODE, STRANGER, TENANT, whole
from .store_json import MAX_DATE, b64
from .store_valid import tenants
from .store_vectors import File
from .store_writer import US, Scope, data_key, wrapped
from .vectors import derived


def signed():
    """Only who has the KEK can do this. A reader refuses it all the same: it may be a mistake, or a later release."""
    file = File("Hashed and signed, and against the text.")
    made = whole(split=False)
    base = file.put("whole", made.records())
    split = whole()
    split_base = file.put("split", split.records())

    def put(name: str, comment: str, record: str, edit, *errors: str, scope=None, at=None, of=(made, base)) -> None:
        file.refused(name, comment, of[0], of[1], of[0].records({record: edit}), *errors, scope=scope, at=at)

    def head(name: str, comment: str, **members) -> None:
        put(f"head-{name}", comment, "head", lambda body: body.update(members))

    head("revision-0", "revisions begin at 1", revision=0)
    head("revision-above", "and end at 2^63 - 1", revision=2**63)
    head("id", "15 bytes", store=b64(bytes(15)))
    head("next-id-0", "ids begin at 1", next_id=0)
    head("next-id-above", "and end at 2^32 - 1", next_id=2**32 + 1)
    head("null", "null is not the same as absent", previous=None)
    head("date", "before 1970", signed=-1)
    head("date-above", "the year 10000", signed=MAX_DATE + 1)
    head("date-largest", "no clock goes that far", signed=2**64 - 1)
    head("text-for-number", "a number as a text", heartbeat="86400")
    head("long-by", "more than 200 bytes", by="é" * 101)
    for name in ("next_id", "signed", "change", "heartbeat", "propagation"):
        put(f"head-without-{name}", "it is always there", "head", lambda body: body.pop(name))
    put("head-link-without-hash", "a link has a hash", "head", lambda body: body["process"].pop("hash"))

    put("node-both", "scopes and children", "tree", lambda body: body.update(children={}), scope=TENANT)
    put("node-neither", "neither of them", "tree", lambda body: body.pop("scopes"), scope=TENANT)
    process = split.records()["tree"]["body"]["children"]
    put(
        "process-children",
        "`process` never has children",
        "process",
        lambda body: (body.pop("scopes"), body.update(children=process)),
    )
    where = {"of": (split, split_base), "scope": TENANT}
    upper = next(digit for digit in process if digit.isalpha())
    put(
        "node-upper-case",
        "digits are in lower case",
        "tree",
        lambda body: body["children"].update({upper.upper(): body["children"].pop(upper)}),
        **where,
    )
    put(
        "node-two-digits",
        "one digit at a time",
        "tree",
        lambda body: body["children"].update({FIRST[:2]: process[FIRST[0]]}),
        **where,
    )
    wrong = split.records()[f"tree/{store.digest(STRANGER)[0]}"]["body"]["scopes"][0]
    mixed = lambda body: body.update(
        scopes=sorted([*body["scopes"], wrong], key=lambda link: store.digest(link["scope"]))
    )  # noqa: E731
    put("node-stranger", "it has a scope whose digest begins with another digit", NODE, mixed, **where)
    put(
        "node-order",
        "links are by the digests of their scopes",
        "tree",
        lambda body: body["scopes"].reverse(),
        scope=TENANT,
    )
    put(
        "node-twice",
        "a scope is there twice",
        "tree",
        lambda body: body["scopes"].insert(1, body["scopes"][0]),
        scope=TENANT,
    )
    put("process-order", "links are by the digests of their scopes", "process", lambda body: body["scopes"].reverse())
    put("process-twice", "a scope is there twice", "process", lambda body: body["scopes"].insert(1, body["scopes"][0]))
    put(
        "node-revision", "its revision is above the head's", "tree", lambda body: body.update(revision=51), scope=TENANT
    )
    put(
        "scope-revision",
        "its revision is above the head's",
        DEMAND,
        lambda body: body.update(revision=51),
        scope=TENANT,
    )
    put("keys-revision", "its revision is above the head's", KEYS, lambda body: body.update(revision=51))
    put("scope-of-another", "it names another scope", DEMAND, lambda body: body.update(scope="tenant-1"), scope=TENANT)
    put("keys-of-another", "it names another scope", KEYS, lambda body: body.update(scope="slack"))
    deep = tenants(1, most=0)
    too_deep, leaf = file.put("deep", deep.records()), f"tree/{FIRST[:16]}"
    below = f"tree/{FIRST[:17]}"
    body = deep.records()[leaf]["body"]
    child = {"hash": b64(store.record_hash(below, body)), "scopes": 1}
    records = deep.records({leaf: lambda node: (node.pop("scopes"), node.update(children={FIRST[16]: child}))})
    records |= {below: {"name": below, "revision": body["revision"], "body": body}}
    comment = "a node whose name has 16 digits has no children"
    file.refused("node-too-deep", comment, deep, too_deep, records, scope=TENANT)
    both = made.copy()
    both.demand["slack"] = copy.deepcopy(both.process["slack"])
    comment = "a scope is in both parts. Whoever reads only what it needs takes that of `process`"
    file.refused("both-parts", comment, both, base, both.records(), at="all")

    def entry(name: str, comment: str, edit, *errors: str) -> None:
        for title, record, scope in [("keys", KEYS, None), ("demand", DEMAND, TENANT)]:
            put(f"{title}-{name}", comment, record, lambda body: edit(body["keys"]), *errors, scope=scope)

    entry("id-0", "ids begin at 1", lambda keys: keys[0].update(id=0))
    entry(
        "id-next",
        "an id that is not below `next_id`",
        lambda keys: keys.append(keys[1] | {"id": 60, "version": 9, "state": "disabled"}),
    )
    entry(
        "id-twice",
        "two entries have one id",
        lambda keys: keys.insert(1, keys[0] | {"version": 9, "state": "disabled"}),
    )
    entry("id-order", "entries are by id", lambda keys: keys.reverse())
    entry("id-missing", "an entry without an id", lambda keys: keys[0].pop("id"))
    entry(
        "id-missing-unknown",
        "also one that a later release wrote has an id",
        lambda keys: (keys[0].pop("id"), keys[0].update(more=1)),
    )
    entry("entry-number", "an entry is an object", lambda keys: keys.insert(0, 7))
    entry("entry-date", "a date is a number", lambda keys: keys[0].update(activated="2026-01-01"))
    entry("entry-date-above", "the year 10000", lambda keys: keys[0].update(created=MAX_DATE + 1))
    entry("entry-date-largest", "no clock goes that far", lambda keys: keys[0].update(seal_until=2**64 - 1))
    entry("entry-null", "null is not the same as absent", lambda keys: keys[0].update(retired=None))
    entry("entry-state-number", "a state is a text", lambda keys: keys[0].update(state=1))
    for name in ("purpose", "version", "state", "created", "check", "wraps", "changed"):
        entry(f"entry-without-{name}", "it is always there", lambda keys: keys[0].pop(name))
    entry(
        "two-active",
        "two keys of one scope and purpose are active",
        lambda keys: [key.update(state="active") for key in keys[:2]],
    )
    entry(
        "two-versions",
        "two keys of one scope and purpose have one version",
        lambda keys: keys[1].update(version=keys[0]["version"]),
    )
    twice = made.copy()
    twice.process["slack"].keys[0] = twice.entry(1, scope="slack")
    file.refused("one-id-in-process", "two scopes of each process have one id", twice, base, twice.records())
    twice = made.copy()
    twice.demand["tenant-1"].keys[0] = twice.entry(2, scope="tenant-1")
    file.refused(
        "one-id-on-demand",
        "two scopes on demand have one id: who reads both refuses",
        twice,
        base,
        twice.records(),
        at="all",
    )
    twice = made.copy()
    twice.demand[TENANT].keys[0] = twice.entry(1, scope=TENANT)
    file.refused(
        "one-id-in-both",
        "a scope on demand has the id of a key of each process",
        twice,
        base,
        twice.records(),
        scope=TENANT,
    )
    foreign_ids(file, base)
    return file


def foreign_ids(file: File, base: str) -> None:
    """One id in two scopes, where one of the entries, or both, are of a later release."""
    for name, first, second in [
        ("first", {"purpose": "token"}, {}),
        ("second", {}, {"state": "archived"}),
        ("both", {"more": 1}, {"more": 1}),
    ]:

        def twice(parts: tuple[str, str], scopes: tuple[str, str], id: int, **more) -> None:
            made = whole(split=False)
            for part, scope, members in zip(parts, scopes, (first, second), strict=True):
                keys = getattr(made, part)[scope].keys
                entry = made.entry(id, "retired", scope=scope, version=9) | members
                keys[:] = sorted([entry, *(key for key in keys if key["id"] != id)], key=lambda key: key["id"])
            title, which = "-and-".join(parts), {"both": "both entries are"}.get(name, f"the {name} entry is")
            comment = f"two scopes have one id, and {which} of a later release"
            file.refused(f"one-id-{title}-foreign-{name}", comment, made, base, made.records(), **more)

        twice(("process", "process"), ("", "slack"), 50)
        twice(("process", "demand"), ("slack", TENANT), 50, scope=TENANT)
        twice(("demand", "demand"), (TENANT, "tenant-1"), 50, at="all")


def wraps():
    file = File("Wrapped keys that are not for what they stand at.")
    made = whole(split=False).copy(keks={"eu": whole().keks["eu"], "us": US})
    eu = {"keks": {"eu": made.keks["eu"]}}
    made.process, made.demand = {}, {}
    made.process[""] = Scope(4, [made.entry(1, "retired"), made.entry(2, version=2)])
    made.process["slack"] = Scope(4, [made.entry(3, scope="slack")])
    made.demand[TENANT] = Scope(4, [made.entry(4, scope=TENANT)])
    records = made.records()
    base = file.put("whole", records)
    kek, other = made.keks["eu"], derived("key store", "another kek", 32)
    store_key = made.store_key()

    def of_store(name: str, comment: str, wrap: str) -> None:
        edit = lambda body: body["store_key"].update(eu=wrap)  # noqa: E731
        file.refused(f"store-key-{name}", comment, made, base, made.records({"head": edit}), "wrap", "tampered", **eu)

    for name, comment, key_set, id, epoch in [
        ("of-another-key-set", "for another key set", "other", made.id, made.epoch),
        ("of-another-store", "for another store", made.key_set, bytes(16), made.epoch),
        ("of-another-epoch", "for another epoch", made.key_set, made.id, made.epoch + 1),
    ]:
        of_store(name, comment, wrapped(kek, store.context_of_store(key_set, id, epoch), store_key))
    of_store(
        "as-data-key", "as a data key", wrapped(kek, store.context_of_key(made.key_set, 1, "", "store"), store_key)
    )
    right = store.context_of_store(made.key_set, made.id, made.epoch)
    of_store("of-another-kek", "under another KEK", wrapped(other, right, store_key))
    of_store("another", "another key", wrapped(kek, right, derived("key store", "another store key", 32)))
    for name, wrap in [("empty", ""), ("short", b64(bytes(71))), ("zeros", b64(bytes(72))), ("long", b64(bytes(73)))]:
        of_store(name, "no wrapped key of this KEK", wrap)
    comment = "no KEK of the store is given"
    file.refused("no-kek", comment, made, base, records, "wrap", keks={"de": other})
    file.refused("wrong-kek", "another KEK by the name of one", made, base, records, "wrap", keks={"eu": other})
    file.refused(
        "swapped-keks", "each by the name of the other", made, base, records, "wrap", keks={"eu": US, "us": kek}
    )
    foreign = made.copy(key_set="other")
    file.put("other", foreign.records())
    comment = "a whole store of another key set"
    file.refused("another-key-set", comment, foreign, "other", foreign.records(), "wrap", key_set="vectors", **eu)
    head = foreign.records({"head": lambda body: body["store_key"].update(records["head"]["body"]["store_key"])})
    comment = "with the store key wrapped for this one: the MAC names the key set"
    file.refused("head-of-another-key-set", comment, made, base, records | {"head": head["head"]}, "tampered", **eu)

    for title, record, scope, id, name in [("keys", KEYS, None, 2, ""), ("demand", DEMAND, TENANT, 4, TENANT)]:

        def of_key(kind: str, comment: str, wrap: str | None, *errors: str) -> None:
            def edit(body: dict) -> None:
                wraps = body["keys"][-1]["wraps"]
                wraps.pop("eu") if wrap is None else wraps.update(eu=wrap)

            file.refused(
                f"{title}-{kind}",
                comment,
                made,
                base,
                made.records({record: edit}),
                *(errors or ("wrap",)),
                scope=scope,
                **eu,
            )

        for kind, comment, context in [
            ("of-another-id", "for another id", store.context_of_key("vectors", 9, name, "field")),
            ("of-another-scope", "for another scope", store.context_of_key("vectors", id, "other", "field")),
            ("of-another-purpose", "for another purpose", store.context_of_key("vectors", id, name, "index")),
            ("of-another-key-set", "for another key set", store.context_of_key("other", id, name, "field")),
            ("as-store-key", "as a store key", store.context_of_store("vectors", made.id, made.epoch)),
        ]:
            of_key(kind, comment, wrapped(kek, context, data_key(id)))
        right = store.context_of_key("vectors", id, name, "field")
        of_key("of-another-kek", "under another KEK", wrapped(other, right, data_key(id)))
        of_key("another", "another key: its check value differs", wrapped(kek, right, data_key(99)), "tampered", "wrap")
        of_key("none", "no wrap under the KEK that is given", None)
        of_key("empty", "no bytes", "")
    return file


def upgrades():
    file = File("Authentic stores of a later release: refused, with the advice to upgrade.")
    made = whole(split=False)
    records = made.records()
    base = file.put("whole", records)

    def put(name: str, comment: str, record: str, edit, *errors: str, scope=None) -> None:
        file.refused(name, comment, made, base, made.records({record: edit}), *(errors or ("upgrade",)), scope=scope)

    put("version-2", "a later version", "head", lambda body: body.update(version=2))
    put("version-0", "an earlier one", "head", lambda body: body.update(version=0))
    put("version-4294967297", "2^32 + 1 is not 1", "head", lambda body: body.update(version=2**32 + 1))
    for name, text in [
        ("alone", '{"version": 2}'),
        ("numbers", '{"version": 2, "load": 0.5}'),
        ("revision", '{"version": 2, "revision": "x"}'),
        ("last", '{"mac": {}, "store": [1, 2], "version": 2}'),
    ]:
        vector = file.refused(
            f"version-2-{name}", "the version comes before anything else", made, base, records, "upgrade"
        )
        vector["replace"] = [{"name": "head", "revision": 50, "text": text}]
    put("head", "an unknown member of the head", "head", lambda body: body.update(more=1))
    put("restored", "of `restored`", "head", lambda body: body["restored"].update(more=1))
    put("head-link", "of a link in the head", "head", lambda body: body["process"].update(more=1))
    put(
        "head-link-scope",
        "a link to a node names no scope",
        "head",
        lambda body: body["process"].update(scope=""),
        "upgrade",
        "tampered",
    )
    put("process", "of `process`", "process", lambda body: body.update(more=1))
    put("process-link", "of a link", "process", lambda body: body["scopes"][0].update(more=1))
    put(
        "process-link-scopes",
        "a link to a scope counts no scopes",
        "process",
        lambda body: body["scopes"][0].update(scopes=1),
        "upgrade",
        "tampered",
    )
    put("keys", "of a scope of each process", KEYS, lambda body: body.update(more=None))
    put("tree", "of a node", "tree", lambda body: body.update(more={}), scope=TENANT)
    put("tree-link", "of a link", "tree", lambda body: body["scopes"][0].update(more=1), scope=TENANT)
    put("demand", "of a scope on demand", DEMAND, lambda body: body.update(more=[]), scope=TENANT)
    return file


FILES = {"signed": signed, "wraps": wraps, "upgrades": upgrades}
