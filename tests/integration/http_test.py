"""Hostile and slow peers against the real server, over TLS: none gets what it should not, none costs anybody else."""
import hashlib
import json
import pathlib
import re
import resource
import socket
import threading
import time
import unittest

from harness import World, obj, wait_until
from raw_api import API, CORE, RawApi, read_all

READY = 200


class OneServer(unittest.TestCase):
    """Tests that share one server, which must be up and well after each of them."""
    WORLD = World

    @classmethod
    def setUpClass(cls):
        cls.world = cls.WORLD("stop_all")
        cls.addClassCleanup(cls.world.doCleanups)
        cls.world.setUp()
        cls.api = RawApi(cls.world)

    def tearDown(self):
        self.assertIsNone(self.world.server.child.poll(), self.world.server.log.read_text()[-2000:])
        self.assertEqual(self.api.call("GET", "/readyz"), (READY, "ok"))

    def rss_mib(self):
        status = pathlib.Path(f"/proc/{self.world.server.child.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


def request(line, fields, body=b""):
    head = "\r\n".join([line, *fields]) + "\r\n\r\n"
    return head.encode("latin-1") + body


def post(fields, body=b"", token="Bearer TOKEN"):
    """To a path that leads nowhere: 404 once the request was understood."""
    return request("POST /nowhere HTTP/1.1", ["Host: x", "Connection: close", f"Authorization: {token}", *fields], body)


def get(fields=(), target="/readyz", version="HTTP/1.1"):
    return request(f"GET {target} {version}", ["Host: x", *fields])


CHUNKED = ["Transfer-Encoding: chunked"]
CLOSE = ["Connection: close"]
NOWHERE = [404]
TOO_LARGE = [413]
BAD = [400]
# What the peer sends, and the answers that it gets before the connection is closed.
HOSTILE = {
    # Chunks.
    "chunk_size_minus_one": (post(CHUNKED, b"-1\r\nabc\r\n0\r\n\r\n"), BAD),
    "chunk_size_of_31_bits": (post(CHUNKED, b"7ffffffe\r\nabc"), TOO_LARGE),
    "chunk_size_of_40_bits": (post(CHUNKED, b"ffffffffff\r\nabc"), TOO_LARGE),
    "chunk_size_of_72_bits": (post(CHUNKED, b"ffffffffffffffffff\r\nabc"), BAD),
    "chunk_size_negative_and_huge": (post(CHUNKED, b"-7fffffff\r\nabc"), BAD),
    "chunk_size_without_digits": (post(CHUNKED, b"zz\r\nabc\r\n0\r\n\r\n"), BAD),
    "chunk_size_with_prefix": (post(CHUNKED, b"0x3\r\nabc\r\n0\r\n\r\n"), BAD),
    "chunk_size_that_never_ends": (post(CHUNKED, b"1" * 70_000), BAD),
    "chunk_size_line_ends_in_lf": (post(CHUNKED, b"3\nabc\r\n0\r\n\r\n"), BAD),
    "chunk_extension_with_lf": (post(CHUNKED, b"3;a\nb\r\nabc\r\n0\r\n\r\n"), BAD),
    "chunks_that_are_good": (post(CHUNKED, b"3;a=b\r\nabc\r\n0\r\nTrailer: x\r\n\r\n"), NOWHERE),
    "chunk_trailer_that_is_garbage": (post(CHUNKED, b"0\r\nbody\r\n" + b"\0" * 44 + b"0d\r\n\r\xb6\xb6\n4\r\nbody\r\n"), BAD),
    # Lengths.
    "length_and_chunked": (post(["Content-Length: 5", *CHUNKED], b"0\r\n\r\n"), BAD),
    "chunked_and_length": (post([*CHUNKED, "Content-Length: 5"], b"0\r\n\r\n"), BAD),
    "two_lengths": (post(["Content-Length: 5", "Content-Length: 40"], b"hello"), BAD),
    "two_equal_lengths": (post(["Content-Length: 5", "Content-Length: 5"], b"hello"), BAD),
    "list_of_lengths": (post(["Content-Length: 5, 5"], b"hello"), BAD),
    "length_no_number": (post(["Content-Length: abc"]), BAD),
    "length_with_plus": (post(["Content-Length: +5"], b"hello"), BAD),
    "length_negative": (post(["Content-Length: -1"]), BAD),
    "length_of_67_bits": (post(["Content-Length: 99999999999999999999"]), BAD),
    "space_before_the_colon": (post(["Content-Length : 5"], b"hello"), BAD),
    "encoding_unknown_and_length": (post(["Transfer-Encoding: xchunked", "Content-Length: 5"], b"hello"), BAD),
    "encoding_gzip_then_chunked": (post(["Transfer-Encoding: gzip, chunked"], b"0\r\n\r\n"), BAD),
    "encoding_twice": (post([*CHUNKED, *CHUNKED], b"0\r\n\r\n"), BAD),
    "encoding_after_a_vertical_tab": (post(["Transfer-Encoding: \x0bchunked"], b"0\r\n\r\n"), BAD),
    "encoding_on_a_folded_line": (post(["X: a", " Transfer-Encoding: chunked"], b"0\r\n\r\n"), BAD),
    "length_beyond_the_limit": (post(["Content-Length: 3145729"]), TOO_LARGE),
    "length_at_the_limit": (post(["Content-Length: 3145728"], b"x" * 3145728), NOWHERE),
    "length_of_who_is_not_known": (post(["Content-Length: 1"], token="Bearer nobody"), [401]),
    "chunks_of_who_is_not_known": (post(CHUNKED, b"1\r\n", token="Bearer nobody"), [401]),
    "expectation_of_who_is_not_known": (post(["Expect: 100-continue", "Content-Length: 9"], token="Basic eDp5"), [401]),
    "expectation_of_too_much": (post(["Expect: 100-continue", "Content-Length: 3145729"]), TOO_LARGE),
    "expectation_unknown": (post(["Expect: magic", "Content-Length: 5"]), [417]),
    # Heads.
    "nul_in_a_field": (get(["A: b\0c"]), BAD),
    "bytes_beyond_ascii_in_a_field": (get(["A: \xe4\tb", *CLOSE]), [200]),
    "version_of_the_future": (get(version="HTTP/9.9"), [505]),
    "http2_preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505]),
    "line_ends_in_lf": (b"GET /readyz HTTP/1.1\nHost: x\n\n", BAD),
    "no_host": (request("GET /readyz HTTP/1.1", []), BAD),
    "two_hosts": (get(["Host: y"]), BAD),
    "target_of_a_proxy": (get(target="http://x/readyz"), BAD),
    "connect": (request("CONNECT x:443 HTTP/1.1", ["Host: x"]), BAD),
    "field_without_colon": (get(["nonsense"]), BAD),
    "head_of_8_megabytes": (get()[:-2] + b"A: " + b"a" * (8 << 20), [431]),
    "two_hundred_thousand_fields": (get(["a: b"] * 200_000), [431]),
    # Pipelines.
    "three_requests_in_one_packet": (get() + get() + get(CLOSE), [200, 200, 200]),
    "a_good_one_then_a_bad_one": (get() + get(["Host: y"]) + get(), [200, 400]),
    "a_request_hidden_in_a_body": (post([f"Content-Length: {len(get())}"], get()), NOWHERE),
}


class HostileRequests(OneServer):
    """The list of the trials, and what smuggles requests past servers; each row is a test by its name."""


def hostile(sent, wanted):
    def test(self):
        self.assertEqual(self.api.statuses(sent), wanted)
        self.assertEqual(self.api.statuses(sent, piece=1), wanted, "however it is cut")
    return test


for name, (sent, wanted) in HOSTILE.items():
    setattr(HostileRequests, f"test_{name}", hostile(sent, wanted))


class SlowPeers(OneServer):
    """Who says nothing, too little, or reads nothing, is waited for ten seconds; all at the same time here."""
    COUNT = 1000

    def test_a_thousand_idle_connections_cost_little_and_are_closed(self):
        before = self.rss_mib()
        silent = [self.api.tcp() for _ in range(self.COUNT // 2)]
        greeted = [self.api.tls() for _ in range(self.COUNT // 2)]
        half_tls, slow_head, slow_body = self.api.tcp(), self.api.tls(), self.api.tls()
        half_tls.sendall(b"\x16\x03\x01")
        slow_head.sendall(b"GET /readyz HTTP/1.1\r\nHost: ")
        began = time.monotonic()
        slow_body.sendall(request("PATCH /api/v1/namespaces/default HTTP/1.1", [
            "Host: x", f"Authorization: Bearer {self.api.token}", "Content-Length: 100"], b"{"))
        for _ in range(20):
            self.assertEqual(self.api.call("GET", "/readyz"), (READY, "ok"))
        self.assertLess(time.monotonic() - began, 5, "others are served as ever")
        self.assertLess(self.rss_mib() - before, 40)
        self.trickle(slow_head, began)
        for peer in [*silent, *greeted, half_tls]:
            peer.settimeout(max(0.1, began + 15 - time.monotonic()))
            self.assertEqual(read_all(peer), b"")
            peer.close()
        self.assertLess(time.monotonic() - began, 15, "closed after ten seconds")
        slow_body.close()

    def test_ten_thousand_at_once_leave_those_alone_who_are_known(self):
        """More than the server has room for, from many addresses, each in the midst of a handshake."""
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
        connection, watch = self.api.connection(), self.api.tls()
        self.assertEqual(self.api.call("GET", API, connection=connection)[0], 200)
        watch.sendall(request(f"GET {CORE}/namespaces?watch=1 HTTP/1.1", ["Host: x", f"Authorization: Bearer {self.api.token}"]))
        self.assertIn(b" 200 OK", watch.recv(1000))
        before, peers = self.rss_mib(), []
        for number in range(min(10_000, limits[1] - 200)):
            peers.append(socket.create_connection(("127.0.0.1", self.api.port), 10, (f"127.0.1.{1 + number % 8}", 0)))
            peers[-1].sendall(b"\x16\x03\x01\x02\x00\x01")
            if number % 1000 == 0:
                self.assertEqual(self.api.call("GET", API, connection=connection)[0], 200)
        began = time.monotonic()
        self.assertEqual(self.api.call("GET", API, connection=connection)[0], 200, "and kept alive")
        self.assertEqual(self.api.call("GET", API)[0], 200, "who comes now finds room")
        self.assertLess(time.monotonic() - began, 5)
        self.assertLess(self.rss_mib() - before, 450)
        for peer in peers:
            peer.close()
        wait_until(lambda: self.connections() < 20, "the end of theirs")
        self.assertEqual(self.api.call("POST", f"{CORE}/namespaces", obj("Namespace", "flooded", version="v1"))[0], 201)
        watch.settimeout(10)
        got = b""
        while b'"flooded"' not in got:
            got += (piece := watch.recv(65536))
            self.assertTrue(piece, "the watch has ended")
        watch.close()
        connection.close()

    def connections(self):
        text = self.api.call("GET", "/metrics")[1]
        return float(re.search(r"^midwatch_http_connections(?:{})? (\S+)", text, re.M).group(1))

    def trickle(self, peer, began):
        """A byte now and then does not extend the deadline of a head."""
        peer.settimeout(0.5)
        got = b""
        while not got and time.monotonic() < began + 15:
            try:
                peer.sendall(b"x")
                got = peer.recv(100)
            except TimeoutError:
                pass
            except OSError:
                break
        self.assertEqual(got[:12], b"HTTP/1.1 408")
        self.assertGreater(time.monotonic() - began, 9)
        peer.close()

    def test_bodies_are_not_read_before_their_sender_is_known(self):
        before = self.rss_mib()
        peers = []
        for _ in range(20):  # Each says that 64 MiB come.
            peer = self.api.tls()
            try:
                peer.sendall(request("PUT /artifacts/v1/blobs/sha256:" + "0" * 64 + " HTTP/1.1",
                                     ["Host: x", f"Content-Length: {64 << 20}"], b"x" * (1 << 20)))
            except OSError:
                pass
            peers.append(peer)
        for peer in peers:
            self.assertEqual(read_all(peer)[:12], b"HTTP/1.1 401")
            peer.close()
        self.assertLess(self.rss_mib() - before, 40)

    def test_bodies_of_those_who_are_known_are_bounded_together(self):
        before = self.rss_mib()
        peers = []
        for _ in range(12):
            peer = self.api.tls()
            peer.settimeout(5)
            try:
                peer.sendall(request("PUT /artifacts/v1/blobs/sha256:" + "0" * 64 + " HTTP/1.1",
                                     ["Host: x", f"Authorization: Bearer {self.api.token}",
                                      f"Content-Length: {64 << 20}"], b"x" * (40 << 20)))
            except OSError:
                pass
            peers.append(peer)
        self.assertLess(self.rss_mib() - before, 350, "96 MiB of bodies, and what growing buffers take")
        refused = 0
        for peer in peers:
            peer.settimeout(0.2)
            refused += read_all(peer)[:12] == b"HTTP/1.1 429"
            peer.close()
        self.assertGreater(refused, 0)

    def test_a_reader_that_does_not_read_is_cut_off(self):
        connection = self.api.connection()
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "noise"}, "data": {"a": "x" * 500_000}}
        maps = f"{CORE}/namespaces/default/configmaps"
        self.assertEqual(self.api.call("POST", maps, body, connection=connection)[0], 201)
        before = self.rss_mib()
        stalled = []
        for _ in range(20):
            peer = self.api.tls()
            peer.sendall(request(f"GET {maps}?watch=1 HTTP/1.1", ["Host: x", f"Authorization: Bearer {self.api.token}"]))
            stalled.append(peer)
        for number in range(60):
            status, _ = self.api.call("PATCH", f"{maps}/noise", {"data": {"n": str(number)}},
                                      {"Content-Type": "application/merge-patch+json"}, connection)
            self.assertEqual(status, 200)
        self.assertLess(self.rss_mib() - before, 250, "30 MB for each of twenty would be 600")
        for peer in stalled:
            peer.close()


class SmallWorld(World):
    """A server with descriptors for 272 connections: 136 requests and 68 streams for each caller."""
    descriptors = 400


class Shares(OneServer):
    """What one caller, or nobody who is known, takes up of the server leaves room for others."""
    WORLD = SmallWorld
    CONNECTIONS, REQUESTS, STREAMS = 272, 136, 68
    WATCH = f"{CORE}/namespaces/default/configmaps?watch=1"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        agents = [obj("Agent", name, "default", {"permissions": "DenyAll"}) for name in ("ada", "bob")]
        cls.world.midwatch.apply(*agents)
        cls.ada, cls.bob = (agent_api(cls.world, f"default/{name}") for name in ("ada", "bob"))

    def setUp(self):
        self.peers = []
        self.addCleanup(lambda: [peer.close() for peer in self.peers])

    def open(self, sent, api=None):
        """A connection on which the bytes have been sent."""
        peer = api.tls() if api else self.api.tcp()
        self.peers.append(peer)
        try:
            peer.sendall(sent.replace(b"TOKEN", api.token.encode()) if api else sent)
        except OSError:
            pass
        return peer

    def head_of(self, peer):
        got = b""
        while b"\r\n\r\n" not in got:
            piece = peer.recv(65536)
            if not piece:
                break
            got += piece
        return got

    def known_are_served(self):
        began = time.monotonic()
        for api in (self.api, self.ada, self.bob):
            self.assertEqual(api.call("GET", API)[0], 200)
        self.assertLess(time.monotonic() - began, 5)

    def test_strangers_with_half_a_handshake_or_head_shut_nobody_out(self):
        connection = self.api.connection()
        for number in range(self.CONNECTIONS + 50):
            if number % 4:
                self.open(b"\x16\x03\x01")
            else:
                self.open(b"GET / HTTP/1.1\r\nHost: ", RawApi(self.world, token=""))
        for _ in range(10):
            self.known_are_served()
            self.assertEqual(self.api.call("GET", API, connection=connection)[0], 200, "and kept alive")

    def test_watches_of_one_token_leave_room_and_one_too_many_is_asked_to_come_again(self):
        mine = "&fieldSelector=spec.agentRef.name%3Dada"
        watch = request(f"GET {API}/namespaces/default/runs?watch=1{mine} HTTP/1.1",
                        ["Host: x", "Authorization: Bearer TOKEN"])
        for _ in range(self.STREAMS):
            self.assertIn(b" 200 OK", self.head_of(self.open(watch, self.ada)))
        for _ in range(5):
            got = self.head_of(refused := self.open(watch, self.ada))
            self.assertEqual(got[:12], b"HTTP/1.1 429")
            self.assertIn(b"\r\nRetry-After: 1\r\n", got)
            self.assertIn(b'"reason":"TooManyRequests","details":{"retryAfterSeconds":1},"code":429', got)
            refused.close()
        self.known_are_served()
        self.assertIn(b" 200 OK", self.head_of(self.open(request(
            f"GET {self.WATCH} HTTP/1.1", ["Host: x", "Authorization: Bearer TOKEN"]), self.api)))
        self.peers.pop(0).close()
        wait_until(lambda: b" 200 OK" in self.head_of(self.open(watch, self.ada)), "a stream for who has ended one")

    def test_slow_bodies_of_one_token_leave_room(self):
        slow = request(f"POST {API}/namespaces/default/agentinstances HTTP/1.1", [
            "Host: x", "Authorization: Bearer TOKEN", "Content-Length: 100", "Expect: 100-continue"])
        for _ in range(self.REQUESTS):
            self.assertIn(b" 100 ", self.head_of(self.open(slow, self.ada)))
        got = self.head_of(self.open(slow, self.ada))
        self.assertEqual(got[:12], b"HTTP/1.1 429")
        self.assertIn(b'"code":429', got)
        self.assertEqual(self.bob.call("GET", API)[0], 200)
        self.assertEqual(self.api.call("GET", API)[0], 200)

    def test_large_bodies_of_one_token_leave_room(self):
        size = 1 << 20  # The largest of an Agent.
        slow = request(f"POST {API}/namespaces/default/agentinstances HTTP/1.1", [
            "Host: x", "Authorization: Bearer TOKEN", f"Content-Length: {size}"], b" " * (size - 1))
        share = (96 << 20) // size
        for _ in range(share + 2):
            self.open(slow, self.ada)
        wait_until(lambda: 'refused_total{reason="bodies_of_caller"}' in self.api.call("GET", "/metrics")[1],
                   "the refusal of one body too many")
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "large"}, "data": {"a": "x" * 900_000}}
        self.assertEqual(self.api.call("POST", f"{CORE}/namespaces/default/configmaps", config)[0], 201)
        self.assertEqual(self.bob.call("POST", f"{API}/namespaces/default/agentinstances", b" " * (size - 10))[0], 400)


class BadBodies(OneServer):
    """Rows of the security cases that reach an API server: the name begins with the row's."""
    MAPS = f"{CORE}/namespaces/default/configmaps"

    def create(self, body, kind="application/json", **headers):
        began = time.monotonic()
        status, answer = self.api.call("POST", self.MAPS, body, {"Content-Type": kind, **headers})
        self.assertLess(time.monotonic() - began, 5)
        return status, answer

    def refused(self, body, kind="application/json", code=400, **headers):
        before = self.rss_mib()
        status, answer = self.create(body, kind, **headers)
        self.assertEqual(status, code, answer)
        self.assertEqual(answer["kind"], "Status")
        self.assertLess(self.rss_mib() - before, 200)
        return answer["message"]

    def yaml(self, data, name="y"):
        return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n{data}"

    def test_s16_aliases_that_multiply(self):
        bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n"
        for before, letter in zip("abcdefgh", "bcdefghi"):
            bomb += f"{letter}: &{letter} [{','.join(['*' + before] * 9)}]\n"
        self.refused(bomb, "application/yaml")

    def test_s17_nesting_without_end(self):
        for deep in ("[" * 100_000, '{"a":' * 100_000, "[" * 1_500_000):
            self.refused(deep)
            self.refused("a: " + deep.replace('"a":', "a: "), "application/yaml")

    def test_s18_keys_that_come_twice(self):
        self.refused(self.yaml("data:\n  a: b\n  a: c\n"), "application/yaml")
        twice = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"a":"b","a":"c"}}'
        status, answer = self.api.call("POST", self.MAPS + "?fieldValidation=Strict", twice)
        self.assertEqual(status, 400, answer)
        self.assertIn('duplicate field "data.a"', answer["message"])

    def test_s19_tags_of_other_languages(self):
        self.refused(self.yaml("data:\n  a: !!python/object/apply:os.system [id]\n"), "application/yaml")

    def test_s20_scalars_are_typed_as_kubernetes_does(self):
        for text in ("1e400", ".inf", "0o17", "yes", "null", "5"):
            status, answer = self.create(self.yaml(f"data:\n  a: {text}\n", "s20-" + str(abs(hash(text)))),
                                         "application/yaml")
            self.assertIn(status, (201, 400, 422), answer)
            if status == 201:
                self.assertIsInstance(answer.get("data", {}).get("a", ""), str, "a ConfigMap holds texts")

    def test_s21_bytes_that_are_no_text(self):
        for raw in (b"\xff\xfe{}", b"\x00", b'{"a":"\xc3"}', b'{"a":"\xed\xa0\x80"}', b"\xef\xbb\xbf", b"a:\n\t- b"):
            self.refused(raw)
            self.refused(raw, "application/yaml")

    def test_s22_strings_numbers_and_surrogates(self):
        self.refused('{"a":"\\ud800"}')
        self.refused("1" * 1_000_000)
        self.refused('{"a":' + "9" * 400 + "}")
        self.refused("[" + "0," * 1_200_000 + "0]")
        self.refused('{"a":01}')
        self.refused("{'a':1}")
        self.refused("{}{}")

    def test_s23_patterns_that_backtrack(self):
        for where in ("labelSelector", "fieldSelector"):
            text = "a" * 10_000 + "%21"
            self.assertEqual(self.api.call("GET", f"{self.MAPS}?{where}={text}")[0], 400)

    def test_s24_a_patch_that_copies_without_end(self):
        self.assertEqual(self.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s24"},
                                      "data": {"a": "x" * 1000}})[0], 201)
        copies = [{"op": "copy", "from": "/data", "path": f"/data/b{i}"} for i in range(10_000)]
        before = self.rss_mib()
        status, answer = self.api.call("PATCH", f"{self.MAPS}/s24", copies, {"Content-Type": "application/json-patch+json"})
        self.assertIn(status, (400, 413, 422), answer)
        self.assertLess(self.rss_mib() - before, 200)

    def test_s37_bodies_without_end(self):
        with self.api.tls() as peer:
            peer.sendall(request(f"POST {self.MAPS} HTTP/1.1", [
                "Host: x", f"Authorization: Bearer {self.api.token}", *CHUNKED]))
            sent = 0
            try:
                while sent < 64 << 20:
                    peer.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
                    sent += 0x10000
            except OSError:
                pass
            self.assertEqual(read_all(peer)[:12], b"HTTP/1.1 413")
        self.assertLess(sent, 32 << 20)

    def test_s38_bodies_that_inflate(self):
        self.refused(b"\x1f\x8b\x08" + b"\0" * 1000, code=415, **{"Content-Encoding": "gzip"})

    def test_s40_line_ends_in_values(self):
        status, _ = self.api.call("POST", self.MAPS + "?fieldManager=a%0d%0aInjected:%20yes", {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s40"}, "no\r\nInjected: yes": 1})
        self.assertIn(status, (201, 422))
        got = self.api.exchange(request(f"POST {self.MAPS} HTTP/1.1", [
            "Host: x", f"Authorization: Bearer {self.api.token}", "Connection: close", "Content-Length: 110"],
            json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s40b"},
                        "no\r\nInjected: yes": 1}).ljust(110).encode()))
        self.assertIn(b"Warning: 299", got)
        self.assertNotIn(b"\nInjected", got)


