"""The server as bytes and as JSON, for tests that send what no client of ours would."""
import http.client
import json
import re
import socket
import ssl

API = "/apis/midwatch.dev/v1alpha1"
CORE = "/api/v1"


class RawApi:
    """One caller of a World's server: its address, its authority, a token."""

    def __init__(self, world, token=None):
        self.port = world.port
        self.context = ssl.create_default_context(cafile=world.dir / "data/ca.crt")
        self.token = token if token is not None else (world.dir / "data/admin.token").read_text().strip()

    def connection(self, timeout=30):
        """Kept alive; for one thread."""
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=timeout)

    def call(self, method, path, body=None, headers=None, connection=None):
        """Status and body, parsed if it is JSON."""
        mine = connection or self.connection()
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        if body is not None:
            sent["Content-Type"] = "application/json"
        mine.request(method, path, body=body, headers={**sent, **(headers or {})})
        answer = mine.getresponse()
        text = answer.read()
        if connection is None:
            mine.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text.decode("utf-8", "replace")

    def take_over(self, document, plural):
        """As `kubectl apply --server-side --force-conflicts` would, over whoever declares it."""
        metadata = document["metadata"]
        status, answer = self.call(
            "PATCH", f"{API}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}?fieldManager=somebody&force=true",
            document, {"Content-Type": "application/apply-patch+yaml"})
        assert status == 200, answer

    def tcp(self, timeout=10):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def tls(self, timeout=10):
        return self.context.wrap_socket(self.tcp(timeout), server_hostname="127.0.0.1")

    def exchange(self, request, timeout=10, piece=None):
        """Sends the bytes, the token in the place of TOKEN, in pieces if they are few, then reads until the server closes."""
        request = request.replace(b"TOKEN", self.token.encode())
        with self.tls(timeout) as peer:
            step = piece if piece and len(request) < 1000 else len(request)
            try:
                for at in range(0, len(request), step):
                    peer.sendall(request[at:at + step])
            except OSError:
                pass  # Refused before all of it was sent: the answer says why.
            return read_all(peer)

    def statuses(self, request, **how):
        """The status of each answer on the connection, in order."""
        return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", self.exchange(request, **how))]


def read_all(peer):
    got = b""
    try:
        while piece := peer.recv(65536):
            got += piece
    except OSError:
        pass
    return got


def watch_lines(answer):
    """The events of a watch's open answer, until it ends in whatever way."""
    try:
        while line := answer.readline():
            yield json.loads(line)
    except (OSError, ValueError, http.client.HTTPException):
        return
    finally:
        answer.close()
