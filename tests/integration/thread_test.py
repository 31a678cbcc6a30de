"""From a commit to finished AI work, through the real binary."""
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import textwrap
import unittest

from harness import BINARY, ROOT, Process, Repository, World, obj, shop, wait_until
from raw_api import RawApi

REFUSED = ["sh", "-c", "echo connecting to database; echo 'psql: error: connection to server at \"127.0.0.1\", "
           "port 5439 failed: Connection refused' >&2; exit 3"]


class Thread(World):
    def test_a_failed_job_is_diagnosed_from_its_log(self):
        self.midwatch.apply(*shop())
        self.start_agent()
        wait_until(lambda: self.connected() == 1, "the connection")
        done = self.job("d1", *REFUSED, wait="60s")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("Connection refused", done.stdout + done.stderr)
        self.assertIn("produced by: scripted (rules, no model), tokens 0", done.stderr)
        dispatch = self.wait_phase("d1", "Succeeded")
        report = self.midwatch.get("reports", dispatch["status"]["report"]["name"], "payments")
        diagnosis = report["spec"]["diagnosis"]
        self.assertEqual(diagnosis["category"], "Network")
        self.assertIn("Connection refused", diagnosis["evidence"][0]["quote"])
        self.assertEqual(report["spec"]["producedBy"]["sidecar"], "scripted")

    def test_without_assignment_it_parks_and_an_assignment_unparks_it(self):
        world = shop()
        grant = world.pop(4)
        self.midwatch.apply(*world)
        self.start_agent()
        wait_until(lambda: self.connected() == 1, "the connection")
        self.job("d1", *REFUSED)
        parked = self.wait_phase("d1", "Parked")
        self.assertEqual(parked["status"]["reason"], "AgentNotAssigned")
        why = self.midwatch.run("why", "dispatch/" + parked["metadata"]["name"], "-n", "payments").stdout
        self.assertIn("AgentAssignment", why)
        self.midwatch.apply(grant)
        self.wait_phase("d1", "Succeeded")

    def test_without_agent_it_parks_until_one_connects(self):
        self.midwatch.apply(*shop())
        self.job("d1", *REFUSED)
        self.assertEqual(self.wait_phase("d1", "Parked")["status"]["reason"], "NoConnectedInstance")
        self.start_agent()
        self.wait_phase("d1", "Succeeded")

    def test_two_instances_one_wins(self):
        self.midwatch.apply(*shop())
        self.start_agent("one")
        self.start_agent("two")
        wait_until(lambda: self.connected() == 2, "the connections")
        self.job("d1", *REFUSED, wait="60s")
        self.wait_phase("d1", "Succeeded")
        self.assertEqual(len(self.midwatch.get("runs")), 1)

    def test_a_success_is_summarised_and_a_plan_gets_a_recommendation(self):
        self.midwatch.apply(*shop("SummarizeJob"), obj(
            "OrganizationMission", "approve", None,
            {"missionType": "ApprovalRecommend", "agentRef": {"namespace": "agents", "name": "ops"}}))
        self.start_agent()
        wait_until(lambda: self.connected() == 1, "the connection")
        plan = self.dir / "plan.json"
        plan.write_text(json.dumps({"format_version": "1.2", "resource_changes": [
            {"address": "aws_db_instance.main", "type": "aws_db_instance", "name": "main", "mode": "managed",
             "change": {"actions": ["delete"]}}]}))
        self.job("ok", "sh", "-c", "echo Apply complete! Resources: 1 added, 0 changed, 0 destroyed.", wait="60s")
        self.wait_phase("ok", "Succeeded")
        done = self.job("ask", "sh", "-c", "exit 2", approval_exit_code=2, plan=plan, wait="60s")
        self.assertEqual(done.returncode, 2)
        dispatch = self.wait_phase("ask", "Succeeded")
        report = self.midwatch.get("reports", dispatch["status"]["report"]["name"], "payments")
        self.assertNotEqual(report["spec"]["recommendation"]["recommend"], "Approve")

    def test_cancelling_stops_the_run(self):
        self.midwatch.apply(*shop())
        self.start_agent(sidecars=[{"name": "slow", "command": "sleep", "args": ["600"], "default": True}])
        wait_until(lambda: self.connected() == 1, "the connection")
        self.job("d1", *REFUSED)
        dispatch = wait_until(lambda: (d := self.dispatch_of("d1")) and d["status"].get("run") and d, "a Run")
        self.midwatch.run("cancel", "dispatch/" + dispatch["metadata"]["name"], "-n", "payments", "--reason", "enough")
        self.wait_phase("d1", "Cancelled")


