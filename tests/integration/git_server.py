#!/usr/bin/env python3
"""A git server for tests: `git http-backend` behind a real web server on loopback, and ways to misbehave.

    git_server.py ROOT [--port NUMBER] [--certificate PEM --key PEM] [--user NAME --password TEXT] [--lifetime SECONDS]

prints its port and serves until its standard input ends. Paths:

    /git/NAME.git/...        the repository ROOT/NAME.git
    /redirect/NAME.git/...   a redirect to /git/NAME.git/... of the same server
    /elsewhere/PORT/...      a redirect to another port
    /plain/PORT/...          a redirect to another port without TLS
    /status/CODE/...         that status
    /stall/...               accepts the request, makes the file ROOT/stalled and never answers
    /endless/...             an advertisement of refs that never ends
    /trickle/...             the same, a few bytes at a time

While the file ROOT/fault exists, /git/ does what its text says: one of the other kinds (`stall`, `endless`, `status/503`, ...), or
`half`: half of a pack, and then nothing, or `cut`: half of a pack, and then the end of the connection. With `later ` before it, it
is done to a POST alone.
"""

import argparse
import base64
import http.server
import os
import ssl
import subprocess
import sys
import threading

STOP = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120

    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.answer()

    def log_message(self, *args):
        pass

    def answer(self):
        body = self.read_body()
        path = self.path
        fault = self.fault() if path.startswith("/git/") else ""
        if fault and fault not in ("half", "cut"):
            path = f"/{fault}{path}"
        kind, _, rest = path.lstrip("/").partition("/")
        if kind == "status":
            self.reply(int(rest.partition("/")[0]), [], b"")
        elif kind == "redirect":
            self.reply(302, [("Location", "/git/" + rest)], b"")
        elif kind in ("elsewhere", "plain"):
            port, _, path = rest.partition("/")
            scheme = "https" if kind == "elsewhere" else "http"
            self.reply(302, [("Location", f"{scheme}://localhost:{port}/git/{path}")], b"")
        elif kind == "stall":
            with open(os.path.join(self.server.root, "stalled"), "w"):
                pass  # Somebody waits now.
            STOP.wait()
        elif kind in ("endless", "trickle"):
            self.advertise(1 if kind == "trickle" else 4096)
        elif not self.is_authorized():
            self.reply(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
        else:
            self.run_backend("/" + rest, body, fault if self.command == "POST" else "")

    def fault(self):
        try:
            with open(os.path.join(self.server.root, "fault")) as file:
                _, later, fault = file.read().strip().rpartition("later ")
                return "" if later and self.command != "POST" else fault
        except FileNotFoundError:
            return ""

    def is_authorized(self):
        if not self.server.login:
            return True
        want = "Basic " + base64.b64encode(self.server.login.encode()).decode()
        return self.headers.get("Authorization") == want

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def reply(self, status, headers, body, fault=""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:len(body) // 2] if fault else body)
        if fault == "half":
            STOP.wait()
        elif fault == "cut":
            self.close_connection = True

    def advertise(self, lines):
        self.send_response(200)
        self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"001e# service=git-upload-pack\n0000")
        number = 0
        try:
            while not STOP.wait(0.05 if lines == 1 else 0):
                block = b""
                for _ in range(lines):
                    number += 1
                    block += packet(b"%040x refs/heads/b%d\n" % (number, number))
                self.wfile.write(block)
        except OSError:
            self.close_connection = True

    def run_backend(self, path, body, fault):
        path, _, query = path.partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": self.server.root,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line]
        status = 200
        for name, value in headers:
            if name == "Status":
                status = int(value.split()[0])
        self.reply(status, [(n, v) for n, v in headers if n != "Status"], content, fault)


def packet(data):
    return b"%04x" % (len(data) + 4) + data


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--lifetime", type=float, default=300)
    options = parser.parse_args()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None
    server.root = os.path.abspath(options.root)
    server.login = f"{options.user}:{options.password}" if options.user else ""
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
        server.socket = context.wrap_socket(server.socket, server_side=True,
                                            do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    end = threading.Timer(options.lifetime, lambda: os._exit(3))
    end.daemon = True
    end.start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    STOP.set()


if __name__ == "__main__":
    main()
