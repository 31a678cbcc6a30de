#!/usr/bin/env python3
"""A sidecar that turns against its tools:

    flooding_sidecar.py DIRECTORY

It shows its own ticket at the socket that the file DIRECTORY/neighbour names, leaves what came of it in the file `met` of its working
directory, sends nothing but lines that nobody can parse to its own, on as many connections as it gets, until DIRECTORY/enough exists,
and ends without a result."""
import json
import pathlib
import socket
import sys
import threading
import time

DIRECTORY = pathlib.Path(sys.argv[1])
FLOOD = b"x\n" * 32768 + b"\n" * 32768
OVER = time.monotonic() + 60


def answer(**result):
    request = json.loads(sys.stdin.readline())
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
    return request


def connect(path, ticket):
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(path)
    peer.sendall(ticket.encode() + b"\n")
    return peer


def meet(path, ticket):
    """What its own ticket is worth at the socket of another Run."""
    try:
        peer = connect(path, ticket)
        peer.settimeout(5)
        peer.sendall(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        return "answered" if peer.recv(1) else "refused"
    except OSError as error:
        return type(error).__name__


def read(peer):
    try:
        while peer.recv(1 << 20):
            pass
    except OSError:
        pass


def flood(path, ticket):
    while not (DIRECTORY / "enough").exists() and time.monotonic() < OVER:
        try:
            peer = connect(path, ticket)
            threading.Thread(target=read, args=(peer,), daemon=True).start()
            while not (DIRECTORY / "enough").exists() and time.monotonic() < OVER:
                peer.sendall(FLOOD)
        except OSError:
            time.sleep(0.02)  # Cut off, or one too many.


def main():
    answer(protocolVersion=1)
    server = next(s for s in answer(sessionId="s")["params"]["mcpServers"] if s["name"] == "midwatch")
    sys.stdin.readline()
    ticket = next(v["value"] for v in server["env"] if v["name"] == "MIDWATCH_TICKET")
    path = next(a for a in server["args"] if a.endswith(".sock"))
    pathlib.Path("met").write_text(meet((DIRECTORY / "neighbour").read_text(), ticket))
    threads = [threading.Thread(target=flood, args=(path, ticket)) for _ in range(5)]
    for thread in threads:
        thread.start()
    pathlib.Path("flooding").touch()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
