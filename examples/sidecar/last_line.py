#!/usr/bin/env python3
"""A sidecar in a page, with nothing but Python: it diagnoses every failure by the last line of the job's log.

Speaks the Agent Client Protocol (JSON-RPC 2.0, a message a line) on standard input and output, and with the MCP server of
its session. See docs/guides/write-a-sidecar.md.
"""
import json
import os
import subprocess
import sys


def send(message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


class Tools:
    """The MCP server that session/new names: the tools of this Run."""

    def __init__(self, server):
        environment = {**os.environ, **{one["name"]: one["value"] for one in server.get("env", [])}}
        self.child = subprocess.Popen([server["command"], *server.get("args", [])], env=environment, text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.last = 0
        self.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {},
                                "clientInfo": {"name": "last-line", "version": "1"}})

    def ask(self, method, params):
        self.last += 1
        self.child.stdin.write(json.dumps({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}) + "\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())["result"]

    def call(self, name, **arguments):
        result = self.ask("tools/call", {"name": name, "arguments": arguments})
        return result["content"][0]["text"], result.get("isError", False)


def work(session, tools):
    def say(kind, text):
        send({"method": "session/update", "params": {"sessionId": session, "update": {
            "sessionUpdate": kind, "content": {"type": "text", "text": text}}}})

    say("agent_thought_chunk", "I look at the last line of the log, and at nothing else.")
    facts = json.loads(tools.call("job")[0])
    count = next((one["lines"] for one in facts["inputs"] if one["name"] == "log"), 0)
    page, _ = tools.call("log", **{"from": max(1, count - 9)}) if count else ("", False)
    numbered = [line.split("| ", 1) for line in page.splitlines() if "| " in line]
    numbered = [(number, text) for number, text in numbered if text.strip()]
    if numbered:
        number, last = numbered[-1]
        cause, step = f"The last thing that the job said: {last}", "Read the log from its end."
        evidence = [{"artifact": "log", "lines": number.strip(), "quote": last}]
    else:
        cause, step, evidence = "The job has no log, or it is empty.", "Let the step print what it does.", []
    answer, refused = tools.call("submit_result", rootCause=cause, category="Unknown", transient=False, confidence="Low",
                                 evidence=evidence, nextSteps=[step])
    say("agent_message_chunk", f"refused: {answer}" if refused else "submitted")


def main():
    tools = {}
    for line in sys.stdin:
        message = json.loads(line)
        method, answer = message.get("method"), {"id": message.get("id")}
        if method == "initialize":
            send({**answer, "result": {"protocolVersion": 1, "agentCapabilities": {}}})
        elif method == "session/new":
            session = f"s{len(tools) + 1}"
            tools[session] = Tools(message["params"]["mcpServers"][0])
            send({**answer, "result": {"sessionId": session}})
        elif method == "session/prompt":
            session = message["params"]["sessionId"]
            work(session, tools[session])
            send({**answer, "result": {"stopReason": "end_turn"}})
        elif "id" in message:
            send({**answer, "error": {"code": -32601, "message": f"no method {method}"}})


if __name__ == "__main__":
    main()
