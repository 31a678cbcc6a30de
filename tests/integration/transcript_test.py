"""What the long-lived parts and the whole thread print, as files in transcripts/. `python3 transcript_test.py --rewrite` refreshes
them. What differs from run to run is written so: times TIME, directories DIR, ports PORT, made-up names and digests in capitals."""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import unittest

from harness import BINARY, World, shop, wait_until

FILES = pathlib.Path(__file__).resolve().parent / "transcripts"
REWRITE = "--rewrite" in sys.argv

RULES = (  # In this order.
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"(?m)^\d\d:\d\d:\d\d\.\d{3} ", "TIME "),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"sha256:[0-9a-f…]{12,}", "sha256:DIGEST"),
    (r"[A-Za-z0-9+/=]{80,}", "BASE64"),
    (r"mwa_[A-Za-z0-9_-]{20,}", "TOKEN"),
    (r"\bagent-token-[a-z0-9]{12}\b", "agent-token-NAME"),
    (r"\b(ops)-[a-z0-9]{8}\b", r"\1-INSTANCE"),
    (r"\b(database)-[a-z0-9]{12}(-[a-z0-9]{8})?((-\d+)?)\b", r"\1-NAME\3"),
    (r"the sidecar (was stopped|ended with exit code 0)", "the sidecar is gone"),  # Whoever was first.
    (r"\bpromptBytes=\d+", "promptBytes=N"),
    (r"(?m)(  )(\d+m)?\d+(ms|s|m)\b", r"\1AGE"),
    (r"\b(\d+m)?\d+(ms|s|m) ago\b", "AGE ago"),
)


class Transcripts(World):
    maxDiff = None

    def plain(self, text):
        text = text.replace(str(self.dir), "DIR").replace(BINARY, "midwatch")
        for pattern, word in RULES:
            text = re.sub(pattern, word, text)
        return text

    def expect(self, name, text):
        path = FILES / f"{name}.txt"
        if REWRITE:
            FILES.mkdir(exist_ok=True)
            path.write_text(self.plain(text))
        self.assertEqual(self.plain(text), path.read_text(), f"{path}; --rewrite refreshes it")

    def said(self, *arguments, stdin="", environment=None):
        """The command, what it wrote, standard error marked, and its exit code."""
        done = subprocess.run([BINARY, *map(str, arguments)], input=stdin, text=True, capture_output=True, timeout=60,
                              env={**os.environ, "KUBECONFIG": self.midwatch.kubeconfig, "NO_COLOR": "1", **(environment or {})})
        err = "".join(f"! {line}\n" for line in done.stderr.splitlines())
        return f"$ midwatch {shlex.join(map(str, arguments))}\n{done.stdout}{err}[exit code {done.returncode}]\n"

    def test_serve(self):
        self.midwatch.apply(*shop())
        second = self.said("serve", "--data", self.dir / "data", "--listen", "127.0.0.1:0")
        code = self.server.stop()
        log = [line for line in self.server.log.read_text().splitlines() if "view is complete" not in line]
        self.expect("serve", "$ midwatch serve --data DIR/data --listen 127.0.0.1:0 --allow-file-urls\n" + "\n".join(log) +
                    f"\n[exit code {code}]\n\n" + second + "\n" + self.said("serve", "--listen", "nonsense") + "\n"
                    + self.said("serve", "--data", "/proc/nowhere", "--listen", "127.0.0.1:0"))

    def test_agent(self):
        self.midwatch.apply(*shop())
        token = self.said("agent", "token", "agents/ops")
        token += "\n" + self.said("agent", "token", "agents/ops", "--file", self.dir / "agents-ops.kubeconfig")
        token += "\n" + self.said("agent", "token", "agents/nobody") + "\n" + self.said("agent", "token", "ops")
        self.expect("agent_token", token)
        agent = self.start_agent()
        wait_until(lambda: self.connected() == 1, "the connection")
        self.job("d1", "sh", "-c", "echo 'Error: connection refused'; exit 1", wait="30s")
        code = agent.stop()
        # Conflicts come and go, and what contains sidecars is the host's.
        log = "".join(line + "\n" for line in agent.log.read_text().splitlines()
                      if " WARN " not in line and "sidecars run in" not in line)
        unknown = self.dir / "unknown.yaml"
        unknown.write_text("capacity: 1\nsidecar: []\n")
        self.expect("agent", "$ midwatch agent --agent agents/ops --config DIR/agent-one.yaml --kubeconfig DIR/agents-ops.kubeconfig "
                    f"--data DIR/agent-one\n{log}[exit code {code}]\n\n"
                    + self.said("agent", "--agent", "agents/ops", "--config", unknown) + "\n"
                    + self.said("agent", "--agent", "agents/ops", "--config", "/nowhere") + "\n" + self.said("agent", "--agent", "ops"))

    def test_mcp(self):
        self.expect("mcp", self.said("mcp") + "\n" + self.said("mcp", "--socket", "/nowhere") + "\n"
                    + self.said("mcp", "--socket", "/nowhere", environment={"MIDWATCH_TICKET": "x"}))

    def test_sidecar(self):
        def ask(number, method, **params):
            return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n"
        talk = (ask(1, "initialize", protocolVersion=1) + ask(2, "session/new", cwd=str(self.dir), mcpServers=[])
                + ask(3, "session/prompt", sessionId="none", prompt=[{"type": "text", "text": "x"}]) + "garbage\n")
        text = self.said("sidecar", "scripted", stdin=talk) + "\n" + self.said("sidecar", "scripted", "--rules", "/nowhere")
        text += "\n" + self.said("sidecar", "scripted", "--transcript", "/nowhere")
        self.expect("sidecar_scripted", re.sub(r'"sessionId":"[^"]+"', '"sessionId":"SESSION"', text))

    def test_from_a_job_to_its_report(self):
        """The whole thread with real parts."""
        self.midwatch.apply(*shop())
        self.start_agent()
        wait_until(lambda: self.connected() == 1, "the connection")
        log = self.dir / "build.log"
        log.write_text("step 1\nError: connection refused\n")
        text = self.said("job", "exec", "--module", "payments/database", "--job-id", "d1", "--wait", "30s", "--", "sh", "-c",
                         "echo 'Error: connection refused'; exit 1")
        text += "\n" + self.said("job", "start", "--module", "payments/database", "--job-id", "d2")
        text += "\n" + self.said("job", "update", "payments/database-d2", "--state", "ApprovalRequired")
        text += "\n" + self.said("job", "finish", "modulejob/payments/database-d2", "--exit-code", "1", "--log", log, "--wait", "30s")
        name = self.wait_phase("d1", "Succeeded")["metadata"]["name"]
        for command in (("tree", "payments/database-d1"), ("why", "payments/database-d1"), ("why", f"dispatch/payments/{name}"),
                        ("logs", "-f", f"dispatch/payments/{name}"), ("report", f"dispatch/payments/{name}"),
                        ("cancel", f"payments/{name}"), ("get", "dispatches,modulejobs,reports", "-A", "--no-headers", "--search", "database-d1"),
                        ("version",)):
            text += "\n" + self.said(*command)
        self.expect("thread", text)


if __name__ == "__main__":
    unittest.main(argv=[a for a in sys.argv if a != "--rewrite"])
