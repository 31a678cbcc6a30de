"""Agents, sidecars and the server frozen and killed at every phase of a Run. What must hold afterwards, whatever was hit: never
two live sidecars for one job, terminal phases that stay, and in the end one result and one Report for each job."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time
import unittest

from harness import ROOT, Midwatch, World, obj, wait_until

PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin")  # A sandbox sees these.
SIDECAR = ROOT / "tests/integration/phased_sidecar.py"
PHASES = ["start", "prompt", "tool", "submitting", "submitted", "ended"]
LEASE = 6    # Seconds; the least that a host may configure.
GRACE = 10   # What the controller waits longer.
TERMINAL = ("Succeeded", "Failed", "Cancelled")


class Site:
    """An Agent whose Runs stop, each at a phase of its own."""

    def __init__(self, world, name, phases=tuple(PHASES)):
        self.world, self.name, self.phases = world, name, phases
        self.gates = world.dir / f"gates-{name}"
        self.marks = world.dir / f"marks-{name}"
        self.gates.mkdir()
        self.marks.mkdir()
        self.marks.chmod(0o777)  # As root the agent gives its sidecars another user.
        modules = [obj("Module", f"{name}-{p}", "payments", {}) for p in phases]
        missions = [obj("ModuleMission", f"{name}-{p}", "payments", {
            "missionType": "AutoDiagnose", "agentRef": {"namespace": "agents", "name": name}, "sidecarName": p,
            "moduleRef": {"name": f"{name}-{p}"}}) for p in phases]
        world.midwatch.apply(obj("Agent", name, "agents", {"assignedToAllModules": True}), *modules, *missions)

    def start_agent(self, process):
        sidecars = [{"name": p, "command": PYTHON, "args": [str(SIDECAR), str(self.gates), p], "cwd": str(self.marks)}
                    for p in self.phases]
        return self.world.start_agent(process, capacity=len(self.phases), sidecars=sidecars, agent=f"agents/{self.name}",
                                      lease=LEASE)

    def fail_jobs(self, phases=None):
        for phase in phases or self.phases:
            self.world.job(f"{self.name}-{phase}", "false", module=f"payments/{self.name}-{phase}")

    def held(self, phases=None):
        """Waits until each Run stands at its phase, and the watcher has looked at it. Who has ended is stopped at once."""
        for phase in phases or self.phases:
            wait_until((self.marks / phase).exists, f"phase {phase} of {self.name}")
            if phase != "ended":
                wait_until(lambda p=phase: (self.name, p) in self.world.watcher.seen, f"a look at {phase} of {self.name}")

    def go_on(self):
        for phase in self.phases:
            (self.gates / phase).touch()

    def sidecars(self, phase=None):
        """Ids of the live sidecars of this site. A child that is about to become another program is still called as its parent."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            try:
                command = (entry / "cmdline").read_text().split("\0") if entry.name.isdigit() else []
                if command[1:3] != [str(SIDECAR), str(self.gates)] or phase not in (None, command[3]):
                    continue
                status = (entry / "status").read_text()
                if "\nState:\tZ" not in status:
                    found[int(entry.name)] = int(status.split("\nPPid:\t")[1].split("\n")[0])
            except OSError:
                pass  # It has just ended.
        return [pid for pid, parent in found.items() if parent not in found]

    def instances(self):
        return [i for i in self.world.midwatch.get("agentinstances") or []
                if i["spec"]["agentRef"]["name"] == self.name]

    def connected_instances(self):
        return [i for i in self.instances() if i.get("status", {}).get("connected")]


class Watcher(threading.Thread):
    """Looks all the time for what must never happen."""

    def __init__(self, sites, kubeconfig):
        super().__init__(daemon=True)
        self.sites, self.kubeconfig = sites, kubeconfig
        self.violations, self.ended, self.seen = [], {}, set()
        self.over = threading.Event()

    def run(self):
        looked = 0
        while not self.over.wait(0.1):
            for site in self.sites:
                for phase in site.phases:
                    live = site.sidecars(phase)
                    self.seen |= {(site.name, phase)} if live else set()
                    if len(live) > 1:
                        self.violations.append(f"{len(live)} live sidecars for {site.name}-{phase}")
            if time.monotonic() > looked + 1:
                looked = time.monotonic()
                self.look_at_dispatches()

    def look_at_dispatches(self):
        try:
            done = Midwatch(self.kubeconfig).run("get", "dispatches", "-A", "-o", "json", check=False, timeout=5)
        except subprocess.TimeoutExpired:
            return  # The server is frozen.
        for dispatch in json.loads(done.stdout)["items"] if done.returncode == 0 else []:
            uid, phase = dispatch["metadata"]["uid"], dispatch["status"].get("phase")
            if uid in self.ended and self.ended[uid] != phase:
                self.violations.append(f"{dispatch['metadata']['name']} was {self.ended[uid]} and is {phase}")
            if phase in TERMINAL:
                self.ended[uid] = phase

    def stop(self):
        self.look_at_dispatches()
        self.over.set()
        self.join()
        unseen = [site.name for site in self.sites if len({p for name, p in self.seen if name == site.name}) < 3]
        return self.violations + [f"hardly saw a sidecar of {name}" for name in unseen]


