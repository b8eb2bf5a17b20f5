"""Key stores that a reader has seen before: what may follow, and what must not go back."""

from collections.abc import Callable

from . import store
from .store_json import b64
from .store_valid import changed
from .store_vectors import File
from .store_writer import EPOCH, NOW, THEN, Scope, Store, sealed, wrapped
from .stored import Key
from .vectors import derived


def seen() -> Store:
    """What the reader has seen: revision 20, with keys in every state."""
    made = Store(revision=20, next_id=30)
    made.process[""] = Scope(
        18,
        [
            made.entry(1, "retired", changed=changed(15)),
            made.entry(2, version=2, changed=changed(15)),
            made.entry(3, "destroyed", version=3, changed=changed(16)),
            made.entry(4, "compromised", version=4, changed=changed(17)),
            made.entry(5, "disabled", version=5, changed=changed(18)),
            made.entry(6, purpose="index"),
            made.entry(7, "retired", version=6, later=1, changed=changed(18)),
            made.entry(13, "disabled", version=8, compromised=THEN + 9100, changed=changed(18)),
            made.entry(14, "destroyed", version=9, compromised=THEN + 9100, changed=changed(18)),
        ],
    )
    made.process["slack"] = Scope(10, [made.entry(8, scope="slack")])
    made.demand["acme"] = Scope(
        12, [made.entry(9, "retired", scope="acme", changed=changed(12)), made.entry(10, scope="acme", version=2)]
    )
    made.demand["globex"] = Scope(
        13, [made.entry(11, "destroyed", scope="globex"), made.entry(12, scope="globex", version=2)]
    )
    return made


def after(made: Store, by: int = 1, **changes) -> Store:
    """The store so many revisions later, with the right `previous`."""
    later = made.copy(revision=made.revision + by, **changes)
    later.head = {"previous": b64(made.head_hash() if by == 1 else derived("key store", "a head between", 32))}
    return later


def restored_from(made: Store, revision: int) -> Store:
    """`made`, accepted at this revision after the store was set back."""
    epoch = NOW - 100
    return made.copy(
        revision=revision,
        epoch=epoch,
        next_id=100,
        head={"restored": {"epoch": epoch, "revision": made.revision}, "previous": b64(made.head_hash())},
    )


def set_back() -> Store:
    """An older copy of it: keys are missing, states are older."""
    made = seen()
    made.revision, made.next_id = 14, 12
    made.process[""] = Scope(
        14,
        [
            made.entry(1, changed=changed(5)),
            made.entry(3, "disabled", version=3, changed=changed(14)),
            made.entry(4, "retired", version=4, changed=changed(6)),
            made.entry(6, purpose="index"),
        ],
    )
    made.demand["globex"] = Scope(13, [made.entry(11, scope="globex", changed=changed(13))])
    return made


def key(made: Store, id: int) -> dict:
    scopes = [*made.process.values(), *made.demand.values()]
    return next(entry for scope in scopes for entry in scope.keys if entry["id"] == id)


def in_file(about: str) -> tuple[File, Store, dict]:
    file, made = File(about), seen()
    file.put("seen", made.records())
    before = {"store": "seen", "replace": [], "remove": [], "scopes": ["acme", "globex"]}
    return file, made, before


def followed():
    file, made, before = in_file("What may follow on what a reader has seen.")
    values = [sealed(1, "CANARY-one"), sealed(9, "CANARY-acme", scope="acme")]

    def put(name: str, comment: str, later: Store, **more) -> None:
        file.valid(name, comment, later, base="seen", before=before, **{"values": values, "unused": (7,)} | more)

    put("same", "nothing has changed", made)
    put("next", "the next revision, with the hash of the one before", after(made))
    put("far", "revisions that the reader has not seen between", after(made, 5, next_id=31))
    later = after(made, epoch=NOW - 50)
    put("renewed", "the store key was renewed", later)
    for name, id, now, before_it in [
        ("retired", 2, "retired", "active"),
        ("disabled", 1, "disabled", "retired"),
        ("enabled", 5, "retired", "disabled"),
        ("compromised", 1, "compromised", "retired"),
        ("compromised-disabled", 4, "disabled", "compromised"),
        ("compromised-destroyed", 4, "destroyed", "compromised"),
        ("disabled-compromised-destroyed", 13, "destroyed", "disabled, with a date `compromised`,"),
    ]:
        later = after(made)
        key(later, id).update(state=now, changed=changed(21))
        if now == "destroyed":
            key(later, id).update(wraps={}, destroyed=NOW - 10)
        later.process[""].revision = 21
        put(name, f"a key that was {before_it} is {now}", later, values=values if id != 1 else values[1:])
    later = after(made, next_id=31)
    later.process[""].keys.append(later.entry(30, "pending", version=7, changed=changed(21)))
    later.process[""].revision = 21
    put("published", "a key more", later)
    later = after(made)
    later.process["acme"] = later.demand.pop("acme")
    later.process["acme"].revision = 21
    put("moved", "a scope is one of each process now", later)
    later = after(made)
    key(later, 7).update(later=2, changed=changed(21))
    later.process[""].revision = 21
    put("later-release", "a later release changed an entry that this text does not know", later)
    back = set_back()
    for name, revision in [("above", 40), ("same", 20), ("next", 21), ("below", 15)]:
        comment = "keys are missing and states are older, which somebody has accepted"
        accepted = restored_from(back, revision)
        put(
            f"restored-{name}", f"at a revision {name} what was seen: {comment}", accepted, values=values[:1], unused=()
        )
    for name, id, was in [
        ("destroyed", 3, "destroyed"),
        ("compromised", 4, "compromised"),
        ("disabled-compromised", 13, "disabled, with a date `compromised`,"),
    ]:
        back = made.copy()
        entry = key(back, id)
        entry |= back.entry(id, "retired", version=entry["version"], changed=changed(22))
        for gone in {"disabled", "destroyed", "compromised"} & set(entry):
            del entry[gone]
        back.process[""].revision = 22
        comment = f"a key that was {was} is retired again, which somebody has accepted"
        more = [*values, sealed(id, "CANARY-again")]
        put(f"restored-{name}", comment, restored_from(back, 40), values=more)
    return file


