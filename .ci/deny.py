"""Checks licences, banned crates and sources against deny.toml, for machines without cargo-deny.

Reads the output of `cargo metadata` from standard input. Covers the part of the format that the file uses
and stops at anything else, so that no rule is skipped in silence."""

import json
import re
import subprocess
import sys
import tomllib


def allowed(expression: str, licences: set[str]) -> bool:
    """An SPDX expression: AND binds closer than OR; the old `/` means OR."""
    tokens = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))

    def alternative() -> bool:
        value = conjunction()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            value = conjunction() or value
        return value

    def conjunction() -> bool:
        value = atom()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            value = atom() and value
        return value

    def atom() -> bool:
        token = tokens.pop(0)
        if token == "(":
            value = alternative()
            assert tokens.pop(0) == ")"
            return value
        if tokens and tokens[0] == "WITH":
            token = " ".join([token, tokens.pop(0), tokens.pop(0)])
        return token in licences

    value = alternative()
    assert not tokens, expression
    return value


def main() -> int:
    with open(sys.argv[1], "rb") as file:
        rules = tomllib.load(file)
    known = {
        "graph": {"all-features"},
        "licenses": {"allow"},
        "bans": {"deny", "multiple-versions", "wildcards", "allow-wildcard-paths"},
        "sources": {"unknown-registry", "unknown-git"},
        "advisories": {"yanked"},
    }
    for section, keys in rules.items():
        assert section in known and set(keys) <= known[section], f"[{section}] has rules unknown here"

    licences = set(rules["licenses"]["allow"])
    banned = {}
    for entry in rules["bans"]["deny"]:
        assert set(entry) <= {"crate", "reason"} and re.fullmatch(r"[\w-]+", entry["crate"]), entry
        banned[entry["crate"]] = entry["reason"]

    errors = []
    # What is compiled for some target: the lock file and the metadata also name crates behind features that nobody turns on.
    tree = ["cargo", "tree", "--locked", "--workspace", "--all-features", "--target", "all", "--prefix", "none", "-f", "{p}"]
    used = {tuple(line.split()[:2]) for line in subprocess.run(tree, check=True, capture_output=True, text=True).stdout.splitlines()}
    packages = json.load(sys.stdin)["packages"]
    packages = [package for package in packages if (package["name"], "v" + package["version"]) in used]
    for package in packages:
        name = f"{package['name']} {package['version']}"
        if not package["license"] or not allowed(package["license"], licences):
            errors.append(f"{name}: licence {package['license']}")
        if package["name"] in banned:
            errors.append(f"{name}: banned: {banned[package['name']]}")
        if not (package["source"] or "registry+").startswith("registry+"):
            errors.append(f"{name}: from {package['source']}")
    print(*errors, sep="\n", end="\n" if errors else "")
    print(f"{len(packages)} packages against {len(licences)} licences and {len(banned)} bans: {len(errors)} errors")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