class Guides(World):
    """What a new user types, as the guides have it: only where a sidecar is installed is another place, and nobody is asked
    for a password."""

    def setUp(self):
        super().setUp()
        self.place = self.dir / "place"
        self.place.mkdir()
        shutil.copytree(ROOT / "examples", self.place / "examples")
        config = self.place / "examples/sidecar/agent.yaml"
        config.write_text(self.moved(config.read_text()))
        self.environment = {**os.environ, "KUBECONFIG": self.midwatch.kubeconfig, "NO_COLOR": "1",
                            "PATH": f"{pathlib.Path(BINARY).resolve().parent}:{os.environ['PATH']}"}
        self.said = ""

    def moved(self, text):
        return text.replace("/opt/midwatch", str(self.dir / "opt")).replace("sudo ", "")

    def walk(self, guide):
        """Writes each manifest to the file that the text before it names, and types each command."""
        text = (ROOT / "docs/guides" / guide).read_text()
        for before, language, block in re.findall(r"(?s)(.*?)\n *```(\w*)\n(.*?)\n *```", text):
            block = self.moved(textwrap.dedent(block))
            if language == "yaml":
                (self.place / re.findall(r"`([\w-]+\.yaml)`", before)[-1]).write_text(block)
            elif block.startswith("midwatch agent --"):
                self.processes.append(Process(self.dir / f"agent-{len(self.processes)}.log", *shlex.split(block)[1:],
                                              environment=self.environment, cwd=self.place))
                wait_until(lambda log=self.processes[-1].log: "registered" in log.read_text(), "the agent's start")
            else:
                self.type(block)

    def type(self, block):
        done = subprocess.run(["bash", "-c", block], cwd=self.place, env=self.environment, timeout=90, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.said += done.stdout
        failing = "job exec" in block  # Its exit code is that of its command.
        self.assertEqual(done.returncode, 1 if failing and "||" not in block else 0, f"{block}\n{done.stdout}")

    def test_run_an_agent_and_write_a_sidecar(self):
        self.walk("run-an-agent.md")
        self.assertIn("produced by: scripted (rules, no model)", self.said)
        self.walk("write-a-sidecar.md")

        def report():
            return [r for r in self.midwatch.get("reports", namespace="payments")
                    if r["spec"]["producedBy"]["sidecar"] == "last-line"]
        wait_until(report, "the report of the sidecar")
        self.assertEqual(report()[0]["spec"]["diagnosis"]["rootCause"], "The last thing that the job said: the end")


class GitSync(World):
    def source(self, repository, **spec):
        self.midwatch.apply(obj("GitSource", "platform", "midwatch-system",
                                {"url": repository.url, "ref": {"branch": "main"}, "interval": "1h", **spec}))

    def sync(self, check=True):
        return self.midwatch.run("sync", "platform", "-n", "midwatch-system", check=check)

    def test_applies_refuses_and_prunes(self):
        repository = Repository(self.dir)
        for document in shop():
            repository.write(f"{document['kind'].lower()}-{document['metadata']['name']}.yaml", json.dumps(document))
        repository.commit()
        self.source(repository)
        self.sync()
        self.assertIsNotNone(self.midwatch.get("organizationmissions", "work"))
        good = self.midwatch.get("gitsources", "platform", "midwatch-system")["status"]["applied"]["revision"]

        repository.write("bad.yaml", "apiVersion: midwatch.dev/v1alpha1\nkind: Module\nmetadata:\n  name: bad\n"
                                     "  namespace: payments\nspec:\n  displayname: x\n")
        repository.write("more.yaml", json.dumps(obj("Module", "more", "payments", {})))
        repository.commit()
        refused = self.sync(check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("bad.yaml:7:3", refused.stdout + refused.stderr)
        self.assertIn("displayName", refused.stdout + refused.stderr)
        status = self.midwatch.get("gitsources", "platform", "midwatch-system")["status"]
        self.assertEqual(status["applied"]["revision"], good)
        self.assertIsNone(self.midwatch.get("modules", "more", "payments"), "nothing of a broken revision is written")

        (repository.work / "bad.yaml").unlink()
        (repository.work / "organizationmission-work.yaml").unlink()
        repository.commit()
        self.sync()
        self.assertIsNotNone(self.midwatch.get("modules", "more", "payments"))
        self.assertIsNone(self.midwatch.get("organizationmissions", "work"), "what is no longer declared is pruned")

    def test_a_second_sync_of_the_same_revision_writes_nothing(self):
        repository = Repository(self.dir)
        repository.write("module.yaml", "\n---\n".join(json.dumps(d) for d in shop()))
        repository.commit()
        self.source(repository)
        self.sync()
        before = self.midwatch.get("modules", "database", "payments")["metadata"]["resourceVersion"]
        self.sync()
        after = self.midwatch.get("modules", "database", "payments")["metadata"]["resourceVersion"]
        self.assertEqual(before, after)

    def test_drift_is_corrected(self):
        repository = Repository(self.dir)
        repository.write("module.yaml", "\n---\n".join(json.dumps(d) for d in shop()))
        repository.commit()
        self.source(repository)
        self.sync()
        drifted = obj("Module", "database", "payments", {"displayName": "Somebody else's"})
        RawApi(self).take_over(drifted, "modules")
        wait_until(lambda: self.midwatch.get("modules", "database", "payments")["spec"]["displayName"] ==
                   "Payments database", "the correction")


class Restart(World):
    def test_nothing_acknowledged_is_lost_by_kill_9(self):
        self.midwatch.apply(obj("Namespace", "payments", version="v1"))
        written = []
        for round_number in range(3):
            for i in range(20):
                name = f"m-{round_number}-{i}"
                self.midwatch.apply(obj("Module", name, "payments", {"displayName": name}))
                written.append(name)
            self.server.stop(signal.SIGKILL)
            self.server = self.start_server()
            there = {m["metadata"]["name"] for m in self.midwatch.get("modules")}
            self.assertEqual(set(written) - there, set())

    def test_a_job_reported_before_kill_9_is_worked_on_after_it(self):
        self.midwatch.apply(*shop())
        self.job("d1", *REFUSED)
        self.server.stop(signal.SIGKILL)
        self.server = self.start_server()
        self.start_agent()
        self.wait_phase("d1", "Succeeded")
        dispatches = [d for d in self.midwatch.get("dispatches") if d["spec"]["moduleJobRef"]["jobID"] == "d1"]
        self.assertEqual(len(dispatches), 1)

    def test_a_second_server_on_the_same_directory_is_refused(self):
        second = self.midwatch.run("serve", "--data", self.dir / "data", "--listen", "127.0.0.1:0", check=False)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn("data", second.stderr)

    def test_stops_gracefully(self):
        self.assertEqual(self.server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
