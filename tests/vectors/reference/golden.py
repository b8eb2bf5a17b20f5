"""Golden values: stored values of version 1 that every later release must open. FORMAT.md section 12.

golden/v1.json was written once by this module and is pinned by its digest: `generate.py` never rewrites it.
"""

from .valid import TOKEN, date, decimal, time
from .vectors import bound, key, valid

SHA_256 = "d75e8ba674d8ced349fb6edbfa46675cb4689867b6a7e9c91fcfbc4a39b3e166"

OLD, NOW, TENANT = key(1, "golden 1", state="retired"), key(2, "golden 2"), key(4294967295, "golden 3", scope="slack")
RING = (NOW, OLD, TENANT)
UUID = "018f3c1e-7a4b-7c3d-8e2f-0123456789ab"
ROW = [bound("id", "integer", "42"), bound("org_id", "utf8", "T024BE7LD")]
EVERY_TAG = [
    bound("active", "bool", True), bound("deleted_at", "null"), bound("fingerprint", "bytes", "00ff80"),
    bound("id", "integer", "-42"), bound("org_id", "utf8", "Größe"), bound("uid", "uuid", UUID),
]

VALUES = [
    ("string-empty", "string", "", ()),
    ("string-token", "string", TOKEN, ()),
    ("string-non-ascii", "string", "Größe 密码 🔑\0", ()),
    ("string-long", "string", "0123456789abcdef" * 64, ()),
    ("bytes-empty", "bytes", "", ()),
    ("bytes-all", "bytes", bytes(range(256)).hex(), ()),
    ("i8-min", "i8", "-128", ()),
    ("i16-max", "i16", "32767", ()),
    ("i32-min", "i32", str(-(2**31)), ()),
    ("i64-max", "i64", str(2**63 - 1), ()),
    ("i128-min", "i128", str(-(2**127)), ()),
    ("i128-max", "i128", str(2**127 - 1), ()),
    ("u8-max", "u8", "255", ()),
    ("u16-zero", "u16", "0", ()),
    ("u32-max", "u32", str(2**32 - 1), ()),
    ("u64-max", "u64", str(2**64 - 1), ()),
    ("u128-max", "u128", str(2**127 - 1), ()),
    ("bool-false", "bool", False, ()),
    ("bool-true", "bool", True, ()),
    ("uuid", "uuid", UUID, ()),
    ("date", "date", date(2024, 2, 29), ()),
    ("date-before-year-0", "date", date(-1, 12, 31), ()),
    ("date-far", "date", date(10000, 1, 1), ("years-beyond-9999",)),
    ("time", "time", time(23, 59, 59, 999_999_999), ()),
    ("time-leap-second", "time", time(23, 59, 60, 500_000_000), ("leap-second",)),
    ("naive-datetime", "naive-datetime", date(2024, 2, 29) | time(13, 14, 15, 16), ()),
    ("datetime-utc", "datetime-utc", date(1970, 1, 1) | time(0, 0, 0), ()),
    ("datetime-utc-leap-second", "datetime-utc", date(2016, 12, 31) | time(23, 59, 60), ("leap-second",)),
    ("decimal-zero", "decimal", decimal(0, 2), ()),
    ("decimal-scale-28", "decimal", decimal(-(2**96 - 1), 28), ()),
    ("decimal-exponent", "decimal", decimal(1, -3), ("wide-decimals",)),
    ("decimal-small", "decimal", decimal(-5, 40), ("wide-decimals",)),
    ("json-null", "json", None, ()),
    ("json-object", "json", {"a": [1, None, {"b": False}], "é": "x\n"}, ()),
]


def golden():
    for name, type, value, needs in VALUES:
        for storage, under in (("text", NOW), ("binary", OLD)):
            comment = f"{storage} form, key {under.id}"
            yield valid(f"{name}-{storage}", type, value, comment, storage=storage, key=under, keys=RING, needs=needs)
    for storage in ("text", "binary"):
        def one(name, comment, **more):
            more = {"key": NOW, "keys": RING, "storage": storage} | more
            return valid(f"{name}-{storage}", "string", TOKEN, comment, **more)

        yield one("scope", "scope slack, the largest key id", key=TENANT, scope="slack")
        yield one("detached", "kind 2", kind="detached")
        yield one("detached-padded", "kind 2, flag 0x10", kind="detached", pad_to=64)
        yield one("padded", "flag 0x10", pad_to=64)
        yield one("padded-by-one", "flag 0x10", pad_to=len(TOKEN) + 1)
        yield one("bound", "flag 0x20", bound=ROW)
        yield one("bound-every-tag", "flag 0x20", bound=EVERY_TAG)
        yield one("padded-and-bound", "both flags", pad_to=64, bound=ROW)
        yield one(
            "previous-context", "a column that was renamed", context="slack.token",
            current_context="slack_connections.bot_token", previous_contexts=("slack.token",),
        )
