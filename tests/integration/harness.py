"""Starts the real binary for integration tests: a server, agents, a git repository. Everything is on loopback, in a
temporary directory, bounded in time, and stopped by process id."""
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

BINARY = os.environ.get("MIDWATCH", "midwatch")
ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = float(os.environ.get("MIDWATCH_PATIENCE", "30"))  # Seconds that an expected change may take.


class Midwatch:
    """The command line, as one caller."""

    def __init__(self, kubeconfig):
        self.kubeconfig = str(kubeconfig)

    def run(self, *arguments, stdin=None, check=True, timeout=60, cwd=None):
        environment = {**os.environ, "KUBECONFIG": self.kubeconfig, "NO_COLOR": "1"}
        done = subprocess.run([BINARY, *map(str, arguments)], input=stdin, text=True, capture_output=True,
                              env=environment, timeout=timeout, cwd=cwd)
        if check and done.returncode != 0:
            raise AssertionError(f"midwatch {' '.join(map(str, arguments))}: exit {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def apply(self, *documents):
        return self.run("apply", "-f", "-", stdin="\n---\n".join(json.dumps(d) for d in documents))

    def get(self, kind, name=None, namespace=None):
        """The object, or all items; None if there is none of that name."""
        arguments = ["get", kind] + ([name] if name else []) + (["-n", namespace] if namespace else ["-A"])
        done = self.run(*arguments, "-o", "json", check=False)
        if done.returncode != 0:
            return None
        answer = json.loads(done.stdout)
        return answer if name else answer["items"]


def wait_until(condition, what, patience=PATIENCE):
    """The first true value of the condition."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen in {patience} s")
        time.sleep(0.05)


class Process:
    """A long-lived part of Midwatch, ended by its own id."""

    def __init__(self, log, *arguments, environment=None, before=(), cwd=None, descriptors=None):
        self.log = pathlib.Path(log)
        self.output = self.log.open("ab")

        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        self.child = subprocess.Popen([*before, BINARY, *map(str, arguments)], stdout=self.output, stderr=subprocess.STDOUT,
                                      stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})}, cwd=cwd,
                                      preexec_fn=limit)

    def send(self, number):
        if self.child.poll() is None:
            self.child.send_signal(number)

    def stop(self, number=signal.SIGTERM, patience=20):
        self.send(signal.SIGCONT)
        self.send(number)
        try:
            return self.child.wait(patience)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError(f"{self.child.args} did not stop; its log:\n{self.log.read_text()[-4000:]}")
        finally:
            self.output.close()


class World(unittest.TestCase):
    """A test with a server of its own."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="midwatch-test-"))
        self.processes = []
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.addCleanup(self.stop_all)
        self.port = 0
        self.server = self.start_server()

    def stop_all(self):
        for process in reversed(self.processes):
            if process.child.poll() is None:
                process.stop(signal.SIGKILL)

    descriptors = None  # That the server may have; None: as many as the system gives.

    def start_server(self, *flags):
        """Starts on the port of the first start, so that kubeconfigs stay good."""
        kubeconfig = self.dir / "data/kubeconfig"
        if self.port == 0:
            kubeconfig.unlink(missing_ok=True)
        listen = f"127.0.0.1:{self.port}"
        server = Process(self.dir / "serve.log", "serve", "--data", self.dir / "data", "--listen", listen,
                         "--allow-file-urls", *flags, descriptors=self.descriptors)
        self.processes.append(server)
        wait_until(lambda: kubeconfig.exists() or server.child.poll() is not None, "the kubeconfig")
        self.midwatch = Midwatch(kubeconfig)

        def ready():
            if server.child.poll() is not None:
                raise AssertionError(f"serve ended with {server.child.returncode}:\n{server.log.read_text()}")
            return self.midwatch.run("get", "namespaces", check=False).returncode == 0
        wait_until(ready, "the server's start")
        if self.port == 0:
            self.port = int(kubeconfig.read_text().split("https://127.0.0.1:")[1].split()[0].strip('"'))
        return server

    def start_agent(self, name="one", capacity=1, sidecars=None, agent="agents/ops", lease=30, flags=(), before=(),
                    token=None, **more):
        token = token or self.dir / f"{agent.replace('/', '-')}.kubeconfig"
        if not token.exists():
            self.midwatch.run("agent", "token", agent, "--file", token)
        config = {**more, "capacity": capacity, "leaseSeconds": lease, "sidecars": sidecars or [
            {"name": "scripted", "command": BINARY, "args": ["sidecar", "scripted"], "default": True}]}
        path = self.dir / f"agent-{name}.yaml"
        path.write_text(json.dumps(config))
        process = Process(self.dir / f"agent-{name}.log", "agent", "--agent", agent, "--config", path,
                          "--kubeconfig", token, "--data", self.dir / f"agent-{name}", *flags, before=before)
        self.processes.append(process)
        return process

    def connected(self):
        agent = self.midwatch.get("agents", "ops", "agents")
        return agent.get("status", {}).get("connectedInstances", 0) if agent else 0

    def dispatch_of(self, job_id):
        for dispatch in self.midwatch.get("dispatches") or []:
            if dispatch["spec"]["moduleJobRef"].get("jobID") == job_id:
                return dispatch
        return None

    def wait_phase(self, job_id, phase, patience=PATIENCE):
        def at_phase():
            dispatch = self.dispatch_of(job_id)
            return dispatch if dispatch and dispatch["status"].get("phase") == phase else None
        try:
            return wait_until(at_phase, f"{phase} of job {job_id}", patience)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {json.dumps((self.dispatch_of(job_id) or {}).get('status'))}\n"
                                 + "\n".join(p.log.read_text()[-2000:] for p in self.processes)) from error

    def job(self, job_id, *command, module="payments/database", wait=None, **options):
        arguments = ["job", "exec", "--module", module, "--job-id", job_id]
        for name, value in options.items():
            arguments += ["--" + name.replace("_", "-"), str(value)]
        if wait:
            arguments += ["--wait", wait]
        return self.midwatch.run(*arguments, "--", *command, check=False, timeout=120)


