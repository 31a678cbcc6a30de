"""What the machine is, and what else it did while something was measured."""
import contextlib
import os
import pathlib
import platform
import sqlite3
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


def facts(directory):
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) // 1024
    system = subprocess.run(["stat", "-f", "-c", "%T", directory], capture_output=True, text=True).stdout.strip()
    return {"cores": os.cpu_count(), "cpu": model, "memory_mib": memory, "kernel": platform.release(),
            "file_system": system, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def cpu_of_tree(root):
    """CPU seconds of a process and of all below it, ended ones included."""
    parents, spent = {}, {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
                spent[int(entry.name)] = sum(map(int, fields[11:15])) / TICK
    below, total = {root}, 0.0
    grew = True
    while grew:
        more = {pid for pid, parent in parents.items() if parent in below} - below
        below |= more
        grew = bool(more)
    return sum(spent.get(pid, 0.0) for pid in below)


def cpu_of_machine():
    fields = [int(value) for value in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICK


def rss_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"process {pid} has no VmRSS")


class Beside:
    """What ran beside a measurement: the disk's own rate right before and right after, the load, the CPU that others took."""

    def __init__(self, load, directory, disk=True):
        self.load, self.directory, self.disk = load, directory, disk
        self.rates = []

    def _sync_rate(self):
        if self.disk:
            self.rates.append(self.load("disk", directory=self.directory, seconds=0.3)["per_second"])

    def __enter__(self):
        self._sync_rate()
        self.began = time.monotonic()
        self.own, self.all = cpu_of_tree(os.getpid()), cpu_of_machine()
        return self

    def __exit__(self, *_):
        seconds = max(time.monotonic() - self.began, 1e-3)
        own = cpu_of_tree(os.getpid()) - self.own
        self.foreign = max(0.0, cpu_of_machine() - self.all - own) / seconds
        self._sync_rate()
        self.average = os.getloadavg()[0]

    def facts(self):
        out = {"load": round(self.average, 1), "foreign_cores": round(self.foreign, 2)}
        if self.rates:
            out["fdatasync_per_second"] = [round(rate) for rate in self.rates]
        return out


def sqlite_commits(directory, seconds=0.5, size=1200):
    """Durable commits a second of SQLite alone: WAL, full synchronisation, a row each."""
    path = pathlib.Path(directory, "sqlite.bench")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, bytes BLOB)")
        row, count, began = b"x" * size, 0, time.monotonic()
        while time.monotonic() - began < seconds:
            database.execute("INSERT INTO rows (bytes) VALUES (?)", (row,))
            count += 1
        rate = count / (time.monotonic() - began)
    for suffix in ("", "-wal", "-shm"):
        pathlib.Path(str(path) + suffix).unlink(missing_ok=True)
    return rate