def run(name, agent, digest=None):
    """A Run as the controller would make it."""
    spec = {"agentRef": {"name": agent}, "dispatchRef": {"namespace": "ops", "name": "d", "uid": "u"}, "instance": f"{agent}-1",
            "sidecarName": "scripted", "missionType": "AutoDiagnose", "attempt": 1, "ordinal": 1, "timeoutSeconds": 3600,
            "permissions": "DenyAll", "module": {"namespace": "ops", "name": "m"},
            "job": {"name": "j", "jobID": "1", "operation": "Apply", "state": "Failed"}}
    if digest:
        spec["inputs"] = [{"name": "log", "digest": digest, "mediaType": "text/plain", "size": 4}]
    return obj("Run", name, "ops", spec, finalizers=["test/held"])


def instance(name, agent):
    return obj("AgentInstance", name, "ops", {"agentRef": {"name": agent}, "capacity": 1, "protocolVersions": [1]})


def lease(name, holder=None):
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name},
            "spec": {"holderIdentity": holder or name, "leaseDurationSeconds": 30}}


def owned_by(thing, owner):
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
                 "uid": owner["metadata"]["uid"]}
    return {**thing, "metadata": {**thing["metadata"], "ownerReferences": [reference]}}


def agent_api(world, agent):
    """The API in the hands of one Agent, by a token made for it."""
    token = world.dir / f"{agent.replace('/', '-')}.{time.monotonic_ns()}.kubeconfig"
    world.midwatch.run("agent", "token", agent, "--file", token)
    return RawApi(world, token=re.search(r"token: (\S+)", token.read_text())[1].strip("\"'"))