class Repository:
    """A bare repository and a work tree that pushes to it."""

    def __init__(self, directory):
        self.work = directory / "work"
        self.bare = directory / "repo.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", self.bare], check=True)
        subprocess.run(["git", "init", "-q", "-b", "main", self.work], check=True)
        self.git("config", "user.name", "test")
        self.git("config", "user.email", "test@example.com")

    def git(self, *arguments):
        return subprocess.run(["git", "-C", self.work, *arguments], check=True, capture_output=True, text=True).stdout

    def write(self, path, text):
        file = self.work / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, message="change", force=False):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        self.git("push", "-q", *(["--force"] if force else []), str(self.bare), "main")
        return self.git("rev-parse", "HEAD").strip()

    @property
    def url(self):
        return f"file://{self.bare}"


def obj(kind, name, namespace=None, spec=None, version="midwatch.dev/v1alpha1", **metadata):
    out = {"apiVersion": version, "kind": kind, "metadata": {"name": name, **metadata}}
    if namespace:
        out["metadata"]["namespace"] = namespace
    if spec is not None:
        out["spec"] = spec
    return out


def shop(mission_type="AutoDiagnose"):
    """Enough of a world for one kind of work: a Module, an Agent with its grant, a mission."""
    return [
        obj("Namespace", "payments", version="v1"),
        obj("Namespace", "agents", version="v1"),
        obj("Module", "database", "payments", {"displayName": "Payments database"}),
        obj("Agent", "ops", "agents", {"permissions": "AllowReads"}),
        obj("AgentAssignment", "everywhere", "agents", {"agentRef": {"name": "ops"}, "organization": True}),
        obj("OrganizationMission", "work", None,
            {"missionType": mission_type, "agentRef": {"namespace": "agents", "name": "ops"}}),
    ]
