"""What becomes of the server's data: killed under load, a full disk, a damaged file."""
import contextlib
import http.client
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import threading
import time
import unittest

from harness import World, shop
from raw_api import CORE, RawApi, read_all, watch_lines

MAPS = f"{CORE}/namespaces/default/configmaps"
MERGE = {"Content-Type": "application/merge-patch+json"}


def config_map(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


class Writer(threading.Thread):
    """Creates objects and counts up one of its own, each on one connection, until the server is gone."""

    def __init__(self, api, name, ledger):
        super().__init__()
        self.api, self.prefix, self.ledger = api, name, ledger
        self.created, self.counted, self.refused = [], 0, None

    def run(self):
        connection = self.api.connection()
        try:
            while not self.refused:
                self.step(connection)
        except (OSError, http.client.HTTPException):
            connection.close()

    def step(self, connection):
        name = f"{self.prefix}-{len(self.created)}"
        status, made = self.api.call("POST", MAPS, config_map(name, at=name), connection=connection)
        if status != 201:
            self.refused = (status, made)
            return
        self.ledger.note(made)
        self.created.append(name)
        status, counted = self.api.call("PATCH", f"{MAPS}/{self.created[0]}", {"data": {"n": str(self.counted + 1)}},
                                        MERGE, connection)
        if status != 200:
            self.refused = (status, counted)
            return
        self.ledger.note(counted)
        self.counted += 1


class Watcher(threading.Thread):
    def __init__(self, api, ledger, since):
        super().__init__()
        self.ledger, self.connection = ledger, api.connection(timeout=60)
        self.connection.request("GET", f"{MAPS}?watch=1&resourceVersion={since}",
                                headers={"Authorization": f"Bearer {api.token}"})
        self.answer = self.connection.getresponse()

    def run(self):
        for event in watch_lines(self.answer):
            self.ledger.note(event["object"])
        self.connection.close()


class Ledger:
    """Every version of an object that anybody was ever shown: a resourceVersion means one thing for ever."""

    def __init__(self):
        self.lock = threading.Lock()
        self.versions = {}
        self.reused = []

    def note(self, shown):
        meta = shown["metadata"]
        what = (meta["name"], meta["uid"], tuple(sorted((shown.get("data") or {}).items())))
        with self.lock:
            if self.versions.setdefault(int(meta["resourceVersion"]), what) != what:
                self.reused.append(meta["resourceVersion"])

    def newest(self):
        with self.lock:
            return max(self.versions, default=0)


class KillNine(World):
    ROUNDS = 6
    WRITERS = 6

    def test_under_write_load_again_and_again_nothing_acknowledged_is_lost(self):
        dice = random.Random(9)
        ledger, writers = Ledger(), []
        since = self.revision()
        for number in range(self.ROUNDS):
            api = RawApi(self)
            begun = [Writer(api, f"r{number}-w{i}", ledger) for i in range(self.WRITERS)]
            watcher = Watcher(api, ledger, since)
            for thread in [*begun, watcher]:
                thread.start()
            time.sleep(dice.uniform(0.1, 0.7))
            self.server.stop(signal.SIGKILL)
            for thread in [*begun, watcher]:
                thread.join(30)
            writers += begun
            if number % 2:  # Killed again while it recovers.
                self.start_and_kill(dice.uniform(0.0, 0.05))
            self.server = self.start_server()
            since = self.check(ledger, writers)
        self.assertGreater(sum(len(w.created) for w in writers), 300, "a server without load proves nothing")
        self.check_watch_over_the_kills(ledger)

    def revision(self):
        return int(RawApi(self).call("GET", MAPS + "?limit=1")[1]["metadata"]["resourceVersion"])

    def start_and_kill(self, after):
        process = subprocess.Popen(self.server.child.args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(after)
        process.kill()
        process.wait()

    def check(self, ledger, writers):
        status, answer = RawApi(self).call("GET", MAPS)
        self.assertEqual(status, 200)
        there = {item["metadata"]["name"]: item for item in answer["items"]}
        for item in answer["items"]:
            ledger.note({"data": {}, **item})
        for writer in writers:
            self.assertIsNone(writer.refused)
            for name in writer.created:
                self.assertIn(name, there, "an acknowledged create was lost")
            if writer.counted:
                counted = int(there[writer.created[0]]["data"]["n"])
                self.assertIn(counted, (writer.counted, writer.counted + 1), "an acknowledged patch was lost")
        now = int(answer["metadata"]["resourceVersion"])
        self.assertGreaterEqual(now, ledger.newest(), "what somebody saw was lost")
        self.assertEqual(ledger.reused, [], "a resourceVersion means two things")
        return now

    def check_watch_over_the_kills(self, ledger):
        """The changes of all the rounds, each once, in order, whoever was shown them before."""
        first = min(v for v, (name, _, _) in ledger.versions.items() if name.startswith("r"))
        watcher = Watcher(RawApi(self), Ledger(), first - 1)
        watcher.start()
        wanted = {v for v in ledger.versions if v >= first}
        end = time.monotonic() + 20
        while time.monotonic() < end and wanted - set(watcher.ledger.versions):
            time.sleep(0.02)
        self.server.stop(signal.SIGKILL)
        watcher.join(10)
        self.assertEqual(wanted - set(watcher.ledger.versions), set())
        for version in wanted:
            self.assertEqual(watcher.ledger.versions[version], ledger.versions[version])


class FullDisk(World):
    """The data directory is a small file system of its own."""
    MIB = 24

    def start_server(self, *flags):
        data = self.dir / "data"
        if not data.exists():
            data.mkdir()
            mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.MIB}m", "none", str(data)],
                                     capture_output=True)
            if mounted.returncode != 0:
                self.skipTest("only root can make a small file system")
            self.addCleanup(subprocess.run, ["umount", "-l", str(data)], capture_output=True)
        return super().start_server(*flags)

    def fill(self, api):
        """Writes until the disk is full; the names that were acknowledged, and the refusal."""
        names = []
        while True:
            name = f"big-{len(names)}"
            status, answer = api.call("POST", MAPS, config_map(name, text="x" * 500_000))
            if status != 201:
                return names, (status, answer)
            names.append(name)
            self.assertLess(len(names), self.MIB * 4, "the disk is never full")

    def test_a_full_disk_refuses_writes_and_is_got_over(self):
        api = RawApi(self)
        ballast = self.dir / "data/ballast"
        ballast.write_bytes(b"\0" * (4 << 20))
        names, (status, answer) = self.fill(api)
        self.assertEqual((status, answer["reason"]), (507, "InsufficientStorage"), answer)
        there = {item["metadata"]["name"] for item in api.call("GET", MAPS)[1]["items"]}
        self.assertEqual(there, set(names), "reading goes on, and shows what was acknowledged")
        self.assertEqual(api.call("GET", "/readyz")[0], 200)
        artifact = "/artifacts/v1/blobs/sha256:" + "0" * 64
        self.assertIn(api.call("PUT", artifact, "x" * 100)[0], (422, 507))

        self.server.stop(signal.SIGKILL)
        self.server = self.start_server()
        there = {item["metadata"]["name"] for item in api.call("GET", MAPS)[1]["items"]}
        self.assertEqual(there, set(names), "it starts on a full disk")
        ballast.unlink()
        self.assertEqual(api.call("POST", MAPS, config_map("after", a="b"))[0], 201, "no restart is needed")
        self.assertEqual(api.call("DELETE", f"{MAPS}/{names[0]}")[0], 200)