def digest_of(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


class AgentIdentity(OneServer):
    """The token of one Agent in the hands of an attacker: ada may do her own, and nothing of bob's or the cluster's."""
    OPS = f"{API}/namespaces/ops"
    LEASES = "/apis/coordination.k8s.io/v1/namespaces/ops/leases"
    MINE = "fieldSelector=spec.agentRef.name%3Dada"
    MERGE = {"Content-Type": "application/merge-patch+json"}
    APPLY = {"Content-Type": "application/apply-patch+yaml"}
    LOG, SECRET = b"log\n", b"another's\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.world.midwatch.apply(
            *[obj("Namespace", name, version="v1") for name in ("ops", "dev")],
            *[obj("Agent", name, "ops", {"permissions": "DenyAll"}) for name in ("ada", "bob")],
            *[instance(f"{agent}-1", agent) for agent in ("ada", "bob")],
            run("ada-run", "ada", digest_of(cls.LOG)), run("ada-run-2", "bob", digest_of(cls.SECRET)),
            obj("Secret", "password", "ops", version="v1"))
        for name in ("ada-1", "bob-1", "lock-x"):
            cls.must(cls.api, "POST", cls.LEASES, lease(name), code=201)
        for content in (cls.LOG, cls.SECRET):
            cls.must(cls.api, "PUT", "/artifacts/v1/blobs/" + digest_of(content), content, code=201)
        for name in ("ada-run", "ada-run-2"):
            cls.must(cls.api, "POST", f"/artifacts/v1/logs/runs%2Fops%2F{name}?offset=0", b"line\n", code=200)
        cls.ada = agent_api(cls.world, "ops/ada")

    @staticmethod
    def must(api, method, path, body=None, headers=None, code=200):
        status, answer = api.call(method, path, body, headers)
        if status != code:
            raise AssertionError(f"{method} {path}: {status} {answer}")
        return answer

    def may(self, method, path, body=None, headers=None, code=200):
        return self.must(self.ada, method, path, body, headers, code)

    def may_not(self, method, path, body=None, headers=None, code=None):
        """Refused; what is another's is not found, as if there were none."""
        status, answer = self.ada.call(method, path, body, headers)
        self.assertIn(status, (code,) if code else (403, 404), f"{method} {path}: {answer}")
        self.assertNotIn("another's", json.dumps(answer))

    def test_what_is_hers(self):
        self.may("GET", f"{self.OPS}/runs/ada-run")
        self.may("GET", f"{self.OPS}/runs?{self.MINE}")
        self.may("GET", f"{self.OPS}/agentinstances/ada-1")
        self.may("PATCH", f"{self.OPS}/runs/ada-run/status", {"status": {"message": "hello"}}, self.MERGE)
        self.may("PATCH", f"{self.LEASES}/ada-1", {"spec": {"leaseDurationSeconds": 31}}, self.MERGE)
        made = self.may("POST", f"{self.OPS}/agentinstances", instance("ada-2", "ada"), code=201)
        self.may_not("POST", self.LEASES, lease("ada-2"))
        self.may("POST", self.LEASES, owned_by(lease("ada-2"), made), code=201)
        self.may_not("PATCH", f"{self.LEASES}/ada-2", {"metadata": {"ownerReferences": None}}, self.MERGE)
        self.may("DELETE", f"{self.OPS}/agentinstances/ada-2")
        self.assertEqual(self.may("GET", "/artifacts/v1/blobs/" + digest_of(self.LOG)), "log\n")
        self.assertEqual(self.may("GET", "/artifacts/v1/logs/runs%2Fops%2Fada-run?offset=0"), "line\n")
        self.may("POST", "/artifacts/v1/logs/runs%2Fops%2Fada-run?offset=5", b"more\n")
        own = b"what ada found"
        self.may("PUT", "/artifacts/v1/blobs/" + digest_of(own), own, code=201)
        self.assertEqual(self.may("GET", "/artifacts/v1/blobs/" + digest_of(own)), own.decode())
        self.assertEqual(self.may("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, code=201)
                         ["status"]["userInfo"]["username"], "midwatch:agent:ops:ada")

    def test_runs_of_others(self):
        for path in (f"{self.OPS}/runs/ada-run-2", f"{self.OPS}/runs/ada-run-2/status", f"{self.OPS}/runs", f"{API}/runs",
                     f"{API}/runs?{self.MINE}", f"{API}/namespaces/dev/runs?{self.MINE}",
                     f"{self.OPS}/runs?fieldSelector=spec.agentRef.name%21%3Dada",
                     f"{self.OPS}/runs?fieldSelector=spec.agentRef.name%3Dbob",
                     f"{self.OPS}/runs?fieldSelector=metadata.name%3Dada-run-2",
                     f"{self.OPS}/runs?watch=1", f"{self.OPS}/runs?watch=1&fieldSelector=spec.agentRef.name%3Dbob",
                     f"{API}/watch/namespaces/ops/runs", f"{API}/watch/namespaces/ops/runs/ada-run-2",
                     f"{API}/watch/runs?{self.MINE}"):
            with self.subTest(path):
                self.may_not("GET", path)
        both = f"{self.OPS}/runs?fieldSelector=spec.agentRef.name%3Dada,spec.agentRef.name%3Dbob"
        self.assertEqual(self.may("GET", both)["items"], [])
        smuggled = f"{API}/watch/namespaces/ops/runs/ada-run-2%2Cspec.agentRef.name%3Dada?timeoutSeconds=1"
        self.assertNotIn("ada-run-2\"", json.dumps(self.ada.call("GET", smuggled)[1]))

    def test_writing_what_is_not_hers_to_write(self):
        status = {"status": {"phase": "Succeeded"}}
        for method, path, body, headers in (
                ("PATCH", f"{self.OPS}/runs/ada-run-2/status", status, self.MERGE),
                ("PATCH", f"{self.OPS}/runs/ada-run", {"spec": {"timeoutSeconds": 9}}, self.MERGE),
                ("PATCH", f"{self.OPS}/runs/ada-run", {"metadata": {"finalizers": None}}, self.MERGE),
                ("PATCH", f"{self.OPS}/runs/ada-run?fieldManager=a&force=true", run("ada-run", "ada"), self.APPLY),
                ("PATCH", f"{self.OPS}/runs/mine?fieldManager=a", run("mine", "ada"), self.APPLY),
                ("PATCH", f"{self.OPS}/runs/ada-run-2/status?fieldManager=a&force=true",
                 {"apiVersion": "midwatch.dev/v1alpha1", "kind": "Run", "metadata": {"name": "ada-run-2"}, **status}, self.APPLY),
                ("PATCH", f"{self.OPS}/runs/ada-run-2/status", [{"op": "test", "path": "/spec/attempt", "value": 1}],
                 {"Content-Type": "application/json-patch+json"}),
                ("POST", f"{self.OPS}/runs", run("mine", "ada"), {}),
                ("DELETE", f"{self.OPS}/runs/ada-run", None, {}),
                ("DELETE", f"{self.OPS}/runs?{self.MINE}", None, {}),
                ("DELETE", f"{self.OPS}/agentinstances?{self.MINE}", None, {}),
                ("DELETE", f"{self.OPS}/agentinstances/bob-1", None, {}),
                ("POST", f"{self.OPS}/agentinstances", instance("bob-2", "bob"), {}),
                ("PATCH", f"{self.OPS}/agentinstances/bob-1", {"spec": {"agentRef": {"name": "ada"}}}, self.MERGE),
                ("PATCH", f"{self.OPS}/agentinstances/bob-1?fieldManager=a&force=true", instance("bob-1", "ada"), self.APPLY),
                ("PATCH", f"{self.OPS}/agentinstances/ada-1/status", {"status": {"connected": True}}, self.MERGE),
                ("PUT", f"{self.OPS}/agentinstances/bob-1", instance("bob-1", "ada"), {}),
                ("POST", f"{self.OPS}/agentinstances", instance("lock-y", "ada"), {}),
                ("POST", self.LEASES, lease("lock-y"), {}),
                ("PATCH", f"{self.LEASES}/lock-x", {"spec": {"holderIdentity": "ada"}}, self.MERGE),
                ("PATCH", f"{self.LEASES}/lock-x?fieldManager=a&force=true", lease("lock-x"), self.APPLY),
                ("PATCH", f"{self.LEASES}/bob-1", {"spec": {"leaseDurationSeconds": 1}}, self.MERGE),
                ("DELETE", f"{self.LEASES}/lock-x", None, {}),
                ("PATCH", f"{self.OPS}/agents/ada", {"spec": {"permissions": "AllowReads"}}, self.MERGE),
                ("POST", f"{self.OPS}/agentassignments", obj("AgentAssignment", "all", "ops", {
                    "agentRef": {"name": "ada"}, "organization": True}), {}),
                ("POST", f"{CORE}/namespaces/midwatch-system/secrets", {}, {}),
                ("POST", f"{CORE}/namespaces", obj("Namespace", "mine", version="v1"), {})):
            with self.subTest(f"{method} {path}"):
                self.may_not(method, path, body, headers)

    def test_a_spec_does_not_change_through_a_status(self):
        before = self.api.call("GET", f"{self.OPS}/runs/ada-run")[1]
        self.may("PATCH", f"{self.OPS}/runs/ada-run/status", {
            "metadata": {"labels": {"a": "b"}, "finalizers": None, "ownerReferences": [], "annotations": {"c": "d"}},
            "spec": {"timeoutSeconds": 9, "permissions": "AllowReads"}, "status": {"message": "changed"}}, self.MERGE)
        after = self.api.call("GET", f"{self.OPS}/runs/ada-run")[1]
        self.assertEqual(after["spec"], before["spec"])
        self.assertEqual(after["metadata"]["finalizers"], before["metadata"]["finalizers"])
        self.assertNotIn("labels", after["metadata"])
        self.assertNotIn("annotations", after["metadata"])
        self.assertEqual(after["metadata"]["generation"], before["metadata"]["generation"])

    def test_everything_else_of_the_cluster(self):
        for path in (f"{CORE}/namespaces", f"{CORE}/namespaces/ops", f"{CORE}/namespaces/ops/secrets",
                     f"{CORE}/namespaces/ops/secrets/password", f"{CORE}/secrets", f"{CORE}/namespaces/midwatch-system/secrets",
                     f"{CORE}/namespaces/ops/configmaps", f"{CORE}/namespaces/ops/events", self.LEASES, f"{self.LEASES}/lock-x",
                     f"{self.LEASES}?fieldSelector=metadata.name%3Dada-1", f"{self.LEASES}?watch=1", f"{self.OPS}/agents/ada",
                     f"{self.OPS}/modulejobs", f"{self.OPS}/dispatches", f"{self.OPS}/reports", f"{API}/stacks",
                     f"{API}/organizationmissions", f"{API}/gitsources", "/metrics", "/debug/pprof",
                     "/api/v1/namespaces/ops/../../namespaces/midwatch-system/secrets", "/%6detrics", "//metrics"):
            with self.subTest(path):
                status, _ = self.ada.call("GET", path)
                self.assertIn(status, (403, 404), path)
        self.may_not("GET", f"{CORE}/namespaces/ops/secrets/password", headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"})

    def test_being_somebody_else(self):
        path = f"{self.OPS}/runs/ada-run"
        for header in ("Impersonate-User", "impersonate-group", "Impersonate-Extra-x", "Impersonate-Uid"):
            with self.subTest(header):
                self.may_not("GET", path, headers={header: "midwatch:administrator"})
        for header in ("X-Remote-User", "X-Forwarded-User"):
            self.may_not("GET", f"{CORE}/namespaces", headers={header: "midwatch:administrator"})
        for authorization in ("Bearer ", "Bearer x", f"Basic {self.api.token}", f"Bearer {self.ada.token}x", "Bearer mwa_"):
            self.assertEqual(self.ada.call("GET", path, headers={"Authorization": authorization})[0], 401)

    def test_artifacts_of_others(self):
        theirs = digest_of(self.SECRET)
        self.may_not("GET", f"/artifacts/v1/blobs/{theirs}")
        self.may("PATCH", f"{self.OPS}/runs/ada-run/status", {"status": {
            "artifacts": [{"name": "a", "digest": theirs}], "result": {"digest": theirs, "inline": "{}"},
            "sessionLog": {"digest": theirs}}}, self.MERGE)
        self.may_not("GET", f"/artifacts/v1/blobs/{theirs}")
        self.may_not("PUT", f"/artifacts/v1/blobs/{theirs}", b"not it", code=422)
        self.may_not("GET", f"/artifacts/v1/blobs/{theirs}", headers={"Midwatch-Object": "runs.midwatch.dev/ops/ada-run-2"})
        self.may_not("GET", f"/artifacts/v1/blobs/..%2F..%2Fadmin.token", code=422)
        self.may_not("GET", "/artifacts/v1/logs/runs%2Fops%2Fada-run-2?offset=0")
        self.may_not("GET", "/artifacts/v1/logs/runs%2Fops%2Fada-run-2?offset=0&follow=true")
        self.may_not("POST", "/artifacts/v1/logs/runs%2Fops%2Fada-run-2?offset=5", b"forged\n")
        self.may_not("GET", "/artifacts/v1/logs/runs%2Fdev%2Fada-run?offset=0")
        self.may_not("GET", "/artifacts/v1/logs/..%2F..%2Fadmin.token?offset=0", code=422)
        self.may_not("GET", "/artifacts/v1/search?log=runs%2Fops%2Fada-run&text=line")

    def test_uploads_are_bounded_and_are_not_inherited(self):
        eve = obj("Agent", "eve", "ops", {"permissions": "DenyAll"})
        self.world.midwatch.apply(eve, run("eve-run", "eve"))
        first = agent_api(self.world, "ops/eve")
        blobs = [b"small", *[bytes([i]) * (64 << 20) for i in range(2)]]  # All but the last fit.
        for content, code in zip(blobs, (201, 201, 403)):
            self.must(first, "PUT", "/artifacts/v1/blobs/" + digest_of(content), content, code=code)
        small = "/artifacts/v1/blobs/" + digest_of(b"small")
        self.assertEqual(self.must(first, "GET", small), "small")
        self.must(self.api, "DELETE", f"{self.OPS}/agents/eve")
        wait_until(lambda: self.api.call("GET", f"{self.OPS}/agents/eve")[0] == 404, "the Agent is gone")
        self.world.midwatch.apply(eve)
        self.must(agent_api(self.world, "ops/eve"), "GET", small, code=403)

    def test_a_log_is_complete_when_its_run_is(self):
        self.world.midwatch.apply(run("ended", "ada"))
        log, status = "/artifacts/v1/logs/runs%2Fops%2Fended?offset=", f"{self.OPS}/runs/ended/status"
        self.may("POST", log + "0", b"line\n")
        self.may("PATCH", status, {"status": {"phase": "Succeeded"}}, self.MERGE)
        self.may("POST", log + "5", b"last\n")
        self.may("PATCH", status, {"status": {"sidecarStopped": True}}, self.MERGE)
        self.may_not("POST", log + "10", b"more\n")
        self.may_not("POST", log + "0", b"line\n")
        self.assertEqual(self.may("GET", log + "0"), "line\nlast\n")

    def test_nothing_is_uploaded_without_a_run(self):
        self.world.midwatch.apply(obj("Agent", "idle", "ops", {"permissions": "DenyAll"}))
        idle = agent_api(self.world, "ops/idle")
        self.must(idle, "PUT", "/artifacts/v1/blobs/" + digest_of(b"x"), b"x", code=403)

    def test_a_token_ends_with_its_agent_and_is_not_of_the_next_of_that_name(self):
        eve = obj("Agent", "eve", "ops", {"permissions": "DenyAll"})
        runs = f"{self.OPS}/runs?fieldSelector=spec.agentRef.name%3Deve"
        self.world.midwatch.apply(eve)
        first = agent_api(self.world, "ops/eve")
        self.must(first, "GET", runs)
        self.must(self.api, "DELETE", f"{self.OPS}/agents/eve")
        self.must(first, "GET", runs, code=401)
        refused = self.world.midwatch.run("agent", "token", "ops/eve", check=False)
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertIn('"eve" not found', refused.stderr)
        self.world.midwatch.apply(eve)
        self.must(first, "GET", runs, code=401)
        self.must(agent_api(self.world, "ops/eve"), "GET", runs)

    def test_an_agent_has_64_instances_however_many_it_makes_at_once(self):
        self.world.midwatch.apply(obj("Agent", "many", "ops", {"permissions": "DenyAll"}))
        many, answers = agent_api(self.world, "ops/many"), []

        def make(thread):
            connection = many.connection()
            for number in range(12):
                answers.append(many.call("POST", f"{self.OPS}/agentinstances", instance(f"many-{thread}-{number}", "many"),
                                         connection=connection))
            connection.close()
        threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted({status for status, _ in answers}), [201, 429])
        self.assertEqual(sum(status == 201 for status, _ in answers), 64)
        self.assertIn("exceeded quota: an Agent has at most 64 agentinstances",
                      next(answer["message"] for status, answer in answers if status == 429))
        self.may("PATCH", f"{self.OPS}/agentinstances/ada-1", {"spec": {"capacity": 2}}, self.MERGE)

    def test_what_is_taken_by_others_looks_like_what_is_not(self):
        def told(method, path, name, body, headers=None):
            status, answer = self.ada.call(method, path.replace("NAME", name), body(name), headers)
            self.assertGreater(status, 400)
            return status, json.loads(json.dumps(answer).replace(name, "NAME"))
        for method, path, body, headers in (
                ("POST", self.LEASES, lease, {}),
                ("PATCH", f"{self.LEASES}/NAME?fieldManager=a", lease, self.APPLY),
                ("PATCH", f"{self.LEASES}/NAME", lambda name: {}, self.MERGE),
                ("PUT", f"{self.LEASES}/NAME", lease, {}),
                ("GET", f"{self.LEASES}/NAME", lambda name: None, {}),
                ("DELETE", f"{self.LEASES}/NAME", lambda name: None, {})):
            with self.subTest(f"{method} {path}"):
                self.assertEqual(told(method, path, "bob-1", body, headers), told(method, path, "none-1", body, headers))

    def test_a_token_that_is_withdrawn_is_worth_nothing_at_once(self):
        before = {s["metadata"]["name"] for s in self.api.call("GET", f"{CORE}/namespaces/midwatch-system/secrets")[1]["items"]}
        gone = agent_api(self.world, "ops/ada")
        self.must(gone, "GET", f"{self.OPS}/runs/ada-run")
        secrets = self.api.call("GET", f"{CORE}/namespaces/midwatch-system/secrets")[1]["items"]
        for name in {s["metadata"]["name"] for s in secrets} - before:
            self.must(self.api, "DELETE", f"{CORE}/namespaces/midwatch-system/secrets/{name}")
        self.must(gone, "GET", f"{self.OPS}/runs/ada-run", code=401)


if __name__ == "__main__":
    unittest.main()
