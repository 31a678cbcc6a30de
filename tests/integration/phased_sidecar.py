#!/usr/bin/env python3
"""A sidecar that stops at one step of its work until a file lets it go on:

    phased_sidecar.py GATES PHASE

It leaves the file PHASE in its working directory when it is there, and goes on once GATES/PHASE exists."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

GATES, PHASE = pathlib.Path(sys.argv[1]), sys.argv[2]
DIAGNOSIS = {"rootCause": "it was told to fail", "category": "Test", "transient": False, "confidence": "High",
             "evidence": []}


def hold(phase):
    if phase != PHASE:
        return
    pathlib.Path(phase).touch()
    while not (GATES / phase).exists():
        time.sleep(0.02)


def send(to, **message):
    to.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    to.flush()


def receive(source):
    line = source.readline()
    if not line:
        sys.exit("whom it spoke with has gone")  # Exit code 1.
    return json.loads(line)


def answer(request, **result):
    send(sys.stdout, id=request["id"], result=result)


class Tools:
    def __init__(self, server):
        environment = {**os.environ, **{v["name"]: v["value"] for v in server["env"]}}
        self.process = subprocess.Popen([server["command"], *server["args"]], env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ask("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "t", "version": "1"})

    def ask(self, method, phase=None, **params):
        send(self.process.stdin, id=1, method=method, params=params)
        hold(phase)
        return receive(self.process.stdout)

    def call(self, name, phase, **arguments):
        return self.ask("tools/call", phase, name=name, arguments=arguments)


def main():
    if PHASE == "ended":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hold("start")
    answer(receive(sys.stdin), protocolVersion=1)
    created = receive(sys.stdin)
    answer(created, sessionId="s")
    prompt = receive(sys.stdin)
    hold("prompt")
    tools = Tools(next(s for s in created["params"]["mcpServers"] if s["name"] == "midwatch"))
    tools.call("log", "tool")
    tools.call("submit_result", "submitting", **DIAGNOSIS)
    hold("submitted")
    answer(prompt, stopReason="end_turn")
    hold("ended")


if __name__ == "__main__":
    main()