class GracefulStop(World):
    GRACE = 5  # Seconds that a request under way has to end.

    def body_under_way(self, api, name):
        """A connection on which all but the last byte of a request has been sent, and taken."""
        body = json.dumps(config_map(name)).encode()
        peer = api.tls(timeout=30)
        peer.sendall(f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\nExpect: 100-continue\r\n"
                     f"Content-Length: {len(body)}\r\n\r\n".encode())
        self.assertIn(b" 100 ", peer.recv(100))
        peer.sendall(body[:-1])
        return peer

    def test_watches_end_requests_finish_and_nobody_is_waited_for_longer(self):
        api = RawApi(self)
        self.assertEqual(api.call("POST", MAPS, config_map("kept"))[0], 201)
        watching, idle, silent = api.connection(), api.connection(), api.tcp(timeout=30)
        watching.request("GET", f"{MAPS}?watch=1", headers={"Authorization": f"Bearer {api.token}"})
        watch = watching.getresponse()
        self.assertIn(b'"kept"', watch.readline())
        self.assertEqual(api.call("GET", MAPS, connection=idle)[0], 200)
        finishes, never = self.body_under_way(api, "finished"), self.body_under_way(api, "never")
        began = time.monotonic()
        self.server.send(signal.SIGTERM)
        watch.read()  # IncompleteRead if it were cut.
        self.assertEqual(read_all(idle.sock), b"")
        self.assertEqual(read_all(silent), b"")
        self.assertLess(time.monotonic() - began, self.GRACE, "none of these is waited for")
        finishes.sendall(b"}")
        answer = read_all(finishes)
        self.assertIn(b"HTTP/1.1 201 ", answer)
        self.assertIn(b"\r\nConnection: close\r\n", answer)
        self.assertEqual(read_all(never), b"")
        self.assertEqual(self.server.child.wait(30), 0, self.server.log.read_text())
        self.assertLess(time.monotonic() - began, 2 * self.GRACE)
        for peer in (watching, idle, silent, finishes, never):
            peer.close()
        self.server = self.start_server()
        names = {item["metadata"]["name"] for item in RawApi(self).call("GET", MAPS)[1]["items"]}
        self.assertEqual(names, {"kept", "finished"})