def rolled_back():
    file, made, before = in_file("What must not go back.")

    def put(name: str, comment: str, later: Store, *errors: str, scope: str | None = None, **more) -> None:
        errors = errors or ("rolled_back",)
        file.refused(
            name, comment, later, "seen", later.records(), *errors, **{"before": before, "scope": scope} | more
        )

    put("another-store", "another id, and newer", after(made, 5, id=derived("key store", "another store", 16)))
    put("lower-revision", "a lower revision", made.copy(revision=19))
    lower = made.copy(revision=19, epoch=NOW - 50)
    put("lower-revision-renewed", "a lower revision in a higher epoch, without `restored`", lower)
    put("lower-epoch", "a higher revision of a lower epoch", after(made, 9, epoch=EPOCH - 1))
    other = made.copy(change="another change")
    put("same-revision", "the same revision with another head", other)
    other = after(made)
    other.head["previous"] = b64(derived("key store", "another history", 32))
    put("next-revision", "the next revision with another `previous`", other)
    other = after(made)
    other.head = {}
    put("next-revision-without", "the next revision without `previous`", other)
    other = after(made, epoch=NOW - 50)
    other.head["previous"] = b64(derived("key store", "another history", 32))
    put("next-revision-renewed", "the same in a higher epoch, without `restored`", other)
    put("next-id", "a lower `next_id`", after(made, 2, next_id=29), "rolled_back", "tampered")

    def entry(
        name: str,
        comment: str,
        id: int,
        edit: Callable[[Store, dict], None],
        scope: str | None = None,
        errors: tuple[str, ...] = ("rolled_back", "tampered"),
    ) -> None:
        later = after(made, 2)
        edit(later, key(later, id))
        for part in (later.process, later.demand):
            for one in part.values():
                one.revision = later.revision if any(entry["id"] == id for entry in one.keys) else one.revision
        put(name, comment, later, *errors, scope=scope)

    now = changed(22)
    for title, id, scope, name in [("process", 1, None, ""), ("demand", 9, "acme", "acme")]:
        entry(
            f"{title}-missing",
            "a key is missing",
            id,
            lambda later, entry: [
                one.keys.remove(entry)
                for part in (later.process, later.demand)
                for one in part.values()
                if entry in one.keys
            ],
            scope,
        )
        for member, value in [("version", 9), ("created", key(made, id)["created"] + 1)]:
            entry(
                f"{title}-{member}",
                f"another `{member}`",
                id,
                lambda _, entry: entry.update({member: value}, changed=now),
                scope,
            )
        entry(
            f"{title}-purpose",
            "another `purpose`",
            id,
            lambda later, entry: entry.update(later.entry(id, "retired", scope=name, purpose="file", changed=now)),
            scope,
        )
        entry(
            f"{title}-check",
            "another key",
            id,
            lambda later, entry: entry.update(other_key(later, entry, name), changed=now),
            scope,
        )
        entry(
            f"{title}-unchanged",
            "a change with the `changed.revision` that it had",
            id,
            lambda _, entry: entry.update(state="disabled"),
            scope,
        )
        entry(
            f"{title}-lower",
            "a change with a lower `changed.revision`",
            id,
            lambda _, entry: entry.update(state="disabled", changed=changed(1)),
            scope,
        )
    for name, id, state, was in [
        ("destroyed-disabled", 3, "disabled", "destroyed"),
        ("destroyed-retired", 3, "retired", "destroyed"),
        ("compromised-retired", 4, "retired", "compromised"),
    ]:
        entry(
            name,
            f"a key that was {was} is {state}",
            id,
            lambda later, entry: entry.update(later.entry(id, state, version=entry["version"], changed=now)),
        )
    entry(
        "demand-destroyed",
        "a key that was destroyed is retired",
        11,
        lambda later, entry: entry.update(later.entry(11, "retired", scope="globex", changed=now)),
        "globex",
    )
    for name, id, was, state, date in [
        ("compromised-retired-dated", 4, "compromised", "retired", True),
        ("compromised-pending-dated", 4, "compromised", "pending", True),
        ("compromised-active-dated", 4, "compromised", "active", True),
        ("compromised-disabled-undated", 4, "compromised", "disabled", False),
        ("compromised-destroyed-undated", 4, "compromised", "destroyed", False),
        ("compromised-undated", 4, "compromised", "compromised", False),
        ("disabled-retired-dated", 13, "disabled", "retired", True),
        ("disabled-retired-undated", 13, "disabled", "retired", False),
        ("disabled-undated", 13, "disabled", "disabled", False),
        ("destroyed-undated", 14, "destroyed", "destroyed", False),
    ]:

        def dated(later: Store, entry: dict) -> None:
            if state == "active":
                key(later, 2).update(state="retired", changed=now)
            dates = {"compromised": entry.pop("compromised")} if date else {}
            more = {"version": entry["version"], "changed": now}
            entry.clear()
            entry.update(later.entry(id, state, **{"compromised": None} | dates | more))

        comment = f"a key that was {was}, with a date `compromised`, is {state}, with{'' if date else 'out'} it"
        entry(name, comment, id, dated, errors=("rolled_back",))
    later = after(made, 2)
    disabled = key(later, 5)
    later.process[""].keys.remove(disabled)
    later.process["slack"].keys.insert(0, disabled)
    for scope in ("", "slack"):
        later.process[scope].revision = 22
    put("disabled-another-scope", "a key that nobody unwraps is in another scope", later, "rolled_back", "tampered")
    later = after(made, 2)
    del later.process["slack"]
    put("scope-missing", "a scope of each process is missing", later, "rolled_back", "tampered")
    later = after(made, 2)
    del later.demand["acme"]
    put("scope-missing-demand", "a scope on demand is missing", later, "rolled_back", "tampered", scope="acme")
    later = after(made, 2)
    later.process["slack"].keys[0] = later.entry(29, scope="slack")
    later.process["other"] = Scope(22, [later.entry(8, scope="other")])
    put("another-scope", "a key is in another scope", later, "rolled_back", "tampered")
    back = set_back()
    put("set-back", "the whole store, as it was", back)
    put(
        "set-back-renewed",
        "in a higher epoch, and nobody has accepted it",
        back.copy(revision=40, epoch=NOW - 100, next_id=100),
        "rolled_back",
        "tampered",
    )
    old = restored_from(back, 40)
    old.head["restored"] = {"epoch": EPOCH, "revision": 14}
    put("restored-before", "`restored` is of the epoch that was seen", old, "rolled_back", "tampered")
    later = {"restored": {"epoch": NOW - 100, "revision": 14}}
    above = after(made)
    above.head |= later
    put("restored-above", "`restored` is of a later epoch than the head", above, "tampered")
    comment = "the whole store, as it was, in the epoch that was seen: `restored` is of a later one"
    for name, revision in [("", 40), ("-same", 20), ("-lower", 14)]:
        above = back.copy(revision=revision, next_id=100, head=later)
        put(f"set-back-restored-above{name}", comment, above, "tampered", "rolled_back")
    again = restored_from(back, 40).copy(next_id=29)
    put("restored-next-id", "accepted with a lower `next_id`", again, "rolled_back", "tampered")
    given = restored_from(back, 40)
    given.process[""].keys.insert(1, given.entry(2, "retired", version=9) | other_key(given, key(given, 1), "", 2))
    put("restored-another-key", "accepted, and an id is of another key now", given, "rolled_back", "tampered")
    for name, given in [
        ("revision", f"{made.id.hex()} {EPOCH} 21"),
        ("epoch", f"{made.id.hex()} {EPOCH + 1} 1"),
        ("store", f"{bytes(16).hex()} {EPOCH} 20"),
    ]:
        file.vector(
            f"anchor-{name}",
            "the reader has seen nothing, and has an anchor",
            made,
            "seen",
            made.records(),
            anchor=given,
            expect="refused",
            at="load",
            errors=["rolled_back"],
        )
    return file


def other_key(made: Store, entry: dict, scope: str, id: int | None = None) -> dict:
    """The members by which an entry is of other bytes."""
    id = id or entry["id"]
    context = store.context_of_key(made.key_set, id, scope, "field")
    data = derived("key store", "another key", 32)
    wraps = {name: wrapped(kek, context, data) for name, kek in made.keks.items()}
    return {"check": b64(Key(id, data).check_value()), "wraps": wraps}


VALID = {"followed": followed}
INVALID = {"rolled-back": rolled_back}
