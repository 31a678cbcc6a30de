"""One function per name of run.sh: sets up what it needs, measures, and yields rows of the table."""
import dataclasses
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import time

import machine
import repository
from server import API, Process, Server, obj

MODULES = f"{API}/namespaces/bench/modules"
IDLE = "memory, idle and empty"


@dataclasses.dataclass
class Sizes:
    objects: int = 10_000       # In the API, and manifests in the repository.
    single: int = 2_000         # Of them made by one client.
    gets: int = 50_000
    lists: int = 20
    events: int = 500
    starts: int = 5
    syncs: int = 50
    changes: int = 20
    jobs: int = 300
    parked: int = 10_000
    parked_many: int = 100_000
    assignments: int = 50       # That each let one of many go on.
    seeds: int = 4
    quiet: float = 1.0


QUICK = Sizes(objects=200, single=50, gets=200, lists=2, events=10, starts=1, syncs=3, changes=2, jobs=3, parked=100,
              parked_many=200, assignments=5, seeds=1, quiet=0.3)


@dataclasses.dataclass
class Row:
    what: str
    measured: float
    unit: str
    target: float
    at_least: bool = False
    detail: str = ""
    beside: dict = dataclasses.field(default_factory=dict)

    @property
    def met(self):
        return self.measured >= self.target if self.at_least else self.measured <= self.target


def p50_p99(answer, name):
    return f"p50 {answer[name + '_p50_ms']:.2f}, p99 {answer[name + '_p99_ms']:.2f} ms"


def nearest(values, share):
    return sorted(values)[max(0, int(share * len(values) + 0.9999) - 1)]


