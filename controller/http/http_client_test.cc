#include "controller/http/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <ctime>
#include <future>
#include <mutex>
#include <thread>

#include "controller/http/http_server.h"

// The library is not built with the thread sanitizer, which so cannot see how its threads agree.
extern "C" const char* __tsan_default_suppressions();   // NOLINT: the sanitizer's name.
extern "C" const char* __tsan_default_suppressions() {  // NOLINT
  return "race:pplx::\nrace:libcpprest.so\n";
}

namespace midwatch::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Accepts connections and answers each with the same bytes, whatever is asked; then closes, or
/// keeps silent.
class CannedPeer {
 public:
  explicit CannedPeer(std::string answer, bool close_after = true)
      : answer_(std::move(answer)),
        close_after_(close_after),
        fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(fd_, 16);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~CannedPeer() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
    for (const int peer : kept_) {
      ::close(peer);
    }
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void Serve() {
    int peer = -1;
    while ((peer = ::accept(fd_, nullptr, nullptr)) >= 0) {
      char buffer[4096];
      [[maybe_unused]] const auto got = ::recv(peer, buffer, sizeof(buffer), 0);
      ::send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      if (close_after_) {
        ::close(peer);
      } else {
        kept_.push_back(peer);
      }
    }
  }

  const std::string answer_;
  const bool close_after_;
  int fd_;
  std::uint16_t port_ = 0;
  std::vector<int> kept_;
  std::thread thread_;
};

