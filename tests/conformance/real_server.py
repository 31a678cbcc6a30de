"""A real kube-apiserver with etcd on loopback, with our CustomResourceDefinitions: what answers are recorded from."""
import http.client
import json
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RealServer:
    """Started and, as a context, stopped with its data. `programs` is the folder of kube-apiserver and etcd. What is
    acknowledged outlives a power cut only if it is `durable`."""

    TOKEN = "secret"

    def __init__(self, programs, directory=None, durable=False):
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="midwatch-real-"))
        self.directory.mkdir(exist_ok=True)
        self.port, client, peer = free_port(), free_port(), free_port()
        (self.directory / "tokens").write_text(f"{self.TOKEN},admin,admin,system:masters\n")
        key = self.directory / "key.pem"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        url = f"http://127.0.0.1:{client}"
        peers = f"http://127.0.0.1:{peer}"
        self.children = [
            self.start(programs / "etcd", "--data-dir", self.directory / "etcd", *([] if durable else ["--unsafe-no-fsync"]),
                       "--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peers,
                       "--initial-advertise-peer-urls", peers, "--initial-cluster", f"default={peers}"),
            self.start(programs / "kube-apiserver", f"--etcd-servers={url}", f"--secure-port={self.port}",
                       "--bind-address=127.0.0.1", f"--cert-dir={self.directory}/certs",
                       f"--token-auth-file={self.directory}/tokens", "--authorization-mode=RBAC",
                       "--service-account-issuer=https://issuer.example.invalid", f"--service-account-key-file={key}",
                       f"--service-account-signing-key-file={key}", "--service-cluster-ip-range=10.0.0.0/24",
                       "--disable-admission-plugins=ServiceAccount")]

    def start(self, program, *arguments):
        log = (self.directory / f"{program.name}.log").open("wb")
        return subprocess.Popen([program, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self):
        try:
            self.wait(lambda: self.call("GET", "/readyz")[0] == 200, "the start of kube-apiserver")
            self.install()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for child in reversed(self.children):
            child.kill()
            child.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    @staticmethod
    def wait(condition, what, patience=120):
        end = time.monotonic() + patience
        while True:
            try:
                if condition():
                    return
            except OSError:
                pass
            if time.monotonic() > end:
                raise RuntimeError(f"{what} did not happen in {patience} s")
            time.sleep(0.2)

    def install(self):
        for file in sorted((ROOT / "crds").glob("*.yaml")):
            status, answer = self.call("POST", DEFINITIONS, file.read_text(), {"Content-Type": "application/yaml"})
            if status != 201:
                raise RuntimeError(f"{file.name}: {answer}")
            name = answer["metadata"]["name"]

            def established():
                conditions = self.call("GET", f"{DEFINITIONS}/{name}")[1].get("status", {}).get("conditions") or []
                return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)
            self.wait(established, f"{name} established")

    def call(self, method, path, body=None, headers=None):
        """Status and body, parsed if it is JSON; as RawApi.call."""
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)
        sent = {"Authorization": f"Bearer {self.TOKEN}", "Content-Type": "application/json", **(headers or {})}
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        connection.request(method, path, body=body.encode() if isinstance(body, str) else body, headers=sent)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text.decode("utf-8", "replace")
