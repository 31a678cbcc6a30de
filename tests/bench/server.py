"""The real programs: `midwatch serve` and `agent` as processes of their own, and the load generator that speaks to them."""
import contextlib
import json
import os
import pathlib
import signal
import ssl
import subprocess
import sys
import time
import urllib.request

import machine

CONFORMANCE = pathlib.Path(__file__).resolve().parents[1] / "conformance"
sys.path.insert(0, str(CONFORMANCE))
from real_server import free_port  # noqa: E402

API = "/apis/midwatch.dev/v1alpha1"


class Programs:
    def __init__(self, tree):
        self.midwatch = os.environ.get("MIDWATCH") or str(tree / "controller/cmd/midwatch")
        self.load = os.environ.get("MIDWATCH_LOAD") or str(tree / "tests/bench/midwatch_load")
        self.simulate = str(tree / "tests/simulation/simulate")

    def __call__(self, command, **options):
        """One call of the load generator; what it measured."""
        arguments = [self.load, command]
        for name, value in options.items():
            for one in value if isinstance(value, list) else [value]:
                arguments += ["--" + name.replace("_", "-"), str(one)]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=1800)
        if done.returncode != 0:
            raise AssertionError(f"{command}: {done.stderr.strip()}")
        return json.loads(done.stdout)


class Process:
    """A process that is ended by its own id."""

    def __init__(self, log, *arguments, environment=None):
        self.log = pathlib.Path(log)
        with self.log.open("ab") as output:
            self.child = subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                          env={**os.environ, **(environment or {})})

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(30)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()

    def cpu(self):
        return machine.cpu_of_tree(self.child.pid)


class Api:
    """A Kubernetes API on loopback, as the load generator and this process speak to it."""

    def __init__(self, programs, port, ca, token_file):
        self.programs, self.port, self.ca, self.token_file = programs, port, ca, token_file

    def _where(self):
        return ["--port", str(self.port), "--ca", str(self.ca), "--token-file", str(self.token_file)]

    def load(self, command, **options):
        return self.programs(command, port=self.port, ca=self.ca, token_file=self.token_file, **options)

    def create(self, path, body, count=1, clients=1, **options):
        text = json.dumps(body, separators=(",", ":"))
        return self.load("load", method="POST", path=path, body=text, count=count, clients=clients, expect=201, **options)

    def patch(self, path, body):
        return self.load("load", method="PATCH", path=path, body=json.dumps(body))

    def trigger(self, watch, contains, path, body, method="PATCH", **options):
        return self.load("trigger", watch=watch, contains=contains, path=path, method=method,
                         body=json.dumps(body, separators=(",", ":")), **options)

    @contextlib.contextmanager
    def watchers(self, watch, count):
        child = subprocess.Popen([self.programs.load, "hold", *self._where(), "--watch", watch, "--watchers", str(count)],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if child.stdout.readline() != "holding\n":
            raise AssertionError("the watches did not begin")
        yield
        child.communicate("", timeout=30)

    def revision(self):
        """The newest resourceVersion: grows with each write."""
        return int(json.loads(self.get("/api/v1/namespaces?limit=1"))["metadata"]["resourceVersion"])

    def count(self, path):
        """How many a collection holds; with a selector no more than one is counted."""
        answer = json.loads(self.get(path + ("&" if "?" in path else "?") + "limit=1"))
        return len(answer["items"]) + answer["metadata"].get("remainingItemCount", 0)

    def metric(self, name):
        for line in self.get("/metrics").splitlines():
            if line.startswith(name + " ") or line.startswith(name + "{"):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def settle(self, quiet=1.0, patience=1800):
        """Waits until nothing was written for so long."""
        last, since, end = self.revision(), time.monotonic(), time.monotonic() + patience
        while time.monotonic() - since < quiet:
            if time.monotonic() > end:
                raise AssertionError("the server does not come to rest")
            time.sleep(0.1)
            now = self.revision()
            if now != last:
                last, since = now, time.monotonic()

    def get(self, path):
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", headers={
            "Authorization": "Bearer " + self.token_file.read_text().strip()})
        with urllib.request.urlopen(request, timeout=60,
                                    context=ssl.create_default_context(cafile=self.ca)) as answer:
            return answer.read().decode()


class Server(Process, Api):
    """`midwatch serve` over a data directory. Ready when the constructor returns; `started` is how long that took, in ms."""

    def __init__(self, programs, data):
        self.data = pathlib.Path(data)
        Api.__init__(self, programs, free_port(), self.data / "ca.crt", self.data / "admin.token")
        waiting = subprocess.Popen([programs.load, "ready", *self._where()], stdout=subprocess.PIPE, text=True)
        time.sleep(0.05)  # It asks every millisecond by now.
        began = time.monotonic_ns()
        Process.__init__(self, self.data.with_suffix(".log"), programs.midwatch, "serve", "--data", self.data,
                         "--listen", f"127.0.0.1:{self.port}", "--allow-file-urls")
        while waiting.poll() is None:
            if self.child.poll() is not None or time.monotonic_ns() > began + 60e9:
                waiting.kill()
            time.sleep(0.01)
        answer = waiting.communicate()[0]
        if waiting.returncode != 0:
            self.stop()
            raise AssertionError("serve was not ready:\n" + self.log.read_text()[-2000:])
        self.started = (int(answer) - began) / 1e6

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def cli(self, *arguments):
        done = subprocess.run([self.programs.midwatch, *map(str, arguments)], capture_output=True, text=True, timeout=120,
                              env={**os.environ, "KUBECONFIG": str(self.data / "kubeconfig"), "NO_COLOR": "1"})
        if done.returncode != 0:
            raise AssertionError(f"midwatch {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
        return done.stdout


def obj(kind, name, namespace=None, spec=None, version="midwatch.dev/v1alpha1"):
    out = {"apiVersion": version, "kind": kind, "metadata": {"name": name}}
    if namespace:
        out["metadata"]["namespace"] = namespace
    if spec is not None:
        out["spec"] = spec
    return out
