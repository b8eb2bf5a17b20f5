"""JSON of a key store: strict reading, the canonical form, and the shapes of objects. KEY-STORE.md sections 1 and 2."""

import base64
import binascii
import json
from collections.abc import Callable

ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
MAX_BODY = 1 << 20
# The last second of the year 9999.
MAX_DATE = 253_402_300_799


class Refused(Exception):
    """A store that must not be used, or a part of it; `error` is the class."""

    def __init__(self, error: str, why: str):
        super().__init__(f"{error}: {why}")
        self.error = error


class Absent(Exception):
    """The store is authentic, and has no such scope."""


def tampered(why: str) -> Refused:
    return Refused("tampered", why)


def parse(text: str, where: str, limit: int | None = MAX_BODY) -> dict:
    """One object. Refuses what has no canonical form, and members that are there twice."""
    if limit is not None and len(text.encode("utf-8", "surrogatepass")) > limit:
        raise tampered(f"{where}: longer than {limit} bytes")

    def integer(digits: str) -> int:
        value = int(digits)
        if digits == "-0" or not -(2**63) <= value <= 2**64 - 1:
            raise ValueError("a number that is no integer of 64 bits")
        return value

    def no_integer(_: str):
        raise ValueError("a number that is no integer")

    def members(pairs: list[tuple[str, object]]) -> dict:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a member is there twice")
        return dict(pairs)

    hooks = {"parse_int": integer, "parse_float": no_integer, "parse_constant": no_integer}
    try:
        value = json.loads(text, object_pairs_hook=members, **hooks)
        canonical(value)
    except (ValueError, RecursionError) as e:
        raise tampered(f"{where}: {e}") from e
    if not isinstance(value, dict):
        raise tampered(f"{where}: no object")
    return value


def refuse_other_versions(text: str, where: str) -> None:
    try:
        version = json.loads(text)["version"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return
    if type(version) is int and version != 1:
        raise Refused("upgrade", f"{where}: version {version}; upgrade")


def canonical(value) -> bytes:
    """Raises ValueError for a string with half of a surrogate pair."""
    if isinstance(value, dict):
        names = sorted(value, key=str.encode)
        return b"{" + b",".join(canonical(name) + b":" + canonical(value[name]) for name in names) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(canonical, value)) + b"]"
    if isinstance(value, str):
        return ('"' + "".join(ESCAPES.get(c) or (c if c >= " " else f"\\u{ord(c):04x}") for c in value) + '"').encode()
    if value is None or isinstance(value, bool):
        return {None: b"null", True: b"true", False: b"false"}[value]
    assert isinstance(value, int)
    return b"%d" % value


# What a member holds: a function that raises ValueError for anything else.
Kind = Callable[[object], None]


def number(least: int, most: int) -> Kind:
    def check(value) -> None:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"not a number from {least} to {most}")

    return check


def text(most: int, least: int = 0) -> Kind:
    def check(value) -> None:
        if not isinstance(value, str) or not least <= len(value.encode()) <= most:
            raise ValueError(f"not a text of {least} to {most} bytes")

    return check


def binary(length: int | None = None) -> Kind:
    def check(value) -> None:
        if length not in (None, len(decode(value))):
            raise ValueError(f"not {length} bytes")

    return check


def mapping(value) -> None:
    if not isinstance(value, dict):
        raise ValueError("not an object")


def wraps(value) -> None:
    mapping(value)
    for name, wrapped in value.items():
        NAME(name)
        decode(wrapped)


def anything(_) -> None:
    pass


DATE = number(0, MAX_DATE)
REVISION = number(1, 2**63 - 1)
# Of a key set, and of a KEK.
NAME = text(200, 1)


def shape(value, members: dict[str, Kind], where: str, unknown: str = "upgrade") -> None:
    """The members of an object, each of its kind; those whose name ends with `?` may be absent. `unknown` is the
    class of a member that is not among them."""
    if not isinstance(value, dict):
        raise tampered(f"{where}: no object")
    known = {name.rstrip("?"): (kind, name.endswith("?")) for name, kind in members.items()}
    if more := [name for name in value if name not in known]:
        raise Refused(unknown, f"{where}: the unknown member {more[0]!r}; upgrade")
    for name, (kind, optional) in known.items():
        if name in value:
            try:
                kind(value[name])
            except ValueError as e:
                raise tampered(f"{where}: {name!r} is {e}") from e
        elif not optional:
            raise tampered(f"{where}: {name!r} is missing")


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def decode(value) -> bytes:
    if not isinstance(value, str):
        raise ValueError("not a text")
    try:
        decoded = base64.b64decode(value, validate=True)
    except binascii.Error as e:
        raise ValueError("not base64") from e
    if b64(decoded) != value:
        raise ValueError("not base64 with padding and without trailing bits")
    return decoded
