"""Remotes and disks that fail, through the real server: it goes on, says what is wrong and since when, and recovers by itself."""
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

from git_world import GitWorld, Repository, condition_of, module
from harness import obj, wait_until

LOGIN = ("robot", "correct horse")


class Faults(GitWorld):
    """Each test breaks one thing about the source `platform`; the source `healthy` must not notice."""

    def setUp(self):
        super().setUp()
        self.healthy = Repository(self.dir / "healthy")
        self.declare("namespace", obj("Namespace", "healthy", version="v1"), self.healthy)
        self.healthy.commit()
        self.source("healthy", url=self.healthy.url)

    def source(self, name="platform", *arguments, **spec):
        super().source(name, *arguments, **{"interval": "1s", "timeout": "2s", **spec})

    def trusted(self, remote, login=None, **spec):
        """The source on that server, with its authority and a login from a Secret."""
        data = {"ca_crt": remote.certificate}
        if login:
            data.update(username=login[0], password=login[1])
        self.secret(**data)
        self.source(url=remote.url(), secretRef={"name": "login"}, **spec)

    def says(self, reason, message):
        """Waits until the status says so."""
        def says_so():
            condition = self.condition()
            return condition["status"] == "False" and condition["reason"] == reason and message in condition["message"]
        try:
            wait_until(says_so, f"{reason} in the status")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.status()}") from error

    def fails(self, reason, message):
        """The status says so: over more attempts since the same time, without another write, and the rest goes on."""
        self.says(reason, message)
        before = self.midwatch.get("gitsources", "platform", "midwatch-system")
        self.assertIn("failingSince", before["status"])
        self.declare("module", module("proof", "healthy", "healthy"), self.healthy)
        self.wait_applied(self.healthy.commit(), "healthy")
        time.sleep(1.5)  # One more attempt.
        after = self.midwatch.get("gitsources", "platform", "midwatch-system")
        self.assertEqual(before["metadata"]["resourceVersion"], after["metadata"]["resourceVersion"],
                         f"the same failure is written once: {before['status']} {after['status']}")

    def recovers(self, display="mended"):
        """The next sync brings a new commit into force, and the status has forgotten the failure."""
        self.declare("a", module("a", display))
        self.wait_applied(self.repository.commit(force=True))
        self.assertEqual(self.display("a"), display)

    def starts_well(self, **spec):
        remote = self.serve()
        self.declare("a", module("a", "before"))
        self.trusted(remote, **spec)
        self.wait_applied(self.repository.commit())
        return remote


class Servers(Faults):
    def test_unreachable(self):
        remote = self.starts_well()
        remote.stop()
        self.fails("Unreachable", f"cannot connect to 127.0.0.1:{remote.port}")
        self.assertEqual(self.display("a"), "before")
        self.serve(port=remote.port)
        self.secret(ca_crt=self.remotes[-1].certificate)
        self.recovers()

    def test_refused_login(self):
        remote = self.serve(login=LOGIN)
        self.declare("a", module("a"))
        self.repository.commit()
        self.trusted(remote)
        self.says("LoginRefused", "the repository wants a login, or does not exist: set secretRef")
        self.trusted(remote, login=(LOGIN[0], "wrong battery"))
        self.fails("LoginRefused", "the server refused the login")
        self.trusted(remote, login=LOGIN)
        self.recovers()
        said = "".join(process.log.read_text() for process in self.processes)
        for secret in (LOGIN[1], "wrong battery"):
            self.assertNotIn(secret, said)
            self.assertNotIn(secret, str(self.status()))

    def test_wrong_certificate(self):
        remote = self.serve(names="DNS:git.example.com")
        self.declare("a", module("a"))
        self.repository.commit()
        self.trusted(remote)
        self.fails("Unreachable", "is not trusted: IP address mismatch")
        self.secret(ca_crt=self.other_authority())
        self.says("Unreachable", "is not trusted: self-signed certificate")
        self.secret(ca_crt="no certificate")
        self.says("InvalidSource", "ca.crt: expected certificates in PEM form")
        remote.stop()
        self.secret(ca_crt=self.serve(port=remote.port).certificate)
        self.recovers()

    def other_authority(self):
        """A certificate that signed nothing of ours."""
        path = self.dir / "other.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                        "/CN=other", "-keyout", self.dir / "other.key", "-out", path], check=True, capture_output=True)
        return path.read_text()

    def test_missing_secret(self):
        self.repository.commit()
        self.source(url=self.serve().url(), secretRef={"name": "login"})
        self.fails("NotFound", 'spec.secretRef: secret "login" not found')
        self.secret(ca_crt=self.remotes[0].certificate)
        self.recovers()

    def test_a_server_in_trouble(self):
        remote = self.starts_well()
        remote.breaks("status/503")
        self.fails("Unreachable", "503")
        remote.mends()
        self.recovers()

    def test_a_stalled_server(self):
        remote = self.starts_well()
        remote.breaks("stall")
        self.fails("Timeout", f"127.0.0.1:{remote.port} did not answer in time")
        remote.mends()
        self.recovers()

    def test_a_transfer_that_stalls_half_way(self):
        remote = self.starts_well()
        remote.breaks("half")
        self.declare("a", module("a", "half"))
        self.repository.commit()
        self.fails("Timeout", "did not answer in time")
        remote.mends()
        self.recovers()

    def test_a_transfer_that_is_cut_off(self):
        remote = self.starts_well()
        remote.breaks("cut")
        self.declare("a", module("a", "half"))
        self.repository.commit()
        self.fails("Unreachable", "lost")
        self.assertEqual(self.display("a"), "before")
        remote.mends()
        self.recovers()

    def test_a_transfer_that_never_ends(self):
        remote = self.starts_well()
        for fault in ("trickle", "endless"):
            remote.breaks(fault)
            self.says("Timeout", "")
            remote.mends()
            self.recovers(fault)

    def test_a_source_that_is_deleted_while_its_server_stalls(self):
        remote = self.starts_well(timeout="1h")
        remote.breaks("stall")
        wait_until((self.dir / "stalled").exists, "the stall")
        self.midwatch.run("delete", "gitsource/platform", "-n", "midwatch-system", timeout=20)
        remote.mends()
        self.trusted(remote)
        self.recovers()


