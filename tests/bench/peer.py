"""The same rows measured with kube-apiserver and etcd, which tests/conformance builds where Go is."""
import pathlib
import subprocess

import machine
import rows
from real_server import RealServer
from server import CONFORMANCE, Api

NAMES = ["create", "get", "list", "watch", "memory"]


class Peer(Api):
    """Both with our CustomResourceDefinitions; etcd durable, as ours is."""

    def __init__(self, programs, directory):
        built = subprocess.run([CONFORMANCE / "build_tools.sh", "kube-apiserver", "etcd"], check=True, stdout=subprocess.PIPE,
                               text=True)
        self.real = RealServer(pathlib.Path(built.stdout.strip()), directory, durable=True)
        self.real.__enter__()
        token = self.real.directory / "token"
        token.write_text(self.real.TOKEN)
        super().__init__(programs, self.real.port, self.real.directory / "certs/apiserver.crt", token)

    def cpu(self):
        return sum(machine.cpu_of_tree(child.pid) for child in self.real.children)

    def rss_mib(self):
        return sum(machine.rss_mib(child.pid) for child in self.real.children)

    def stop(self):
        self.real.stop()


class PeerBench(rows.Bench):
    def start_filled(self):
        return Peer(self.programs, self.directory)

    def memory(self):
        server = self.filled()
        yield rows.Row(rows.IDLE, self.idle, "MiB", 0)
        with server.watchers(rows.API + "/modules", 5):
            yield rows.Row(self.held(), server.rss_mib(), "MiB", 0)

    def before_filling(self, server):
        server.settle(self.sizes.quiet)
        self.idle = server.rss_mib()


def put_beside(results, programs, directory, sizes, say):
    """Measures what `results` has, and writes it into their `beside`."""
    bench = PeerBench(programs, directory, sizes)
    try:
        for name in NAMES:
            for row in getattr(bench, name)():
                for ours in results:
                    if ours.what == row.what:
                        ours.beside["kube_apiserver"] = row.measured
                say(row)
    finally:
        bench.close()