class Private(World):
    def setUp(self):
        self.addCleanup(os.umask, os.umask(0))  # Who starts them lets everybody read and write.
        super().setUp()

    def test_what_server_and_agent_keep_is_nobody_elses_to_read(self):
        self.midwatch.apply(*shop())
        self.start_agent()
        self.job("j1", "sh", "-c", "echo no; exit 1")
        self.wait_phase("j1", "Succeeded")
        data, agent = self.dir / "data", self.dir / "agent-one"
        kept = [data, agent, *data.rglob("*"), *agent.rglob("*")]
        names = {path.name for path in kept}
        self.assertLessEqual({"midwatch.db", "midwatch.db-wal", "midwatch.db-shm", "kubeconfig", "logs", "sessions"}, names)
        self.assertEqual([str(path) for path in kept if path.lstat().st_mode & 0o077 and not path.is_symlink()], [])


class Damage(World):
    def test_a_flipped_byte_is_named_and_nothing_is_served(self):
        api = RawApi(self)
        self.assertEqual(api.call("POST", MAPS, config_map("precious", text="a" * 1000 + "MARK"))[0], 201)
        self.assertEqual(self.server.stop(), 0)
        (database,) = pathlib.Path(self.dir / "data").glob("*.db")
        content = bytearray(database.read_bytes())
        at = content.index(b"MARK")
        content[at] ^= 1
        database.write_bytes(content)
        refused = self.midwatch.run("serve", "--data", self.dir / "data", "--listen", "127.0.0.1:0", check=False)
        self.assertEqual(refused.returncode, 3)
        self.assertIn("configmaps/default/precious does not fit its checksum", refused.stderr)
        self.assertIn("restore it from a backup", refused.stderr)
        content[at] ^= 1
        database.write_bytes(content)
        self.server = self.start_server()
        self.assertEqual(api.call("GET", f"{MAPS}/precious")[0], 200)


