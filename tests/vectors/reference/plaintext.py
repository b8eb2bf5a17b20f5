"""Plaintext encodings, FORMAT.md section 7: from the JSON form of a value in the vectors to bytes and back.

| type                             | JSON form                                                             |
|----------------------------------|-----------------------------------------------------------------------|
| string                           | string                                                                |
| bytes                            | string, hex                                                           |
| i8 ... i128, u8 ... u128         | string, decimal                                                       |
| char                             | string                                                                |
| f32, f64                         | string, the bits in hex                                               |
| ipv4, ipv6                       | string: as RFC 5952 writes it, without an IPv4 part                   |
| ipv4-socket, ipv6-socket         | object of ip, port, and for IPv6 flow and scope                       |
| bool                             | true, false                                                           |
| uuid                             | string, lower case with hyphens                                       |
| date, time, naive-datetime, datetime-utc | object of year, month, day, hour, minute, second, nanosecond |
| decimal                          | object of unscaled and scale, decimal strings: unscaled * 10^-scale   |
| json                             | the JSON value                                                        |
"""

import ipaddress
import json
import re
import uuid

from .stored import Refused

INTEGERS = {f"{sign}{bits}": (sign, bits) for sign in "iu" for bits in (8, 16, 32, 64, 128)}
FLOATS = {"f32": 4, "f64": 8}
ADDRESSES = {"ipv4": ipaddress.IPv4Address, "ipv6": ipaddress.IPv6Address}
SOCKETS = {"ipv4-socket": "ipv4", "ipv6-socket": "ipv6"}
# The numbers that follow the address, each with its bytes.
SOCKET_FIELDS = {"ipv4-socket": {"port": 2}, "ipv6-socket": {"port": 2, "flow": 4, "scope": 4}}
DATE_FIELDS = ("year", "month", "day")
TIME_FIELDS = ("hour", "minute", "second", "nanosecond")
MAX_SCALE = 28
SCALES = range(-(2**63), 2**63)

YEAR = r"(?P<year>[0-9]{4}|[+-][0-9]{6})"
DATE = YEAR + r"-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})\.(?P<nanosecond>[0-9]{9})"
CALENDAR = {"date": DATE, "time": TIME, "naive-datetime": f"{DATE}T{TIME}", "datetime-utc": f"{DATE}T{TIME}Z"}


def encode(kind: str, value) -> bytes:
    """What a writer produces."""
    if kind == "string":
        return value.encode()
    if kind == "bytes":
        return bytes.fromhex(value)
    if kind in INTEGERS:
        low, high = integer_range(kind)
        assert low <= int(value) <= high, value
        return int(value).to_bytes(16, "big", signed=True)
    if kind == "bool":
        return b"\x01" if value else b"\x00"
    if kind == "uuid":
        return uuid.UUID(value).bytes
    if kind == "char":
        assert len(value) == 1, value
        return value.encode()
    if kind in FLOATS:
        assert len(value) == 2 * FLOATS[kind], value
        return bytes.fromhex(value)
    if kind in ADDRESSES:
        return ADDRESSES[kind](value).packed
    if kind in SOCKETS:
        fields = SOCKET_FIELDS[kind].items()
        return encode(SOCKETS[kind], value["ip"]) + b"".join(value[name].to_bytes(n, "big") for name, n in fields)
    if kind in CALENDAR:
        return encode_calendar(kind, value).encode()
    if kind == "decimal":
        return encode_decimal(int(value["unscaled"]), int(value["scale"])).encode()
    assert kind == "json", kind
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def decode(kind: str, plaintext: bytes):
    """What a reader accepts; raises Refused("InvalidPlaintext") for the rest."""
    if kind == "bytes":
        return plaintext.hex()
    if kind in INTEGERS:
        return decode_integer(kind, plaintext)
    if kind == "bool":
        require(plaintext in (b"\x00", b"\x01"), "bool")
        return plaintext == b"\x01"
    if kind == "uuid":
        require(len(plaintext) == 16, "UUID length")
        return str(uuid.UUID(bytes=plaintext))
    if kind in FLOATS:
        require(len(plaintext) == FLOATS[kind], "float length")
        return plaintext.hex()
    if kind in ADDRESSES:
        return decode_address(kind, plaintext)
    if kind in SOCKETS:
        return decode_socket(kind, plaintext)
    try:
        text = plaintext.decode("utf-8", "strict")
    except UnicodeDecodeError as e:
        raise Refused("InvalidPlaintext", "not UTF-8") from e
    if kind == "string":
        return text
    if kind == "char":
        require(len(text) == 1, "one character")
        return text
    if kind in CALENDAR:
        return decode_calendar(kind, text)
    if kind == "decimal":
        return decode_decimal(text)
    assert kind == "json", kind
    return decode_json(text)


