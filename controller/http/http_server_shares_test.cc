#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ctime>
#include <thread>

#include "controller/http/test_server.h"

namespace midwatch::http {
namespace {

TEST_F(HttpServerTest, AThousandIdleConnectionsDoNotStandInTheWay) {
  Start(true);
  std::vector<RawPeer> peers;
  for (int i = 0; i < 1000; ++i) {
    peers.push_back(Connect(i % 10 == 0));
    ASSERT_TRUE(peers.back().connected());
  }
  EXPECT_TRUE(WaitForConnections(1000));
  RawPeer one = Connect(true);
  one.Send(Get("Host: x\r\nConnection: close\r\n"));
  EXPECT_EQ(StatusLine(one.ReadAll()), "HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, WhoPipelinesWithoutEndTakesTurnsWithOthers) {
  options_.threads = 1;
  Start();
  std::string many;
  for (int i = 0; i < 1000; ++i) {
    many += Get("Host: x\r\n");
  }
  std::vector<RawPeer> busy;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    busy.push_back(Connect());
  }
  for (RawPeer& peer : busy) {
    threads.emplace_back([&] {
      while (peer.Send(many)) {
      }
    });
    threads.emplace_back([&] { peer.ReadAll(seconds(60)); });
  }
  handler_.WaitFor([&] { return handler_.requests > 1000; });
  RawPeer other = Connect();
  for (int i = 0; i < 20; ++i) {
    other.Send(Get("Host: x\r\n"));
    EXPECT_EQ(StatusLine(other.ReadUntil("\r\n\r\n")), "HTTP/1.1 200 OK") << i;
  }
  for (const RawPeer& peer : busy) {
    ::shutdown(peer.fd(), SHUT_RDWR);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

TEST_F(HttpServerTest, APeerThatChangesItsKeysAgainAndAgainIsCutOff) {
  Start(true);
  RawPeer modest = Connect(true);
  RawPeer hostile = Connect(true);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(modest.UpdateKeys());
  }
  modest.Send(Get("Host: x\r\nConnection: close\r\n"));
  EXPECT_EQ(StatusLine(modest.ReadAll()), "HTTP/1.1 200 OK");
  for (int i = 0; i < 200 && hostile.UpdateKeys(); ++i) {
  }
  hostile.Send(Get("Host: x\r\nConnection: close\r\n"));
  EXPECT_EQ(hostile.ReadAll(), "");
  EXPECT_TRUE(hostile.ended());
}

TEST_F(HttpServerTest, TheLongestIdleConnectionMakesRoom) {
  options_.limits.connections_per_peer = 3;
  Start();
  std::vector<RawPeer> peers;
  for (int i = 0; i < 3; ++i) {
    peers.push_back(Connect());
    ASSERT_TRUE(WaitForConnections(static_cast<std::size_t>(i) + 1));
    peers.back().Send(Get("Host: x\r\n"));
    peers.back().ReadUntil("\r\n\r\n");
  }
  RawPeer fourth = Connect();
  EXPECT_EQ(peers[0].ReadAll(), "");
  EXPECT_TRUE(peers[0].ended());
  fourth.Send(Get("Host: x\r\nConnection: close\r\n"));
  EXPECT_EQ(StatusLine(fourth.ReadAll()), "HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, WithEveryConnectionBusyANewOneIsRefused) {
  options_.limits.connections_per_peer = 2;
  Start();
  std::vector<RawPeer> peers;
  for (int i = 0; i < 2; ++i) {
    peers.push_back(Connect());
    peers.back().Send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  ASSERT_TRUE(handler_.WaitFor([&] { return handler_.held.size() == 2; }));
  RawPeer third = Connect();
  EXPECT_EQ(third.ReadAll(), "");
  EXPECT_TRUE(third.ended());
  EXPECT_EQ(metrics_.Of("midwatch_http_refused_total reason=connections"), 1);
}

TEST_F(HttpServerTest, BodiesOfAllConnectionsTogetherAreBounded) {
  options_.limits.bodies_bytes = 100'000;
  Start();
  const std::string large = Post("Content-Length: 95000\r\n", std::string(90'000, 'a'));
  std::optional<RawPeer> holding;
  const std::string other = Post("Content-Length: 50000\r\n", std::string(40'000, 'b'));
  EXPECT_EQ(StatusLine(AnswerBeside(holding, large, other)), "HTTP/1.1 503 Service Unavailable");
  holding->Send(std::string(5'000, 'a'));
  EXPECT_TRUE(holding->ReadAll().ends_with("\r\n\r\n95000"));
}

/// Leaves the process `more` descriptors while it lives.
class FewDescriptors {
 public:
  explicit FewDescriptors(int more) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = ::dup(0);
    ::close(lowest_free);
    const rlimit tight{static_cast<rlim_t>(lowest_free + more), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &tight);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(HttpServerTest, OutOfDescriptorsItWaitsAndRecovers) {
  Start();
  std::vector<RawPeer> peers;
  for (std::size_t i = 0; i < 20; ++i) {
    peers.push_back(Connect());
    peers.back().Send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");  // None is idle.
  }
  ASSERT_TRUE(handler_.WaitFor([&] { return handler_.held.size() == 20; }));
  std::optional<FewDescriptors> few(1);  // For the client's end; the server gets none for its own.
  const std::clock_t cpu = std::clock();
  RawPeer waiting = Connect();
  EXPECT_TRUE(waiting.connected());
  EXPECT_EQ(waiting.ReadAll(milliseconds(500)), "");
  few.reset();
  EXPECT_LT(std::clock() - cpu, CLOCKS_PER_SEC / 10);  // No busy loop.
  waiting.Send(Get("Host: x\r\nConnection: close\r\n"));
  EXPECT_EQ(StatusLine(waiting.ReadAll()), "HTTP/1.1 200 OK");
  EXPECT_GE(metrics_.Of("midwatch_http_refused_total reason=descriptors"), 1);
}

TEST_F(HttpServerTest, AThreadThatServesNobodyYetNeedsNoMoreDescriptors) {
  options_.threads = 3;
  Start();
  std::vector<RawPeer> peers;
  // Both ends of each connection; the limit counts a few that are taken.
  const FewDescriptors few(2 * options_.threads + 2);
  for (int i = 0; i < options_.threads; ++i) {
    peers.push_back(Connect());
    peers.back().Send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  EXPECT_TRUE(handler_.WaitFor([&] { return handler_.held.size() == peers.size(); }));
}

TEST_F(HttpServerTest, OutOfDescriptorsIdleConnectionsMakeRoom) {
  Start();
  std::vector<RawPeer> peers;
  for (int i = 0; i < 20; ++i) {
    peers.push_back(Connect());
  }
  ASSERT_TRUE(WaitForConnections(20));
  const FewDescriptors few(1);
  RawPeer waiting = Connect();
  waiting.Send(Get("Host: x\r\nConnection: close\r\n"));
  EXPECT_EQ(StatusLine(waiting.ReadAll()), "HTTP/1.1 200 OK");
}

// ---- one caller's share ----

std::string From(const std::string& caller, const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\nAuthorization: " + caller + "\r\n\r\n";
}

/// What a stranger may leave open.
struct StrangerCase {
  const char* name;
  std::string sent;
  std::string answered;  // Up to here, before others come.
};

class StrangersTest : public HttpServerTest, public testing::WithParamInterface<StrangerCase> {};

TEST_P(StrangersTest, MakeRoomForOthers) {
  options_.limits.connections = 4;
  Start();
  std::vector<RawPeer> strangers;
  for (std::size_t i = 0; i < 4; ++i) {
    strangers.push_back(Connect());
    strangers.back().Send(GetParam().sent);
    if (!GetParam().answered.empty()) {
      strangers.back().ReadUntil(GetParam().answered);
    }
    ASSERT_TRUE(WaitForConnections(i + 1));
  }
  std::vector<RawPeer> known;
  for (int i = 0; i < 4; ++i) {
    known.push_back(Connect());
    known.back().Send(From("ada", "/held"));
    ASSERT_TRUE(handler_.WaitFor([&] { return handler_.held.size() > known.size() - 1; })) << i;
  }
  for (RawPeer& stranger : strangers) {
    stranger.ReadAll();
    EXPECT_TRUE(stranger.ended());
  }
  EXPECT_EQ(metrics_.Of("midwatch_http_refused_total reason=connections"), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Open, StrangersTest,
    testing::Values(StrangerCase{"Nothing", "", ""}, StrangerCase{"AByte", "G", ""},
                    StrangerCase{"HalfAHead", "GET /echo HTTP/1.1\r\nHost: x\r\nA: ", ""},
                    StrangerCase{"HalfABody",
                                 "POST /echo HTTP/1.1\r\nHost: x\r\nAuthorization:\r\n"
                                 "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
                                 "100 Continue\r\n\r\n"},
                    StrangerCase{"AnAnswerNotRead", From("", "/big"), ""},
                    StrangerCase{"AStream", From("", "/stream"), "\r\n\r\n"},
                    StrangerCase{"AfterAnAnswer", From("", "/echo"), "\r\n\r\n"},
                    StrangerCase{"ARefusal", "GET /echo HTTP/1.1\r\n\r\n", "\r\n\r\n"}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST_F(HttpServerTest, HalfATlsHandshakeMakesRoomForOthers) {
  options_.limits.connections = 4;
  Start(true);
  std::vector<RawPeer> strangers;
  for (std::size_t i = 0; i < 4; ++i) {
    strangers.push_back(Connect());
    strangers.back().Send(std::string("\x16\x03\x01", 3));
    ASSERT_TRUE(WaitForConnections(i + 1));
  }
  RawPeer known = Connect(true);
  ASSERT_TRUE(known.connected());
  known.Send(From("ada", "/echo"));
  EXPECT_EQ(StatusLine(known.ReadUntil("\r\n\r\n")), "HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, OneCallersRequestsAreBounded) {
  options_.limits.requests_per_caller = 2;
  Start();
  std::vector<RawPeer> peers;
  for (std::size_t i = 0; i < 2; ++i) {
    peers.push_back(Connect());
    peers.back().Send(From("ada", "/held"));
  }
  ASSERT_TRUE(handler_.WaitFor([&] { return handler_.held.size() == 2; }));
  RawPeer third = Connect();
  third.Send(From("ada", "/echo"));
  const std::string refused = third.ReadAll();
  EXPECT_EQ(StatusLine(refused), "HTTP/1.1 429 Too Many Requests");
  EXPECT_NE(refused.find("Retry-After: 1\r\n"), std::string::npos);
  EXPECT_EQ(metrics_.Of("midwatch_http_refused_total reason=requests_of_caller"), 1);
  RawPeer other = Connect();
  other.Send(From("bob", "/echo"));
  EXPECT_EQ(StatusLine(other.ReadUntil("\r\n\r\n")), "HTTP/1.1 200 OK");
  for (const auto& held : handler_.held) {
    held->Respond({200, {}, "done"});
  }
  peers[0].ReadUntil("done");
  peers[0].Send(From("ada", "/echo"));  // What is answered counts no more.
  EXPECT_EQ(StatusLine(peers[0].ReadUntil("\r\n\r\n")), "HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, OneCallersStreamsAreBounded) {
  options_.limits.streams_per_caller = 2;
  Start();
  std::vector<RawPeer> peers;
  for (std::size_t i = 0; i < 2; ++i) {
    peers.push_back(Connect());
    peers.back().Send(From("ada", "/stream"));
    // One after the other: what follows ends the first peer's stream, and closes the second peer.
    ASSERT_TRUE(handler_.WaitFor([&] { return handler_.streams.size() == i + 1; }));
  }
  RawPeer third = Connect();
  third.Send(From("ada", "/stream"));
  EXPECT_EQ(StatusLine(third.ReadUntil("no more streams")), "HTTP/1.1 429 Too Many Requests");
  EXPECT_EQ(metrics_.Of("midwatch_http_refused_total reason=streams_of_caller"), 1);
  RawPeer other = Connect();
  other.Send(From("bob", "/stream"));
  EXPECT_EQ(StatusLine(other.ReadUntil("\r\n\r\n")), "HTTP/1.1 200 OK");
  handler_.streams[0]->End();
  ASSERT_TRUE(handler_.WaitForClosed(1));
  third.Send(From("ada", "/stream"));  // One that has ended counts no more,
  EXPECT_EQ(StatusLine(third.ReadUntil("\r\n\r\n")), "HTTP/1.1 200 OK");
  peers[1].Close();  // nor one whose peer is gone.
  ASSERT_TRUE(handler_.WaitForClosed(2));
  peers[0].ReadUntil("0\r\n\r\n");
  peers[0].Send(From("ada", "/stream"));
  EXPECT_EQ(StatusLine(peers[0].ReadUntil("\r\n\r\n")), "HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, OneCallersBodiesAreBoundedAndLeaveRoomForOthers) {
  options_.limits.bodies_bytes = 100'000;
  options_.limits.bodies_bytes_per_caller = 50'000;
  Start();
  const auto post = [](const std::string& caller, std::size_t length, std::size_t sent) {
    return "POST /size HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: " + caller +
           "\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n" + std::string(sent, 'a');
  };
  std::optional<RawPeer> holding;
  const std::string got =
      AnswerBeside(holding, post("ada", 45'000, 40'000), post("ada", 30'000, 20'000));
  EXPECT_EQ(StatusLine(got), "HTTP/1.1 429 Too Many Requests");
  RawPeer other = Connect();
  other.Send(post("bob", 45'000, 45'000));
  EXPECT_TRUE(other.ReadAll().ends_with("\r\n\r\n45000"));
  holding->Send(std::string(5'000, 'a'));
  EXPECT_TRUE(holding->ReadAll().ends_with("\r\n\r\n45000"));
}

TEST_F(HttpServerTest, OneCallersUnreadAnswersAreBoundedAndSoAreAll) {
  options_.limits.answers_bytes = std::size_t{20} << 20;
  options_.limits.answers_bytes_per_caller = std::size_t{12} << 20;
  Start();
  constexpr std::size_t kBig = std::size_t{8} << 20;
  const auto ask = [](const std::string& method, const std::string& caller) {
    return method + " /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: " + caller +
           "\r\n\r\n";
  };
  std::vector<RawPeer> peers;
  for (const char* caller : {"ada", "bob"}) {
    peers.push_back(Connect());
    peers.back().Send(ask("GET", caller));
    ASSERT_TRUE(
        handler_.WaitFor([&] { return handler_.requests == static_cast<int>(peers.size()); }));
  }
  const auto answer = [&](const std::string& request) {
    RawPeer peer = Connect();
    peer.Send(request);
    return peer.ReadAll();
  };
  const std::string refused = answer(ask("GET", "ada"));
  EXPECT_EQ(StatusLine(refused), "HTTP/1.1 429 Too Many Requests");
  EXPECT_NE(refused.find("Retry-After: 1\r\n"), std::string::npos);
  EXPECT_EQ(metrics_.Of("midwatch_http_refused_total reason=answers_of_caller"), 1);
  EXPECT_EQ(StatusLine(answer(ask("GET", "eve"))), "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(metrics_.Of("midwatch_http_refused_total reason=answers"), 1);
  const std::string done = answer(ask("POST", "ada"));  // Not to be done a second time.
  EXPECT_EQ(StatusLine(done), "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(done.find("Retry-After"), std::string::npos);
  RawPeer small = Connect();
  small.Send(From("ada", "/echo"));
  EXPECT_EQ(StatusLine(small.ReadUntil("\r\n\r\n")), "HTTP/1.1 200 OK");
  EXPECT_GT(peers[0].ReadAll().size(), kBig);  // What is read counts no more,
  EXPECT_GT(answer(ask("GET", "ada")).size(), kBig);
  peers[0].Close();
  peers[1].Close();  // nor what nobody will read.
  ASSERT_TRUE(WaitForConnections(1));
  EXPECT_GT(answer(ask("GET", "bob")).size(), kBig);
}

TEST_F(HttpServerTest, OneCallersUnreadStreamsAreBounded) {
  options_.limits.answers_bytes_per_caller = std::size_t{20} << 20;
  Start();
  std::vector<RawPeer> peers;
  for (std::size_t i = 0; i < 2; ++i) {
    peers.push_back(Connect());
    peers.back().Send(From("ada", "/stream"));
    ASSERT_TRUE(handler_.WaitFor([&] { return handler_.streams.size() == i + 1; }));
  }
  const std::string large(std::size_t{12} << 20, 'x');
  EXPECT_TRUE(handler_.streams[0]->Write(large));
  EXPECT_FALSE(handler_.streams[1]->Write(large));
  EXPECT_TRUE(handler_.WaitForClosed(1));
  handler_.streams[0]->End();
  EXPECT_GT(peers[0].ReadUntil("\r\n0\r\n\r\n").size(), large.size());
}

}  // namespace
}  // namespace midwatch::http
