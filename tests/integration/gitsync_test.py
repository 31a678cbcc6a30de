"""Git sync through the real binary: what is in force, who may write what, and what the status says."""
import json
import os
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

from git_world import HOME, GitWorld, Repository, condition_of, module
from harness import BINARY, ROOT, Process, obj, wait_until
from raw_api import RawApi

MISTAKE = """apiVersion: midwatch.dev/v1alpha1
kind: Module
metadata:
  name: mistake
  namespace: payments
spec:
  displayname: x
"""


class Refs(GitWorld):
    def test_a_branch_is_followed_without_asking(self):
        self.repository.git("checkout", "-q", "-b", "live")
        self.declare("a", module("a", "one"))
        first = self.repository.commit(branch="live")
        self.source(ref={"branch": "live"}, interval="1s")
        self.wait_applied(first)
        self.declare("a", module("a", "two"))
        self.wait_applied(self.repository.commit(branch="live"))
        self.assertEqual(self.display("a"), "two")

    def test_a_tag_is_followed_when_it_moves(self):
        self.declare("a", module("a", "one"))
        first = self.repository.commit()
        self.repository.tag("v1", "-m", "annotated")
        self.source(ref={"tag": "v1"})
        self.wait_applied(first)
        self.declare("a", module("a", "two"))
        second = self.repository.commit()
        self.sync()
        self.assertEqual(self.applied(), first)
        self.repository.tag("v1", "--force")
        self.sync()
        self.assertEqual(self.applied(), second)

    def test_a_commit_stays(self):
        self.declare("a", module("a", "one"))
        first = self.repository.commit()
        self.source(ref={"commit": first})
        self.wait_applied(first)
        self.declare("a", module("a", "two"))
        second = self.repository.commit()
        self.sync()
        self.assertEqual((self.applied(), self.display("a")), (first, "one"))
        self.source(ref={"commit": second})
        self.wait_applied(second)
        self.assertEqual(self.display("a"), "two")

    def test_without_a_ref_the_head_of_the_remote_is_followed(self):
        self.repository.git("checkout", "-q", "-b", "trunk")
        commit = self.repository.commit(branch="trunk")
        subprocess.run(["git", "-C", self.repository.bare, "symbolic-ref", "HEAD", "refs/heads/trunk"], check=True)
        self.source()
        self.wait_applied(commit)

    def test_only_the_path_counts(self):
        self.declare("live/a", module("a"))
        self.declare("live/namespace", obj("Namespace", "payments", version="v1"))
        self.repository.write("draft/b.yaml", "kind: [")
        commit = self.repository.commit()
        self.source(path="live")
        self.wait_applied(commit)
        self.assertEqual(self.status()["counts"]["total"], 2)