class Bench:
    def __init__(self, programs, directory, sizes):
        self.programs, self.directory, self.sizes = programs, pathlib.Path(directory), sizes
        self._filled = None
        self._created = None

    def beside(self, disk=True):
        return machine.Beside(self.programs, self.directory, disk)

    def close(self):
        if self._filled:
            self._filled.stop()

    # -- The API ---------------------------------------------------------------------------------------------------

    def filled(self):
        """The server with the objects; the first call makes them, and measures that."""
        if self._filled is None:
            self._filled = self.start_filled()
            self.before_filling(self._filled)
            self._filled.create("/api/v1/namespaces", obj("Namespace", "bench", version="v1"))
            single = self.sizes.single
            self._created = [self._create(16, self.sizes.objects - single, 0),
                             self._create(1, single, self.sizes.objects - single)]
            self._filled.settle(self.sizes.quiet)
        return self._filled

    def start_filled(self):
        return Server(self.programs, self.directory / "filled")

    def before_filling(self, server):
        pass

    def _create(self, clients, count, first):
        module = obj("Module", "module-{i}", spec={
            "displayName": "Module {i}", "description": "What a sidecar is told about it. " * 18,
            "source": {"repository": "https://git.example.com/platform/infrastructure.git", "path": "modules/{i}"}})
        server = self._filled
        with self.beside() as beside:
            cpu = server.cpu()
            answer = server.create(MODULES, module, count=count, clients=clients, first=first)
            cpu = server.cpu() - cpu
        facts = beside.facts()
        facts["sqlite_commits_per_second"] = round(machine.sqlite_commits(self.directory))
        return answer, f"{p50_p99(answer, 'answer')}; server {cpu / count * 1e6:.0f} us CPU each", facts

    def create(self):
        self.filled()
        for (answer, detail, facts), what, target in zip(
                self._created, ("durable creates, 16 clients", "durable creates, one client"), (5000, 1500)):
            yield Row(what, answer["per_second"], "/s", target, True, detail, facts)

    def get(self):
        server = self.filled()
        with self.beside(disk=False) as beside:
            cpu = server.cpu()
            answer = server.load("load", path=MODULES + "/module-{i}", count=self.sizes.gets, clients=16,
                                 population=self.sizes.objects)
            cpu = server.cpu() - cpu
        yield Row("get, 16 clients", answer["per_second"], "/s", 12_000, True,
                  f"{p50_p99(answer, 'answer')}; server {cpu / self.sizes.gets * 1e6:.0f} us CPU each", beside.facts())

    def list(self):
        server = self.filled()
        with self.beside(disk=False) as beside:
            answer = server.load("load", path=MODULES, count=self.sizes.lists)
        yield Row(f"list of {self.sizes.objects:,}", answer["answer_p50_ms"], "ms", 50, False,
                  f"{p50_p99(answer, 'answer')}; {answer['bytes'] / answer['count'] / 1e6:.1f} MB", beside.facts())

    def watch(self):
        server = self.filled()
        with self.beside() as beside:
            answer = server.trigger(API + "/modules", ['"displayName":"w{i}"'], MODULES + "/module-{i}",
                                    {"spec": {"displayName": "w{i}"}}, repeat=self.sizes.events)
        yield Row("watch event, p99", answer["event_p99_ms"], "ms", 3, False,
                  f"from the patch sent: {p50_p99(answer, 'event')}; to its answer: {p50_p99(answer, 'answer')}",
                  beside.facts())

    # -- The process -----------------------------------------------------------------------------------------------

    def start(self):
        for what, target, populated in (("start, empty", 100, False), (f"start, {self.sizes.objects:,} objects", 250, True)):
            took = []
            if populated:
                self.filled().stop()
            with self.beside() as beside:
                for number in range(self.sizes.starts):
                    data = self.directory / ("filled" if populated else f"empty-{number}")
                    server = Server(self.programs, data)
                    took.append(server.started)
                    if populated and number + 1 == self.sizes.starts:
                        self._filled = server
                    else:
                        server.stop()
                        shutil.rmtree(self.directory / f"empty-{number}", ignore_errors=True)
            yield Row(what, statistics.median(took), "ms", target, False,
                      f"median of {len(took)}, longest {max(took):.0f} ms", beside.facts())

    def memory(self):
        with Server(self.programs, self.directory / "idle") as server:
            server.settle(self.sizes.quiet)
            yield Row(IDLE, machine.rss_mib(server.child.pid), "MiB", 30)
        server = self.filled()
        with server.watchers(API + "/modules", 5):
            after_work = machine.rss_mib(server.child.pid)
        server.stop()
        self._filled = server = Server(self.programs, self.directory / "filled")
        with server.watchers(API + "/modules", 5):
            server.settle(self.sizes.quiet)
            rested = machine.rss_mib(server.child.pid)
        yield Row(self.held(), max(after_work, rested), "MiB", 100, False,
                  f"after all the work above {after_work:.0f} MiB, after a restart {rested:.0f} MiB")

    def held(self):
        return f"memory, {self.sizes.objects:,} objects, 5 watchers"

    # -- Git -------------------------------------------------------------------------------------------------------

    def sync(self):
        bare = repository.Bare(self.directory / "repository.git")
        bare.write("first", repository.files(self.sizes.objects))
        for number in range(self.sizes.changes):
            bare.write(f"change-{number}", [(repository.path_of(number), repository.module(number, f"changed {number}"))],
                       onto=f"change-{number - 1}" if number else "first")
        bare.show("first")
        with Server(self.programs, self.directory / "sync") as server:
            yield self._first_sync(server, bare)
            server.settle(self.sizes.quiet)
            yield self._unchanged(server)
            yield self._one_changed(server, bare)

    SOURCES = f"{API}/namespaces/midwatch-system/gitsources"

    def _first_sync(self, server, bare):
        source = obj("GitSource", "bench", "midwatch-system", {"url": bare.url, "ref": {"branch": "main"}, "interval": "10m"})
        with self.beside() as beside:
            cpu = server.cpu()
            answer = server.trigger(API + "/modules", ['"type":"ADDED"'], self.SOURCES, source, method="POST",
                                    events=self.sizes.objects - repository.NAMESPACES)
            cpu = server.cpu() - cpu
        status = self._applied(server)
        return Row(f"first sync of {self.sizes.objects:,} manifests", answer["event_max_ms"] / 1000, "s", 1, False,
                   f"status: {status['durations']}, {status['counts']}; server {cpu:.2f} s CPU", beside.facts())

    def _applied(self, server):
        """The status of the source, once it says that the revision is in force."""
        for _ in range(300):
            status = json.loads(server.get(self.SOURCES + "/bench")).get("status", {})
            if "applied" in status:
                return status
            time.sleep(0.1)
        raise AssertionError(f"the revision did not come into force: {status}")

    def _ask(self, value):
        return {"metadata": {"annotations": {"midwatch.dev/sync-requested-at": value}}}

    def _unchanged(self, server):
        path = self.SOURCES + "/bench"
        with self.beside() as beside:
            answer = server.trigger(API + "/gitsources", ['"lastHandledSyncRequest":"unchanged-{i}"'], path,
                                    self._ask("unchanged-{i}"), repeat=self.sizes.syncs)
        server.patch(path, {"spec": {"interval": "1s"}})
        server.settle(self.sizes.quiet)
        before = [server.revision(), server.metric("midwatch_git_fetch_seconds_sum"),
                  server.metric("midwatch_git_fetch_seconds_count")]
        time.sleep(4)
        after = [server.revision(), server.metric("midwatch_git_fetch_seconds_sum"),
                 server.metric("midwatch_git_fetch_seconds_count")]
        wrote, seconds, fetches = (b - a for a, b in zip(before, after))
        server.patch(path, {"spec": {"interval": "10m"}})
        server.settle(self.sizes.quiet)
        detail = (f"asked for by annotation, to the answer in the status: {p50_p99(answer, 'event')}; by interval: "
                  f"{fetches:.0f} syncs, fetch {seconds / max(fetches, 1) * 1000:.1f} ms each, {wrote} writes")
        return Row("sync with nothing changed", answer["event_p50_ms"] if wrote == 0 else float("inf"), "ms", 5, False,
                   detail, beside.facts())

    def _one_changed(self, server, bare):
        took = []
        with self.beside() as beside:
            for number in range(self.sizes.changes):
                bare.show(f"change-{number}")
                answer = server.trigger(API + "/modules", [f'changed {number}"'], self.SOURCES + "/bench",
                                        self._ask(f"change-{number}"))
                took.append(answer["event_max_ms"])
                server.settle(0.2)
        return Row(f"sync of one file of {self.sizes.objects:,} changed", statistics.median(took), "ms", 20, False,
                   f"from asking for it to the object's event: median of {len(took)}, longest {max(took):.1f} ms",
                   beside.facts())

    def validate(self):
        directory = self.directory / "manifests"
        for path, text in repository.files(self.sizes.objects):
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_text(text)
        took, peer = [], []
        with self.beside(disk=False) as beside:
            for _ in range(self.sizes.starts):
                took.append(self._timed(self.programs.midwatch, "validate", directory))
                if shutil.which("kubeconform"):
                    peer.append(self._timed("kubeconform", "-schema-location",
                                            self.schemas("{{ .ResourceKind }}.json"), directory))
        facts = beside.facts()
        if peer:
            facts["kubeconform_seconds"] = round(statistics.median(peer), 2)
        yield Row(f"validate {self.sizes.objects:,} manifests", statistics.median(took), "s", 0.4, False,
                  f"median of {len(took)}, longest {max(took):.2f} s", facts)

    def schemas(self, name):
        return str(pathlib.Path(__file__).resolve().parents[2] / "schemas/json" / name)

    def _timed(self, *arguments):
        began = time.monotonic()
        done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
        seconds = time.monotonic() - began
        if done.returncode != 0:
            raise AssertionError(f"{arguments[0]}: {done.stdout[-500:]}{done.stderr[-500:]}")
        return seconds

    # -- Dispatching -----------------------------------------------------------------------------------------------

    def _world(self, server, assigned):
        for name in ("bench", "agents"):
            server.create("/api/v1/namespaces", obj("Namespace", name, version="v1"))
        server.create(f"{API}/namespaces/agents/agents",
                      obj("Agent", "ops", spec={"permissions": "AllowReads", "assignedToAllModules": assigned}))
        server.create(MODULES, obj("Module", "database", spec={"displayName": "Database"}))
        server.create(API + "/organizationmissions", obj("OrganizationMission", "diagnose", spec={
            "missionType": "AutoDiagnose", "agentRef": {"namespace": "agents", "name": "ops"}}))

    def dispatch(self):
        with Server(self.programs, self.directory / "dispatch") as server:
            self._world(server, assigned=True)
            agent = self._agent(server)
            try:
                with self.beside() as beside:
                    answer = server.load("jobs", namespace="bench", module="database", count=self.sizes.jobs, pause=20)
            finally:
                agent.stop()
        yield Row("job Failed to dispatch Assigned, p99", answer["assigned_p99_ms"], "ms", 5, False,
                  p50_p99(answer, "assigned"), beside.facts())
        yield Row("job Failed to sidecar started, p99", answer["started_p99_ms"], "ms", 25, False,
                  f"{p50_p99(answer, 'started')}; to the end of the Run: {p50_p99(answer, 'end')}", beside.facts())

    def _agent(self, server):
        kubeconfig = self.directory / "agent.kubeconfig"
        server.cli("agent", "token", "agents/ops", "--file", kubeconfig)
        config = self.directory / "agent.yaml"
        config.write_text(json.dumps({"capacity": 4, "sidecars": [
            {"name": "scripted", "command": self.programs.midwatch, "args": ["sidecar", "scripted"], "default": True}]}))
        agent = Process(self.directory / "agent.log", self.programs.midwatch, "agent", "--agent", "agents/ops",
                        "--config", config, "--kubeconfig", kubeconfig, "--data", self.directory / "agent")
        for _ in range(300):
            if '"connectedInstances":1' in server.get(f"{API}/namespaces/agents/agents/ops"):
                return agent
            time.sleep(0.1)
        agent.stop()
        raise AssertionError("the agent did not connect:\n" + agent.log.read_text()[-2000:])

    def parked(self):
        yield self._all_go_on()
        yield self._one_goes_on()

    def _park(self, server, count, apart):
        """So many dispatches that wait for an assignment; `apart` of them have a Module of their own. Gives the time."""
        self._world(server, assigned=False)
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

        def job(name, module):
            return obj("ModuleJob", name, spec={"moduleRef": {"name": module}, "jobID": name, "transitions": [
                {"seq": 0, "state": "Running", "at": at}, {"seq": 1, "state": "Failed", "exitCode": 1, "at": at}]})
        began = time.monotonic()
        jobs = f"{API}/namespaces/bench/modulejobs"
        if apart:
            server.create(jobs, job("apart-{i}", "apart-{i}"), count=apart, clients=16)
        server.create(jobs, job("job-{i}", "module-{g}"), count=count - apart, clients=16)
        server.settle(max(2.0, self.sizes.quiet))
        seconds = time.monotonic() - began
        parked = server.count(API + "/dispatches")
        others = server.count(API + "/dispatches?fieldSelector=status.reason%21%3DAgentNotAssigned")
        if parked != count or others:
            raise AssertionError(f"{parked} dispatches of {count}, some not parked as AgentNotAssigned: {others > 0}")
        return seconds

    def _assignment(self, name, scope):
        return obj("AgentAssignment", name, "agents", {"agentRef": {"name": "ops"}, **scope})

    ASSIGNMENTS = f"{API}/namespaces/agents/agentassignments"

    def _all_go_on(self):
        count = self.sizes.parked
        with Server(self.programs, self.directory / "parked") as server:
            setup = self._park(server, count, 0)
            with self.beside() as beside:
                cpu = server.cpu()
                answer = server.trigger(API + "/dispatches", ['"reason":"NoConnectedInstance"'], self.ASSIGNMENTS,
                                        self._assignment("everywhere", {"organization": True}), method="POST",
                                        events=count, distinct='"uid":"')
                cpu = server.cpu() - cpu
        return Row(f"one assignment re-evaluates {count:,} parked", answer["event_max_ms"] / 1000, "s", 1, False,
                   "to the last of their events, each with a new reason, durable; "
                   f"server {cpu:.2f} s CPU; {count / setup:.0f} jobs/s parked before", beside.facts())

    def _one_goes_on(self):
        count, times = self.sizes.parked_many, self.sizes.assignments
        with Server(self.programs, self.directory / "parked-many") as server:
            setup = self._park(server, count, times)
            with self.beside() as beside:
                answer = server.trigger(
                    API + "/dispatches", ['"reason":"NoConnectedInstance"', '"jobID":"apart-{i}"'], self.ASSIGNMENTS,
                    self._assignment("apart-{i}", {"moduleRef": {"namespace": "bench", "name": "apart-{i}"}}),
                    method="POST", repeat=times, pause=20)
            memory = machine.rss_mib(server.child.pid)
        return Row(f"one assignment re-evaluates one of {count:,}", answer["event_p50_ms"], "ms", 5, False,
                   f"to its event, durable: {p50_p99(answer, 'event')}; {count / setup:.0f} jobs/s parked before; "
                   f"server {memory:.0f} MiB", beside.facts())

    # -- Simulation ------------------------------------------------------------------------------------------------

    def simulation(self):
        with self.beside(disk=False) as beside:
            cpu = machine.cpu_of_tree(os.getpid())
            done = subprocess.run([self.programs.simulate, "--seed", "1", "--seeds", str(self.sizes.seeds), "--once"],
                                  capture_output=True, text=True)
            cpu = machine.cpu_of_tree(os.getpid()) - cpu
        found = re.search(r"([0-9.]+) simulated hours,", done.stdout)
        if done.returncode != 0 or not found:
            raise AssertionError(f"simulate: {done.stdout[-1000:]}{done.stderr[-500:]}")
        yield Row("simulated hours per minute of one core", float(found[1]) / cpu * 60, "h", 300, True,
                  f"{found[1]} h in {cpu:.1f} s of CPU: {done.stdout.splitlines()[-1]}", beside.facts())


NAMES = ["create", "get", "list", "watch", "memory", "start", "sync", "validate", "dispatch", "parked", "simulation"]
