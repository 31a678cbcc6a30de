"""The command line as people and pipelines meet it: terminals, pipes, signals, exit codes, errors, and the documents."""
import fcntl
import hashlib
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import textwrap
import time
import unittest

from harness import BINARY, ROOT, Midwatch, Process, Repository, World, obj, shop, wait_until

ESCAPE = "\x1b["
SPINNER = "⠋"
MODULE = ("--module", "payments/database")


class TerminalRun:
    """A program on a terminal of its own."""

    def __init__(self, arguments, environment, columns=80):
        self.text = ""
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.execvpe(arguments[0], arguments, environment)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))

    def read(self, until=None, patience=60):
        """Reads until the text stands there, or to the end."""
        end = time.monotonic() + patience
        while not (until and until in self.text):
            if time.monotonic() > end:
                raise AssertionError(f"{until or 'the end'} did not come:\n{self.text}")
            if not select.select([self.terminal], [], [], 1)[0]:
                continue
            try:
                piece = os.read(self.terminal, 65536)
            except OSError:  # The other side is closed.
                piece = b""
            if not piece:
                break
            self.text += piece.decode(errors="replace").replace("\r\n", "\n")
        return self.text

    def type(self, keys):
        os.write(self.terminal, keys)

    def wait(self):
        self.read()
        code = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])
        os.close(self.terminal)
        return code


class CliWorld(World):
    def environment(self, **changes):
        base = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CI")}
        return {**base, "KUBECONFIG": self.midwatch.kubeconfig, "TERM": "xterm", **changes}

    def on_terminal(self, *arguments, columns=80, **environment):
        run = TerminalRun([BINARY, *arguments], self.environment(**environment), columns)
        return run.wait(), run.text

    def exec_line(self, *command):
        return [BINARY, "job", "exec", *MODULE, "--job-id", self.id(), "--", *command]

    def exec(self, *command, **options):
        return subprocess.run([BINARY, "job", "exec", *MODULE, "--", *command], capture_output=True,
                              env=self.environment(), timeout=60, **options)

    def start_exec(self, *command, **options):
        child = subprocess.Popen(self.exec_line(*command), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                 env=self.environment(), **options)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.kill)
        return child

    def states(self, job=None):
        """Of the job of this test."""
        jobs = self.midwatch.get("modulejobs") or []
        return [t["state"] for j in jobs if j["spec"]["jobID"] == (job or self.id()) for t in j["spec"]["transitions"]]