def require(condition: bool, why: str) -> None:
    if not condition:
        raise Refused("InvalidPlaintext", why)


def integer_range(kind: str) -> tuple[int, int]:
    sign, bits = INTEGERS[kind]
    if sign == "i":
        return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    # The encoding ends at i128::MAX, so the upper half of u128 has none.
    return 0, min(2**bits, 2**127) - 1


def decode_integer(kind: str, plaintext: bytes) -> str:
    require(len(plaintext) == 16, "integer length")
    value = int.from_bytes(plaintext, "big", signed=True)
    low, high = integer_range(kind)
    require(low <= value <= high, "integer out of range")
    return str(value)


def decode_address(kind: str, plaintext: bytes) -> str:
    address = ADDRESSES[kind]
    require(len(plaintext) == address(0).max_prefixlen // 8, "address length")
    text = str(address(plaintext))
    # Releases of Python differ in how they write IPv4-mapped addresses; none is among the vectors.
    assert kind == "ipv4" or "." not in text, text
    return text


def decode_socket(kind: str, plaintext: bytes) -> dict:
    fields = SOCKET_FIELDS[kind]
    at = len(plaintext) - sum(fields.values())
    require(at == (4 if kind == "ipv4-socket" else 16), "socket length")
    value = {"ip": decode_address(SOCKETS[kind], plaintext[:at])}
    for name, length in fields.items():
        value[name] = int.from_bytes(plaintext[at:at + length], "big")
        at += length
    return value


def encode_calendar(kind: str, value: dict) -> str:
    date = time = ""
    if kind != "time":
        year = value["year"]
        year = f"{year:04}" if 0 <= year <= 9999 else f"{year:+07}"
        date = f"{year}-{value['month']:02}-{value['day']:02}"
    if kind != "date":
        time = f"{value['hour']:02}:{value['minute']:02}:{value['second']:02}.{value['nanosecond']:09}"
    return {"date": date, "time": time}.get(kind) or f"{date}T{time}" + ("Z" if kind == "datetime-utc" else "")


def decode_calendar(kind: str, text: str) -> dict:
    match = re.fullmatch(CALENDAR[kind], text, re.ASCII)
    require(match is not None, "grammar")
    value = {name: int(digits) for name, digits in match.groupdict().items()}
    if "year" in value:
        year, signed = value["year"], not match["year"][0].isdigit()
        require(signed != (0 <= year <= 9999), "six digits for a year of four")
        require(1 <= value["month"] <= 12, "month")
        require(1 <= value["day"] <= days_in_month(year, value["month"]), "day")
    if "hour" in value:
        require(value["hour"] <= 23 and value["minute"] <= 59 and value["second"] <= 60, "time of day")
    return value


def days_in_month(year: int, month: int) -> int:
    """Proleptic Gregorian calendar, with a year 0."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]


def encode_decimal(unscaled: int, scale: int) -> str:
    assert scale in SCALES
    sign, digits = "-" if unscaled < 0 else "", str(abs(unscaled))
    if not 0 <= scale <= MAX_SCALE:
        return f"{sign}{digits}E{-scale:+}"
    if scale == 0:
        return sign + digits
    digits = digits.rjust(scale + 1, "0")
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}"


def decode_decimal(text: str) -> dict:
    integer = r"(-?)(0|[1-9][0-9]*)"
    if match := re.fullmatch(integer + r"(?:\.([0-9]{1,28}))?", text, re.ASCII):
        fraction = match[3] or ""
        unscaled, scale = int(match[2] + fraction), len(fraction)
    elif match := re.fullmatch(integer + r"E([+-][1-9][0-9]*)", text, re.ASCII):
        unscaled, scale = int(match[2]), -int(match[3])
        require(not 0 <= scale <= MAX_SCALE, "plain notation exists")
        require(scale in SCALES, "exponent")
    else:
        raise Refused("InvalidPlaintext", "grammar")
    require(not (match[1] and unscaled == 0), "negative zero")
    return {"unscaled": str(-unscaled if match[1] else unscaled), "scale": str(scale)}


def decode_json(text: str):
    def refuse(constant: str):
        raise Refused("InvalidPlaintext", constant)

    try:
        # Python would take NaN and Infinity, which RFC 8259 does not know.
        return json.loads(text, parse_constant=refuse)
    except ValueError as e:
        raise Refused("InvalidPlaintext", "JSON") from e
