"""Fernet of the Python package `cryptography`, served as the crate `measure` asks for it.

With a token as its argument it answers, on standard input and output, each line `fernet <calls>` with the nanoseconds
that so many round trips of the token took. With `--version` it checks that a round trip works and prints what runs.
"""

import platform
import sys
from time import perf_counter_ns

import cryptography
from cryptography.fernet import Fernet, InvalidToken


def check(fernet):
    sealed = fernet.encrypt(b"token")
    if fernet.decrypt(sealed) != b"token":
        sys.exit("another value than was encrypted came back")
    at = len(sealed) // 2
    other = b"B" if sealed[at : at + 1] == b"A" else b"A"
    try:
        fernet.decrypt(sealed[:at] + other + sealed[at + 1 :])
    except InvalidToken:
        return
    sys.exit("a value that was changed opened")


def run(fernet, token, calls):
    encrypt, decrypt = fernet.encrypt, fernet.decrypt
    start = perf_counter_ns()
    for _ in range(calls):
        decrypt(encrypt(token))
    return perf_counter_ns() - start


def main(argument):
    fernet = Fernet(Fernet.generate_key())
    if argument == "--version":
        check(fernet)
        print(f"cryptography {cryptography.__version__} of Python {platform.python_version()}")
        return
    token = argument.encode()
    # The first call loads much, and would pass for the usual one where it is asked how many calls make a sample.
    run(fernet, token, 100)
    for line in sys.stdin:
        name, calls = line.split()
        if name != "fernet":
            sys.exit(f"no such request: {line}")
        print(run(fernet, token, int(calls)), flush=True)


main(sys.argv[1])