class Frozen(World):
    def setUp(self):
        super().setUp()
        self.midwatch.apply(obj("Namespace", "payments", version="v1"), obj("Namespace", "agents", version="v1"))

    def watch(self, *sites):
        self.watcher = Watcher(sites, self.midwatch.kubeconfig)
        self.watcher.start()
        self.addCleanup(self.watcher.over.set)

    def check(self, site, want="Succeeded", phases=None, patience=90):
        """All came to the end that is wanted, with one Report each where there is a result."""
        for phase in phases or site.phases:
            name = f"{site.name}-{phase}"
            dispatch = self.wait_phase(name, want, patience)
            self.assertEqual(sum(d["spec"]["moduleJobRef"]["jobID"] == name for d in self.midwatch.get("dispatches")), 1)
            reports = [r for r in self.midwatch.get("reports", namespace="payments")
                       if r["spec"]["dispatchRef"]["name"] == dispatch["metadata"]["name"]]
            self.assertEqual(len(reports), 1 if want == "Succeeded" else 0, name)
            wait_until(lambda p=phase: not site.sidecars(p), "the end of its sidecar")

    def runs(self, site, phase):
        runs = [r for r in self.midwatch.get("runs", namespace="agents") if r["spec"]["job"]["jobID"] == f"{site.name}-{phase}"]
        return sorted(runs, key=lambda r: r["spec"]["ordinal"])

    def test_agents(self):
        """Three agents, hit in the middle of everything: frozen for a moment, frozen until they are lost, killed."""
        moment, long, killed = sites = [Site(self, name) for name in ("moment", "long", "killed")]
        agents = [site.start_agent(site.name) for site in sites]
        for site in sites:
            wait_until(site.connected_instances, "the connection")
        self.watch(*sites)
        pending = {site.name: site.phases[0] for site in sites}  # This one is Pending when its agent is hit.
        for site in sites:
            site.fail_jobs(site.phases[1:])
        for site in sites:
            site.held(site.phases[1:-1])
        agents[0].send(signal.SIGSTOP)
        agents[1].send(signal.SIGSTOP)
        frozen_at = time.monotonic()
        agents[2].send(signal.SIGKILL)
        wait_until(lambda: not killed.sidecars(), "the end of the sidecars of a killed agent", 5)
        for site in sites:
            site.fail_jobs([pending[site.name]])
        time.sleep(max(0, frozen_at + 2 - time.monotonic()))
        agents[0].send(signal.SIGCONT)
        moment.go_on()

        wait_until(lambda: not long.sidecars(), "the end of the sidecars of a frozen agent", LEASE + 5)
        self.assertEqual(len(long.connected_instances()), 1, "its sidecars are dead before it counts as lost")
        long.start_agent("long-again")
        killed.start_agent("killed-again")
        long.go_on()
        killed.go_on()
        self.check(moment)
        self.check(killed)
        self.check(long)
        agents[1].send(signal.SIGCONT)
        wait_until(lambda: len(long.connected_instances()) == 2, "the return of the frozen agent under another name")
        for phase in long.phases[1:-1]:
            first, last = self.runs(long, phase)[0], self.runs(long, phase)[-1]
            self.assertEqual(first["spec"]["stopRequested"]["reason"], "InstanceLost", phase)
            self.assertNotEqual(first["spec"]["instance"], last["spec"]["instance"], phase)
        self.check(long)
        self.assertEqual(self.watcher.stop(), [])

    def test_sidecars(self):
        """Killed at each phase: before its result was accepted it is tried again, after that the result counts. Frozen:
        it goes on where it was, and may be cancelled meanwhile."""
        killed, frozen = Site(self, "killed"), Site(self, "frozen")
        for site in (killed, frozen):
            site.start_agent(site.name)
            wait_until(site.connected_instances, "the connection")
        self.watch(killed, frozen)
        frozen.fail_jobs()
        frozen.held(frozen.phases[:-1])
        stopped = [pid for phase in frozen.phases[:-1] for pid in frozen.sidecars(phase)]
        self.assertEqual(len(stopped), len(frozen.phases) - 1)
        for pid in stopped:
            send(pid, signal.SIGSTOP)
        for phase in killed.phases:
            killed.fail_jobs([phase])
            killed.held([phase])
            for pid in killed.sidecars(phase):
                send(pid, signal.SIGKILL)
            (killed.gates / phase).touch()  # For the next attempt.
        self.check(killed)
        for phase in ("start", "prompt", "tool"):
            first = self.runs(killed, phase)[0]["status"]
            self.assertEqual((first["phase"], first["reason"]), ("Failed", "SidecarFailed"), phase)
            self.assertRegex(first["message"], "signal 9|exit code 137")  # The sandbox passes it on as a shell does.
        self.assertEqual(len(self.runs(killed, "submitted")), 1, "an accepted result outlives its sidecar")

        cancelled = self.dispatch_of("frozen-prompt")["metadata"]["name"]
        self.midwatch.run("cancel", f"dispatch/{cancelled}", "-n", "payments", "--reason", "enough")
        self.check(frozen, "Cancelled", ["prompt"])
        frozen.go_on()
        for pid in stopped:
            send(pid, signal.SIGCONT)
        self.check(frozen, phases=[p for p in frozen.phases if p != "prompt"])
        for phase in frozen.phases:
            self.assertEqual(len(self.runs(frozen, phase)), 1, phase)
        self.assertEqual(self.watcher.stop(), [])

    def test_server(self):
        """Frozen for a moment, killed and started again, frozen until every agent has given up."""
        sites = [Site(self, name) for name in ("moment", "killed", "long")]
        for site in sites:
            site.start_agent(site.name)
            wait_until(site.connected_instances, "the connection")
        self.watch(*sites)
        moment, killed, long = sites
        for site in sites:
            site.fail_jobs()
        for site in sites:
            site.held()
        self.server.send(signal.SIGSTOP)
        moment.go_on()  # Results are submitted while nobody listens.
        time.sleep(2)
        self.server.send(signal.SIGCONT)
        self.check(moment)

        self.server.stop(signal.SIGKILL)
        killed.go_on()
        self.server = self.start_server()
        self.check(killed)

        self.server.send(signal.SIGSTOP)
        wait_until(lambda: not long.sidecars(), "the end of the sidecars that nobody can reach", LEASE + 5)
        time.sleep(GRACE)
        long.go_on()
        self.server.send(signal.SIGCONT)
        self.check(long)
        self.assertEqual(self.watcher.stop(), [])


    def test_assigned(self):
        """Agent and server are hit between Assigned and its acknowledgement."""
        site = Site(self, "taken", ("prompt",))
        agent = site.start_agent(site.name)
        wait_until(site.connected_instances, "the connection")
        self.watch(site)
        agent.send(signal.SIGSTOP)
        site.fail_jobs()
        self.wait_phase("taken-prompt", "Assigned")
        self.server.stop(signal.SIGKILL)
        self.server = self.start_server()
        self.assertEqual(self.dispatch_of("taken-prompt")["status"]["phase"], "Assigned")
        self.assertEqual(self.runs(site, "prompt")[0].get("status", {}).get("phase", "Pending"), "Pending")
        agent.send(signal.SIGCONT)
        site.held()
        site.go_on()
        self.check(site)
        self.watcher.over.set()
        self.assertEqual(self.watcher.violations, [])

    def test_draining(self):
        """Four agents that were asked to end while a sidecar worked: each is hit in another part."""
        frozen, killed, alone, deaf = sites = [Site(self, n, ("prompt",)) for n in ("frozen", "killed", "alone", "deaf")]
        agents = {site.name: site.start_agent(site.name) for site in sites}
        for site in sites:
            wait_until(site.connected_instances, "the connection")
        self.watch(*sites)
        for site in sites:
            site.fail_jobs()
        for site in sites:
            site.held()
            agents[site.name].send(signal.SIGTERM)
        for site in sites:
            wait_until(lambda s=site: [i for i in s.instances() if i["spec"].get("draining")], "the draining")
        agents["frozen"].send(signal.SIGSTOP)
        agents["killed"].send(signal.SIGKILL)
        for pid in alone.sidecars():
            send(pid, signal.SIGKILL)
        wait_until(lambda: not killed.sidecars(), "the end of the sidecar of a killed agent", 5)
        agents["frozen"].send(signal.SIGCONT)
        frozen.go_on()
        self.check(frozen)
        self.server.send(signal.SIGSTOP)
        time.sleep(1)
        self.server.send(signal.SIGCONT)
        self.server.stop(signal.SIGKILL)
        deaf.go_on()  # Its result is submitted while there is no server.
        wait_until(lambda: not deaf.sidecars(), "the end of the sidecar")
        self.server = self.start_server()
        self.check(deaf)
        for site in (killed, alone):
            site.go_on()
            site.start_agent(site.name + "-again")
            self.check(site)
        self.assertEqual(self.runs(alone, "prompt")[0]["status"]["reason"], "SidecarFailed")
        self.assertEqual(self.runs(killed, "prompt")[0]["spec"]["stopRequested"]["reason"], "InstanceLost")
        for name in ("frozen", "alone", "deaf"):
            self.assertEqual(agents[name].child.wait(30), 0, name)
        self.watcher.over.set()
        self.assertEqual(self.watcher.violations, [])


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # It has ended by itself.


if __name__ == "__main__":
    unittest.main()
