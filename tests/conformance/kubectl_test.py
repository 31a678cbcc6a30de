"""The verbs of the real kubectl against the real server."""
import json
import os
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from harness import ROOT, World, obj  # noqa: E402

EXAMPLE = ROOT / "examples/quickstart/repo"
SKIPPED = 77


def find_kubectl():
    given = os.environ.get("MIDWATCH_KUBECTL")
    if given:
        return given
    built = subprocess.run([HERE / "build_tools.sh"], capture_output=True, text=True)
    if built.returncode == 3 and "CI" not in os.environ:
        print(built.stderr, file=sys.stderr)
        os._exit(SKIPPED)
    if built.returncode != 0:
        raise RuntimeError(built.stderr)
    return os.path.join(built.stdout.split()[-1], "kubectl")


KUBECTL = find_kubectl()


class Kubectl(World):
    def kubectl(self, *arguments, stdin=None, code=0):
        environment = {**os.environ, "KUBECONFIG": str(self.dir / "data/kubeconfig"), "HOME": str(self.dir / "home")}
        done = subprocess.run([KUBECTL, *arguments], input=stdin, text=True, capture_output=True,
                              env=environment, timeout=60)
        self.assertEqual(done.returncode, code, f"kubectl {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def apply(self, *documents, flags=(), code=0):
        return self.kubectl("apply", *flags, "-f", "-", stdin="\n---\n".join(json.dumps(d) for d in documents), code=code)

    def json(self, *arguments):
        return json.loads(self.kubectl(*arguments, "-o", "json"))

    def apply_example(self, *flags):
        """Everything that the quick start declares, whose files kubectl takes in the order of their names."""
        self.apply(*[obj("Namespace", name, version="v1") for name in ("agents", "payments", "storefront")], flags=flags)
        self.kubectl("apply", *flags, "-R", "-f", str(EXAMPLE))

    def module(self, name="db", **spec):
        return obj("Module", name, "default", {"displayName": "Database", **spec})

    def test_midwatch_is_a_plugin_of_it(self):
        binary = pathlib.Path(os.environ.get("MIDWATCH", "midwatch")).resolve()
        os.environ["PATH"] = f"{binary.parent}:{os.environ['PATH']}"
        self.apply(self.module())
        self.assertIn("db", self.kubectl("midwatch", "get", "modules"))
        self.assertIn("unknown command", self.kubectl("midwatch", "gett", code=2))

    # ---- reading ----

    def test_version_and_health(self):
        self.assertIn("Server Version: v1.", self.kubectl("version"))
        self.assertEqual(self.kubectl("get", "--raw", "/readyz"), "ok")
        self.assertIn("midwatch_http_requests_total", self.kubectl("get", "--raw", "/metrics"))

    def test_api_resources_and_versions(self):
        resources = self.kubectl("api-resources")
        for kind in ("Module", "Dispatch", "GitSource", "Namespace", "Secret", "Lease", "Event"):
            self.assertRegex(resources, rf"(?m) {kind}$")
        self.assertIn("midwatch.dev/v1alpha1", self.kubectl("api-versions"))
        self.assertIn("modules", self.kubectl("api-resources", "--categories=midwatch", "-o", "name"))

    def test_get_in_every_form(self):
        self.apply(self.module(source={"repository": "https://git.example.com/db", "path": "live"}))
        table = self.kubectl("get", "modules").splitlines()
        self.assertRegex(table[0], r"^NAME +DISPLAY NAME.* AGE *$")
        self.assertRegex(table[1], r"^db +Database.* \d+s *$")
        self.assertIn("NAMESPACE", self.kubectl("get", "modules", "-A"))
        wide = self.kubectl("get", "modules", "-o", "wide").splitlines()
        self.assertRegex(wide[0], r"^NAME +DISPLAY NAME +REPOSITORY +PATH +AGE *$")
        self.assertRegex(wide[1], r"^db +Database +https://git.example.com/db +live +\d+s *$")
        self.assertIn("displayName: Database", self.kubectl("get", "mod", "db", "-o", "yaml"))
        self.assertEqual(self.kubectl("get", "module/db", "-o", "jsonpath={.spec.displayName}"), "Database")
        self.assertEqual(self.kubectl("get", "modules", "-o", "name").strip(), "module.midwatch.dev/db")
        self.assertIn("db", self.kubectl("get", "modules", "--sort-by=.metadata.name"))
        self.assertIn("module.midwatch.dev/db", self.kubectl("get", "midwatch", "-A"))
        self.assertNotIn("module", self.kubectl("get", "midwatch-all", "-A"))
        self.assertIn('modules.midwatch.dev "no" not found', self.kubectl("get", "module", "no", code=1))

    def test_get_pages_and_selects(self):
        self.apply(*[obj("Module", f"m{i}", "default", {}, labels={"half": str(i % 2)}) for i in range(7)])
        self.assertEqual(len(self.kubectl("get", "modules", "--chunk-size=2", "--no-headers").splitlines()), 7)
        self.assertEqual(len(self.kubectl("get", "modules", "-l", "half=1", "--no-headers").splitlines()), 3)
        one = self.kubectl("get", "modules", "--field-selector=metadata.name=m3", "--no-headers")
        self.assertRegex(one, r"^m3 ")
        self.assertIn("field label not supported",
                      self.kubectl("get", "modules", "--field-selector=spec.nope=1", code=1))

    def test_get_watches(self):
        environment = {**os.environ, "KUBECONFIG": str(self.dir / "data/kubeconfig"), "HOME": str(self.dir / "home")}
        self.apply(self.module())
        with subprocess.Popen([KUBECTL, "get", "modules", "-w", "--no-headers"], stdout=subprocess.PIPE, text=True,
                              env=environment) as watch:
            try:
                self.assertRegex(watch.stdout.readline(), r"^db +Database")
                self.kubectl("patch", "module", "db", "--type=merge", "-p", '{"spec":{"displayName":"Changed"}}')
                self.assertRegex(watch.stdout.readline(), r"^db +Changed")
                self.apply(self.module("second"))
                self.assertRegex(watch.stdout.readline(), r"^second ")
            finally:
                watch.kill()

    def test_describe_and_explain(self):
        self.apply(self.module())
        self.kubectl("create", "-f", "-", stdin=json.dumps({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e1", "namespace": "default"}, "reason": "Seen",
            "message": "somebody looked", "type": "Normal", "involvedObject": {
                "apiVersion": "midwatch.dev/v1alpha1", "kind": "Module", "name": "db", "namespace": "default",
                "uid": self.json("get", "module", "db")["metadata"]["uid"]}}))
        described = self.kubectl("describe", "module", "db")
        self.assertRegex(described, r"Display Name: +Database")
        self.assertIn("somebody looked", described)
        self.assertIn("displayName", self.kubectl("explain", "module.spec"))
        self.assertIn("<ObjectMeta>", self.kubectl("explain", "module"))

    def test_auth(self):
        self.assertIn("midwatch:administrator", self.kubectl("auth", "whoami"))
        self.assertEqual(self.kubectl("auth", "can-i", "create", "modules").strip(), "yes")
        self.assertIn("impersonation", self.kubectl("--as", "bob", "get", "modules", code=1))

    def test_definitions(self):
        self.assertIn("modules.midwatch.dev", self.kubectl("get", "crd"))
        self.kubectl("wait", "--for=condition=Established", "crd/modules.midwatch.dev", "--timeout=5s")

    def test_what_happens_is_seen_and_waited_for(self):
        """A job that a pipeline reports with kubectl alone."""
        self.apply_example()
        self.kubectl("wait", "agent/ops", "-n", "agents", "--for=condition=Ready", "--timeout=10s")
        self.kubectl("wait", "agent/ops", "-n", "agents", "--for=condition=Connected=false", "--timeout=10s")
        self.apply(obj("ModuleJob", "database-1", "payments", {
            "moduleRef": {"name": "database"}, "jobID": "1",
            "transitions": [{"seq": 0, "state": "Failed", "at": "2026-03-02T12:00:00Z", "exitCode": 1}]}))
        self.kubectl("wait", "modulejob/database-1", "-n", "payments", "--for=jsonpath={.status.state}=Failed", "--timeout=10s")
        self.kubectl("wait", "dispatches", "--all", "-n", "payments", "--for=jsonpath={.status.phase}=Parked", "--timeout=10s")
        table = self.kubectl("get", "dispatches", "-n", "payments", "--field-selector=status.phase=Parked").splitlines()
        self.assertRegex(table[0], r"^NAME +MODULE +JOB +TYPE +AGENT +PHASE +REASON +ATTEMPT +AGE *$")
        self.assertRegex(table[1], r" database +database-1 +AutoDiagnose +ops +Parked +NoConnectedInstance ")
        self.assertEqual(len(table), 2)
        self.assertIn("No resources", self.kubectl("get", "dispatches", "-A", "--field-selector=status.phase=Running"))
        self.kubectl("delete", "modulejob", "database-1", "-n", "payments", "--timeout=20s")
        self.kubectl("wait", "dispatches", "--all", "-n", "payments", "--for=delete", "--timeout=20s")

    # ---- writing ----

    def test_create_of_core_kinds(self):
        """kubectl sends these as protobuf."""
        self.kubectl("create", "namespace", "shop")
        self.kubectl("create", "configmap", "c", "-n", "shop", "--from-literal=a=b")
        self.kubectl("create", "secret", "generic", "s", "-n", "shop", "--from-literal=password=hunter2")
        self.assertEqual(self.json("get", "configmap", "c", "-n", "shop")["data"], {"a": "b"})
        self.assertEqual(self.json("get", "secret", "s", "-n", "shop")["data"], {"password": "aHVudGVyMg=="})
        self.assertIn("already exists", self.kubectl("create", "namespace", "shop", code=1))
        self.assertIn('namespaces "nowhere" not found',
                      self.kubectl("create", "configmap", "c", "-n", "nowhere", code=1))
        self.kubectl("label", "configmap", "c", "-n", "shop", "a=b")
        self.kubectl("annotate", "secret", "s", "-n", "shop", "c=d")
        self.kubectl("delete", "namespace", "shop", "--timeout=20s")
        self.kubectl("get", "namespace", "shop", code=1)

    def test_apply_creates_changes_nothing_and_configures(self):
        self.assertIn("created", self.apply(self.module()))
        self.assertIn("unchanged", self.apply(self.module()))
        self.assertIn("configured", self.apply(self.module(displayName="Other")))
        self.assertEqual(self.json("get", "module", "db")["spec"]["displayName"], "Other")
        self.assertIn("(server dry run)", self.apply(self.module(displayName="Dry"), flags=["--dry-run=server"]))
        self.assertEqual(self.json("get", "module", "db")["spec"]["displayName"], "Other")

    def test_applying_every_kind_again_changes_nothing(self):
        for flags in ([], ["--server-side", "--force-conflicts"]):
            with self.subTest(flags):
                self.apply_example(*flags)
                again = self.kubectl("apply", *flags, "-R", "-f", str(EXAMPLE)).splitlines()
                self.assertGreater(len(again), 8)
                self.assertEqual([line for line in again if not line.endswith(("unchanged", "serverside-applied"))], [])
                self.assertEqual(self.kubectl("diff", *flags, "-R", "-f", str(EXAMPLE)), "")

    def test_apply_refuses_what_is_wrong(self):
        self.assertIn('unknown field "spec.nope"', self.apply(self.module(nope=1), code=1))
        warned = self.apply(self.module(nope=1), flags=["--validate=warn"])
        self.assertIn('Warning: unknown field "spec.nope"', warned)
        self.assertIn("spec.displayName", self.apply(self.module(displayName=5), code=1))
        self.assertIn("metadata.name", self.apply(self.module("Not_A_Name"), code=1))

    def test_apply_server_side_finds_conflicts(self):
        side = ["--server-side"]
        self.apply(self.module(), flags=side)
        version = self.json("get", "module", "db")["metadata"]["resourceVersion"]
        self.apply(self.module(), flags=side)
        self.assertEqual(self.json("get", "module", "db")["metadata"]["resourceVersion"], version)
        other = self.module(displayName="Other")
        conflict = self.apply(other, flags=[*side, "--field-manager=other"], code=1)
        self.assertIn('conflict with "kubectl"', conflict)
        self.assertIn(".spec.displayName", conflict)
        self.apply(other, flags=[*side, "--field-manager=other", "--force-conflicts"])
        managers = self.kubectl("get", "module", "db", "-o", "yaml", "--show-managed-fields")
        self.assertIn("manager: other", managers)

    def test_diff(self):
        self.apply(self.module())
        text = json.dumps(self.module(displayName="Other"))
        self.assertIn("+  displayName: Other", self.kubectl("diff", "-f", "-", stdin=text, code=1))
        self.assertEqual(self.kubectl("diff", "-f", "-", stdin=json.dumps(self.module())), "")
        self.assertIn("+  displayName: Other", self.kubectl("diff", "--server-side", "--force-conflicts", "-f", "-",
                                                            stdin=text, code=1))

    def test_label_annotate_patch_replace(self):
        self.apply(self.module())
        self.kubectl("label", "module", "db", "tier=data")
        self.kubectl("annotate", "module", "db", "note=seen")
        self.kubectl("label", "module", "db", "tier-")
        self.kubectl("patch", "module", "db", "--type=json",
                     "-p", '[{"op":"replace","path":"/spec/displayName","value":"Patched"}]')
        got = self.json("get", "module", "db")
        self.assertEqual(got["spec"]["displayName"], "Patched")
        self.assertEqual(got["metadata"]["annotations"]["note"], "seen")
        self.assertNotIn("labels", got["metadata"])
        got["spec"]["displayName"] = "Replaced"
        self.kubectl("replace", "-f", "-", stdin=json.dumps(got))
        self.assertIn("the object has been modified", self.kubectl("replace", "-f", "-", stdin=json.dumps(got), code=1))

    def test_wait(self):
        self.apply(self.module())
        self.kubectl("wait", "module/db", "--for=jsonpath={.spec.displayName}=Database", "--timeout=5s")
        self.assertIn("timed out", self.kubectl("wait", "module/db", "--for=jsonpath={.spec.displayName}=Never",
                                                "--timeout=1s", code=1))
        self.kubectl("delete", "module", "db", "--wait=false")
        self.kubectl("wait", "module/db", "--for=delete", "--timeout=5s")

    def test_delete(self):
        self.apply(*[self.module(f"m{i}") for i in range(3)])
        self.assertIn("deleted", self.kubectl("delete", "module", "m0"))
        self.kubectl("delete", "module", "m0", code=1)
        self.kubectl("delete", "module", "m0", "--ignore-not-found")
        self.kubectl("delete", "module", "m1", "--cascade=foreground", "--timeout=10s")
        self.kubectl("delete", "modules", "--all")
        self.assertIn("No resources found", self.kubectl("get", "modules"))

    def test_delete_waits_for_finalizers(self):
        held = self.module()
        held["metadata"]["finalizers"] = ["example.com/hold"]
        self.apply(held)
        self.kubectl("delete", "module", "db", "--wait=false")
        self.assertIn("deletionTimestamp", self.json("get", "module", "db")["metadata"])
        self.kubectl("patch", "module", "db", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        self.kubectl("get", "module", "db", code=1)


if __name__ == "__main__":
    unittest.main()
