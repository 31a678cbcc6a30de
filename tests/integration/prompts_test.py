"""What a sidecar is told can be replaced on the agent's host."""
import json
import unittest

from harness import World, shop, wait_until

# Writes down the instructions that it gets.
SCRIPT = """import json, sys
for line in sys.stdin:
    m = json.loads(line)
    if m.get('method') == 'session/prompt':
        print('TOLD ' + m['params']['prompt'][0]['text'], file=sys.stderr)
        break
    r = {'protocolVersion': 1} if m['id'] == 0 else {'sessionId': 's'}
    print(json.dumps({'jsonrpc': '2.0', 'id': m['id'], 'result': r}), flush=True)
"""


class Prompts(World):
    def setUp(self):
        super().setUp()
        self.midwatch.apply(*shop())
        self.prompts = self.dir / "prompts"
        self.prompts.mkdir()
        sidecar = self.dir / "sidecar.py"
        sidecar.write_text(SCRIPT)
        self.sidecars = [{"name": "s", "command": "python3", "args": [str(sidecar)], "default": True}]

    def agent(self, name):
        return self.start_agent(name, sidecars=self.sidecars, prompts=str(self.prompts))

    def test_a_file_takes_the_place_of_the_built_in_prompt(self):
        (self.prompts / "diagnose.md").write_text("Say what went wrong, in one word.")
        self.agent("one")
        wait_until(lambda: self.connected() == 1, "the connection")
        self.job("d1", "false")

        def ended():
            runs = [r for r in self.midwatch.get("runs") or [] if r.get("status", {}).get("sidecarStopped")]
            return runs[0] if runs else None
        run = wait_until(ended, "the Run's end")
        log = self.midwatch.run("logs", "run/" + run["metadata"]["name"], "-n", "agents", "-o", "json").stdout
        texts = [json.loads(line).get("text") for line in log.splitlines()]
        self.assertIn("TOLD Say what went wrong, in one word.", [t.strip() for t in texts if t])

    def test_a_name_that_replaces_nothing_is_an_error(self):
        (self.prompts / "diagnosis.md").write_text("Say what went wrong.")
        agent = self.agent("one")
        self.addCleanup(agent.output.close)
        self.assertEqual(agent.child.wait(20), 3)
        self.assertIn("expected diagnose.md, approval.md or summarize.md", agent.log.read_text())


if __name__ == "__main__":
    unittest.main()
