"""Key stores that load."""

import json
import re

from . import store
from .store_json import MAX_DATE, b64
from .store_vectors import File
from .store_writer import EPOCH, EU, NOW, THEN, US, Scope, Store, sealed
from .vectors import derived

# Names that are hard to write, or to sort.
NAMES = [
    "mandant/ä b",
    "ä",
    "a\u0308",
    "東京",
    "\U0001d504",
    "\uff5e",
    "\U00010000",
    '"quoted" and \\',
    "tab\tline\nreturn\r",
    "\b\f\x00\x01\x1f\x7f\x80",
    "\u2028\ufeff",
    "'; DROP TABLE keys; --",
    " ",
    "head",
    "process",
    "tree/0",
    "x" * 255,
    "é" * 127 + "x",
]


def small_store(**changes) -> Store:
    made = Store(**changes)
    made.process[""] = Scope(1, [made.entry(1)])
    return made


def tenants(count: int, *, most: int = 32) -> Store:
    """A default scope with key 1, and scopes `tenant-0` with key 2, `tenant-1` with key 3, and so on."""
    made = small_store(revision=count + 1, next_id=count + 2, most=most)
    for number in range(count):
        name = f"tenant-{number}"
        made.demand[name] = Scope(number + 2, [made.entry(number + 2, scope=name, changed=changed(number + 2))])
    return made


def changed(revision: int, **more) -> dict:
    return {"revision": revision, "date": THEN + revision} | more


