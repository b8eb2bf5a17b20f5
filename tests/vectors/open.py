#!/usr/bin/env python3
"""Opens stored values with the second implementation, one JSON object a line from standard input.

Each has `storage`, `stored` (hexadecimal), `context`, and `keys`: objects of `id` and `data` (hexadecimal). Each
line of the output is an object of `key_id` and `plaintext` (hexadecimal), or of `error`. Needs Python 3.11 and
`cryptography`. It is made for tests: never use it on real data.
"""

import json
import sys

sys.dont_write_bytecode = True

from reference import stored  # noqa: E402


def opened(value: dict) -> dict:
    keys = tuple(stored.Key(key["id"], bytes.fromhex(key["data"])) for key in value["keys"])
    reader = stored.Reader(keys, value["context"])
    try:
        found = stored.open_stored(reader, value["storage"], bytes.fromhex(value["stored"]))
    except stored.Refused as refused:
        return {"error": str(refused)}
    return {"key_id": found.key_id, "plaintext": found.plaintext.hex()}


for line in sys.stdin:
    print(json.dumps(opened(json.loads(line))))
