#!/usr/bin/env python3
"""Tests of the generator: golden output of a small set of schemas, and each rule that it enforces.

`generate_test.py --rewrite` writes the golden files anew.
"""

import contextlib
import io
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

import yaml

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


class Conventions(unittest.TestCase):
    """What holds of every kind of ours, as `kubectl api-resources`, tables and waits show it."""

    DECLARED = {"Stack", "Module", "Agent", "AgentAssignment", "OrganizationMission", "StackMission", "NamespaceMission",
                "ModuleMission", "GitSource"}  # By people; the rest is written by programs.
    RECORDED = {"ModuleJob", "AgentInstance", "Dispatch", "Run", "Report"}
    CORE = {"Namespace", "Secret", "ConfigMap", "Event", "Lease"}

    @classmethod
    def setUpClass(cls):
        texts = [yaml.safe_load(text) for name, text in generate.outputs(HERE).items()
                 if name.startswith(("crds/", "controller/api/builtin/")) and name.endswith(".yaml")]
        cls.all = {d["spec"]["names"]["kind"]: d["spec"] for d in texts}
        cls.ours = {kind: spec for kind, spec in cls.all.items() if spec["group"] == "midwatch.dev"}

    def version(self, kind):
        [version] = self.all[kind]["versions"]
        return version

    def schema(self, kind, part):
        return self.version(kind)["schema"]["openAPIV3Schema"]["properties"].get(part, {})

    def test_kinds_without_behaviour_are_not_installed(self):
        self.assertEqual(set(self.ours), self.DECLARED | self.RECORDED)
        self.assertEqual(set(self.all) - set(self.ours), self.CORE)

    def test_every_kind_has_a_short_name_and_no_name_means_two_kinds(self):
        names = []
        for kind, spec in self.all.items():
            if kind in self.ours:
                self.assertEqual(len(spec["names"]["shortNames"]), 1, kind)
            names += {spec["names"]["plural"], spec["names"]["singular"], *spec["names"].get("shortNames", [])}
        self.assertEqual(sorted(set(names)), sorted(names))

    def test_categories_tell_what_people_write(self):
        for kind, spec in self.ours.items():
            self.assertEqual(spec["names"]["categories"], ["midwatch" if kind in self.DECLARED else "midwatch-all"], kind)

    def test_nothing_looks_done_before_it_is_looked_at(self):
        for kind in self.ours:
            status = self.schema(kind, "status")
            if status:
                self.assertEqual(status["default"]["observedGeneration"], -1, kind)
            self.assertEqual(bool(status), "status" in self.version(kind).get("subresources", {}), kind)

    def test_what_can_be_switched_off_shows_it_in_one_column(self):
        for kind in self.ours:
            columns = self.version(kind)["additionalPrinterColumns"]
            active = [c["jsonPath"] for c in columns if c["name"] == "Active"]
            switch = {"suspend", "isDisabled"} & set(self.schema(kind, "spec").get("properties", {}))
            self.assertEqual(active, [".status.active"] if switch else [], kind)
            self.assertEqual(columns[-1]["name"], "Age", kind)

    def test_states_can_be_selected(self):
        for kind in self.ours:
            selectable = [f["jsonPath"] for f in self.version(kind).get("selectableFields", [])]
            for field in {"phase", "state"} & set(self.schema(kind, "status").get("properties", {})):
                self.assertIn(f".status.{field}", selectable, kind)

    def test_every_phase_and_field_of_a_status_is_said_by_some_part(self):
        """By code that decides: generated code, and what shows or checks it, does not count, nor does a comparison."""
        code = "\n".join(f.read_text() for f in sorted((HERE.parent / "controller").rglob("*.cc"))
                         if f.parts[-2] not in ("api", "cli", "sim", "testing") and not f.name.endswith("_test.cc"))
        said = set(re.findall(r"(?<![=!]= )(?<!case )(?<!case api::)(?<![=!]= api::)\b\w+::k(\w+)", code))
        for kind in self.ours:
            for field, shape in self.schema(kind, "status").get("properties", {}).items():
                name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", field).lower()
                self.assertTrue(re.search(rf"\.{name}\b", code), f"{kind}.status.{field}")
                if field == "phase":
                    self.assertEqual(set(shape["enum"]) - {shape["default"]} - said, set(), kind)


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
