#!/usr/bin/env python3
"""Tests of the generator: golden output of a small set of schemas, and each rule that it enforces.

`generate_test.py --rewrite` writes the golden files anew.
"""

import contextlib
import io
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import generate  # noqa: E402
from generator import loader  # noqa: E402

TESTDATA = HERE / "testdata"
GOLDEN = TESTDATA / "golden"

KIND = """
kind: Widget
plural: widgets
scope: Namespaced
description: A widget.
columns: []
spec:
  type: object
  description: What is wanted.
  properties:
"""


class Golden(unittest.TestCase):
    def test_writes_what_the_golden_files_hold(self):
        wanted = generate.outputs(TESTDATA)
        held = {str(path.relative_to(GOLDEN)): path.read_text() for path in GOLDEN.rglob("*") if path.is_file()}
        self.assertEqual(sorted(wanted), sorted(held))
        for name, text in wanted.items():
            self.assertEqual(text, held[name], name)

    def test_writes_the_same_twice(self):
        self.assertEqual(generate.outputs(HERE), generate.outputs(HERE))


class Rules(unittest.TestCase):
    CASES = [
        ("StringWithoutBound", "    a: {type: string, description: A.}", "Widget.spec.a: a string needs maxLength"),
        ("ArrayWithoutBound", "    a: {type: array, description: A., items: {type: integer}}",
         "Widget.spec.a: an array needs maxItems"),
        ("MapWithoutBound",
         "    a: {type: object, description: A., additionalProperties: {type: string, maxLength: 1}}",
         "Widget.spec.a: a map needs maxProperties"),
        ("NoDescription", "    a: {type: integer}", "Widget.spec.a: needs a description"),
        ("CommaInDescription", "    a: {type: integer, description: One, two.}",
         "Widget.spec.a: unknown key 'two.' (a comma in an unquoted description?)"),
        ("ListType", "    a: {type: array, description: A., maxItems: 1, items: {type: integer}}",
         "Widget.spec.a: needs x-kubernetes-list-type"),
        ("ListMapKeyNotRequired",
         "    a: {type: array, description: A., maxItems: 1, x-kubernetes-list-type: map, "
         "x-kubernetes-list-map-keys: [k], items: {type: object, properties: {k: {type: integer, description: K.}}}}",
         "Widget.spec.a: list map key k must be required"),
        ("DefaultBelowArray",
         "    a: {type: array, description: A., maxItems: 1, x-kubernetes-list-type: atomic, "
         "items: {type: object, properties: {k: {type: integer, description: K., default: 1}}}}",
         "Widget.spec.a[].k: no default below array items"),
        ("UnknownType", "    a: {$ref: Nothing}", "$ref: unknown type Nothing"),
    ]

    def test_refuses(self):
        for name, field, message in self.CASES:
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                root = pathlib.Path(folder)
                (root / "kinds").mkdir()
                (root / "kinds/widget.yaml").write_text(KIND + field + "\n")
                with self.assertRaises(loader.SchemaError) as caught:
                    loader.load(root)
                self.assertEqual(str(caught.exception), message)


class Check(unittest.TestCase):
    def run_quietly(self, arguments):
        """Exit code and everything printed."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return generate.main(arguments), said.getvalue()

    def test_lists_changed_missing_and_stale_files(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name in ("kinds", "types"):
                shutil.copytree(TESTDATA / name, root / "schemas" / name)
            shutil.copy(TESTDATA / "names.yaml", root / "schemas/names.yaml")
            arguments = ["--root", str(root)]
            code, said = self.run_quietly(arguments + ["--check"])
            self.assertEqual(code, 1)
            self.assertIn("controller/api/widget.h: differs", said)
            self.assertEqual(self.run_quietly(arguments)[0], 0)
            self.assertEqual(self.run_quietly(arguments + ["--check"]), (0, ""))
            stale = root / "crds/gone.yaml"
            stale.write_text(f"# {generate.MARK}\n")
            code, said = self.run_quietly(arguments + ["--check"])
            self.assertEqual((code, said.split(":")[0]), (1, "crds/gone.yaml"))
            self.assertEqual(self.run_quietly(arguments)[0], 0)
            self.assertFalse(stale.exists())


def rewrite():
    shutil.rmtree(GOLDEN, ignore_errors=True)
    wanted = generate.outputs(TESTDATA)
    generate.write(GOLDEN, wanted, sorted(wanted))


if __name__ == "__main__":
    if "--rewrite" in sys.argv:
        rewrite()
    else:
        unittest.main()