Result<HttpResponse> SendTo(const ClientOptions& options, HttpCall call) {
  auto client = MakeHttpClient(options);
  EXPECT_TRUE(client);
  std::promise<Result<HttpResponse>> promise;
  (*client)->Send(std::move(call),
                  [&](Result<HttpResponse> result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

/// Answers with what was asked, `/big` with 1 MiB, `/endless` with a stream that never stops.
class EchoHandler final : public HttpHandler {
 public:
  void Handle(HttpRequest request, std::unique_ptr<HttpResponder> responder) override {
    if (request.target == "/big") {
      responder->Respond({200, {}, std::string(std::size_t{1} << 20, 'b')});
      return;
    }
    if (request.target == "/stream" || request.target == "/quiet") {
      const bool quiet = request.target == "/quiet";
      const auto stream = responder->Stream({200, {{"X-Test", "yes"}}, {}}, [this] { ++closed; });
      const std::lock_guard lock(mutex);
      if (!quiet) {
        stream->Write("one\n");
        stream->Write(std::string(200'000, 'x') + "\n");
        stream->End();
      }
      streams.push_back(stream);
      return;
    }
    responder->Respond({request.target == "/moved" ? 301 : 200,
                        {{"Location", "/elsewhere"}},
                        request.method + " " + request.target + " " +
                            std::string(request.Header("Authorization")) + " " +
                            std::string(request.Header("Content-Type")) + " " + request.body});
  }

  std::atomic<int> closed = 0;
  std::mutex mutex;
  std::vector<std::shared_ptr<HttpStream>> streams;
};

class HttpClientTest : public testing::Test {
 protected:
  void SetUp() override {
    const WallTime now{std::time(nullptr) * 1'000'000};
    authority_ = *MakeCertificateAuthority("test", now, std::chrono::hours(1));
    ServerOptions server;
    server.tls = *MakeServerCertificate(authority_, {"127.0.0.1"}, now, std::chrono::hours(1));
    server_ = *HttpServer::Start(server, handler_, log_, metrics_);
    options_.base_url = "https://127.0.0.1:" + std::to_string(server_->port());
    options_.authorities = authority_.certificate;
  }

  CertificateAndKey authority_;
  EchoHandler handler_;
  NoLog log_;
  NoMetrics metrics_;
  std::unique_ptr<HttpServer> server_;
  ClientOptions options_;
};

TEST_F(HttpClientTest, SendsWhatItIsToldOverVerifiedTls) {
  options_.bearer = [] { return Secret<std::string>("t0ken"); };
  const auto got = SendTo(
      options_, {.method = "PATCH",
                 .target = "/apis/x?fieldManager=a%2Fb&force=true",
                 .headers = {{"Content-Type", "application/merge-patch+json"}, {"Host", "evil"}},
                 .body = "{}"});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(
      got->body,
      "PATCH /apis/x?fieldManager=a%2Fb&force=true Bearer t0ken application/merge-patch+json {}");
}

TEST_F(HttpClientTest, AnotherAuthorityIsRefused) {
  options_.authorities =
      MakeCertificateAuthority("other", {std::time(nullptr) * 1'000'000}, seconds(60))->certificate;
  const auto got = SendTo(options_, {});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::kUnavailable) << got.error().message;
}

TEST_F(HttpClientTest, TheSystemsAuthoritiesDoNotKnowOurs) {
  options_.authorities.clear();
  EXPECT_FALSE(SendTo(options_, {}));
}

TEST_F(HttpClientTest, ANameThatIsNotInTheCertificateIsRefused) {
  options_.base_url = "https://localhost:" + std::to_string(server_->port());
  EXPECT_FALSE(SendTo(options_, {}));
}

TEST_F(HttpClientTest, ARedirectIsAnAnswer) {
  const auto got = SendTo(options_, {.target = "/moved"});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, 301);
}

TEST_F(HttpClientTest, AResponseBeyondTheLimitIsAnError) {
  const auto got = SendTo(options_, {.target = "/big", .max_response = 1'000'000});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::kTooLarge) << got.error().message;
  EXPECT_EQ(SendTo(options_, {.target = "/big"})->body.size(), std::size_t{1} << 20);
}

TEST_F(HttpClientTest, ATlsConnectionThatSendsTooMuchIsClosed) {
  options_.connection_bytes = 300'000;
  EXPECT_FALSE(SendTo(options_, {.target = "/big"}));
  EXPECT_TRUE(SendTo(options_, {.target = "/small"}));
}

class RecordingSink final : public HttpBodySink {
 public:
  void OnHead(const HttpResponse& head) override {
    const std::lock_guard lock(mutex_);
    status = head.status;
    changed_.notify_all();
  }
  void OnBytes(std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    EXPECT_NE(status, 0);
    body += bytes;
    changed_.notify_all();
  }
  void OnEnd(Result<void> why) override {
    const std::lock_guard lock(mutex_);
    ended = true;
    ok = why.has_value();
    code = why ? ErrorCode::kInternal : why.error().code;
    changed_.notify_all();
  }
  template <typename Predicate>
  bool WaitFor(Predicate predicate) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(5), predicate);
  }

  int status = 0;
  std::string body;
  bool ended = false;
  bool ok = false;
  ErrorCode code = ErrorCode::kInternal;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

TEST_F(HttpClientTest, AStreamIsDeliveredHeadFirstAndEnds) {
  const auto client = MakeHttpClient(options_);
  const auto sink = std::make_shared<RecordingSink>();
  const auto handle = (*client)->Stream({.target = "/stream"}, sink);
  ASSERT_TRUE(sink->WaitFor([&] { return sink->ended; }));
  EXPECT_TRUE(sink->ok);
  EXPECT_EQ(sink->body.size(), 200'005U);
}

// As when a router forgets a connection: no end of it ever comes.
TEST_F(HttpClientTest, AStreamThatFallsSilentHasEnded) {
  const auto client = MakeHttpClient(options_);
  const auto sink = std::make_shared<RecordingSink>();
  const auto handle = (*client)->Stream({.target = "/quiet", .silence = seconds(1)}, sink);
  ASSERT_TRUE(sink->WaitFor([&] { return sink->status == 200; }));
  const auto speaks_until = std::chrono::steady_clock::now() + milliseconds(1'500);
  for (std::size_t said = 1; std::chrono::steady_clock::now() < speaks_until; ++said) {
    {
      const std::lock_guard lock(handler_.mutex);
      handler_.streams.at(0)->Write("x");
    }
    ASSERT_TRUE(sink->WaitFor([&] { return sink->body.size() == said || sink->ended; }));
    ASSERT_FALSE(sink->ended) << "it is not silent";
    std::this_thread::sleep_for(milliseconds(20));
  }
  ASSERT_TRUE(sink->WaitFor([&] { return sink->ended; }));
  EXPECT_EQ(sink->code, ErrorCode::kUnavailable);
}

TEST_F(HttpClientTest, EndingAStreamClosesItsConnection) {
  const auto client = MakeHttpClient(options_);
  const auto sink = std::make_shared<RecordingSink>();
  auto handle = (*client)->Stream({.target = "/quiet"}, sink);
  ASSERT_TRUE(sink->WaitFor([&] { return sink->status == 200; }));
  handle.reset();
  const auto end = std::chrono::steady_clock::now() + seconds(5);
  while (handler_.closed == 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
  }
  EXPECT_EQ(handler_.closed, 1);
  EXPECT_FALSE(sink->ended) << "nothing is called after the handle is gone";
}

TEST(HttpClientErrors, NobodyListensMeansNothingWasSent) {
  std::string url;
  {
    CannedPeer peer("");
    url = peer.url();
  }
  const auto got = SendTo({.base_url = url}, {.method = "POST"});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::kUnavailable);
}

TEST(HttpClientErrors, WhyThereIsNoTlsIsTold) {
  const auto why = [](CannedPeer& peer) {
    const auto got = SendTo({.base_url = "https" + peer.url().substr(4)}, {.method = "POST"});
    EXPECT_EQ(got.error().code, ErrorCode::kUnavailable);
    return got.error().message;
  };
  CannedPeer closes("");
  EXPECT_EQ(why(closes), "the connection was closed before there was TLS");
  CannedPeer plain("HTTP/1.1 400 Bad Request\r\n\r\n", false);
  EXPECT_EQ(why(plain), "no TLS: it does not speak it");
  CannedPeer refuses(std::string("\x15\x03\x03\x00\x02\x02\x28", 7), false);  // An alert.
  EXPECT_EQ(why(refuses).substr(0, 8), "no TLS: ");
}

TEST(HttpClientErrors, ASilentPeerIsGivenUpAtTheDeadline) {
  CannedPeer peer("", false);
  const auto read = SendTo({.base_url = peer.url()}, {.deadline = milliseconds(100)});
  EXPECT_EQ(read.error().code, ErrorCode::kTimeout);
  const auto write = SendTo({.base_url = peer.url()},
                            {.method = "POST", .body = "x", .deadline = milliseconds(100)});
  EXPECT_EQ(write.error().code, ErrorCode::kOutcomeUnknown);
}

TEST(HttpClientErrors, BadOptionsAreRefused) {
  EXPECT_FALSE(MakeHttpClient({.base_url = "ftp://x"}));
  EXPECT_FALSE(MakeHttpClient({.base_url = "nonsense here"}));
  EXPECT_FALSE(MakeHttpClient({.base_url = "https://x", .authorities = "nonsense"}));
}

struct HostileAnswer {
  const char* name;
  std::string answer;
  bool fails = true;
};
class HostileAnswerTest : public testing::TestWithParam<HostileAnswer> {};

// Most of these end a process that uses the library's own threads.
TEST_P(HostileAnswerTest, EndsTheCallAndNotTheProcess) {
  for (const bool close : {true, false}) {
    CannedPeer peer(GetParam().answer, close);
    const auto got =
        SendTo({.base_url = peer.url()}, {.deadline = milliseconds(300), .max_response = 100'000});
    EXPECT_EQ(!got, GetParam().fails) << (got ? got->body.substr(0, 100) : got.error().message);
  }
  CannedPeer good("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  const auto after = SendTo({.base_url = good.url()}, {});
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->body, "ok");
}

std::string ChunkedAnswer(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
}

INSTANTIATE_TEST_SUITE_P(
    HttpClient, HostileAnswerTest,
    testing::Values(
        HostileAnswer{"ChunkMinusOne", ChunkedAnswer("-1\r\nabcdef\r\n0\r\n\r\n")},
        HostileAnswer{"ChunkMinusTwo", ChunkedAnswer("-2\r\nabcdef\r\n0\r\n\r\n")},
        HostileAnswer{"ChunkMinusThree", ChunkedAnswer("-3\r\nabcdef\r\n0\r\n\r\n")},
        HostileAnswer{"ChunkVeryNegative", ChunkedAnswer("-7fffffff\r\nabcdef\r\n0\r\n\r\n")},
        HostileAnswer{"ChunkHuge", ChunkedAnswer("7ffffffe\r\nabcdef\r\n0\r\n\r\n")},
        HostileAnswer{"ChunkTooLargeForAnInt", ChunkedAnswer("ffffffffff\r\nabcdef\r\n")},
        HostileAnswer{"ChunkNoHex", ChunkedAnswer("zz\r\nabcdef\r\n0\r\n\r\n")},
        HostileAnswer{"GoodChunks", ChunkedAnswer("3\r\nabc\r\n0\r\n\r\n"), false},
        HostileAnswer{"NoStatusLine", "nonsense\r\n\r\n"},
        HostileAnswer{"StatusNoNumber", "HTTP/1.1 abc OK\r\n\r\n"},
        HostileAnswer{"LengthBeyondWhatComes", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc"},
        HostileAnswer{"LengthOver64Bits",
                      "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551614\r\n\r\nabc"},
        HostileAnswer{"MoreThanTheLimit", "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" +
                                              std::string(200'000, 'x')},
        HostileAnswer{"EndlessHead", "HTTP/1.1 200 OK\r\n" + std::string(1'000'000, 'x')},
        HostileAnswer{"HeaderWithoutValue",
                      "HTTP/1.1 200 OK\r\n:\r\nA:\r\nContent-Length: 0\r\n\r\n", false},
        HostileAnswer{"Nothing", ""}),
    [](const auto& suite) { return std::string(suite.param.name); });

}  // namespace
}  // namespace midwatch::http
