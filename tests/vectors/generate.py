#!/usr/bin/env python3
"""Makes the test vectors of stored values and key stores and the computed parts of FORMAT.md, always the same bytes.

    generate.py                     writes them
    generate.py --check             writes nothing; fails where a file differs, is missing or is unknown
    generate.py --accumulated 10000 runs the C2SP accumulated test as well (10000 or 1000000 rounds)

Every vector is opened again from its JSON alone before it is written. Needs Python 3.11 and `cryptography`.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True

from reference import (  # noqa: E402
    document, fixed, golden, invalid, invalid_plaintext, invalid_sealed, store_bounds, store_ext, store_foreign,
    store_invalid, store_memory, store_signed, store_valid, store_vectors, valid, vectors,
)

HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "golden" / "v1.json"
# Of other software: not made here.
FOREIGN = HERE / "foreign"
FORMAT = HERE.parents[1] / "FORMAT.md"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the files that are there")
    parser.add_argument("--accumulated", type=int, choices=fixed.ACCUMULATED, default=0, metavar="ROUNDS")
    options = parser.parse_args()

    fixed.check_xaes(options.accumulated)
    files = render()
    for name, expected in files.items():
        if not options.check:
            (HERE / name).parent.mkdir(parents=True, exist_ok=True)
            (HERE / name).write_text(expected, "utf-8")
    problems = check_golden(write=not options.check)
    problems += compare(FORMAT, document.fill(FORMAT.read_text("utf-8")), write=not options.check)
    for name, expected in files.items():
        problems += compare(HERE / name, expected, write=False)
    known = {HERE / name for name in files} | {GOLDEN}
    ours = (path for path in sorted(HERE.rglob("*.json")) if FOREIGN not in path.parents)
    problems += [f"{path}: unknown, remove it" for path in ours if path not in known]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def render() -> dict[str, str]:
    files = {"xaes-256-gcm.json": dump(fixed.xaes_file()), "keys.json": dump(fixed.keys_file())}
    groups = {"valid": [valid.FILES], "invalid": [invalid.FILES, invalid_sealed.FILES, invalid_plaintext.FILES]}
    for folder, modules in groups.items():
        total = 0
        for name, (make, about) in (item for files_of in modules for item in files_of.items()):
            made = list(make())
            check_vectors(made, "open" if folder == "valid" else "error")
            path = f"{folder}/{name}.json"
            assert path not in files, f"{path} is made twice"
            files[path] = dump({"about": about, "vectors": made})
            total += len(made)
        print(f"{folder}: {total} vectors in {sum(len(m) for m in modules)} files")
    return files | render_stores()


def render_stores() -> dict[str, str]:
    files = {}
    both = (store_bounds, store_ext, store_foreign, store_memory)
    groups = {
        "valid": [store_valid.FILES, *(module.VALID for module in both)],
        "invalid": [store_invalid.FILES, store_signed.FILES, *(module.INVALID for module in both)],
    }
    for folder, modules in groups.items():
        total, makers = 0, [item for makers in modules for item in makers.items()]
        assert len(dict(makers)) == len(makers), "a file is made twice"
        for name, make in makers:
            file = json.loads(json.dumps(make().json()))
            expect = {vector["expect"] for vector in file["vectors"]}
            assert expect == {"valid" if folder == "valid" else "refused"}, name
            store_vectors.check(file)
            files[f"key-store/{folder}/{name}.json"] = store_vectors.dump(file) + "\n"
            total += len(file["vectors"])
        print(f"key-store/{folder}: {total} vectors in {len(makers)} files")
    return files


def check_vectors(made: list[dict], expect: str) -> None:
    names = [vector["name"] for vector in made]
    assert len(set(names)) == len(names), f"a name stands twice: {names}"
    for vector in made:
        assert vector["expect"] == expect, vector["name"]
        vectors.check(json.loads(json.dumps(vector)))


def check_golden(*, write: bool) -> list[str]:
    """The golden file is written where there is none, and never again."""
    if not GOLDEN.exists():
        if not write:
            return [f"{GOLDEN}: missing"]
        GOLDEN.parent.mkdir(exist_ok=True)
        about = "Stored values of version 1. Every later release must open them. Never edit this file."
        GOLDEN.write_text(dump({"about": about, "vectors": list(golden.golden())}), "utf-8")
    text = GOLDEN.read_text("utf-8")
    kept = json.loads(text)["vectors"]
    check_vectors(kept, "open")
    print(f"golden: {len(kept)} vectors")
    if (digest := hashlib.sha256(text.encode()).hexdigest()) != golden.SHA_256:
        return [f"{GOLDEN}: was edited, its SHA-256 is {digest}"]
    return []


def compare(path: Path, expected: str, *, write: bool) -> list[str]:
    if path.exists() and path.read_text("utf-8") == expected:
        return []
    if write:
        path.write_text(expected, "utf-8")
        return []
    return [f"{path}: differs, run {Path(__file__).name}"]


def dump(content: dict) -> str:
    # ASCII only, so that no invisible character hides in a vector.
    return json.dumps(content, indent=2, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    sys.exit(main())
