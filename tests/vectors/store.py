#!/usr/bin/env python3
"""Reads a key store with a second program, and shows what it holds: never the bytes of a key.

    store.py show FILE --key-set NAME --kek NAME=BASE64    a local KEK of 32 bytes
    store.py show FILE --key-set NAME --kek NAME=@PATH     from a file, so that it stands in no history of commands
    store.py show FILE --key-set NAME --kek … --anchor "<store> <epoch> <revision>"

FILE is a document of KEY-STORE.md section 4 (`-` for standard input). All of the store is read and authenticated, and
each key that opens values is unwrapped and compared with its check value. Exits with 0 where all of it is right, and
with 1 where it is not. Needs Python 3.11 and `cryptography`.
"""

import argparse
import datetime
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True

from reference import store  # noqa: E402
from reference.store_json import (
    MAX_DATE,
    NAME,
    Refused,
    anything,
    decode,
    parse,
    refuse_other_versions,
    shape,
    tampered,
)  # noqa: E402

FORMAT = "encrypted-field key store"
DOCUMENT = ("format", "version", "records")
RECORD = ("name", "revision", "body")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    show = parser.add_subparsers(required=True).add_parser("show", help="authenticate a document and show it")
    show.add_argument("file", metavar="FILE")
    show.add_argument("--key-set", required=True, type=key_set, metavar="NAME")
    show.add_argument("--kek", required=True, action="append", type=kek, metavar="NAME=BASE64", help="or NAME=@PATH")
    show.add_argument("--anchor", metavar="TEXT", help="the store must be at least as new as this")
    options = parser.parse_args()
    reader = store.Reader(options.key_set, dict(options.kek), anchor=options.anchor)
    try:
        reader.load(records(read(options.file)))
        reader.everything()
    except Refused as refused:
        print(f"refused: {refused}", file=sys.stderr)
        return 1
    except OSError as e:
        print(f"{options.file}: {e.strerror}", file=sys.stderr)
        return 1
    for line in lines(reader):
        print(line)
    return 0


def key_set(argument: str) -> str:
    try:
        NAME(argument)
    except ValueError as e:
        raise argparse.ArgumentTypeError("the name of a key set has 1 to 200 bytes") from e
    return argument


def kek(argument: str) -> tuple[str, bytes]:
    name, _, value = argument.partition("=")
    try:
        if value.startswith("@"):
            value = Path(value[1:]).read_text("ascii").strip()
        if len(key := decode(value)) == 32:
            NAME(name)
            return name, key
    except (OSError, ValueError):
        pass
    # Without the argument: it may be the key.
    raise argparse.ArgumentTypeError("NAME=BASE64 or NAME=@PATH, of 32 bytes, and the name of 1 to 200")


def read(path: str) -> str:
    try:
        return (sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()).decode()
    except UnicodeDecodeError as e:
        raise tampered("the document is not UTF-8") from e


def records(text: str) -> list[dict]:
    """The records of a document, each with the text of its body."""
    refuse_other_versions(text, "the document")
    document = parse(text, "the document", limit=None)
    shape(document, dict.fromkeys(DOCUMENT, anything), "the document")
    if document["format"] != FORMAT or document["version"] != 1 or not isinstance(document["records"], list):
        raise tampered(f'the document does not say "format": "{FORMAT}" and "version": 1')
    for record in document["records"]:
        shape(record, dict.fromkeys(RECORD, anything), "a record")
        if not isinstance(record["name"], str):
            raise tampered("the name of a record is no text")
    return [record | {"body": json.dumps(record["body"])} for record in document["records"]]


def lines(reader: store.Reader):
    head = reader.head
    yield f"store      {decode(head['store']).hex()}"
    yield f"epoch      {head['epoch']}"
    yield f"revision   {head['revision']}"
    if restored := head.get("restored"):
        yield f"restored   revision {restored['revision']} was accepted in epoch {restored['epoch']}"
    yield f"signed     {date(head['signed'])}, heartbeat {head['heartbeat']} s"
    yield f"next id    {head['next_id']}"
    for name in ("by", "why"):
        if name in head:
            yield f"{name:<10} {shown(head[name])}"
    yield f"KEKs       {', '.join(shown(name) for name in head['store_key'])}"
    yield f"anchor     {decode(head['store']).hex()} {head['epoch']} {head['revision']}"
    yield ""
    yield "id  scope  part  purpose  version  state  created  last change  wrapped under"
    for _, entry in sorted(reader.entries.items()):
        body = entry.body
        wraps = body.get("wraps")
        cells = [
            str(entry.id),
            shown(entry.scope),
            entry.part,
            *(shown(body.get(name)) for name in ("purpose", "version", "state")),
            date(body.get("created")),
            shown(body.get("changed")),
            ", ".join(map(shown, wraps)) if isinstance(wraps, dict) else "?",
        ]
        yield "  ".join(cells) + ("" if entry.known else "  (not used: upgrade)")


def shown(value) -> str:
    """As JSON in ASCII, so that a name can't act on a terminal."""
    return json.dumps(value, sort_keys=True)


def date(seconds) -> str:
    if type(seconds) is not int or not 0 <= seconds <= MAX_DATE:
        return "?"
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    sys.exit(main())
