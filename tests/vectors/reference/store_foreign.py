"""Entries that a later release wrote, and that a reader has seen before: what may follow, and what must not go back."""

from collections.abc import Callable

from .store_memory import after, key, other_key, restored_from
from .store_valid import changed
from .store_vectors import File
from .store_writer import Scope, Store, sealed

# What a later release wrote: with an unknown member, purpose and state, and one that is loaded on demand.
FOREIGN = {2: ("", "member"), 3: ("", "purpose"), 4: ("", "state"), 6: ("acme", "demand")}
VALUES = [sealed(1, "CANARY-one"), sealed(7, "CANARY-seven"), sealed(5, "CANARY-acme", scope="acme")]
Edit = Callable[[Store, dict], None]


def seen() -> Store:
    made = Store(revision=20, next_id=30)
    made.process[""] = Scope(
        18,
        [
            made.entry(1),
            made.entry(2, "retired", version=2, later=1, changed=changed(18)),
            made.entry(3, purpose="token", changed=changed(17)),
            made.entry(4, "archived", version=4, changed=changed(16)),
            made.entry(7, "retired", version=7, changed=changed(15)),
        ],
    )
    made.process["slack"] = Scope(10, [made.entry(8, scope="slack")])
    made.demand["acme"] = Scope(
        18,
        [made.entry(5, scope="acme"), made.entry(6, "retired", scope="acme", version=2, later=1, changed=changed(18))],
    )
    return made


def edited(later: Store, id: int, edit: Edit) -> Store:
    """With a changed entry. The record that has it is of the store's revision."""
    scopes = [*later.process.values(), *later.demand.values()]
    scope = next(scope for scope in scopes if any(entry["id"] == id for entry in scope.keys))
    edit(later, key(later, id))
    scope.revision = later.revision
    return later


def remove(later: Store, entry: dict) -> None:
    for scope in [*later.process.values(), *later.demand.values()]:
        scope.keys[:] = [one for one in scope.keys if one is not entry]


def in_file(about: str) -> tuple[File, Store, dict]:
    file, made = File(about), seen()
    file.put("seen", made.records())
    return file, made, {"store": "seen", "replace": [], "remove": [], "scopes": ["acme"]}


def followed():
    file, made, before = in_file("What may follow on entries of a later release that a reader has seen.")

    def put(name: str, comment: str, later: Store, *, values=VALUES, unused=tuple(FOREIGN)) -> None:
        file.valid(name, comment, later, base="seen", before=before, values=values, unused=unused)

    put("same", "nothing has changed", made)
    put("next", "the next revision", after(made))
    for id, (_, name) in FOREIGN.items():
        later = edited(after(made), id, lambda _, entry: entry.update(later=2, changed=changed(21)))
        put(f"{name}-changed", "changed, with a higher `changed.revision`", later)
    later = edited(after(made), 4, lambda _, entry: entry.update(state="thawed", changed=changed(21)))
    put("state-another", "another unknown state", later)
    later = edited(after(made), 2, lambda _, entry: (entry.pop("later"), entry.update(changed=changed(21))))
    values, unused = [*VALUES, sealed(2, "CANARY-known")], tuple(id for id in FOREIGN if id != 2)
    put("known-now", "it has nothing unknown any more: its key is used", later, values=values, unused=unused)
    later = edited(after(made), 7, lambda _, entry: entry.update(later=1, changed=changed(21)))
    values = [value | {"opens": value["key"] != 7} for value in VALUES]
    comment = "a later release changed an entry that was known: its key is not used any more"
    put("foreign-now", comment, later, values=values, unused=(*FOREIGN, 7))
    later = after(made)
    later.process["acme"] = later.demand.pop("acme")
    later.process["acme"].revision = 21
    put("moved", "the scope is one of each process now, with the entry", later)
    back = made.copy(revision=14)
    for id in FOREIGN:
        edited(back, id, lambda _, entry: entry.update(later=0, changed=changed(9)))
    put("restored-older", "older, which somebody has accepted", restored_from(back, 40))
    for id in FOREIGN:
        edited(back, id, remove)
    put("restored-missing", "missing, which somebody has accepted", restored_from(back, 40), unused=())
    return file


def rolled_back():
    file, made, before = in_file("What must not go back, of entries that a later release wrote.")

    def put(name: str, comment: str, later: Store, scope: str) -> None:
        where = {"scope": scope or None, "before": before}
        file.refused(name, comment, later, "seen", later.records(), "rolled_back", **where)

    now = changed(22)
    edits: list[tuple[str, str, Edit]] = [
        ("unchanged", "a change with the `changed.revision` that it had", lambda _, entry: entry.update(later=2)),
        (
            "lower",
            "a change with a lower `changed.revision`",
            lambda _, entry: entry.update(later=2, changed=changed(1)),
        ),
        (
            "without",
            "a change, and no `changed` any more",
            lambda _, entry: (entry.update(later=2), entry.pop("changed")),
        ),
        ("missing", "it is gone", remove),
        ("purpose", "another `purpose`", lambda _, entry: entry.update(purpose="other", changed=now)),
        ("version", "another `version`", lambda _, entry: entry.update(version=9, changed=now)),
        ("created", "another `created`", lambda _, entry: entry.update(created=entry["created"] + 1, changed=now)),
        (
            "check",
            "another `check`",
            lambda later, entry: entry.update(other_key(later, entry, ""), changed=now),
        ),
    ]
    for id, (scope, title) in FOREIGN.items():
        for name, comment, edit in edits:
            put(f"{title}-{name}", comment, edited(after(made, 2), id, edit), scope)

    def known(later: Store, entry: dict) -> None:
        del entry["later"]

    put("known-unchanged", "it has nothing unknown any more, without a change", edited(after(made, 2), 2, known), "")
    foreign = edited(after(made, 2), 7, lambda _, entry: entry.update(later=1))
    put("foreign-unchanged", "a known entry has an unknown member, without a change", foreign, "")
    for name, comment, edit in edits[4:]:
        unknown = lambda later, entry: (edit(later, entry), entry.update(later=1))  # noqa: E731
        put(f"foreign-{name}", f"of an entry that was known: {comment}", edited(after(made, 2), 7, unknown), "")
        later = restored_from(edited(made.copy(), 2, edit), 40)
        put(f"restored-{name}", f"accepted, but {comment}", later, "")
    later = edited(after(made, 2), 2, remove)
    later.process["slack"].keys.insert(0, key(made, 2))
    later.process["slack"].revision = 22
    put("another-scope", "it is in another scope", later, "")
    return file


VALID = {"followed-foreign": followed}
INVALID = {"rolled-back-foreign": rolled_back}
