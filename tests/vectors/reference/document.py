"""The parts of FORMAT.md that are computed: worked example, associated data byte by byte, sizes.

Each stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`.
"""

import re
import textwrap

from . import stored
from .stored import base64url
from .valid import TOKEN
from .vectors import CONTEXT, KEY, Sealed, bound, bound_bytes, seal

ROW = [bound("id", "integer", "42"), bound("org_id", "utf8", "T024BE7LD")]


def fill(document: str) -> str:
    """FORMAT.md with its generated parts as they should be."""
    parts = {
        "aad": aad, "aad-bound": aad_bound, "text-column": text_column, "bound-column": bound_column,
        "sizes": sizes, "columns": columns,
    }
    for name, make in parts.items():
        start, end = f"<!-- generated: {name} -->\n", f"<!-- end of {name} -->"
        document, count = re.subn(
            re.escape(start) + ".*?" + re.escape(end), lambda _: f"{start}\n{make()}\n\n{end}", document, flags=re.S
        )
        assert count == 1, f"FORMAT.md: {name} stands {count} times"
    return document


def example() -> Sealed:
    return seal("example", TOKEN.encode())


def bound_example() -> Sealed:
    message = stored.pad(b"s3cret", 16)
    return seal("example-bound", message, suite=0x31, bound=ROW)


def aad() -> str:
    return aad_table(example(), [])


def aad_bound() -> str:
    return aad_table(bound_example(), ROW)


def aad_table(sealed: Sealed, row: list[dict]) -> str:
    suite = sealed.payload.suite
    parts = [
        (b"encrypted-field/v1\0", '`"encrypted-field/v1"`, NUL'),
        (bytes([suite]), "suite"),
        (sealed.key.id.to_bytes(4, "big"), f"key id {sealed.key.id}"),
        (b"\x01", "kind 1: column"),
        *sized(CONTEXT.encode(), f'context `"{CONTEXT}"`'),
    ]
    for column in row:
        name, value = column["name"], bound_bytes(column)
        parts += sized(name.encode(), f'name `"{name}"`')
        parts.append((bytes([stored.TAGS[column["tag"]]]), f"tag: {column['tag']}"))
        parts += sized(value, f"value {column['value']}")
    assert b"".join(part for part, _ in parts) == sealed.aad
    lines = ["| offset | bytes | meaning |", "|---:|---|---|"]
    offset = 0
    for part, meaning in parts:
        spaced = "<br>".join(textwrap.wrap(part.hex(" "), 48))
        lines.append(f"| {offset} | `{spaced.replace('<br>', '`<br>`')}` | {meaning} |")
        offset += len(part)
    lines.append(f"\n{offset} bytes in all.")
    return "\n".join(lines)


def sized(data: bytes, meaning: str) -> list[tuple[bytes, str]]:
    return [(len(data).to_bytes(4, "big"), f"length {len(data)}"), (data, meaning)]


def text_column() -> str:
    sealed = example()
    lines = [
        ("context", f'"{CONTEXT}"'),
        ("key id", KEY.id),
        ("data key", KEY.data),
        ("check value", KEY.check_value()),
        ("plaintext", f'"{TOKEN}" ({len(TOKEN)} bytes)'),
        ("", TOKEN.encode()),
        ("", ""),
        *steps(sealed),
        ("", ""),
        ("payload", sealed.payload.raw()),
        ("base64url", base64url(sealed.payload.raw())),
        ("text form", sealed.stored("text").decode()),
        ("length", f"{len(sealed.stored('text'))} characters"),
        ("binary form", sealed.stored("binary")),
        ("length", f"{len(sealed.stored('binary'))} bytes"),
    ]
    return block(lines)


def bound_column() -> str:
    sealed = bound_example()
    lines = [
        ("context", f'"{CONTEXT}"'),
        ("key id", KEY.id),
        ("data key", KEY.data),
        ("bound columns", "id = 42 (integer), org_id = \"T024BE7LD\" (UTF-8)"),
        ("plaintext", '"s3cret" (6 bytes)'),
        ("padded to", "16 bytes"),
        ("", ""),
        *steps(sealed),
        ("", ""),
        ("text form", sealed.stored("text").decode()),
        ("binary form", sealed.stored("binary")),
    ]
    return block(lines)


def steps(sealed: Sealed) -> list[tuple[str, object]]:
    values = {name: bytes.fromhex(value) for name, value in sealed.intermediates().items()}
    return [
        ("suite", bytes([sealed.payload.suite])),
        ("field key", values["field_key"]),
        ("nonce", sealed.payload.nonce),
        ("message", sealed.message),
        ("aad", values["aad"]),
        ("L", values["L"]),
        ("K1", values["K1"]),
        ("M1", values["M1"]),
        ("M2", values["M2"]),
        ("Kx", values["subkey"]),
        ("Nx", values["gcm_nonce"]),
        ("ciphertext", values["ciphertext"]),
        ("tag", values["tag"]),
    ]


def block(lines: list[tuple[str, object]]) -> str:
    out = ["```text"]
    for name, value in lines:
        value = value.hex() if isinstance(value, bytes) else str(value)
        for i, line in enumerate([value[i : i + 80] for i in range(0, len(value), 80)] or [""]):
            out.append(f"{name if i == 0 else '':<14}{line}".rstrip())
    return "\n".join([*out, "```"])


def text_length(message: int, digits: int) -> int:
    return 5 + digits + -(-4 * (41 + message) // 3)


def sizes() -> str:
    sealed = example()
    assert len(sealed.stored("text")) == text_length(len(TOKEN), 1)
    assert len(sealed.stored("binary")) == 48 + len(TOKEN)
    lines = [
        "| message | binary | text, key id of 1 digit | text, key id of 10 digits |",
        "|---:|---:|---:|---:|",
    ]
    for n in (0, 1, 16, 30, 36, 45, 64, 128, 256, 1024, 4096, 65536, 2**20, 2**24, 2**28):
        lines.append(f"| {n:,} | {48 + n:,} | {text_length(n, 1):,} | {text_length(n, 10):,} |")
    return "\n".join(lines)


def columns() -> str:
    lines = ["| column | holds messages of up to |", "|---|---:|"]
    for name, width, form in [
        ("`VARCHAR(255)`", 255, "text"),
        ("`VARCHAR(1000)`", 1000, "text"),
        ("`VARCHAR(4000)`", 4000, "text"),
        ("MySQL `TEXT`", 2**16 - 1, "text"),
        ("MySQL `MEDIUMTEXT`", 2**24 - 1, "text"),
        ("`VARBINARY(255)`", 255, "binary"),
        ("MySQL `BLOB`", 2**16 - 1, "binary"),
        ("MySQL `MEDIUMBLOB`", 2**24 - 1, "binary"),
    ]:
        n = width - 48 if form == "binary" else (width - 15) * 3 // 4 - 41
        length = (lambda m: 48 + m) if form == "binary" else (lambda m: text_length(m, 10))
        assert length(n) <= width < length(n + 1)
        lines.append(f"| {name} | {n:,} bytes |")
    return "\n".join(lines)
