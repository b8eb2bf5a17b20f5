#!/usr/bin/env python3
"""Tests of `store.py`, on stores of the vectors: python3 tests/vectors/test_store.py"""

import base64
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent


def vector(path: str, name: str) -> tuple[dict, dict]:
    file = json.loads((HERE / "key-store" / path).read_text("utf-8"))
    found = next(one for one in file["vectors"] if one["name"] == name)
    replaced = {record["name"] for record in found["replace"]} | set(found["remove"])
    records = [one for one in file["stores"][found["store"]] if one["name"] not in replaced] + found["replace"]
    records = [
        {
            "name": one["name"],
            "revision": one["revision"],
            "body": one["body"] if "body" in one else json.loads(one["text"]),
        }
        for one in records
    ]
    return found, {"format": "encrypted-field key store", "version": 1, "records": records}


def show(document, *arguments: str) -> subprocess.CompletedProcess:
    text = document if isinstance(document, str) else json.dumps(document)
    command = [sys.executable, HERE / "store.py", "show", "-", *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def known(found: dict, **more) -> list[str]:
    keks = [f"--kek={name}={kek}" for name, kek in found["keks"].items()]
    return ["--key-set", more.get("key_set", found["key_set"]), *more.get("keks", keks)]


class Show(unittest.TestCase):
    def setUp(self):
        self.found, self.document = vector("valid/states.json", "unknown-entries")

    def refused(self, error: str, document, *arguments: str):
        result = show(document, *arguments)
        self.assertEqual((result.returncode, result.stdout), (1, ""), result.stderr)
        self.assertTrue(result.stderr.startswith(f"refused: {error}: "), result.stderr)

    def test_it_shows_the_head_and_every_key(self):
        result = show(self.document, *known(self.found))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        lines = result.stdout.splitlines()
        store, epoch, revision = (self.found[name] for name in ("store_id", "epoch", "revision"))
        self.assertIn(f"anchor     {store} {epoch} {revision}", lines)
        for key in self.found["keys"]:
            start = [
                str(key["id"]),
                json.dumps(key["scope"]),
                key["part"],
                json.dumps(key["purpose"]),
                str(key["version"]),
            ]
            line = next(line for line in lines if line.startswith("  ".join([*start, json.dumps(key["state"])])))
            self.assertEqual(line.endswith("(not used: upgrade)"), not key["used"], line)

    def test_it_shows_no_key(self):
        sys.path.insert(0, str(HERE))
        sys.dont_write_bytecode = True
        from reference.store_writer import data_key

        output = show(self.document, *known(self.found)).stdout
        keys = [data_key(key["id"]) for key in self.found["keys"]]
        keys += [base64.b64decode(kek) for kek in self.found["keks"].values()]
        for key in keys:
            self.assertNotIn(key.hex(), output)
            self.assertNotIn(base64.b64encode(key).decode(), output)

    def test_names_do_not_act_on_a_terminal(self):
        found, document = vector("valid/on-demand.json", "names-on-demand")
        output = show(document, *known(found)).stdout
        self.assertTrue(output.isascii() and all(c >= " " or c == "\n" for c in output))

    def test_a_kek_may_come_from_a_file(self):
        ((name, kek),) = self.found["keks"].items()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "kek"
            path.write_text(kek + "\n")
            result = show(self.document, *known(self.found, keks=[f"--kek={name}=@{path}"]))
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_kek_that_is_none_is_not_shown(self):
        for kek in ("c2VjcmV0LWtleQ==", "c2VjcmV0LWtleQ", "@/c2VjcmV0LWtleQ"):
            result = show(self.document, *known(self.found, keks=[f"--kek=eu={kek}"]))
            self.assertEqual(result.returncode, 2)
            self.assertNotIn("c2VjcmV0LWtleQ", result.stdout + result.stderr)

    def test_names_have_1_to_200_bytes(self):
        ((_, kek),) = self.found["keks"].items()
        for length in (1, 200):
            found, document = vector("valid/bounds.json", f"names-{length}")
            self.assertEqual(show(document, *known(found)).returncode, 0)
        for name in ("", "k" * 201, "é" * 100 + "x"):
            for more in ({"key_set": name}, {"keks": [f"--kek={name}={kek}"]}):
                result = show(self.document, *known(self.found, **more))
                self.assertEqual((result.returncode, result.stdout), (2, ""))
                self.assertNotIn(kek, result.stderr)

    def test_it_refuses_what_is_not_authentic(self):
        other = base64.b64encode(bytes(32)).decode()
        self.refused("wrap", self.document, *known(self.found, keks=[f"--kek=eu={other}"]))
        self.refused("wrap", self.document, *known(self.found, key_set="another"))
        for record in self.document["records"]:
            if record["name"] != "head":
                without = [one for one in self.document["records"] if one is not record]
                self.refused("tampered", self.document | {"records": without}, *known(self.found))

    def test_it_holds_to_an_anchor(self):
        store, epoch, revision = (self.found[name] for name in ("store_id", "epoch", "revision"))
        same, newer = f"{store} {epoch} {revision}", f"{store} {epoch} {revision + 1}"
        self.assertEqual(show(self.document, *known(self.found), "--anchor", same).returncode, 0)
        self.refused("rolled_back", self.document, *known(self.found), "--anchor", newer)

    def test_it_refuses_other_documents(self):
        more = known(self.found)
        self.refused("upgrade", {"format": "encrypted-field key store", "version": 2, "records": 0.5}, *more)
        self.refused("upgrade", self.document | {"more": 1}, *more)
        self.refused("tampered", self.document | {"format": "another"}, *more)
        self.refused("tampered", self.document | {"records": {}}, *more)
        text = json.dumps(self.document)
        for other in ("", "[]", text[:-1], text.replace('"version": 1,', '"version": 1, "version": 1,', 1)):
            self.refused("tampered", other, *more)


if __name__ == "__main__":
    unittest.main()
