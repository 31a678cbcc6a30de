"""What the tests of git sync share: repositories behind a real web server, and sources on them."""
import base64
import json
import pathlib
import subprocess
import sys

import harness
from harness import PATIENCE, World, obj, wait_until

HERE = pathlib.Path(__file__).resolve().parent
HOME = "midwatch-system"  # The installation namespace.


class Repository(harness.Repository):
    """A bare repository, with what syncing can be shown by."""

    def commit(self, message="change", branch="main", force=False):
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        self.git("push", "-q", *(["--force"] if force else []), str(self.bare), f"HEAD:{branch}")
        return self.git("rev-parse", "HEAD").strip()

    def tag(self, name, *arguments):
        self.git("tag", *arguments, name)
        self.git("push", "-q", "--force", str(self.bare), f"refs/tags/{name}")

    def remove(self, *paths):
        self.git("rm", "-q", "-r", *paths)


class Remote:
    """A git server on loopback; one that is started again keeps its port."""

    def __init__(self, directory, names="IP:127.0.0.1,DNS:localhost", login=None, tls=True, port=0):
        self.directory = directory
        self.tls = tls
        command = [sys.executable, HERE / "git_server.py", directory, "--port", str(port)]
        self.certificate = ""
        if tls:
            key, certificate = directory / "key.pem", directory / "certificate.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-days", "2", "-subj", "/CN=test", "-addext", f"subjectAltName={names}", "-keyout", key,
                            "-out", certificate], check=True, capture_output=True)
            command += ["--certificate", certificate, "--key", key]
            self.certificate = certificate.read_text()
        if login:
            command += ["--user", login[0], "--password", login[1]]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.child.stdout.readline())

    def url(self, name="repo.git"):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/git/{name}"

    def breaks(self, fault):
        (self.directory / "fault").write_text(fault)

    def mends(self):
        (self.directory / "fault").unlink()

    def stop(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.communicate()


def module(name, display="as declared", namespace="payments", **metadata):
    return obj("Module", name, namespace, {"displayName": display}, **metadata)


def condition_of(status, kind="Ready"):
    return next((c for c in status.get("conditions", []) if c["type"] == kind),
                {"status": "Unknown", "reason": "", "message": ""})


class GitWorld(World):
    """A server, and a repository that declares the namespace `payments` and what a test writes."""

    def setUp(self):
        super().setUp()
        self.remotes = []
        self.addCleanup(lambda: [remote.stop() for remote in self.remotes])
        self.repository = Repository(self.dir)
        self.declare("namespace", obj("Namespace", "payments", version="v1"))

    def serve(self, **options):
        remote = Remote(self.dir, **options)
        self.remotes.append(remote)
        return remote

    def declare(self, path, document, repository=None):
        (repository or self.repository).write(f"{path}.yaml", json.dumps(document, indent=2))

    def source(self, name="platform", namespace=HOME, annotations=None, **spec):
        """Declares a source on the repository; what is not said is as a test wants it."""
        wanted = {"url": self.repository.url, "interval": "1h", **spec}
        self.midwatch.apply(obj("GitSource", name, namespace, wanted, annotations=annotations or {}))

    def secret(self, name="login", namespace=HOME, **data):
        encoded = {key.replace("_", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()}
        self.midwatch.apply({**obj("Secret", name, namespace, version="v1"), "data": encoded})

    def sync(self, name="platform", namespace=HOME, check=True):
        return self.midwatch.run("sync", name, "-n", namespace, check=check)

    def status(self, name="platform", namespace=HOME):
        source = self.midwatch.get("gitsources", name, namespace)
        return (source or {}).get("status", {})

    def condition(self, kind="Ready", name="platform", namespace=HOME):
        return condition_of(self.status(name, namespace), kind)

    def applied(self, name="platform", namespace=HOME):
        return self.status(name, namespace).get("applied", {}).get("revision")

    def wait_applied(self, commit, name="platform", namespace=HOME, patience=PATIENCE):
        """Until that commit is in force and everything is well."""
        def in_force():
            status = self.status(name, namespace)
            return (status.get("applied", {}).get("revision") == commit and "failingSince" not in status
                    and condition_of(status)["status"] == "True")
        try:
            wait_until(in_force, f"{commit} in force", patience)
        except AssertionError as error:
            raise AssertionError(f"{error}; the status is {self.status(name, namespace)}") from error

    def display(self, name, namespace="payments"):
        found = self.midwatch.get("modules", name, namespace)
        return found and found["spec"].get("displayName")
