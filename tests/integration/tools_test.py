"""Sidecars that turn against the sockets of their tools, through the real binary."""
import pathlib
import shutil
import time
import unittest

from agent_test import LEASE
from harness import BINARY, ROOT, World, obj, shop, wait_until

PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin")  # A sandbox sees these.
SIDECAR = ROOT / "tests/integration/flooding_sidecar.py"


class Tools(World):
    def setUp(self):
        super().setUp()
        self.gates, self.marks = self.dir / "gates", self.dir / "marks"
        self.gates.mkdir()
        self.marks.mkdir()
        self.marks.chmod(0o777)  # As root the agent gives its sidecars another user.
        kinds = ("sleeping", "flooding", "scripted")
        self.midwatch.apply(*shop()[:2], obj("Agent", "ops", "agents", {"assignedToAllModules": True}), *[
            obj("Module", kind, "payments", {}) for kind in kinds], *[
            obj("ModuleMission", kind, "payments", {
                "missionType": "AutoDiagnose", "agentRef": {"namespace": "agents", "name": "ops"}, "sidecarName": kind,
                "moduleRef": {"name": kind}}) for kind in kinds])
        self.agent = self.start_agent(capacity=3, lease=LEASE, sidecars=[
            {"name": "sleeping", "command": "sh", "args": ["-c", "exec sleep 31415.92"], "default": True},
            {"name": "flooding", "command": PYTHON, "args": [str(SIDECAR), str(self.gates)], "cwd": str(self.marks)},
            {"name": "scripted", "command": BINARY, "args": ["sidecar", "scripted"]}])
        wait_until(lambda: self.connected() == 1, "the connection")

    def fail(self, kind):
        self.job(kind, "false", module=f"payments/{kind}")

    def instances(self):
        return [i["metadata"]["name"] for i in self.midwatch.get("agentinstances")]

    def rss_mib(self):
        status = pathlib.Path(f"/proc/{self.agent.child.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) // 1024

    def test_who_floods_its_own_socket_and_tries_anothers_holds_up_nobody(self):
        before = self.instances()
        self.fail("sleeping")
        socket = wait_until(lambda: next((self.dir / "agent-one").rglob("mcp.sock"), None), "the neighbour's socket")
        (self.gates / "neighbour").write_text(str(socket))
        self.fail("flooding")
        wait_until((self.marks / "flooding").exists, "the flood")
        self.assertIn((self.marks / "met").read_text(), ("refused", "FileNotFoundError", "PermissionError"))
        flooded = time.monotonic()
        self.fail("scripted")
        self.wait_phase("scripted", "Succeeded")
        time.sleep(max(0, flooded + LEASE + 2 - time.monotonic()))  # By then it would be lost, had the flood kept its Lease.
        self.assertEqual(self.instances(), before)
        self.assertLess(self.rss_mib(), 150)
        (self.gates / "enough").touch()
        self.wait_phase("flooding", "Failed")
        self.assertEqual(self.dispatch_of("sleeping")["status"]["phase"], "Assigned")


if __name__ == "__main__":
    unittest.main()