class Asking(GitWorld):
    def test_sync_waits_for_the_result_and_says_it(self):
        self.declare("a", module("a"))
        commit = self.repository.commit()
        self.source()
        said = self.sync().stdout
        self.assertIn(f"revision {commit[:12]} is in force", said)
        self.assertRegex(said, "2 objects")  # Or it came into force by itself before: nothing to change.

    def test_the_annotation_asks(self):
        self.source()
        self.repository.commit()
        self.source(annotations={"midwatch.dev/sync-requested-at": "first"})
        wait_until(lambda: self.status().get("lastHandledSyncRequest") == "first", "the first answer")
        commit = self.repository.commit()
        self.source(annotations={"midwatch.dev/sync-requested-at": "second"})
        self.wait_applied(commit)
        self.assertEqual(self.status()["lastHandledSyncRequest"], "second")

    def test_a_suspended_source_writes_nothing_until_it_is_resumed(self):
        first = self.repository.commit()
        self.source(interval="1s")
        self.wait_applied(first)
        self.source(interval="1s", suspend=True)
        wait_until(lambda: self.status()["active"] is False, "the suspension")
        self.declare("a", module("a"))
        second = self.repository.commit()
        refused = self.sync(check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("suspended", refused.stderr)
        time.sleep(2.5)  # Two intervals.
        self.assertEqual(self.applied(), first)
        self.source(interval="1s")
        self.wait_applied(second)


class Status(GitWorld):
    def test_says_what_was_attempted_and_what_is_in_force(self):
        self.declare("a", module("a"))
        self.declare("b", module("b"))
        first = self.repository.commit()
        self.source()
        self.sync()
        status = self.status()
        self.assertEqual(status["applied"]["revision"], first)
        self.assertEqual(status["attempted"]["revision"], first)
        self.assertEqual(status["applied"]["treeID"], self.repository.git("rev-parse", f"{first}^{{tree}}").strip())
        self.assertEqual(status["counts"], {"created": 3, "updated": 0, "unchanged": 0, "pruned": 0, "failed": 0,
                                            "total": 3})
        self.assertEqual(set(status["durations"]), {"fetchMillis", "loadMillis", "applyMillis"})
        self.assertEqual(status["errorCount"], 0)

        self.declare("a", module("a", "changed"))
        self.repository.remove("b.yaml")
        self.declare("c", module("c"))
        self.repository.commit()
        self.sync()
        self.assertEqual(self.status()["counts"], {"created": 1, "updated": 1, "unchanged": 1, "pruned": 1,
                                                   "failed": 0, "total": 3})

    def test_holds_the_first_100_errors_with_their_positions(self):
        good = self.repository.commit()
        self.source()
        self.wait_applied(good)
        for number in range(130):
            self.repository.write(f"bad/{number:03}.yaml", MISTAKE.replace("name: mistake", f"name: mistake-{number}"))
        bad = self.repository.commit()
        said = self.sync(check=False)
        self.assertEqual(said.returncode, 1)
        self.assertIn("… and 30 more", said.stdout)
        status = self.status()
        self.assertEqual((status["applied"]["revision"], status["attempted"]["revision"]), (good, bad))
        self.assertEqual((status["errorCount"], len(status["errors"])), (130, 100))
        self.assertEqual(status["errors"][7], {
            "path": "bad/007.yaml", "line": 7, "column": 3, "code": "UnknownField",
            "object": "Module payments/mistake-7", "field": "spec.displayname",
            "message": 'unknown field, did you mean "displayName"?'})
        self.assertIn("failingSince", status)
        self.assertEqual(condition_of(status, "Stalled")["status"], "True")
        self.repository.remove("bad")
        mended = self.repository.commit()
        self.sync()
        self.wait_applied(mended)


class Logged(GitWorld):
    """What serve says of revisions, in both forms of its log."""

    def serve_again(self, form):
        self.server.stop()
        self.server.log.unlink()
        self.server = self.start_server("--log-format", form)

    def lines(self):
        return [line for line in self.server.log.read_text().split("\n") if "sync failed" in line or "recovered" in line]

    def refuse_and_mend(self):
        """A refused revision over several intervals, whose file names lie, and a good one; the commits."""
        forged = "x\n09:00:00.000 INFO  sync recovered source=midwatch-system/platform\x1b[2J\u009b\u202e.yaml"
        self.repository.write(forged, "kind: [\x1b[31m")
        self.repository.write("z.yaml", "kind: [")
        bad = self.repository.commit()
        self.source(interval="1s")
        wait_until(lambda: self.condition()["reason"] == "InvalidRevision", "the refusal")
        time.sleep(2.5)  # Two intervals.
        self.repository.remove(forged, "z.yaml")
        good = self.repository.commit()
        self.wait_applied(good)
        wait_until(lambda: len(self.lines()) == 2, "the line of the recovery")
        self.assertNotRegex(self.server.log.read_text(), "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")
        return bad, good

    def test_a_refused_revision_and_its_end_are_a_line_each(self):
        self.serve_again("text")
        bad, good = self.refuse_and_mend()
        first, second = self.lines()
        self.assertRegex(first, r"^\S+ WARN  sync failed source=midwatch-system/platform revision=" + bad +
                         r' reason=InvalidRevision errors=2 detail="\w+ has 2 errors, nothing of it is written: x.*"$')
        self.assertRegex(second, r"^\S+ INFO  sync recovered source=midwatch-system/platform revision=" + good +
                         r' detail="\w+ is in force: 1 object"$')

    def test_the_lines_are_json_where_json_is_asked_for(self):
        self.serve_again("json")
        bad, good = self.refuse_and_mend()
        first, second = map(json.loads, self.lines())
        detail = first.pop("detail")
        self.assertTrue(detail.startswith(f"{bad[:12]} has 2 errors, nothing of it is written: x\n"), detail)
        self.assertEqual({**first, "time": ""},
                         {"time": "", "level": "warn", "message": "sync failed", "source": f"{HOME}/platform",
                          "revision": bad, "reason": "InvalidRevision", "errors": "2"})
        self.assertEqual((second["level"], second["revision"]), ("info", good))


HEAD = "apiVersion: midwatch.dev/v1alpha1\nkind: Module\n"


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


class Manifests(GitWorld):
    """Each kind of mistake as it reaches the status; loader_test, manifest_test and repository_test have them all."""

    MISTAKES = {
        "syntax.yaml": (HEAD + "metadata: {name: a\n", (4, 1, "SyntaxError", "", 'expected "," or "}"')),
        "tab.yaml": (HEAD + "metadata:\n\tname: a\n",
                     (4, 1, "SyntaxError", "", "tabs cannot indent YAML, use spaces")),
        "duplicate-key.yaml": (HEAD + "metadata:\n  name: a\n  name: b\n",
                               (5, 3, "DuplicateKey", "metadata.name", 'key "name" is repeated, first on line 4')),
        "bomb.yaml": ("a: &a [" + "x," * 200 + "]\nb: &b [" + "*a," * 200 + "]\nc: [*b, *b]\n",
                      (2, 155, "TooManyNodes", "", "aliases expand to more than 10000 values")),
        "deep.yaml": ("a: " + "[" * 100 + "]" * 100,
                      (1, 67, "TooDeep", "", "nested deeper than 64 levels")),
        "large.yaml": ("a: " + "x" * (1 << 20),
                       (1, 1, "TooLarge", "", "the manifest has 1048579 bytes, expected at most 1048576")),
        "utf8.yaml": (b"a: caf\xe9\n", (1, 7, "EncodingError", "", "not valid UTF-8")),
        "kind.yaml": (HEAD.replace("Module", "Modul"),
                      (2, 1, "UnknownKind", "kind", 'unknown kind "Modul", did you mean "Module"?')),
        "version.yaml": (HEAD.replace("v1alpha1", "v1"),
                         (1, 1, "UnknownVersion", "apiVersion",
                          'unknown version "midwatch.dev/v1" of Module, expected "midwatch.dev/v1alpha1"')),
        "field.yaml": (HEAD + "metadata: {name: field}\nspec:\n  displayname: x\n",
                       (5, 3, "UnknownField", "spec.displayname", 'unknown field, did you mean "displayName"?')),
        "type.yaml": (HEAD + "metadata: {name: type}\nspec:\n  displayName: yes\n",
                      (5, 3, "InvalidField", "spec.displayName", "expected string, found boolean")),
        "twice-1.yaml": (HEAD + "metadata: {name: twice}\n",
                         (1, 1, "DuplicateObject", "",
                          f"Module {HOME}/twice is declared twice, also in twice-2.yaml:2")),
        "twice-2.yaml": ("# Again\n" + HEAD + "metadata: {name: twice}\n",
                         (2, 1, "DuplicateObject", "",
                          f"Module {HOME}/twice is declared twice, also in twice-1.yaml:1")),
        "lfs.yaml": (LFS,
                     (None, None, "LfsPointer", "",
                      "the file is in Git LFS, only its pointer is here; manifests must be in git")),
        "link.yaml": (pathlib.Path("/etc/passwd"),
                      (None, None, "Symlink", "", "symbolic links are not followed, put the manifest here")),
        "linked": (pathlib.Path("folder"),
                   (None, None, "Symlink", "", "symbolic links are not followed, put the directory here or sync it by "
                                               "a GitSource of its own")),
    }
    NONE = {"empty.yaml": "", "comments.yaml": "# nothing\n---\n# here\n", "README.md": "not: [yaml", "tool": b"\0\1",
            "README": pathlib.Path("README.md"), "nowhere": pathlib.Path("folder/absent"), "usr": pathlib.Path("/usr"),
            ".linked": pathlib.Path("folder"),
            ".gitattributes": pathlib.Path("/etc/passwd"),  # Row s08 of the security cases.
            "folder/text": "nothing", "logo.png": LFS}

    def test_all_mistakes_of_a_revision_are_told_in_one_go(self):
        for path, content in {**{path: text for path, (text, _) in self.MISTAKES.items()}, **self.NONE}.items():
            file = self.repository.work / path
            file.parent.mkdir(exist_ok=True)
            if isinstance(content, pathlib.Path):
                file.symlink_to(content)
            else:
                file.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.repository.git("add", "-A")
        for path in ("module.yaml", "vendor/module", ".vendor/module"):
            self.repository.git("update-index", "--add", "--cacheinfo", f"160000,{'7' * 40},{path}")
        self.repository.git("commit", "-q", "-m", "mistakes")
        self.repository.git("push", "-q", str(self.repository.bare), "main")
        self.source()
        self.assertEqual(self.sync(check=False).returncode, 1)
        submodule = (None, None, "Submodule", "",
                     "submodules are not read, sync that repository by a GitSource of its own")
        want = {**{path: error for path, (_, error) in self.MISTAKES.items()}, "module.yaml": submodule,
                "vendor/module": submodule}
        errors = self.status()["errors"]
        seen = [(e["path"], (e.get("line"), e.get("column"), e["code"], e.get("field", ""), e["message"])) for e in errors]
        self.assertEqual(seen, sorted(want.items()))
        offline = self.midwatch.run("validate", ".", "-n", HOME, "-o", "json", check=False, cwd=self.repository.work)
        self.assertEqual(offline.returncode, 1)
        self.assertEqual(json.loads(offline.stdout)["errors"], [e for e in errors if e["code"] != "Submodule"],
                         "the same offline, but for a submodule, which is seen in git alone")

    def test_50001_manifests_are_too_many(self):
        documents = [HEAD + f"metadata: {{name: m{number}}}\n" for number in range(50_000)]
        for part in range(10):
            self.repository.write(f"part-{part}.yaml", "---\n".join(documents[part * 5000:(part + 1) * 5000]))
        self.repository.commit()
        self.source()
        self.assertEqual(self.sync(check=False).returncode, 1)
        status = self.status()
        self.assertEqual([(e["code"], e["message"]) for e in status["errors"]],
                         [("TooManyManifests", "there are 50001 manifests, expected at most 50000")])
        self.assertEqual(self.midwatch.get("modules"), [])


class Failures(GitWorld):
    def break_one_of_two(self, policy):
        self.declare("a", module("a", "one"))
        self.declare("b", module("b", "one"))
        good = self.repository.commit()
        self.source(failurePolicy=policy)
        self.wait_applied(good)
        self.declare("a", module("a", "two"))
        self.declare("b", {**module("b", "two"), "spec": {"displayName": 2}})
        bad = self.repository.commit()
        self.assertEqual(self.sync(check=False).returncode, 1)
        return good, bad

    def test_atomic_writes_nothing_of_a_revision_with_an_error(self):
        good, bad = self.break_one_of_two("Atomic")
        self.assertEqual((self.display("a"), self.display("b")), ("one", "one"))
        self.assertEqual((self.applied(), self.status()["attempted"]["revision"]), (good, bad))
        self.assertEqual(self.condition()["reason"], "InvalidRevision")

    def test_atomic_keeps_the_last_good_revision_in_force_after_a_restart_too(self):
        self.break_one_of_two("Atomic")
        self.server.stop(signal.SIGKILL)
        self.server = self.start_server()
        self.midwatch.run("delete", "module/a", "-n", "payments", "--no-wait")
        wait_until(lambda: self.display("a") == "one", "the correction")

    def test_skip_invalid_applies_the_rest_and_keeps_the_last_good_state(self):
        good, bad = self.break_one_of_two("SkipInvalid")
        self.assertEqual((self.display("a"), self.display("b")), ("two", "one"))
        self.assertEqual((self.applied(), self.status()["attempted"]["revision"]), (good, bad))
        self.assertEqual(self.condition()["reason"], "PartlyApplied")
        self.assertIn("revision " + bad[:12] + " has 1 error; the rest of it is in force", self.sync(check=False).stdout)
        self.assertEqual(self.status()["errors"][0]["object"], "Module payments/b")

    def stop_half_way(self, count=6000):
        """Kills the server while it applies so many objects; the commit."""
        for part in range(0, count, 500):
            documents = [json.dumps(module(f"many-{number}")) for number in range(part, part + 500)]
            self.repository.write(f"many/{part}.yaml", "\n---\n".join(documents))
        commit = self.repository.commit()
        self.source()
        wait_until(lambda: self.midwatch.get("modules", "many-0", "payments"), "the first object")
        self.server.stop(signal.SIGKILL)
        return commit

    def test_an_apply_that_a_crash_stops_half_way_is_resumed(self):
        commit = self.stop_half_way()
        self.server = self.start_server()
        self.wait_applied(commit)
        counts = self.status()["counts"]
        self.assertEqual(counts["total"], 6001)
        self.assertGreater(counts["created"], 0, "the server was stopped too late to show anything")
        self.assertLess(counts["created"], 6001, "the server was stopped too early to show anything")

    def test_a_newer_revision_supersedes_one_that_was_stopped_half_way(self):
        self.stop_half_way()
        self.repository.remove("many")
        self.declare("a", module("a"))
        newer = self.repository.commit()
        self.server = self.start_server()
        self.wait_applied(newer)
        self.assertEqual([m["metadata"]["name"] for m in self.midwatch.get("modules")], ["a"])


class Ownership(GitWorld):
    def test_an_object_of_a_person_is_taken_over_only_by_adopting(self):
        self.declare("a", module("a", "git's"))
        self.midwatch.apply(obj("Namespace", "payments", version="v1"), module("a", "a person's"))
        commit = self.repository.commit()
        self.source()
        self.assertEqual(self.sync(check=False).returncode, 1)
        errors = self.status()["errors"]
        self.assertEqual([(e["path"], e["line"], e["code"]) for e in errors],
                         [("a.yaml", 1, "NotOwned"), ("namespace.yaml", 1, "NotOwned")])
        self.assertIn("spec.adopt", errors[0]["message"])
        self.assertEqual(self.display("a"), "a person's")
        self.source(adopt=True)
        self.wait_applied(commit)
        self.assertEqual(self.display("a"), "git's")
        self.repository.remove("a.yaml")
        self.wait_for_sync_of(self.repository.commit())
        self.assertEqual(self.display("a"), "git's", "what was adopted is not pruned")
        self.source(adopt=True, pruneAdopted=True)
        wait_until(lambda: self.display("a") is None, "the pruning")

    def wait_for_sync_of(self, commit):
        self.sync()
        self.wait_applied(commit)

    def test_an_object_of_another_source_is_an_error(self):
        self.declare("a", module("a", "first's"))
        self.source()
        self.wait_for_sync_of(self.repository.commit())
        other = Repository(self.dir / "other")
        self.declare("a", module("a", "other's"), other)
        other.commit()
        self.source("other", url=other.url, adopt=True)
        self.assertEqual(self.sync("other", check=False).returncode, 1)
        error = self.status("other")["errors"][0]
        self.assertEqual((error["code"], error["object"]), ("NotOwned", "Module payments/a"))
        self.assertIn(f"gitsources.midwatch.dev/{HOME}/platform", error["message"])
        self.assertEqual(self.display("a"), "first's")

    def test_nothing_declared_prunes_nothing_unless_allowed(self):
        self.declare("a", module("a"))
        self.source()
        self.wait_for_sync_of(self.repository.commit())
        self.repository.remove("a.yaml", "namespace.yaml")
        self.repository.write("README.md", "nothing")
        self.wait_for_sync_of(self.repository.commit())
        self.assertIsNotNone(self.display("a"))
        self.source(allowEmpty=True)
        wait_until(lambda: self.display("a") is None, "the pruning")

    def test_namespaces_are_pruned_only_on_request(self):
        self.declare("a", module("a"))
        self.declare("other", obj("Namespace", "other", version="v1"))
        self.source()
        self.wait_for_sync_of(self.repository.commit())
        self.repository.remove("other.yaml")
        self.wait_for_sync_of(self.repository.commit())
        self.assertIsNotNone(self.midwatch.get("namespaces", "other"))
        self.source(pruneNamespaces=True)
        wait_until(lambda: self.midwatch.get("namespaces", "other") is None, "the pruning")
        self.assertIsNotNone(self.midwatch.get("namespaces", "payments"))

    def test_prune_may_be_off(self):
        self.declare("a", module("a"))
        self.source(prune=False)
        self.wait_for_sync_of(self.repository.commit())
        self.repository.remove("a.yaml")
        self.wait_for_sync_of(self.repository.commit())
        self.assertIsNotNone(self.display("a"))

    def test_a_source_that_is_deleted_leaves_its_objects_unless_its_policy_prunes(self):
        self.declare("a", module("a"))
        commit = self.repository.commit()
        for policy, left, told in (("Orphan", True, "stay"), ("Prune", False, "are deleted too")):
            self.source(deletionPolicy=policy)
            self.wait_applied(commit)
            said = self.midwatch.run("delete", "gitsource/platform", "-n", HOME).stdout
            self.assertIn(f"deleted; its 2 objects {told} (deletionPolicy: {policy})", said)
            self.assertIsNone(self.midwatch.get("gitsources", "platform", HOME))
            self.assertEqual(self.display("a") is not None, left, policy)
        self.assertIsNotNone(self.midwatch.get("namespaces", "payments"), "a namespace needs pruneNamespaces")


class Drift(GitWorld):
    def setUp(self):
        super().setUp()
        self.declare("a", module("a", "declared", labels={"team": "payments"}))
        self.commit = self.repository.commit()
        self.source()
        self.wait_applied(self.commit)

    def test_what_git_declares_is_put_back_and_nothing_else(self):
        drifted = module("a", "drifted", labels={"team": "others"}, annotations={"note": "mine"})
        refused = self.midwatch.run("apply", "-f", "-", "--force-conflicts", stdin=json.dumps(drifted), check=False)
        self.assertEqual(refused.returncode, 3)
        self.assertRegex(refused.stderr, r"GitSource midwatch-system/platform declares it in a\.yaml: change it there")
        RawApi(self).take_over(drifted, "modules")
        wait_until(lambda: self.display("a") == "declared", "the correction")
        metadata = self.midwatch.get("modules", "a", "payments")["metadata"]
        self.assertEqual(metadata["labels"]["team"], "payments")
        self.assertEqual(metadata["annotations"]["note"], "mine")

    def test_a_deleted_object_comes_back(self):
        uid = self.midwatch.get("modules", "a", "payments")["metadata"]["uid"]
        self.midwatch.run("delete", "module/a", "-n", "payments", "--no-wait")

        def is_back():
            found = self.midwatch.get("modules", "a", "payments")
            return found and found["metadata"]["uid"] != uid
        wait_until(is_back, "the correction")

    def test_it_is_corrected_after_a_restart_too(self):
        self.source(suspend=True)
        wait_until(lambda: self.status()["active"] is False, "the suspension")
        self.midwatch.run("apply", "-f", "-", "--force-conflicts", stdin=json.dumps(module("a", "drifted")))
        self.server.stop()
        self.server = self.start_server()
        self.assertEqual(self.display("a"), "drifted")
        self.source()
        wait_until(lambda: self.display("a") == "declared", "the correction")


class Authority(GitWorld):
    def test_a_source_elsewhere_writes_into_its_own_namespace_only(self):
        self.midwatch.apply(obj("Namespace", "orders", version="v1"))
        self.declare("a", module("a", namespace="orders"))
        self.declare("b", module("b", namespace="payments"))
        self.declare("c", obj("Stack", "c", spec={"displayName": "Everything"}))
        self.repository.commit()
        self.source("orders", "orders")
        self.assertEqual(self.sync("orders", "orders", check=False).returncode, 1)
        errors = self.status("orders", "orders")["errors"]
        self.assertEqual([(e["path"], e["code"], e["field"]) for e in errors],
                         [("b.yaml", "NotAllowed", "metadata.namespace"), ("c.yaml", "NotAllowed", "kind"),
                          ("namespace.yaml", "NotAllowed", "kind")])
        self.assertIsNone(self.display("a", "orders"))
        self.repository.remove("b.yaml", "c.yaml", "namespace.yaml")
        commit = self.repository.commit()
        self.sync("orders", "orders")
        self.wait_applied(commit, "orders", "orders")
        self.assertIsNotNone(self.display("a", "orders"))

    @unittest.skipIf(os.geteuid() != 0, "only root can give a repository away")
    def test_a_repository_of_another_user(self):
        """Row s09 of the security cases."""
        self.repository.commit()
        for path in [self.repository.bare, *self.repository.bare.rglob("*")]:
            os.chown(path, 12345, 12345)
        self.source()
        refused = self.sync(check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("belongs to another user, expected a repository of the user that the server runs as", refused.stdout)
        self.assertEqual(self.condition()["reason"], "InvalidSource")
        for path in [self.repository.bare, *self.repository.bare.rglob("*")]:
            os.chown(path, 0, 0)
        self.sync()

    def test_file_urls_need_the_servers_flag(self):
        self.repository.commit()
        self.server.stop()
        self.server = Process(self.dir / "serve.log", "serve", "--data", self.dir / "data", "--listen",
                              f"127.0.0.1:{self.port}")
        self.processes.append(self.server)
        wait_until(lambda: self.midwatch.run("get", "namespaces", check=False).returncode == 0, "the server's start")
        self.source()
        refused = self.sync(check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("--allow-file-urls", refused.stdout)
        self.assertEqual(condition_of(self.status(), "Stalled")["status"], "True")


class Examples(GitWorld):
    """Every manifest under examples/ is validated and applied here."""

    REPOSITORIES = {"quickstart/repo", "teams/platform/repo", "teams/payments/repo"}
    # No manifests: configurations of agents, and what a pipeline's step compares. cli_test runs them.
    OTHERS = {"quickstart/agent.yaml", "quickstart/pipeline/settings.yaml", "sidecar/agent.yaml"}

    def commit(self, example, *edits, namespace=None):
        """A repository filled from the example, once that is valid; with texts replaced."""
        directory = ROOT / "examples" / example
        self.midwatch.run("validate", directory, *(["-n", namespace] if namespace else []))
        repository = Repository(self.dir / example)
        shutil.copytree(directory, repository.work, dirs_exist_ok=True)
        for path, old, new in edits:
            text = (repository.work / path).read_text()
            self.assertIn(old, text)
            (repository.work / path).write_text(text.replace(old, new))
        return repository, repository.commit()

    def test_the_quick_start_comes_into_force(self):
        repository, commit = self.commit("quickstart/repo")
        self.source(url=repository.url)
        self.sync()
        self.wait_applied(commit)
        self.assertIsNotNone(self.midwatch.get("stackmissions", "summarize-successes"))
        self.midwatch.run("agent", "token", "agents/ops", "--file", self.dir / "agent.kubeconfig")
        self.processes.append(Process(
            self.dir / "agent.log", "agent", "--agent", "agents/ops", "--config", ROOT / "examples/quickstart/agent.yaml",
            "--kubeconfig", self.dir / "agent.kubeconfig", "--data", self.dir / "agent",
            environment={"PATH": f"{pathlib.Path(BINARY).parent}:{os.environ['PATH']}"}))  # Its sidecar is `midwatch`.
        wait_until(lambda: self.connected() == 1, "the agent's connection")

    def test_the_teams_come_into_force_one_through_the_other(self):
        team, its_commit = self.commit("teams/payments/repo", namespace="payments")
        platform, commit = self.commit(
            "teams/platform/repo",
            ("teams/payments.yaml", "https://git.example.com/payments/midwatch.git", team.url),
            ("teams/payments.yaml", "  secretRef:\n    name: git-login\n", ""))
        self.source(url=platform.url)
        self.wait_applied(commit)
        self.wait_applied(its_commit, "payments", "payments")
        self.assertEqual(self.display("gateway"), "Payment gateway")
        self.assertIsNotNone(self.midwatch.get("namespacemissions", "diagnose-failures", "payments"))

    def test_no_example_is_left_out(self):
        files = {path.relative_to(ROOT / "examples") for path in (ROOT / "examples").rglob("*.yaml")}
        covered = {path for path in files if any(path.is_relative_to(one) for one in self.REPOSITORIES)}
        self.assertEqual({str(path) for path in files - covered}, self.OTHERS)


if __name__ == "__main__":
    unittest.main()
