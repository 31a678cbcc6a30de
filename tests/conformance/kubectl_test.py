"""The verbs of the real kubectl against the real server."""
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from harness import ROOT, World, obj, shop, wait_until  # noqa: E402

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
        def names(*flags):
            return " ".join(line.split()[0] for line in self.kubectl("get", "modules", "--no-headers", *flags).splitlines())
        self.assertEqual(names("-l", "half=1"), "m1 m3 m5")
        self.assertEqual(names("-l", "half!=1"), "m0 m2 m4 m6")
        self.assertEqual(names("-l", "half in (0,2),half"), "m0 m2 m4 m6")
        self.assertEqual(names("-l", "half notin (0)"), "m1 m3 m5")
        self.kubectl("label", "module", "m4", "half-")
        self.assertEqual(names("-l", "!half"), "m4")
        self.assertEqual(names("--field-selector=metadata.name=m3"), "m3")
        self.assertEqual(names("--field-selector=metadata.name!=m3,metadata.namespace=default", "-l", "half=1"), "m1 m5")
        self.assertEqual(names("--sort-by={.metadata.labels.half}", "-l", "half"), "m0 m2 m6 m1 m3 m5")
        self.assertIn("field label not supported: spec.nope",
                      self.kubectl("get", "modules", "--field-selector=spec.nope=1", code=1))
        self.assertIn("unable to parse requirement", self.kubectl("get", "modules", "-l", "a b", code=1))

    def test_get_selects_by_the_fields_of_a_kind(self):
        self.apply(self.module(), self.module("other"))
        for number, module in enumerate(("db", "db", "other")):
            self.apply(obj("ModuleJob", f"job-{number}", "default", {
                "moduleRef": {"name": module}, "jobID": str(number),
                "transitions": [{"seq": 1, "state": "Running", "at": "2026-03-02T12:00:00Z"}]}))
        self.assertEqual(self.kubectl("get", "modulejobs", "--field-selector=spec.moduleRef.name=db", "-o", "name").split(),
                         ["modulejob.midwatch.dev/job-0", "modulejob.midwatch.dev/job-1"])

    def test_get_prints_what_is_asked_for(self):
        self.apply(obj("Module", "db", "default", {"displayName": "Database"}, labels={"tier": "data"}))
        self.assertRegex(self.kubectl("get", "modules", "-L", "tier").splitlines()[0], r"TIER *$")
        self.assertIn("tier=data", self.kubectl("get", "modules", "--show-labels"))
        self.assertEqual(self.kubectl("get", "modules", "-o", "custom-columns=N:.metadata.name,D:.spec.displayName").split(),
                         ["N", "D", "db", "Database"])
        self.assertEqual(self.kubectl("get", "modules", "-o", "go-template={{range .items}}{{.spec.displayName}}{{end}}"),
                         "Database")
        self.apply(obj("GitSource", "g", "default", {"url": "https://git.example.invalid/x.git", "suspend": True}))
        narrow, wide = (self.kubectl("get", "gitsource", "g", *flags).splitlines()[0].split() for flags in ([], ["-o", "wide"]))
        self.assertEqual([c for c in wide if c not in narrow], ["PATH", "MESSAGE"])
        listed = self.json("get", "modules,namespaces")
        self.assertEqual((listed["kind"], {item["kind"] for item in listed["items"]}), ("List", {"Module", "Namespace"}))

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

    def test_get_watches_what_goes_too(self):
        environment = {**os.environ, "KUBECONFIG": str(self.dir / "data/kubeconfig"), "HOME": str(self.dir / "home")}
        self.apply(self.module())
        with subprocess.Popen([KUBECTL, "get", "modules", "-w", "--output-watch-events", "--no-headers"], stdout=subprocess.PIPE,
                              text=True, env=environment) as watch:
            try:
                self.assertRegex(watch.stdout.readline(), r"^ADDED +db +Database ")
                self.kubectl("annotate", "module", "db", "a=b")
                self.assertRegex(watch.stdout.readline(), r"^MODIFIED +db +Database ")
                self.kubectl("delete", "module", "db")
                self.assertRegex(watch.stdout.readline(), r"^DELETED +db +Database ")
            finally:
                watch.kill()

    def test_events(self):
        self.apply(self.module(), self.module("other"))
        for number, (name, kind) in enumerate((("db", "Warning"), ("other", "Normal"))):
            self.kubectl("create", "-f", "-", stdin=json.dumps({
                "apiVersion": "v1", "kind": "Event", "metadata": {"name": f"e{number}", "namespace": "default"},
                "reason": "Seen", "message": f"somebody looked at {name}", "type": kind,
                "lastTimestamp": f"2026-03-02T12:00:0{number}Z", "involvedObject": {
                    "apiVersion": "midwatch.dev/v1alpha1", "kind": "Module", "name": name, "namespace": "default"}}))
        table = self.kubectl("get", "events").splitlines()
        self.assertRegex(table[0], r"^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE *$")
        self.assertRegex(table[1], r"Warning +Seen +module/db +somebody looked at db *$")
        self.assertRegex(self.kubectl("get", "events", "-o", "wide").splitlines()[0], r"MESSAGE +FIRST SEEN +COUNT +NAME *$")
        self.assertEqual(len(self.kubectl("get", "events", "--field-selector=type=Warning", "--no-headers").splitlines()), 1)
        of_other = self.kubectl("events", "--for", "module/other", "--no-headers")
        self.assertIn("somebody looked at other", of_other)
        self.assertNotIn("looked at db", of_other)

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
        deep = self.kubectl("explain", "gitsource.spec.failurePolicy")
        self.assertRegex(deep, r"(?s)GROUP: +midwatch.dev.*KIND: +GitSource.*FIELD: failurePolicy <string>\nENUM:\n +Atomic\n +SkipInvalid\n")
        self.assertRegex(self.kubectl("explain", "gitsource", "--recursive"), r"(?m)^ +branch\t<string>$")
        self.assertIn('field "nope" does not exist', self.kubectl("explain", "module.spec.nope", code=1))

    def test_describe_tells_what_happened(self):
        self.apply(*shop())
        self.job("1", "false")
        name = self.wait_phase("1", "Parked")["metadata"]["name"]

        def told(kind, what, pattern):
            def look():
                return re.search(pattern, self.kubectl("describe", kind, what, "-n", "payments").split("Events:")[1])
            return wait_until(look, f"an Event {pattern}")
        told("dispatch", name, r"Warning +Parked .* midwatch-controller +NoConnectedInstance: no instance of Agent")
        told("modulejob", self.dispatch_of("1")["spec"]["moduleJobRef"]["name"],
             r"Normal +Matched .* midwatch-controller +AutoDiagnose asked for by OrganizationMission work")
        described = self.midwatch.run("describe", f"dispatch/{name}", "-n", "payments").stdout
        self.assertRegex(described, r"Warning +Parked .*NoConnectedInstance")
        self.kubectl("patch", "dispatch", name, "-n", "payments", "--type=merge", "-p", '{"spec":{"cancel":true}}')
        told("dispatch", name, r"Normal +Cancelled .*CancelRequested: somebody cancelled it")

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
        self.assertRegex(table[0], r"^NAME +JOB +TYPE +MISSION +AGENT +PHASE +REASON +ATTEMPT +AGE *$")
        self.assertRegex(table[1], r" database-1 +AutoDiagnose +diagnose-failures +ops +Parked +NoConnectedInstance ")
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

    def test_apply_removes_what_is_declared_no_more(self):
        self.apply(self.module(description="gone soon"))
        self.kubectl("annotate", "module", "db", "note=kept")
        self.apply(self.module())
        got = self.json("get", "module", "db")
        self.assertEqual((got["spec"], got["metadata"]["annotations"]["note"]), ({"displayName": "Database"}, "kept"))
        self.assertIn('"displayName":"Database"', self.kubectl("apply", "view-last-applied", "module/db", "-o", "json")
                      .replace(" ", "").replace("\n", ""))

    def test_apply_and_delete_a_folder(self):
        folder = self.dir / "manifests/deeper"
        folder.mkdir(parents=True)
        (folder.parent / "0-space.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")
        (folder / "two.yaml").write_text("\n---\n".join(json.dumps(obj("Module", n, "shop", {})) for n in ("a", "b")))
        (folder / "readme.txt").write_text("no: [manifest")
        self.assertEqual(self.kubectl("apply", "-R", "-f", str(folder.parent)).count("created"), 3)
        self.assertEqual(self.kubectl("apply", "-R", "-f", str(folder.parent)).count("unchanged"), 3)
        self.assertEqual(self.kubectl("delete", "-f", str(folder)).count("deleted"), 2)
        self.kubectl("delete", "namespace", "shop", "--timeout=20s")

    def test_apply_prunes(self):
        self.apply(self.module("a"), self.module("b"), flags=["-l", "set=one"], code=1)  # Nothing is labelled so.
        labelled = [obj("Module", n, "default", {}, labels={"set": "one"}) for n in ("a", "b")]
        self.apply(*labelled)
        pruned = self.apply(labelled[0], flags=["--prune", "-l", "set=one",
                                                "--prune-allowlist=midwatch.dev/v1alpha1/Module"])
        self.assertIn("module.midwatch.dev/b pruned", pruned)

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
        self.assertIn('error: Apply failed with 1 conflict: conflict with "kubectl": .spec.displayName\n'
                      "Please review the fields above--they currently have other managers. Here", conflict)
        self.kubectl("patch", "module", "db", "--type=merge", "-p", '{"spec":{"description":"by hand"}}')
        both = self.apply(self.module(displayName="Other", description="x"), flags=[*side, "--field-manager=other"], code=1)
        self.assertRegex(both, r'Apply failed with 2 conflicts: conflicts? with "kubectl')
        self.assertIn(".spec.description", both)
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
        for kind, patch, said in (
                ("strategic", '{"spec":{"displayName":"x"}}', "error: .* unsupported|accepted media types include: application/json-patch"),
                ("merge", '{"spec":{"displayName":7}}', "must be of type string"),
                ("json", '[{"op":"test","path":"/spec/displayName","value":"x"}]', "the server rejected our request|is invalid"),
                ("json", '[{"op":"remove","path":"/spec/nope"}]', "the server rejected our request|is invalid")):
            self.assertRegex(self.kubectl("patch", "module", "db", f"--type={kind}", "-p", patch, code=1), said)
        self.assertIn("--overwrite is false", self.kubectl("annotate", "module", "db", "note=other", code=1))
        self.kubectl("annotate", "module", "db", "--overwrite", "note=other")
        self.assertIn("(no change)", self.kubectl("patch", "module", "db", "--type=merge", "-p", "{}"))
        got = self.json("get", "module", "db")
        got["spec"]["displayName"] = "Replaced"
        self.kubectl("replace", "-f", "-", stdin=json.dumps(got))
        self.assertIn("the object has been modified", self.kubectl("replace", "-f", "-", stdin=json.dumps(got), code=1))

    def test_the_status_is_written_apart(self):
        self.apply(obj("GitSource", "g", "default", {"url": "https://git.example.invalid/x.git", "suspend": True}))
        self.kubectl("wait", "gitsource/g", "--for=condition=Ready=false", "--timeout=10s")
        self.kubectl("patch", "gitsource", "g", "--subresource=status", "--type=merge",
                     "-p", '{"status":{"errorCount":7},"spec":{"path":"ignored"}}')
        got = self.json("get", "gitsource", "g", "--subresource=status")
        self.assertEqual((got["status"]["errorCount"], "path" in got["spec"]), (7, False))
        self.kubectl("patch", "gitsource", "g", "--type=merge", "-p", '{"status":{"errorCount":9}}')
        self.assertEqual(self.json("get", "gitsource", "g")["status"]["errorCount"], 7)
        self.assertIn("could not find the requested resource",
                      self.kubectl("patch", "module", "db", "--subresource=status", "--type=merge", "-p", "{}", code=1))

    def test_wait(self):
        self.apply(self.module())
        self.kubectl("wait", "module/db", "--for=jsonpath={.spec.displayName}=Database", "--timeout=5s")
        self.assertIn("timed out", self.kubectl("wait", "module/db", "--for=jsonpath={.spec.displayName}=Never",
                                                "--timeout=1s", code=1))
        self.kubectl("delete", "module", "db", "--wait=false")
        self.kubectl("wait", "module/db", "--for=delete", "--timeout=5s")
        self.apply(obj("GitSource", "g", "default", {"url": "https://git.example.invalid/x.git", "suspend": True}))
        self.kubectl("wait", "gitsource/g", "--for=condition=Ready=false", "--timeout=10s")
        self.kubectl("wait", "gitsource/g", "--for=create", "--timeout=5s")

    def test_delete(self):
        self.apply(*[self.module(f"m{i}") for i in range(3)])
        self.assertIn("deleted", self.kubectl("delete", "module", "m0"))
        self.kubectl("delete", "module", "m0", code=1)
        self.kubectl("delete", "module", "m0", "--ignore-not-found")
        self.kubectl("delete", "module", "m1", "--cascade=foreground", "--timeout=10s")
        self.apply(*[obj("Module", f"l{i}", "default", {}, labels={"group": str(i % 2)}) for i in range(4)])
        self.assertEqual(self.kubectl("delete", "modules", "-l", "group=1").count("deleted"), 2)
        self.assertIn("(server dry run)", self.kubectl("delete", "module", "l0", "--dry-run=server"))
        self.kubectl("get", "module", "l0")
        self.kubectl("delete", "modules", "--all")
        self.assertIn("No resources found", self.kubectl("get", "modules"))

    def test_delete_decides_what_becomes_of_dependents(self):
        for cascade, left in (("orphan", True), ("background", False), ("foreground", False)):
            self.apply(self.module())
            uid = self.json("get", "module", "db")["metadata"]["uid"]
            self.apply(obj("ConfigMap", "child", "default", version="v1", ownerReferences=[{
                "apiVersion": "midwatch.dev/v1alpha1", "kind": "Module", "name": "db", "uid": uid, "blockOwnerDeletion": True}]))
            self.kubectl("delete", "module", "db", f"--cascade={cascade}", "--timeout=10s")
            self.kubectl("get", "module", "db", code=1)
            if left:
                self.assertNotIn("ownerReferences", self.json("get", "configmap", "child")["metadata"])
                self.kubectl("delete", "configmap", "child")
            else:
                self.kubectl("wait", "configmap/child", "--for=delete", "--timeout=10s")

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