class SharedWorld(CliWorld):
    """A server for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.world = CliWorld()
        CliWorld.setUp(cls.world)
        cls.world.midwatch.apply(*shop())

    @classmethod
    def tearDownClass(cls):
        cls.world.doCleanups()

    def setUp(self):
        for name in ("dir", "midwatch", "server", "processes"):
            setattr(self, name, getattr(self.world, name))


class JobExec(SharedWorld):
    def test_input_and_both_outputs_pass_through_byte_by_byte(self):
        data = bytes(range(256)) * 4096
        done = self.exec("sh", "-c", "tee /dev/fd/3 3>&1 >/dev/null; echo bad >&2", input=data)
        self.assertEqual(done.stdout, data)
        self.assertTrue(done.stderr.startswith(b"bad\n"), done.stderr)

    def test_100_megabytes_pass_through(self):
        child = self.start_exec("head", "-c", "100000000", "/dev/zero")
        digest = hashlib.sha256()
        size = 0
        while piece := child.stdout.read(1 << 20):
            digest.update(piece)
            size += len(piece)
        self.assertEqual((size, child.wait(60)), (100_000_000, 0))
        self.assertEqual(digest.hexdigest(), hashlib.sha256(bytes(100_000_000)).hexdigest())

    def test_exit_codes_are_those_of_the_command(self):
        for command, code in (("exit 0", 0), ("exit 1", 1), ("exit 77", 77), ("exit 255", 255),
                              ("kill -KILL $$", 137), ("kill -SEGV $$", 139), ("kill -TERM $$", 143)):
            with self.subTest(command):
                self.assertEqual(self.exec("sh", "-c", command).returncode, code)
        self.assertEqual(self.exec("no-such-program").returncode, 127)

    def check_signal(self, number, script, output, code, state):
        child = self.start_exec("sh", "-c", script)
        self.assertEqual(child.stdout.readline(), b"ready\n")
        child.send_signal(number)
        self.assertEqual(child.stdout.read(), output)
        self.assertEqual(child.wait(20), code)
        self.assertEqual(self.states()[-1], state)

    def test_sigterm_reaches_a_command_that_handles_it(self):
        self.check_signal(signal.SIGTERM, "trap 'echo ending; exit 9' TERM; echo ready; sleep 30 & wait", b"ending\n", 9,
                          "Cancelled")

    def test_sigint_ends_a_command_that_does_not(self):
        self.check_signal(signal.SIGINT, "echo ready; exec sleep 30", b"", 130, "Cancelled")

    def test_sigusr1_is_for_the_command_alone(self):
        self.check_signal(signal.SIGUSR1, "trap 'echo one; exit 0' USR1; echo ready; sleep 30 & wait", b"one\n", 0,
                          "Succeeded")

    def test_ctrl_c_on_a_terminal_comes_once(self):
        script = "n=0; trap 'n=$((n+1)); echo got $n' INT; echo ready; while [ $n -lt 1 ]; do sleep 0.1; done; sleep 0.5; exit 3"
        run = TerminalRun(self.exec_line("sh", "-c", script), self.environment())
        run.read("ready\n")
        run.type(b"\x03")
        self.assertEqual(run.wait(), 3)
        self.assertEqual(run.text.count("got"), 1, run.text)

    def test_a_command_may_ask_on_the_terminal(self):
        run = TerminalRun(self.exec_line("sh", "-c", "echo go?; read a; echo answer=$a"), self.environment())
        run.read("go?\n")
        run.type(b"yes\n")
        self.assertEqual(run.wait(), 0)
        self.assertIn("answer=yes", run.text)

    def test_without_a_reader_the_command_ends_and_is_reported(self):
        child = self.start_exec("yes")
        child.stdout.readline()
        child.stdout.close()
        self.assertEqual(child.wait(20), 128 + signal.SIGPIPE)
        self.assertEqual(self.states()[-1], "Failed")

    def test_what_runs_in_the_background_lives_on(self):
        left = int(self.exec("sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!").stdout)
        os.kill(left, 0)
        os.kill(left, signal.SIGKILL)

    def test_the_pieces_do_the_same(self):
        log = self.dir / "build.log"
        log.write_text("nothing special\n")
        job = self.midwatch.run("job", "start", *MODULE, "--job-id", "pieces").stdout.strip()
        self.assertEqual(job, "payments/database-pieces")
        self.midwatch.run("job", "update", job, "--state", "ApprovalRequired")
        self.midwatch.run("job", "finish", job, "--exit-code", "1", "--log", log)
        self.assertEqual(self.states("pieces"), ["Running", "ApprovalRequired", "Failed"])
        again = self.midwatch.run("job", "finish", job, "--exit-code", "0", check=False)
        self.assertEqual(again.returncode, 3, again.stderr)


class Outages(CliWorld):
    def setUp(self):
        super().setUp()
        self.midwatch.apply(*shop())

    def test_a_server_that_is_gone_costs_warnings_alone(self):
        self.server.stop(signal.SIGKILL)
        done = self.exec("sh", "-c", "echo out; exit 7")
        self.assertEqual((done.returncode, done.stdout), (7, b"out\n"))
        self.assertIn(b"is not reported", done.stderr)

    def test_a_server_that_goes_while_the_command_runs_and_comes_back_hears_the_end(self):
        child = self.start_exec("sh", "-c", "echo ready; read x; exit 4", stdin=subprocess.PIPE)
        child.stdout.readline()
        self.server.stop(signal.SIGKILL)
        child.stdin.write(b"\n")
        child.stdin.close()
        self.server = self.start_server()
        self.assertEqual(child.wait(40), 4)
        self.assertEqual(self.states(), ["Running", "Failed"])


class Terminals(SharedWorld):
    def test_colours_are_for_terminals_without_no_color(self):
        get = ("get", "agents", "-n", "agents")
        self.assertIn(ESCAPE, self.on_terminal(*get)[1])
        self.assertNotIn(ESCAPE, self.on_terminal(*get, NO_COLOR="1")[1])
        self.assertNotIn(ESCAPE, self.on_terminal(*get, TERM="dumb")[1])
        piped = subprocess.run([BINARY, *get], env=self.environment(), capture_output=True, text=True)
        self.assertNotIn(ESCAPE, piped.stdout)
        self.assertIn(ESCAPE, self.midwatch.run(*get, "--colour", "always").stdout)

    def test_spinners_are_for_terminals(self):
        wait = ("job", "exec", *MODULE, "--wait", "2s", "--", "false")  # Nobody does the work: it parks.
        self.assertIn(SPINNER, self.on_terminal(*wait)[1])
        self.assertNotIn(SPINNER, self.on_terminal(*wait, TERM="dumb")[1])
        piped = subprocess.run([BINARY, *wait], env=self.environment(), capture_output=True, text=True)
        self.assertNotIn(SPINNER, piped.stdout + piped.stderr)

    def test_text_fits_the_terminal(self):
        self.midwatch.run("job", "exec", *MODULE, "--job-id", "d1", "--", "false", check=False)
        name = self.wait_phase("d1", "Parked")["metadata"]["name"]
        for columns, command in ((70, ("why", f"dispatch/{name}")), (60, ("tree", "modulejob/database-d1"))):
            code, text = self.on_terminal(*command, "-n", "payments", columns=columns, NO_COLOR="1")
            self.assertEqual(code, 0)
            for line in text.splitlines():
                self.assertLessEqual(len(line), columns, text)

    def test_a_list_ends_when_nobody_reads_it(self):
        child = subprocess.Popen([BINARY, "get", "modules", "-A", "--watch"], env=self.environment(),
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(child.kill)
        child.stdout.readline()
        child.stdout.close()
        self.midwatch.apply(obj("Module", "another", "payments", {}))
        self.assertEqual(child.wait(20), -signal.SIGPIPE)

    def test_lists_of_core_kinds_count_their_entries(self):
        kinds = {"ConfigMap": {"data": {"a": "1", "b": "2"}, "binaryData": {"c": "AA=="}}, "Secret": {"stringData": {"a": "x"}}}
        self.midwatch.apply(*({**obj(kind, "counted", "payments", version="v1"), **more} for kind, more in kinds.items()))
        for kind, row in (("configmap", "counted 3"), ("secret", "counted Opaque 1")):
            done = self.midwatch.run("get", kind, "counted", "-n", "payments")
            self.assertIn("DATA", done.stdout)
            self.assertRegex(done.stdout, "(?m)^" + row.replace(" ", " +"))

    def test_it_is_installed_also_as_a_plugin_of_kubectl(self):
        tree = pathlib.Path(BINARY).resolve().parents[2]
        subprocess.run(["cmake", "--install", tree, "--prefix", self.dir / "usr"], check=True, capture_output=True)
        plugin = self.dir / "usr/bin/kubectl-midwatch"
        done = subprocess.run([plugin, "get", "module", "database", "-n", "payments", "-o", "name"], env=self.environment(),
                              capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "module.midwatch.dev/database\n")


class Errors(SharedWorld):
    def refused(self, *arguments, code, error, hint="", kubeconfig=None):
        done = Midwatch(kubeconfig or self.midwatch.kubeconfig).run(*arguments, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, rf"(?m)^error: .*{error}")
        self.assertRegex(done.stderr, rf"(?m)^hint: .*{hint}" if hint else "^error")

    def kubeconfig(self, name, change):
        config = json.loads(pathlib.Path(self.midwatch.kubeconfig).read_text())
        change(config["clusters"][0]["cluster"], config["users"][0]["user"])
        path = self.dir / name
        path.write_text(json.dumps(config))
        return path

    def test_the_way_to_the_server(self):
        other = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj",
                                "/CN=other", "-days", "1"], capture_output=True, check=True).stdout
        authority = subprocess.run(["base64", "-w0"], input=other, capture_output=True, check=True).stdout.decode()
        broken = self.dir / "broken"
        broken.write_text("a: [\n")
        cases = [
            ("nowhere", lambda c, u: c.update(server="https://127.0.0.1:1"), 4, "https://127.0.0.1:1: nothing listens",
             "is the server running"),
            ("stranger", lambda c, u: c.update({"certificate-authority-data": authority}), 4, "certificate is not trusted",
             "use the kubeconfig that this server wrote"),
            ("nobody", lambda c, u: u.update(token="wrong"), 3, "Unauthorized", "the token is not valid"),
        ]
        for name, change, code, error, hint in cases:
            with self.subTest(name):
                self.refused("get", "modules", code=code, error=error, hint=hint, kubeconfig=self.kubeconfig(name, change))
        self.refused("get", "modules", code=3, error="no kubeconfig", hint="export KUBECONFIG=", kubeconfig="/nowhere")
        self.refused("get", "modules", code=3, error="broken:", kubeconfig=broken)
        self.refused("get", "modules", code=3, error="data: is a directory, .* did you mean .*/data/kubeconfig",
                     kubeconfig=self.dir / "data")

    def test_no_permission(self):
        token = self.dir / "agent.kubeconfig"
        self.midwatch.run("agent", "token", "agents/ops", "--file", token)
        self.refused("get", "secrets", code=3, error="forbidden", hint="whose user may do this", kubeconfig=token)

    def test_wrong_names(self):
        for arguments, code, error, hint in (
                (("get", "modul"), 3, "no resource type", ""),
                (("get", "modules", "databse", "-n", "payments"), 3, "not found", 'did you mean "database"'),
                (("describe", "module", "database"), 3, "not found", "there is one in namespace payments: add -n payments"),
                (("delete", "module", "database"), 3, "not found", "add -n payments"),
                (("tree", "modulejob/x"), 3, "not found", "midwatch get modulejobs -A"),
                (("why", "dispatch/x"), 3, "not found", "midwatch get dispatches -A"),
                (("logs", "dispatch/x"), 3, "not found", "midwatch get dispatches -A"),
                (("report", "x"), 3, "not found", "midwatch get reports -A"),
                (("cancel", "dispatch/x"), 3, "not found", "midwatch get dispatches -A"),
                (("sync", "x"), 3, "not found", "midwatch get gitsources -A"),
                (("job", "finish", "payments/x", "--exit-code", "0"), 3, "not found", "midwatch get modulejobs -A"),
                (("apply", "-f", "nowhere.yaml"), 3, "nowhere.yaml", ""),
                (("tree", "module/database"), 3, "not found", "a kind is expected to be modulejob"),
                (("tree", "module/payments/database"), 2, "expected", ""),
                (("gett",), 2, "unknown command", "did you mean midwatch get"),
                (("get", "modules", "--serach", "x"), 2, "unknown option", "did you mean --search"),
                (("serve", "--listen", "nonsense", "--data", str(self.dir / "d2")), 2, "expected ADDRESS:PORT", ""),
                (("serve", "--data", str(self.dir / "data")), 3, "in use by another server", "")):
            with self.subTest(" ".join(arguments)):
                self.refused(*arguments, code=code, error=error, hint=hint)

    def test_nothing_is_applied_unless_all_is_in_order(self):
        folder = self.dir / "half"
        folder.mkdir()
        (folder / "a.yaml").write_text(json.dumps(obj("Module", "half-good", "payments", {})))
        (folder / "b.yaml").write_text(textwrap.dedent("""\
            apiVersion: midwatch.dev/v1alpha1
            kind: Module
            metadata: {name: half-bad, namespace: payments}
            spec:
              displyName: Half
            """))
        done = self.midwatch.run("apply", "-f", folder, check=False)
        self.assertEqual((done.returncode, done.stdout), (3, ""), done.stderr)
        self.assertIn('b.yaml:5:3: UnknownField: spec.displyName: unknown field, did you mean "displayName"?', done.stderr)
        self.assertEqual([m for m in self.midwatch.get("modules") if m["metadata"]["name"].startswith("half-")], [])

    def test_the_plan_of_a_source_is_the_same_from_anywhere(self):
        folder = self.dir / "paths"
        folder.mkdir()
        repository = Repository(folder)
        repository.write("env/prod/cache.yaml", json.dumps(obj("Module", "cache", "paths", {"displayName": "Cache"})))
        repository.write("env/prod/paths.yaml", json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "paths"}}))
        repository.commit()
        self.midwatch.apply(obj("GitSource", "paths", "midwatch-system",
                                {"url": repository.url, "ref": {"branch": "main"}, "path": "env/prod", "interval": "1h"}))
        self.midwatch.run("sync", "paths", "-n", "midwatch-system")
        root = repository.work
        for cwd, path in ((root, "."), (root, "env/prod"), (root, "./env/../env/prod/"), (root / "env/prod", "."),
                          (root / "env", "prod"), ("/", root / "env/prod"), ("/", root)):
            done = self.midwatch.run("diff", path, "--source", "paths", "-n", "midwatch-system", check=False, cwd=cwd)
            self.assertEqual((done.returncode, done.stdout), (0, "No differences; 2 unchanged\n"), done.stderr)
        for cwd, path in ((root, "env"), (root / "env", ".")):
            done = self.midwatch.run("diff", path, "--source", "paths", "-n", "midwatch-system", check=False, cwd=cwd)
            self.assertEqual((done.returncode, done.stdout), (3, ""), done.stderr)
            self.assertIn(f'{path}: this is the directory "env" of a checkout, and the source reads "env/prod"', done.stderr)

    def test_a_configuration_of_an_agent_is_refused_with_every_place(self):
        config = self.dir / "broken-agent.yaml"
        for text, errors in (
                ("", ["1:1: expected a mapping with sidecars"]),
                ("- a\n", ["1:1: expected a mapping with sidecars"]),
                ("capacity: 0\nsidecars:\n- name: A_B\n  command: sh\n  arg: [x]\nleas: 3\n", [
                    "1:1: capacity: 0 should be greater than or equal to 1",
                    "3:3: sidecars[0].name: ",
                    '5:3: sidecars[0].arg: unknown field, did you mean "args"?', "6:1: leas: unknown field"]),
                ("sidecars:\n- {name: a, command: sh, default: true}\n- {name: a, command: sh, default: true}\n", [
                    "1:1: sidecars: at most one sidecar may be the default", "3:3: sidecars[1]: duplicate value: {\"name\":\"a\"}"])):
            with self.subTest(text):
                config.write_text(text)
                done = self.midwatch.run("agent", "--agent", "ai/none", "--config", config, "--data", self.dir / "none", check=False)
                self.assertEqual((done.returncode, done.stdout), (3, ""), done.stderr)
                said = [line.removeprefix("error: ").strip() for line in done.stderr.splitlines()]
                self.assertEqual(len(said), len(errors), done.stderr)
                for line, error in zip(said, errors):
                    self.assertTrue(line.startswith(f"{config}:{error}"), done.stderr)

    def test_exit_codes_of_commands_that_answer_a_question(self):
        repository = Repository(self.dir)
        repository.write("module.yaml", json.dumps(obj("Module", "database", "payments", {"displayName": "Payments database"})))
        repository.commit()
        self.midwatch.apply(obj("GitSource", "platform", "midwatch-system",
                                {"url": repository.url, "ref": {"branch": "main"}, "interval": "1h", "adopt": True}))

        def code(*arguments):
            return self.midwatch.run(*arguments, check=False, cwd=repository.work).returncode
        self.assertEqual(code("validate", "."), 0)
        self.assertEqual(code("diff", "."), 0)
        repository.write("more.yaml", json.dumps(obj("Module", "more", "payments", {})))
        first = repository.commit()
        self.assertEqual(code("diff", "."), 1)
        self.assertEqual(code("diff", "--from", "HEAD~1", "--to", "HEAD"), 1)
        self.assertEqual(code("diff", "--from", first[:10], "--to", "main"), 0)
        self.assertEqual(code("diff", "--from", "main"), 2)
        self.assertEqual(code("diff", "--from", "nowhere", "--to", "main"), 3)
        repository.write("bad.yaml", json.dumps(obj("Module", "bad", "payments", {"displayname": "x"})))
        repository.commit()
        self.assertEqual(code("validate", "."), 1)
        self.assertEqual(code("validate", "nowhere"), 3)
        self.assertEqual(code("sync", "platform", "-n", "midwatch-system"), 1)
        (repository.work / "bad.yaml").unlink()
        (repository.work / "module.yaml").unlink()
        repository.commit()
        self.assertEqual(code("sync", "platform", "-n", "midwatch-system"), 0)
        self.assertEqual(code("version"), 0)


class LongLived(SharedWorld):
    def test_serve_and_agent_say_where_they_are(self):
        self.assertRegex(self.server.log.read_text(), r"(?m) ready address=127\.0\.0\.1:\d+ kubeconfig=\S+/kubeconfig$")
        agent = World.start_agent(self)
        wait_until(lambda: "registered instance=ops-" in agent.log.read_text(), "the registration")
        self.assertEqual(agent.stop(), 0)
        self.assertIn("draining", agent.log.read_text())

    def test_the_sidecar_speaks_acp(self):
        request = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": 1}}
        done = subprocess.run([BINARY, "sidecar", "scripted"], input=json.dumps(request) + "\n", text=True,
                              capture_output=True, timeout=20)
        self.assertEqual(json.loads(done.stdout.splitlines()[0])["result"]["protocolVersion"], 1, done.stderr)

    def test_what_cannot_start_says_why(self):
        for arguments, code, error in (
                (("mcp", "--socket", "/nowhere"), 1, "MIDWATCH_TICKET is not set"),
                (("sidecar", "scripted", "--rules", "/nowhere"), 1, "/nowhere"),
                (("agent", "--agent", "agents/ops", "--config", "/nowhere"), 3, "/nowhere"),
                (("agent", "--agent", "ops", "--config", "x"), 2, "expected NAMESPACE/NAME"),
                (("serve", "--data", "/proc/nowhere", "--listen", "127.0.0.1:0"), 3, "/proc/nowhere"),
                (("serve", "--data", str(self.dir / "d3"), "--listen", "192.0.2.1:1"), 3, "cannot listen on 192.0.2.1:1")):
            with self.subTest(" ".join(arguments)):
                done = self.midwatch.run(*arguments, check=False, stdin="")
                self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
                self.assertIn(error, done.stderr)


class Examples(CliWorld):
    def test_the_sidecar_of_the_guide_works(self):
        folder = ROOT / "examples/sidecar"
        config = self.dir / "agent.yaml"
        config.write_text((folder / "agent.yaml").read_text().replace("/opt/midwatch", str(folder))
                          .replace("command: midwatch", f"command: {BINARY}"))
        world = shop()
        world[5]["spec"]["sidecarName"] = "last-line"
        self.midwatch.apply(*world)
        token = self.dir / "agent.kubeconfig"
        self.midwatch.run("agent", "token", "agents/ops", "--file", token)
        self.processes.append(Process(self.dir / "agent.log", "agent", "--agent", "agents/ops", "--config", config,
                                      "--kubeconfig", token, "--data", self.dir / "agent"))
        wait_until(lambda: self.connected() == 1, "the connection")
        done = self.job("d1", "sh", "-c", "echo first; echo the very last; exit 1", wait="30s")
        self.assertIn("The last thing that the job said: the very last", done.stderr)
        self.assertIn("2 │ the very last", done.stderr)
        name = self.wait_phase("d1", "Succeeded")["metadata"]["name"]
        done = self.job("d2", "sh", "-c", "seq 5000; echo the end of much; echo; exit 1", wait="30s")
        self.assertIn("The last thing that the job said: the end of much", done.stderr)
        self.assertIn("The job has no log, or it is empty", self.job("d3", "false", wait="30s").stderr)
        self.assertIn("I look at the last line", self.midwatch.run("logs", f"dispatch/{name}", "-n", "payments").stdout)


class QuickStart(unittest.TestCase):
    script = str(ROOT / "examples/quickstart/run.sh")

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="midwatch-test-")
        self.addCleanup(self.directory.cleanup)
        base = {k: v for k, v in os.environ.items() if k not in ("CI", "NO_COLOR", "KUBECONFIG")}
        self.environment = {**base, "TMPDIR": self.directory.name, "TERM": "xterm",
                            "MIDWATCH_BIN": str(pathlib.Path(BINARY).resolve().parent)}

    def left(self):
        """What is left of the quick start: files, and processes that know its directory."""
        files = os.listdir(self.directory.name)
        mark = f"TMPDIR={self.directory.name}\0".encode()
        processes = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and int(entry.name) != os.getpid() and mark in (entry / "environ").read_bytes():
                    processes.append((entry.name, (entry / "cmdline").read_bytes()))
            except OSError:
                pass  # It has just ended.
        return files, processes

    def check(self, text):
        for expected in (
                "revision",                                       # 1
                "line 12: /dev/tcp/127.0.0.1/5439: Connection refused", "root cause:", "Network, transient", "log, line 6",
                "next steps:", "produced by: scripted (rules, no model), tokens 0",   # 2
                "Recommendation of payments/database", "Reject", "Summary of storefront/frontend",   # 3
                "AgentNotAssigned", "NoConnectedInstance", "no AgentAssignment lets Agent",   # 4
                'missions/mistake.yaml:8:3: UnknownField: spec.agentref: unknown field, did you mean "agentRef"?',
                "stays in force", "pruned 1"):                    # 5
            self.assertIn(expected, text)
        two = re.search(r"(?s)keeps its hands off\..*?── 5\.", text).group()
        self.assertEqual(len(re.findall(r"(?m)^\S+ +ops +true ", two)), 2, "two instances")
        self.assertEqual(len(re.findall(r"(?m)^database-\S+ +database-\S+ +AutoDiagnose ", two)), 1, "one Run")
        seconds = int(re.search(r"6\. What happened, in (\d+) seconds", text).group(1))
        self.assertLess(seconds, 60)

    def test_leaves_nothing_when_told_to_stop(self):
        done = subprocess.run([self.script, "--stop"], env=self.environment, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.check(done.stdout + done.stderr)
        self.assertEqual(self.left(), ([], []))

    def test_leaves_nothing_in_ci_even_on_a_terminal(self):
        run = TerminalRun([self.script], {**self.environment, "CI": "true"})
        self.assertEqual(run.wait(), 0)
        self.assertIn("Nothing is left running.", run.text)
        self.assertEqual(self.left(), ([], []))

    def test_stays_on_a_terminal_until_it_is_stopped(self):
        run = TerminalRun([self.script], self.environment, columns=120)
        self.assertEqual(run.wait(), 0)
        text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", run.text)
        self.check(text)
        kubeconfig = re.search(r"export KUBECONFIG=(\S+)", text).group(1)
        self.assertIn("diagnose-failures", Midwatch(kubeconfig).run("get", "organizationmissions").stdout)
        subprocess.run([re.search(r"Stop it all: +(\S+)", text).group(1)], check=True, timeout=60)
        self.assertEqual(self.left(), ([], []))

    def test_ctrl_c_leaves_nothing(self):
        run = TerminalRun([self.script], self.environment)
        run.read("midwatch sync")
        run.type(b"\x03")
        self.assertEqual(run.wait(), 130)
        self.assertEqual(self.left(), ([], []))


class Documents(unittest.TestCase):
    def documents(self):
        return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

    def test_links_lead_somewhere(self):
        for document in self.documents():
            prose = re.sub(r"(?s)```.*?```|`[^`\n]*`", "", document.read_text())
            for link in re.findall(r"\]\(([^)#\s]+)", prose):
                if not re.match(r"https?://", link):
                    self.assertTrue((document.parent / link).exists(), f"{document}: {link}")

    def test_manifests_are_valid(self):
        seen = 0
        for document in self.documents():
            for block in re.findall(r"(?ms)^ *```yaml\n(.*?)^ *```", document.read_text()):
                if "kind:" in block:
                    done = subprocess.run([BINARY, "validate", "-"], input=textwrap.dedent(block), text=True, capture_output=True)
                    self.assertEqual(done.returncode, 0, f"{document}:\n{done.stdout}{done.stderr}")
                    seen += 1
        self.assertGreater(seen, 1)

    def test_commands_exist_with_their_options(self):
        helps = {}

        def help_of(*words):
            if words not in helps:
                helps[words] = subprocess.run([BINARY, *words, "--help"], capture_output=True, text=True).stdout
            return helps[words]
        seen = 0
        for document in self.documents():
            for line in re.findall(r"(?m)(?:^|`|\$\()\s*(?:kubectl )?midwatch ([a-z][^`\n]*)", document.read_text()):
                words = line.split(" -- ")[0].split()
                two = words[:2] if words[0] in ("job", "sidecar", "docs") or words[:2] == ["agent", "token"] else words[:1]
                text = help_of(*two)
                self.assertIn("midwatch " + " ".join(two), text, f"{document}: {line}")
                for option in re.findall(r"(?<=\s)(--?[a-zA-Z][a-z-]*)", " " + " ".join(words)):
                    self.assertRegex(text, rf"(?m)(^|\s){option}\b", f"{document}: {line}")
                seen += 1
        self.assertGreater(seen, 30)


if __name__ == "__main__":
    unittest.main()
