#include "controller/http/http_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <ctime>
#include <thread>

#include "controller/base/text.h"
#include "controller/http/test_server.h"

namespace midwatch::http {
namespace {

// ---- one request, one answer: the hostile table ----

struct HostileCase {
  const char* name;
  std::string request;
  std::vector<std::string> statuses;  // In order; the connection is closed after the last.
};

std::vector<std::string> StatusesOf(const std::string& got) {
  std::vector<std::string> statuses;
  for (std::size_t at = got.find("HTTP/1.1 "); at != std::string::npos;
       at = got.find("HTTP/1.1 ", at + 1)) {
    statuses.push_back(got.substr(at + 9, 3));
  }
  return statuses;
}

class HostileTest : public HttpServerTest, public testing::WithParamInterface<HostileCase> {};

TEST_P(HostileTest, IsAnsweredAndTheServerGoesOn) {
  Start();
  const std::string& request = GetParam().request;
  const std::string got = Exchange(request);
  EXPECT_EQ(StatusesOf(got), GetParam().statuses) << got;
  if (constexpr std::size_t kShort = 1000; request.size() < kShort) {
    RawPeer peer = Connect();  // However it is cut, it is the same request.
    for (const char& c : request) {
      peer.Send(std::string_view(&c, 1));
    }
    EXPECT_EQ(StatusesOf(peer.ReadAll()), GetParam().statuses);
  }
  EXPECT_EQ(StatusLine(Exchange(Get("Host: x\r\nConnection: close\r\n"))), "HTTP/1.1 200 OK");
}

using Statuses = std::vector<std::string>;
const Statuses kOk = {"200"};
const Statuses kBad = {"400"};

INSTANTIATE_TEST_SUITE_P(
    Chunks, HostileTest,
    testing::Values(HostileCase{"SizeMinusOne", Chunked("-1\r\nabc\r\n0\r\n\r\n"), kBad},
                    HostileCase{"SizeHuge31Bits", Chunked("7ffffffe\r\nabc"), {"413"}},
                    HostileCase{"SizeHuge40Bits", Chunked("ffffffffff\r\nabc"), {"413"}},
                    HostileCase{"SizeOver64Bits", Chunked("ffffffffffffffffff\r\nabc"), kBad},
                    HostileCase{"SizeNegativeHuge", Chunked("-7fffffff\r\nabc"), kBad},
                    HostileCase{"SizeNoHex", Chunked("zz\r\nabc\r\n0\r\n\r\n"), kBad},
                    HostileCase{"SizeEmpty", Chunked("\r\nabc\r\n0\r\n\r\n"), kBad},
                    HostileCase{"SizeLineWithoutEnd", Chunked(std::string(70'000, '1')), kBad},
                    HostileCase{"SizeHexPrefix", Chunked("0x3\r\nabc\r\n0\r\n\r\n"), kBad},
                    HostileCase{"SizeLineEndsInLf", Chunked("3\nabc\r\n0\r\n\r\n"), kBad},
                    HostileCase{"ExtensionWithLf", Chunked("3;a\nb\r\nabc\r\n0\r\n\r\n"), kBad},
                    HostileCase{"DataEndsInLf", Chunked("3\r\nabc\n0\r\n\r\n"), kBad},
                    HostileCase{"TrailerWithoutColon", Chunked("0\r\nnonsense\r\n\r\n"), kBad},
                    HostileCase{"TrailerWithBareCr",
                                Chunked("0\r\nX: y\r\n0d\r\n\r\xb6\xb6\n4\r\nbody\r\n"), kBad},
                    HostileCase{"TrailerWithoutEnd", Chunked("0\r\nX: " + std::string(5000, 'y')),
                                kBad},
                    HostileCase{"MissingLineEndAfterData", Chunked("3\r\nabcX\r\n0\r\n\r\n"), kBad},
                    HostileCase{"Good", Chunked("3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"), kOk},
                    HostileCase{"GoodWithTrailer", Chunked("3\r\nabc\r\n0\r\nX: y\r\n\r\n"), kOk}),
    [](const auto& suite) { return std::string(suite.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Lengths, HostileTest,
    testing::Values(
        HostileCase{"LengthAndChunked",
                    Post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), kBad},
        HostileCase{"ChunkedAndLength",
                    Post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), kBad},
        HostileCase{"TwoLengths", Post("Content-Length: 5\r\nContent-Length: 40\r\n", "hello"),
                    kBad},
        HostileCase{"TwoEqualLengths", Post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
                    kBad},
        HostileCase{"ListOfLengths", Post("Content-Length: 5, 5\r\n", "hello"), kBad},
        HostileCase{"LengthNoNumber", Post("Content-Length: abc\r\n", ""), kBad},
        HostileCase{"LengthWithPlus", Post("Content-Length: +5\r\n", "hello"), kBad},
        HostileCase{"LengthNegative", Post("Content-Length: -1\r\n", "hello"), kBad},
        HostileCase{"LengthEmpty", Post("Content-Length:\r\n", "hello"), kBad},
        HostileCase{"SpaceBeforeColon", Post("Content-Length : 5\r\n", "hello"), kBad},
        HostileCase{"EncodingUnknownWithLength",
                    Post("Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n", "hello"), kBad},
        HostileCase{"EncodingUnknown", Post("Transfer-Encoding: xchunked\r\n", ""), kBad},
        HostileCase{
            "EncodingTwice",
            Post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            kBad},
        HostileCase{"EncodingGzipChunked",
                    Post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), kBad},
        HostileCase{"EncodingInHttp10",
                    "POST /size HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", kBad},
        HostileCase{"LengthInHex", Post("Content-Length: 0x5\r\n", "hello"), kBad},
        HostileCase{"LengthWithSpace", Post("Content-Length: 1 5\r\n", "hello"), kBad},
        HostileCase{"LengthAfterVerticalTab", Post("Content-Length: \v5\r\n", "hello"), kBad},
        HostileCase{"EncodingAfterVerticalTab",
                    Post("Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n"), kBad},
        HostileCase{"EncodingListedTwice",
                    Post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), kBad},
        HostileCase{"EncodingIdentity", Post("Transfer-Encoding: identity\r\n", ""), kBad},
        HostileCase{"EncodingInAnotherCase", Post("transfer-ENCODING: Chunked\r\n", "0\r\n\r\n"),
                    kOk},
        HostileCase{"EncodingOnAFoldedLine",
                    Post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), kBad},
        HostileCase{"EncodingHiddenByAFold",
                    Post("Content-Length: 5\r\nX: a\r\n Transfer-Encoding: chunked\r\n", "hello"),
                    kBad},
        HostileCase{"EncodingBehindABareCr",
                    Post("X: a\rTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", "hello"),
                    kBad},
        HostileCase{"LengthBeyondTheLimit", Post("Content-Length: 3145729\r\n", ""), {"413"}},
        HostileCase{"LengthAtTheLimit",
                    Post("Content-Length: 3145728\r\n", std::string(3145728, 'b')), kOk},
        HostileCase{"LengthOver64Bits", Post("Content-Length: 99999999999999999999\r\n", ""),
                    kBad}),
    [](const auto& suite) { return std::string(suite.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Heads, HostileTest,
    testing::Values(
        HostileCase{"NulInAField", Get(std::string("Host: x\r\nA: b\0c\r\n", 17)), kBad},
        HostileCase{"NonAsciiInAField", Get("Host: x\r\nConnection: close\r\nA: \xc3\xa4\tb\r\n"),
                    kOk},
        HostileCase{"NewVersion", "GET /echo HTTP/9.9\r\nHost: x\r\n\r\n", {"505"}},
        HostileCase{"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {"505"}},
        HostileCase{"OnlyLf", "GET /echo HTTP/1.1\nHost: x\n\n", kBad},
        HostileCase{"OneLfAmongFields", "GET /echo HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", kBad},
        HostileCase{"NoHost", Get(""), kBad},
        HostileCase{"NoHostInHttp10", "GET /echo HTTP/1.0\r\n\r\n", kOk},
        HostileCase{"TwoHosts", Get("Host: x\r\nHost: y\r\n"), kBad},
        HostileCase{"TwoAuthorizations",
                    Get("Host: x\r\nAuthorization: Bearer a\r\nauthorization: Bearer b\r\n"), kBad},
        HostileCase{"AbsoluteTarget", "GET http://x/echo HTTP/1.1\r\nHost: x\r\n\r\n", kBad},
        HostileCase{"NoTarget", "GET HTTP/1.1\r\nHost: x\r\n\r\n", kBad},
        HostileCase{"SpaceInTarget", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", {"505"}},
        HostileCase{"Connect", "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", kBad},
        HostileCase{"Http09", "GET /echo\r\n\r\n", kBad},
        HostileCase{"TabsInTheRequestLine", "GET\t/echo\tHTTP/1.1\r\nHost: x\r\n\r\n", kBad},
        HostileCase{"MethodNoToken", "G(T /echo HTTP/1.1\r\nHost: x\r\n\r\n", kBad},
        HostileCase{"NulInTarget", std::string("GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n", 31), kBad},
        HostileCase{"FieldWithoutName", Get("Host: x\r\n: b\r\n"), kBad},
        HostileCase{"SpaceBeforeTheFirstField", Get(" Host: x\r\nHost: x\r\n"), kBad},
        HostileCase{"FieldWithoutColon", Get("Host: x\r\nnonsense\r\n"), kBad},
        HostileCase{"TlsToAPlainPort", std::string("\x16\x03\x01\x02\x00\x01\n\n", 8), kBad},
        HostileCase{
            "UnknownExpectation", Post("Expect: magic\r\nContent-Length: 5\r\n", ""), {"417"}},
        HostileCase{"HeadAtTheLimit",
                    Get("Host: x\r\nConnection: close\r\nA: " + std::string(32'000, 'a') + "\r\n"),
                    kOk},
        HostileCase{"HeadBeyondTheLimit",
                    Get("Host: x\r\nA: " + std::string(33'000, 'a') + "\r\n"),
                    {"431"}},
        HostileCase{
            "ThreePipelined",
            Get("Host: x\r\n") + Get("Host: x\r\n") + Get("Host: x\r\nConnection: close\r\n"),
            {"200", "200", "200"}},
        HostileCase{
            "GoodThenBad", Get("Host: x\r\n") + Get("") + Get("Host: x\r\n"), {"200", "400"}}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST_F(HttpServerTest, EndlessHeadIsRefusedBeforeItIsHeld) {
  Start();
  RawPeer peer = Connect();
  peer.Send("GET /echo HTTP/1.1\r\nHost: x\r\n");
  const std::string fields(1 << 20, 'a');
  peer.Send("A: ");
  for (int i = 0; i < 300 && peer.Send(fields); ++i) {
  }
  EXPECT_EQ(StatusLine(peer.ReadAll()).substr(0, 12), "HTTP/1.1 431");
}

TEST_F(HttpServerTest, TwoHundredThousandFieldsAreRefused) {
  Start();
  std::string fields;
  for (int i = 0; i < 200'000; ++i) {
    fields += "a: b\r\n";
  }
  EXPECT_EQ(StatusLine(Exchange(Get("Host: x\r\n" + fields))).substr(0, 12), "HTTP/1.1 431");
}

TEST_F(HttpServerTest, TheHandlerLimitsABodyBeforeItIsRead) {
  Start();
  const std::string head = "POST /small HTTP/1.1\r\nHost: me\r\n";
  for (const char* more : {"Content-Length: 11\r\n\r\n", "Content-Length: 99999999\r\n\r\n",
                           "Expect: 100-continue\r\nContent-Length: 11\r\n\r\n",
                           "Transfer-Encoding: chunked\r\n\r\nb\r\n",
                           "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n1\r\n"}) {
    const std::string got = Exchange(head + more);  // The rest is never sent.
    EXPECT_EQ(StatusLine(got), "HTTP/1.1 413 Content Too Large") << more;
    EXPECT_NE(got.find("X-Why: me\r\n"), std::string::npos);
    EXPECT_NE(got.find("Connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(got.ends_with("\r\n\r\nten at most"));
  }
  EXPECT_EQ(handler_.requests, 0);
  EXPECT_EQ(metrics_.Of("midwatch_http_refused_total reason=body"), 5);
  RawPeer peer = Connect();
  peer.Send(head + "Content-Length: 10\r\n\r\n0123456789");
  EXPECT_TRUE(peer.ReadUntil("0123456789").ends_with("\r\n\r\n0123456789"));
  peer.Send(Post("Content-Length: 11\r\n", "01234567890"));  // Another path, its own limit.
  EXPECT_TRUE(peer.ReadAll().ends_with("\r\n\r\n11"));
}

TEST_F(HttpServerTest, ChunkedBodyBeyondTheLimitIsCutAtIt) {
  options_.limits.request.body_bytes = 1000;
  Start();
  std::string body;
  for (int i = 0; i < 20; ++i) {
    body += "64\r\n" + std::string(100, 'b') + "\r\n";
  }
  EXPECT_EQ(StatusLine(Exchange(Chunked(body))).substr(0, 12), "HTTP/1.1 413");
}

TEST_F(HttpServerTest, RequestCutIntoBytesIsTheSameRequest) {
  Start();
  const std::string request = Chunked("3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: u\r\n\r\n");
  RawPeer peer = Connect();
  for (const char c : request) {
    peer.Send(std::string(1, c));
  }
  const std::string got = peer.ReadAll();
  EXPECT_EQ(StatusLine(got), "HTTP/1.1 200 OK");
  EXPECT_TRUE(got.ends_with("\r\n\r\n7")) << got;
  EXPECT_EQ(handler_.last.Header("T"), "");
}

TEST_F(HttpServerTest, AResponseFieldCannotBreakOutOfItsLine) {
  Start();
  const std::string got = Exchange(Get("Host: x\r\nConnection: close\r\n"));
  EXPECT_NE(got.find("X-Test: a  Injected: yes\r\n"), std::string::npos) << got;
}

TEST_F(HttpServerTest, ContinueIsSentOnceTheHeadIsGood) {
  Start();
  RawPeer peer = Connect();
  peer.Send(Post("Expect: 100-continue\r\nContent-Length: 5\r\n", ""));
  EXPECT_EQ(peer.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.Send("hello");
  EXPECT_TRUE(peer.ReadAll().ends_with("\r\n\r\n5"));
}

TEST_F(HttpServerTest, ContinueIsNotSentForABodyThatIsTooLarge) {
  Start();
  EXPECT_EQ(StatusLine(Exchange(Post("Expect: 100-continue\r\nContent-Length: 99999999\r\n", ""))),
            "HTTP/1.1 413 Content Too Large");
}

TEST_F(HttpServerTest, HeadAndBodilessAnswersHaveNoBody) {
  Start();
  const std::string got = Exchange("HEAD /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(got.find("Content-Length: 8388608\r\n"), std::string::npos);
  EXPECT_TRUE(got.ends_with("\r\n\r\n"));
}

TEST_F(HttpServerTest, AForgottenRequestIsAnswered) {
  Start();
  const std::string got =
      Exchange("GET /forgotten HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(StatusLine(got), "HTTP/1.1 500 Internal Server Error");
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrderThoughTheFirstIsSlow) {
  Start();
  RawPeer peer = Connect();
  peer.Send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n" + Post("Content-Length: 3\r\n", "abc"));
  ASSERT_TRUE(handler_.WaitFor([&] { return !handler_.held.empty(); }));
  EXPECT_EQ(handler_.requests, 1);
  handler_.held[0]->Respond({200, {}, "first"});
  const std::string got = peer.ReadAll();
  EXPECT_LT(got.find("first"), got.find("\r\n\r\n3"));
  EXPECT_TRUE(got.ends_with("\r\n\r\n3")) << got;
}

// ---- deadlines ----

TEST_F(HttpServerTest, SilentConnectionsAreClosed) {
  options_.limits.first_byte = kSoon;
  Start();
  std::vector<RawPeer> peers;
  for (int i = 0; i < 200; ++i) {
    peers.push_back(Connect());
  }
  for (RawPeer& peer : peers) {
    EXPECT_EQ(peer.ReadAll(), "");
    EXPECT_TRUE(peer.ended());
  }
  EXPECT_TRUE(WaitForConnections(0));
}

TEST_F(HttpServerTest, SilentTlsConnectionsAreClosed) {
  options_.limits.first_byte = kSoon;
  Start(true);
  RawPeer silent = Connect();
  RawPeer half = Connect();
  half.Send(std::string("\x16\x03\x01", 3));
  EXPECT_EQ(silent.ReadAll(), "");
  EXPECT_TRUE(silent.ended());
  half.ReadAll();
  EXPECT_TRUE(half.ended());
}

TEST_F(HttpServerTest, SlowHeadsAreClosedWhileOthersAreServed) {
  options_.limits.head = kSoon;
  Start();
  std::vector<RawPeer> slow;
  for (int i = 0; i < 500; ++i) {
    slow.push_back(Connect());
    slow.back().Send("G");
  }
  EXPECT_EQ(StatusLine(Exchange(Get("Host: x\r\nConnection: close\r\n"))), "HTTP/1.1 200 OK");
  std::size_t sent = 0;
  const std::string request = Get("Host: x\r\nA: b\r\n");
  const auto began = std::chrono::steady_clock::now();
  std::string got;
  while (got.empty() && std::chrono::steady_clock::now() - began < seconds(5)) {
    slow[0].Send(
        request.substr(1 + sent % 3, 1));  // A byte at a time does not extend the deadline.
    ++sent;
    got = slow[0].ReadAll(milliseconds(20));
  }
  EXPECT_EQ(StatusLine(got), "HTTP/1.1 408 Request Timeout");
  EXPECT_TRUE(WaitForConnections(0)) << server_->ConnectionCount();
}

TEST_F(HttpServerTest, ABodyThatTricklesIsCutOff) {
  options_.limits.body = kSoon;
  Start();
  EXPECT_EQ(StatusLine(Exchange(Post("Content-Length: 100\r\n", "a"))),
            "HTTP/1.1 408 Request Timeout");
}

TEST_F(HttpServerTest, IdleConnectionsAreClosed) {
  options_.limits.idle = kSoon;
  Start();
  RawPeer peer = Connect();
  peer.Send(Get("Host: x\r\n"));
  peer.ReadUntil("\r\n\r\n");
  EXPECT_EQ(peer.ReadAll(), "");
  EXPECT_TRUE(peer.ended());
}

TEST_F(HttpServerTest, AReaderTooSlowForAResponseIsCutOff) {
  options_.limits.write = kSoon;
  Start();
  RawPeer peer = Connect();
  const int small = 4096;
  ::setsockopt(peer.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
  peer.Send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(handler_.WaitFor([&] { return handler_.requests == 1; }));
  EXPECT_TRUE(WaitForConnections(0));
  EXPECT_EQ(metrics_.Of("midwatch_http_refused_total reason=slow_reader"), 1);
}

// ---- streams ----

TEST_F(HttpServerTest, AStreamArrivesAsItIsWritten) {
  Start();
  RawPeer peer = Connect();
  peer.Send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto stream = handler_.Stream();
  EXPECT_NE(peer.ReadUntil("\r\n\r\n").find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_TRUE(stream->Write("one\n"));
  EXPECT_EQ(peer.ReadUntil("one\n\r\n"), "4\r\none\n\r\n");
  EXPECT_TRUE(stream->Write("two\n"));
  stream->End();
  EXPECT_FALSE(stream->Write("three\n"));
  EXPECT_TRUE(peer.ReadUntil("0\r\n\r\n").ends_with("two\n\r\n0\r\n\r\n"));
  EXPECT_TRUE(handler_.WaitForClosed(1));
  peer.Send(Get("Host: x\r\nConnection: close\r\n"));  // The connection goes on.
  EXPECT_EQ(StatusLine(peer.ReadAll()), "HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, AStreamToHttp10EndsWithTheConnection) {
  Start();
  RawPeer peer = Connect();
  peer.Send("GET /stream HTTP/1.0\r\n\r\n");
  const auto stream = handler_.Stream();
  stream->Write("one\n");
  stream->End();
  EXPECT_TRUE(peer.ReadAll().ends_with("\r\n\r\none\n"));
}

TEST_F(HttpServerTest, AVanishedPeerOfAQuietStreamIsNoticed) {
  Start();
  std::vector<RawPeer> peers;
  for (int i = 0; i < 200; ++i) {
    peers.push_back(Connect());
    peers.back().Send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  ASSERT_TRUE(handler_.WaitFor([&] { return handler_.streams.size() == 200; }));
  peers.clear();
  EXPECT_TRUE(handler_.WaitForClosed(200));
  EXPECT_TRUE(WaitForConnections(0));
  EXPECT_FALSE(handler_.streams[0]->Write("x"));
}

TEST_F(HttpServerTest, AReaderThatDoesNotReadIsCutOffAtTheQueueLimit) {
  options_.limits.stream_queue_bytes = std::size_t{1} << 20;
  Start();
  RawPeer peer = Connect();
  peer.Send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto stream = handler_.Stream();
  const std::string event(100'000, 'e');
  int written = 0;
  while (written < 1000 && stream->Write(event)) {
    ++written;
  }
  EXPECT_LT(written, 200);  // The queue, one piece in flight and what the kernel holds.
  EXPECT_TRUE(handler_.WaitForClosed(1));
}

TEST_F(HttpServerTest, AFirstPieceMayBeLargerThanTheQueueLimit) {
  options_.limits.stream_queue_bytes = 1000;
  Start();
  RawPeer peer = Connect();
  peer.Send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto stream = handler_.Stream();
  EXPECT_TRUE(stream->Write(std::string(std::size_t{20} << 20, 'i')));
  EXPECT_TRUE(stream->Write("next"));
  stream->End();
  EXPECT_GT(peer.ReadUntil("next\r\n0\r\n\r\n").size(), std::size_t{20} << 20);
}

TEST_F(HttpServerTest, AStalledStreamIsCutOff) {
  options_.limits.stream_stall = kSoon;
  Start();
  RawPeer peer = Connect();
  peer.Send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  handler_.Stream()->Write(std::string(std::size_t{20} << 20, 'i'));
  EXPECT_TRUE(handler_.WaitForClosed(1));
}

TEST_F(HttpServerTest, AFloodOnAStreamsRequestSideIsCutOff) {
  options_.limits.pipelined_bytes = 10'000;
  Start();
  RawPeer peer = Connect();
  peer.Send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  handler_.Stream();
  peer.Send(std::string(20'000, 'f'));
  EXPECT_TRUE(handler_.WaitForClosed(1));
}

// ---- stop ----

TEST_F(HttpServerTest, StopEndsStreamsAndWaitsForRunningRequests) {
  Start();
  RawPeer idle = Connect();
  RawPeer streaming = Connect();
  streaming.Send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  RawPeer held = Connect();
  held.Send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(
      handler_.WaitFor([&] { return !handler_.held.empty() && !handler_.streams.empty(); }));
  handler_.streams[0]->Write("last\n");
  std::thread stopping([&] { server_->Stop(seconds(30)); });
  EXPECT_TRUE(streaming.ReadAll().ends_with("last\n\r\n0\r\n\r\n"));
  EXPECT_EQ(idle.ReadAll(), "");
  handler_.held[0]->Respond({200, {}, "done"});
  const std::string got = held.ReadAll();
  EXPECT_TRUE(got.ends_with("\r\n\r\ndone"));
  EXPECT_NE(got.find("Connection: close"), std::string::npos);
  streaming.Close();
  held.Close();
  stopping.join();
  EXPECT_FALSE(RawPeer(server_->port()).connected());
}

TEST_F(HttpServerTest, StopCutsWhatIsNotDoneInTime) {
  Start();
  RawPeer held = Connect();
  held.Send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(handler_.WaitFor([&] { return !handler_.held.empty(); }));
  server_->Stop(milliseconds(50));
  EXPECT_EQ(held.ReadAll(), "");
  handler_.held[0]->Respond({200, {}, "too late"});  // Does nothing.
  server_.reset();
  handler_.held.clear();
}

TEST_F(HttpServerTest, APortInUseIsAnError) {
  Start();
  options_.port = server_->port();
  const auto second = HttpServer::Start(options_, handler_, log_, metrics_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "cannot listen on 127.0.0.1:" + std::to_string(options_.port) +
                                        ": Address already in use");
  options_.address = "nowhere";
  EXPECT_FALSE(HttpServer::Start(options_, handler_, log_, metrics_));
}

// ---- TLS ----

TEST_F(HttpServerTest, TlsServesHttp11WithAlpn) {
  Start(true);
  RawPeer peer = Connect(true);
  ASSERT_TRUE(peer.connected());
  EXPECT_EQ(peer.Protocol(), "http/1.1");
  EXPECT_EQ(peer.TlsVersion(), "TLSv1.3");
  for (int i = 0; i < 3; ++i) {
    peer.Send("POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" +
              std::string(300'000, 'a'));
    EXPECT_TRUE(peer.ReadUntil("300000").ends_with("\r\n\r\n300000"));
  }
  peer.Send("GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_GT(peer.ReadAll().size(), std::size_t{8} << 20);
}

TEST_F(HttpServerTest, AReplacedCertificateIsShownToWhoConnectsNext) {
  Start(true);
  RawPeer before = Connect(true);
  const std::string old = before.Certificate();
  const WallTime now{std::time(nullptr) * 1'000'000};
  const auto authority = MakeCertificateAuthority("test", now, std::chrono::hours(1));
  ASSERT_TRUE(server_->ReplaceCertificate(
      *MakeServerCertificate(*authority, {"localhost"}, now, std::chrono::hours(1))));
  RawPeer after = Connect(true);
  EXPECT_FALSE(old.empty());
  EXPECT_NE(after.Certificate(), old);
  before.Send(Get("Host: x\r\nConnection: close\r\n"));  // Who was connected stays so.
  EXPECT_EQ(StatusLine(before.ReadAll()), "HTTP/1.1 200 OK");
  EXPECT_FALSE(server_->ReplaceCertificate({"nonsense", {}}));
}

TEST_F(HttpServerTest, PlainHttpToTheTlsPortIsTold) {
  Start(true);
  const std::string got = Exchange(Get("Host: x\r\n"));
  EXPECT_EQ(StatusLine(got), "HTTP/1.1 400 Bad Request");
  EXPECT_NE(got.find("this port speaks HTTPS"), std::string::npos);
}

TEST_F(HttpServerTest, GarbageInsteadOfAHandshakeClosesOneConnection) {
  Start(true);
  RawPeer peer = Connect();
  peer.Send(std::string("\x16garbage garbage garbage garbage", 31));
  peer.ReadAll();
  EXPECT_TRUE(peer.ended());
  RawPeer good = Connect(true);
  EXPECT_TRUE(good.connected());
}

}  // namespace
}  // namespace midwatch::http
