"""Key stores at the bounds of their numbers and names: those at a bound load, and those above it are refused."""

from .store_invalid import DEMAND, KEYS, NODE, TENANT, whole
from .store_json import MAX_DATE
from .store_valid import small_store, tenants
from .store_vectors import File
from .store_writer import EPOCH, EU, Scope, Store, sealed

MAX_SCOPES = 2**53 - 1


def at_the_bound():
    file = File("Numbers and names at their bounds.")
    value = [sealed(1, "CANARY-bound")]

    def put(name: str, comment: str, made: Store, **more) -> None:
        file.valid(name, comment, made, values=value, **more)

    put("epoch-smallest", "epochs begin at 1", small_store(epoch=1))
    put("epoch-largest", "and end with the dates", small_store(epoch=MAX_DATE))
    for name, members in [
        ("heartbeat", {"heartbeat": MAX_DATE, "propagation": MAX_DATE}),
        ("propagation", {"propagation": MAX_DATE}),
        ("by", {"by": "é" * 100}),
        ("why", {"why": "é" * 250}),
        ("restored", {"restored": {"epoch": EPOCH, "revision": 2**63 - 1}}),
    ]:
        made = small_store(head=members)
        put(f"{name}-largest", f"`{name}` at its bound", made)
    made = small_store()
    made.process[""].keys[0] = made.entry(1, version=2**32 - 1)
    put("version-largest", "the last version", made)
    made = tenants(3, most=1)
    links = lambda body: [link.update(scopes=MAX_SCOPES) for link in body["children"].values()]  # noqa: E731
    roots = lambda body: [body[name].update(scopes=MAX_SCOPES) for name in ("process", "tree")]  # noqa: E731
    records = made.records({"head": roots, "tree": links})
    put("scopes-largest", "a link that counts 2^53 - 1 scopes", made, records=records)
    for length in (1, 200):
        name = "k" * length
        made = small_store(key_set=name, keks={name: EU})
        put(f"names-{length}", "of the key set and of the KEK", made)
    return file


def above_the_bound():
    file = File("Hashed and signed, and beyond the bounds of numbers and names.")
    made = whole(split=False)
    base = file.put("whole", made.records())
    split = whole()
    split_base = file.put("split", split.records())

    def put(name: str, comment: str, record: str, edit, *, scope=None, at=None, of=(made, base)) -> None:
        file.refused(name, comment, of[0], of[1], of[0].records({record: edit}), scope=scope, at=at)

    for name, epoch in [("0", 0), ("above", MAX_DATE + 1), ("largest", 2**64 - 1)]:
        other = made.copy(epoch=epoch)
        other.head.pop("restored")
        comment = "an epoch is from 1 to the last date; its store key unwraps"
        file.refused(f"epoch-{name}", comment, other, base, other.records())
    for name in ("heartbeat", "propagation"):
        for title, value in [("above", MAX_DATE + 1), ("largest", 2**64 - 1), ("negative", -1)]:
            comment = f"`{name}` beyond its bound"
            put(f"{name}-{title}", comment, "head", lambda body: body.update({name: value}))
    put("by-above", "201 bytes", "head", lambda body: body.update(by="x" * 201))
    put("why-above", "501 bytes", "head", lambda body: body.update(why="x" * 501))
    put(
        "restored-above",
        "of a later epoch than the head",
        "head",
        lambda body: body["restored"].update(epoch=EPOCH + 1),
    )
    for title, value in [("above", MAX_SCOPES + 1), ("largest", 2**64 - 1), ("negative", -1)]:
        for name, record, of, scope, edit in [
            ("process", "head", (made, base), None, lambda body: body["process"].update(scopes=value)),
            ("tree", "head", (made, base), None, lambda body: body["tree"].update(scopes=value)),
            (
                "child",
                "tree",
                (split, split_base),
                TENANT,
                lambda body: body["children"][NODE[-1]].update(scopes=value),
            ),
        ]:
            put(f"scopes-{name}-{title}", "a link that counts too many", record, edit, of=of, scope=scope)
    for part, record, scope in [("keys", KEYS, None), ("demand", DEMAND, TENANT)]:
        for title, value in [("0", 0), ("above", 2**32), ("largest", 2**64 - 1)]:
            comment = "a version is from 1 to 2^32 - 1"
            edit = lambda body: body["keys"][0].update(version=value)  # noqa: E731
            put(f"{part}-version-{title}", comment, record, edit, scope=scope)
    for length, name in [("256-ascii", "x" * 256), ("256", "é" * 128)]:
        comment = "the name of a scope has at most 255 bytes"
        for part in ("process", "demand"):
            other = made.copy()
            getattr(other, part)[name] = Scope(50, [other.entry(50, scope=name)])
            at = {"process": "load", "demand": "all"}[part]
            file.refused(f"{part}-scope-{length}", comment, other, base, other.records(), at=at)
    for length, name in [("0", ""), ("201", "k" * 201), ("201-utf8", "é" * 100 + "x")]:
        comment = "the name of a KEK has 1 to 200 bytes. The right one is there, too"
        more = lambda wraps: wraps.update({name: wraps["eu"]})  # noqa: E731
        put(f"kek-of-the-store-{length}", comment, "head", lambda body: more(body["store_key"]))
        put(f"kek-of-a-key-{length}", comment, KEYS, lambda body: more(body["keys"][0]["wraps"]))
        put(f"kek-on-demand-{length}", comment, DEMAND, lambda body: more(body["keys"][0]["wraps"]), scope=TENANT)
    return file


VALID = {"bounds": at_the_bound}
INVALID = {"bounds": above_the_bound}