class Backup(World):
    def test_a_copy_that_is_made_while_it_runs_holds_what_was_acknowledged_before(self):
        api = RawApi(self)
        writer = Writer(api, "live", Ledger())
        writer.start()
        self.addCleanup(writer.join)
        self.addCleanup(self.server.stop, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while len(writer.created) < 100 and time.monotonic() < deadline:
            time.sleep(0.01)
        before = list(writer.created)
        self.assertGreaterEqual(len(before), 100)
        other = self.dir / "restored"
        other.mkdir(mode=0o700)
        with contextlib.closing(sqlite3.connect(self.dir / "data/midwatch.db")) as live, \
                contextlib.closing(sqlite3.connect(other / "midwatch.db")) as copy:
            live.backup(copy)
        self.assertIsNone(writer.refused, "writing goes on")
        self.server.stop(signal.SIGKILL)
        (self.dir / "data").rename(self.dir / "lost")
        other.rename(self.dir / "data")
        self.port = 0
        self.server = self.start_server()
        there = {item["metadata"]["name"] for item in RawApi(self).call("GET", MAPS)[1]["items"]}
        self.assertEqual(set(before) - there, set())


class Limits(World):
    """The numbers of the API, each crossed."""

    def test_an_object_of_more_than_one_mebibyte(self):
        api = RawApi(self)
        self.assertEqual(api.call("POST", MAPS, config_map("fits", text="x" * 1_040_000))[0], 201)
        status, answer = api.call("POST", MAPS, config_map("large", text="x" * 540_000, more="y" * 540_000))
        self.assertEqual((status, answer["reason"]), (413, "RequestEntityTooLarge"), answer)
        # Growing step by step does not lead around it.
        status, answer = api.call("PATCH", f"{MAPS}/fits", {"data": {"more": "x" * 10_000}}, MERGE)
        self.assertEqual((status, answer["reason"]), (413, "RequestEntityTooLarge"), answer)

    def test_a_request_of_more_than_three_mebibytes(self):
        api = RawApi(self)
        padding = " " * (3 << 20)
        status, answer = api.call("POST", MAPS, "{" + padding + "}")
        self.assertEqual((status, answer["reason"]), (413, "RequestEntityTooLarge"), answer)
        body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"padded"}'
        body += padding[:(3 << 20) - len(body) - 1] + "}"
        self.assertEqual(len(body), 3 << 20)
        self.assertEqual(api.call("POST", MAPS, body)[0], 201)

    def test_a_watch_of_more_than_any_queue_holds_arrives_whole(self):
        api = RawApi(self)
        first = int(api.call("GET", MAPS)[1]["metadata"]["resourceVersion"])
        names = {f"large-{number}" for number in range(16)}
        for name in names:
            self.assertEqual(api.call("POST", MAPS, config_map(name, text="x" * 1_000_000))[0], 201)
        state = "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
        for query in ("", f"&resourceVersion={first}", state):
            with self.subTest(query):
                connection = api.connection()
                self.addCleanup(connection.close)
                connection.request("GET", f"{MAPS}?watch=1{query}", headers={"Authorization": f"Bearer {api.token}"})
                answer = connection.getresponse()
                time.sleep(0.5)  # Meanwhile nothing is read, and more is sent than fits.
                got = set()
                for event in watch_lines(answer):
                    got.add(event["object"]["metadata"].get("name"))
                    if names <= got:
                        break
                self.assertLessEqual(names, got)

    def test_a_watch_from_before_the_change_log(self):
        api = RawApi(self)
        first = int(api.call("GET", MAPS)[1]["metadata"]["resourceVersion"])
        self.assertEqual(api.call("POST", MAPS, config_map("busy", text=""))[0], 201)
        connection = api.connection()
        self.addCleanup(connection.close)
        for number in range(90):  # The log holds 32 MiB of what is no longer the newest.
            status, _ = api.call("PATCH", f"{MAPS}/busy", {"data": {"text": str(number) + "x" * 800_000}}, MERGE,
                                 connection)
            self.assertEqual(status, 200)
        status, answer = api.call("GET", f"{MAPS}?watch=1&resourceVersion={first}&timeoutSeconds=5")
        self.assertEqual((answer["type"], answer["object"]["code"], answer["object"]["reason"]),
                         ("ERROR", 410, "Expired"))
        status, answer = api.call("GET", f"{MAPS}?resourceVersion={first}&resourceVersionMatch=Exact")
        self.assertEqual((status, answer["reason"]), (410, "Expired"))
        page = api.call("GET", f"{CORE}/namespaces?limit=1")[1]["metadata"]["continue"]
        self.assertEqual(api.call("GET", f"{CORE}/namespaces?limit=1&continue={page}")[0], 200)


if __name__ == "__main__":
    unittest.main()