class Repositories(Faults):
    def test_missing_refs_and_paths(self):
        self.repository.commit()
        for ref, message in (({"branch": "mian"}, 'branch "mian" does not exist in the repository, did you mean "main"?'),
                             ({"tag": "v9"}, 'tag "v9" does not exist in the repository'),
                             ({"commit": "7" * 40}, "is not in the repository")):
            self.source(ref=ref)
            self.says("NotFound", message)
        self.source(path="live")
        self.fails("NotFound", 'path "live" does not exist in the repository')
        self.declare("live/a", module("a", "there"))
        self.wait_applied(self.repository.commit())

    def test_an_empty_repository(self):
        empty = Repository(self.dir / "empty")
        self.source(url=empty.url)
        self.fails("NotFound", "the repository is empty: it has no commit yet")
        self.repository = empty
        self.declare("namespace", obj("Namespace", "payments", version="v1"))
        self.recovers()

    def test_a_force_push(self):
        self.starts_well()
        self.repository.git("commit", "-q", "--amend", "--allow-empty", "-m", "another history")
        self.recovers("rewritten")

    def test_a_remote_that_is_deleted_and_recreated(self):
        remote = self.starts_well()
        shutil.rmtree(self.repository.bare)
        self.fails("NotFound", "the repository does not exist on the server")
        self.assertEqual(self.display("a"), "before")
        shutil.rmtree(self.repository.work)
        self.repository = Repository(self.dir)
        self.declare("namespace", obj("Namespace", "payments", version="v1"))
        self.assertIsNotNone(remote)
        self.recovers("of another history")

    def test_a_file_remote_that_is_deleted_and_recreated(self):
        self.source()
        self.wait_applied(self.repository.commit())
        moved = self.dir / "moved.git"
        self.repository.bare.rename(moved)
        self.fails("NotFound", "there is no git repository at")
        moved.rename(self.repository.bare)
        self.recovers()

    def test_a_blob_of_a_gibibyte(self):
        writer = pathlib.Path(__file__).parents[2] / "controller/git/test_programs/write_zeros.py"
        blob = subprocess.run(["python3", writer, self.repository.work / ".git/objects", str(1 << 30)], check=True,
                              capture_output=True, text=True).stdout.strip()
        self.source(timeout="1m")
        self.repository.git("update-index", "--add", "--cacheinfo", f"100644,{blob},big.yaml")
        self.repository.git("commit", "-q", "-m", "big")
        # Shown by reference: a push would compress it all again.
        (self.repository.bare / "objects/info/alternates").write_text(f"{self.repository.work}/.git/objects\n")
        head = self.repository.git("rev-parse", "HEAD").strip()
        subprocess.run(["git", "-C", self.repository.bare, "update-ref", "refs/heads/main", head], check=True)
        self.fails("InvalidRevision", "big.yaml: the file is too large")
        self.repository.git("update-index", "--force-remove", "big.yaml")
        self.repository.git("commit", "-q", "-m", "small again")
        self.recovers()


class Machines(Faults):
    def workers(self):
        """The git processes of the server."""
        found = []
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            try:
                if f"\nPPid:\t{self.server.child.pid}\n" in status.read_text():
                    command = (status.parent / "cmdline").read_bytes()
                    found += [int(status.parent.name)] if b"git-worker" in command else []
            except OSError:
                pass  # It has just ended.
        return found

    def test_workers_that_are_killed_or_frozen(self):
        self.starts_well()
        for number in (signal.SIGKILL, signal.SIGSTOP):
            for worker in self.workers():
                os.kill(worker, number)
            self.recovers(f"after signal {number}")

    def test_a_cache_that_is_damaged(self):
        self.starts_well()
        for pack in (self.dir / "data").rglob("*.pack"):
            pack.chmod(0o600)
            os.truncate(pack, 40)
        for worker in self.workers():
            os.kill(worker, signal.SIGKILL)
        self.recovers()

    def test_a_full_disk(self):
        cache = self.dir / "data/git"
        cache.mkdir(exist_ok=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", cache], capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest("a small file system cannot be mounted here: " + mounted.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", "-l", cache], check=True)
        self.starts_well()
        for number in range(4):
            (self.repository.work / f"noise-{number}").write_bytes(os.urandom(1 << 20))
        self.declare("a", module("a", "with noise"))
        self.repository.commit()
        self.fails("DiskFull", "the disk of the git cache is full")
        self.assertEqual(self.display("a"), "before")
        subprocess.run(["mount", "-o", "remount,size=64m", cache], check=True)
        self.recovers()


if __name__ == "__main__":
    unittest.main()