def small():
    file = File("The smallest stores, several KEKs, and the largest numbers.")
    made = small_store()
    value = [sealed(1, "CANARY-in-the-store")]
    file.valid("one-key", "one key, one KEK", made, values=value, absent=["acme"])
    file.valid(
        "another-kek-given",
        "a reader may have more KEKs than the store",
        made,
        base="one-key",
        values=value,
        keks={"eu": EU, "us": US},
    )
    two = small_store(keks={"eu": EU, "us": US})
    for given in (["eu", "us"], ["us", "eu"], ["eu"], ["us"]):
        keks = {name: two.keks[name] for name in given}
        base = None if given == ["eu", "us"] else "two-keks-eu-us"
        file.valid("two-keks-" + "-".join(given), "both KEKs, or one of them", two, base=base, values=value, keks=keks)
    half = two.copy(next_id=3)
    half.process[""].keys.append(half.copy(keks={"us": US}).entry(2, "retired", version=2))
    comment = "key 2 lacks a wrap under eu, since eu was out of reach: `waiting`"
    file.valid("a-wrap-is-missing", comment, half, values=[sealed(2, "CANARY-two")])
    odd = small_store(keks={"ä": EU, "\uff5e": US, "\U00010000": derived("key store", "third kek", 32)})
    comment = "the names of KEKs are members, and sort by UTF-8 and not by UTF-16"
    file.valid("names-of-keks", comment, odd, values=value, keks={"\uff5e": US})
    large = Store(revision=2**63 - 1, next_id=2**32, epoch=MAX_DATE)
    large.process[""] = Scope(2**63 - 1, [large.entry(2**32 - 1, version=2**32 - 1)])
    large.head |= {"heartbeat": MAX_DATE // 4, "propagation": MAX_DATE}
    comment = "the last id, with a `next_id` above it; the last revision"
    file.valid("largest-numbers", comment, large, values=[sealed(2**32 - 1, "CANARY-largest")])
    only = Store()
    only.demand["acme"] = Scope(1, [only.entry(1, scope="acme")])
    file.valid("no-process", "no scope that each process loads", only, values=[sealed(1, "CANARY-acme", scope="acme")])
    empty = small_store(next_id=9)
    empty.process["slack"] = Scope(1, [])
    file.valid("a-scope-without-keys", "and ids that were passed over", empty, values=value)
    file.valid(
        "records-that-no-link-names",
        "they are no part of the store: a scope that changed its part leaves one behind",
        made,
        made.records()
        | {
            name: {"name": name, "revision": revision, "body": {"revision": revision, "scope": "acme", "keys": []}}
            for name, revision in [
                (f"demand/{store.digest('acme')}", 1),
                (f"process/{store.digest('acme')}", 9),
                ("tree", 1),
            ]
        },
        base="one-key",
        values=value,
        absent=["acme"],
    )
    return file


def states():
    file = File("Scopes of each process, purposes and states; entries that a later release wrote.")
    made = Store(revision=12, next_id=30)
    made.process[""] = Scope(
        12,
        [
            made.entry(1, "destroyed", changed=changed(12, by="ops@example.com", why='The "old" key — gone\n')),
            made.entry(2, "disabled", version=2, changed=changed(9)),
            made.entry(3, "compromised", version=3, changed=changed(8)),
            made.entry(4, "retired", version=4, enabled=THEN + 9999, changed=changed(7)),
            made.entry(5, version=5, seal_until=THEN + 10**8, changed=changed(7)),
            made.entry(6, "pending", version=6, created=NOW - 60, changed=changed(11)),
            made.entry(7, purpose="index"),
            made.entry(8, purpose="file"),
            made.entry(9, "disabled", version=7, compromised=THEN + 9100, changed=changed(10)),
        ],
    )
    made.process["slack"] = Scope(4, [made.entry(10, scope="slack"), made.entry(11, scope="slack", purpose="index")])
    made.process["payments"] = Scope(
        5, [made.entry(12, "retired", scope="payments"), made.entry(13, scope="payments", version=2)]
    )
    made.demand["acme"] = Scope(
        6,
        [
            made.entry(14, "destroyed", scope="acme"),
            made.entry(15, "retired", scope="acme", version=2),
            made.entry(16, scope="acme", version=3),
            made.entry(17, "pending", scope="acme", version=4, created=NOW - 60),
        ],
    )
    made.demand["gone"] = Scope(6, [made.entry(18, "destroyed", scope="gone")])
    values = [
        *(sealed(id, "CANARY-disabled", opens=False) for id in (2, 9)),
        sealed(4, "CANARY-retired"),
        sealed(5, "CANARY-active"),
        sealed(6, "CANARY-pending"),
        sealed(10, "CANARY-slack", scope="slack"),
        sealed(12, "CANARY-payments", scope="payments"),
        sealed(13, "CANARY-payments", scope="payments"),
        sealed(15, "CANARY-acme", scope="acme"),
        sealed(16, "CANARY-acme", scope="acme"),
    ]
    comment = "every state; key 9 was compromised and became disabled then"
    file.valid("whole", comment, made, values=values, absent=["Acme", "acm", "acme\0", "paymentsx"])
    nested = {"\U00010000": [1, -2, 2**64 - 1, -(2**63), None, True, False, "\u007f\u2028/"], "\uff5e": {}, "": 0}
    later = made.copy()
    later.process[""].keys += [
        later.entry(20, purpose="token", version=1),
        later.entry(21, "archived", version=8),
        later.entry(22, "retired", version=9, later=nested),
        later.entry(23, purpose="audit"),
        later.entry(24, purpose="store"),
        later.entry(25, "retired", version=10, changed=changed(3, ticket="OPS-1")),
        later.entry(26, version=11, retires_at=1),
    ]
    later.demand["acme"].keys.append(later.entry(27, scope="acme", purpose="token"))
    unused = (20, 21, 22, 23, 24, 25, 26, 27)
    values = values + [sealed(id, "CANARY-unknown", opens=False) for id in (21, 22, 25, 26)]
    comment = (
        "entries with an unknown purpose (also a reserved one), state or member (also in `changed`): not used, all "
        "others are. Key 26 says it is active; key 5 is the one to seal with"
    )
    file.valid("unknown-entries", comment, later, values=values, unused=unused)
    odd = made.copy()
    wrong = {"version": 2**32, "wraps": {"eu": 7}, "check": 7, "created": "then", "ext": [], "more": 1}
    odd.process[""].keys.append(odd.entry(20, "retired") | wrong)
    comment = "of an entry with an unknown member only the id must be valid"
    file.valid("unknown-entry-odd", comment, odd, values=values[:3], unused=(20,))
    return file


def on_demand():
    file = File("Scopes that are loaded on demand: how the tree splits, and names that are hard to write.")
    for count in (1, 2, 32, 33, 600):
        made = tenants(count)
        picked = sorted({0, 1, count // 2, count - 1} & set(range(count)))
        values = [sealed(number + 2, f"CANARY-tenant-{number}", scope=f"tenant-{number}") for number in picked]
        comment = {
            32: "as many as `tree` holds itself",
            33: "one more: `tree` has children",
            600: "children of children",
        }
        absent = [f"tenant-{count}", f"tenant-{count + 1}", "tenant-", "nobody"]
        file.valid(f"scopes-{count}", comment.get(count, "in `tree` itself"), made, values=values, absent=absent)
    made = small_store(revision=2, next_id=len(NAMES) + 2)
    for id, name in enumerate(NAMES, 2):
        made.demand[name] = Scope(2, [made.entry(id, scope=name)])
    values = [sealed(id, f"CANARY-name-{id}", scope=name) for id, name in enumerate(NAMES, 2)]
    comment = "not ASCII, quotes, control characters, beyond the BMP, names of records, as long as may be"
    file.valid("names-on-demand", comment, made, values=values, absent=["Ä", "\u00e4\u0308", " " * 2])
    made = made.copy(demand={}, process=made.process | made.demand)
    file.valid("names-in-process", "the same in each process", made, values=values)
    made = tenants(3, most=1)
    values = [sealed(number + 2, "CANARY-split", scope=f"tenant-{number}") for number in range(3)]
    file.valid("split-early", "a reader does not ask why a node has children", made, values=values, absent=["tenant-3"])
    made = tenants(33, most=33)
    file.valid("not-split", "nor why it has none", made, values=[sealed(34, "CANARY-33", scope="tenant-32")])
    made = tenants(1, most=0)
    comment = "a node whose name has 16 digits has no children"
    file.valid("deepest", comment, made, values=[sealed(2, "CANARY-deep", scope="tenant-0")], absent=["tenant-1"])
    made = tenants(3)

    def wrong(body: dict) -> None:
        for link in [body["tree"], body["process"]]:
            link |= {"scopes": 7, "oldest": 1, "waiting": 1}

    comment = "a reader checks neither `scopes` nor `oldest` nor `waiting` of a link"
    file.valid("counts-and-dates", comment, made, made.records({"head": wrong}))
    return file


def spelling():
    file = File("The same bodies, spelled otherwise: a database may do that.")
    made = Store(revision=3, next_id=4)
    why = 'ä "q" \\ / \b\f\n\r\t\x00\x1f\x7f \u2028\ufeff \U0001d504'
    made.process[""] = Scope(2, [made.entry(1, changed=changed(2, by="ä", why=why))])
    made.demand["a\x01ä\U0001d504"] = Scope(3, [made.entry(2, scope="a\x01ä\U0001d504")])
    made.head |= {"by": "\U00010000\uff5e", "why": why}
    records = made.records()
    base = file.put("plain", records)
    values = [sealed(1, "CANARY-one"), sealed(2, "CANARY-two", scope="a\x01ä\U0001d504")]

    def spelled(how) -> dict:
        return {
            name: {"name": name, "revision": record["revision"], "text": how(record["body"])}
            for name, record in records.items()
        }

    def backwards(value):
        if isinstance(value, dict):
            return {name: backwards(value[name]) for name in sorted(value, reverse=True)}
        return [backwards(one) for one in value] if isinstance(value, list) else value

    def escaped(body) -> str:
        def unit(match) -> str:
            units = match[0].encode("utf-16-be")
            return "".join(f"\\u{units[i:i + 2].hex().upper()}" for i in range(0, len(units), 2))

        return re.sub(r"[^\x00-\x7f]|(?<=[a-z0-9])/", unit, json.dumps(body, ensure_ascii=False))

    for name, comment, how in [
        ("canonical", "in the canonical form", lambda body: store.canonical(body).decode()),
        (
            "white-space",
            "indented, with all four characters of white space around",
            lambda body: "\r\n\t " + json.dumps(body, indent=3) + "\n",
        ),
        ("order", "members in another order", lambda body: json.dumps(backwards(body), ensure_ascii=False)),
        ("ascii", "everything else as \\u escapes in lower case", json.dumps),
        ("escapes", "and in upper case, `/` too", escaped),
    ]:
        vector = file.valid(name, comment, made, records, base=base, values=values)
        vector |= file.step(base, spelled(how))
    return file


def heads():
    file = File("Heads: a renewed store key, a restored store, anchors, and heads that are frozen.")
    first = Store(revision=7, next_id=4)
    first.process[""] = Scope(6, [first.entry(1, "retired"), first.entry(2, version=2, changed=changed(6))])
    first.demand["acme"] = Scope(3, [first.entry(3, scope="acme")])
    values = [sealed(1, "CANARY-one"), sealed(3, "CANARY-acme", scope="acme")]
    renewed = first.copy(revision=8, epoch=NOW - 500)
    renewed.head |= {"previous": b64(first.head_hash()), "by": "ops@example.com", "why": "Köln's KEK was withdrawn"}
    file.valid("renewed", "the store key was renewed: a higher epoch", renewed, values=values)
    restored = renewed.copy(revision=20, epoch=NOW - 100, next_id=1000)
    restored.head |= {
        "restored": {"epoch": NOW - 100, "revision": 8},
        "previous": b64(renewed.head_hash()),
        "why": "Backup of Tuesday",
    }
    file.valid("restored", "a store that was set back was accepted", restored, values=values)
    later = restored.copy(revision=21)
    later.head |= {"previous": b64(restored.head_hash())}
    later.head = {name: value for name, value in later.head.items() if name not in ("by", "why")}
    file.valid("restored-before", "and changed since: `restored` stays", later, values=values)
    for name, given, comment in [
        ("same", f"{first.id.hex()} {NOW - 500} 8", "of this very head"),
        ("lower-revision", f"{first.id.hex()} {NOW - 500} 3", "a lower revision"),
        ("lower-epoch", f"{first.id.hex()} {EPOCH} 9", "a higher revision of a lower epoch"),
    ]:
        file.valid(f"anchor-{name}", f"an anchor: {comment}", renewed, base="renewed", anchor=given, values=values)
    for name, heartbeat, age, frozen, comment in [
        ("fresh", 86_400, 0, False, "just signed"),
        ("just-fresh", 86_400, 2 * 86_400 + 300, False, "twice the heartbeat and five minutes"),
        ("just-frozen", 86_400, 2 * 86_400 + 301, True, "a second more; values open, and none is sealed"),
        ("no-heartbeat", 0, 10**9, False, "a heartbeat of 0: never"),
        ("future", 86_400, -200, False, "signed by a clock that is ahead"),
        ("far-future", 86_400, -(10**6), False, "a date in the future counts as now"),
    ]:
        made = renewed.copy()
        made.head |= {"heartbeat": heartbeat, "propagation": 2 * heartbeat + 600, "signed": NOW - age}
        file.valid(
            f"heartbeat-{name}",
            f"seen for the first time: {comment}",
            made,
            base="renewed",
            frozen=frozen,
            values=values,
        )
    return file


FILES = {"small": small, "states": states, "on-demand": on_demand, "spelling": spelling, "heads": heads}
