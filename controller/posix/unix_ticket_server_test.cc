#include "controller/posix/unix_ticket_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "controller/posix/process_recorder.h"
#include "controller/posix/process_runner.h"
#include "controller/posix/sandbox.h"

namespace midwatch::posix {
namespace {

/// Answers each piece with itself, doubled, and remembers the order of calls.
class Echo final : public TicketSink {
 public:
  void OnOpen(std::shared_ptr<TicketConnection> connection) override {
    const std::lock_guard lock(mutex_);
    connection_ = std::move(connection);
  }
  void OnBytes(std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    connection_->Write(std::string(bytes) + std::string(bytes));
  }
  void OnClosed() override {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  bool WaitUntilClosed() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return closed_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<TicketConnection> connection_;
  bool closed_ = false;
};

class UnixTicketServerTest : public testing::Test {
 protected:
  UnixTicketServerTest() {
    auto server = UnixTicketServer::Start(
        testing::TempDir() + "/tickets-" + std::to_string(getpid()), runner_, log_);
    EXPECT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    auto socket = server_->Open("session", Secret<std::string>("right"), [this] {
      const std::lock_guard lock(mutex_);
      echoes_.push_back(std::make_shared<Echo>());
      return echoes_.back();
    });
    EXPECT_TRUE(socket) << socket.error().message;
    socket_ = std::move(*socket);
  }
  /// `midwatch mcp` as a process of its own.
  std::pair<std::unique_ptr<Process>, std::shared_ptr<ProcessRecorder>> Proxy(
      const std::string& ticket) {
    ProcessSpec spec;
    spec.command = {MIDWATCH_WATCHDOG, "mcp", socket_->path()};
    spec.environment = {{"MIDWATCH_TICKET", ticket}};
    auto sink = std::make_shared<ProcessRecorder>();
    auto process = runner_.Start(spec, sink);
    EXPECT_TRUE(process);
    return {std::move(*process), sink};
  }
  std::shared_ptr<Echo> First() {
    const std::lock_guard lock(mutex_);
    return echoes_.at(0);
  }
  std::size_t Accepted() {
    const std::lock_guard lock(mutex_);
    return echoes_.size();
  }

  PosixProcessRunner runner_{RunnerOptions{.watchdog = {MIDWATCH_WATCHDOG}, .sandbox = {}}};
  NoLog log_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Echo>> echoes_;
  std::unique_ptr<UnixTicketServer> server_;
  std::unique_ptr<TicketSocket> socket_;
};

TEST_F(UnixTicketServerTest, PassesLinesBothWaysThroughTheProxy) {
  auto [process, sink] = Proxy("right");
  process->Write("hello\n");
  EXPECT_EQ(sink->WaitForOutput("hello\nhello\n"), "hello\nhello\n");
  process->CloseInput();
  EXPECT_TRUE(First()->WaitUntilClosed());
  EXPECT_EQ(sink->WaitForExit().value_or(ProcessExit{.code = 9}).code, 0);
}

// Security case s60.
TEST_F(UnixTicketServerTest, RefusesAWrongTicket) {
  auto [process, sink] = Proxy("wrong");
  process->Write("hello\n");
  EXPECT_TRUE(sink->WaitForExit());
  EXPECT_EQ(sink->output(), "");
  EXPECT_EQ(Accepted(), 0u);
}

TEST_F(UnixTicketServerTest, RefusesATicketWithoutEnd) {
  auto [process, sink] = Proxy(std::string(UnixTicketServer::kMaxTicket + 1, 'x'));
  EXPECT_TRUE(sink->WaitForExit());
  EXPECT_EQ(Accepted(), 0u);
}

TEST_F(UnixTicketServerTest, ServesSeveralConnections) {
  auto [first, first_sink] = Proxy("right");
  auto [second, second_sink] = Proxy("right");
  first->Write("1\n");
  second->Write("2\n");
  EXPECT_EQ(first_sink->WaitForOutput("1\n1\n"), "1\n1\n");
  EXPECT_EQ(second_sink->WaitForOutput("2\n2\n"), "2\n2\n");
}

TEST_F(UnixTicketServerTest, ClosesEverythingWithItsSocket) {
  auto [process, sink] = Proxy("right");
  process->Write("x\n");
  sink->WaitForOutput("x\nx\n");
  const std::string path = socket_->path();
  const std::string directory = socket_->directory();
  EXPECT_TRUE(std::filesystem::is_directory(directory));
  EXPECT_EQ(std::filesystem::status(path).permissions() & std::filesystem::perms::others_all,
            std::filesystem::perms::none);
  socket_.reset();
  EXPECT_TRUE(First()->WaitUntilClosed());
  EXPECT_TRUE(sink->WaitForExit());
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_FALSE(std::filesystem::exists(directory));
}

TEST_F(UnixTicketServerTest, TheProxySaysWhenTheAgentIsNotThere) {
  const std::string path = socket_->path();
  ProcessSpec spec;
  spec.command = {MIDWATCH_WATCHDOG, "mcp", path + "x"};
  spec.environment = {{"MIDWATCH_TICKET", "right"}};
  const auto sink = std::make_shared<ProcessRecorder>();
  const auto process = runner_.Start(spec, sink);
  ASSERT_TRUE(process);
  EXPECT_EQ(sink->WaitForExit().value_or(ProcessExit{}).code, 1);
  EXPECT_NE(sink->errors().find("connect to " + path), std::string::npos);
}

/// A connection that says nothing.
Descriptor Connected(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return fd;
}

TEST_F(UnixTicketServerTest, TheTicketOfOneSessionOpensNoOther) {
  bool met = false;
  const auto other = server_->Open("other", Secret<std::string>("theirs"), [&] {
    met = true;
    return nullptr;
  });
  ASSERT_TRUE(other);
  const Descriptor peer = Connected((*other)->path());
  ASSERT_EQ(write(peer.get(), "right\n", 6), 6);
  char byte = 0;
  EXPECT_EQ(read(peer.get(), &byte, 1), 0);
  EXPECT_FALSE(met);
}

TEST_F(UnixTicketServerTest, AFloodedSocketDoesNotStarveAnother) {
  const auto other = server_->Open("other", Secret<std::string>("t"), [] { return nullptr; });
  ASSERT_TRUE(other);
  std::vector<Descriptor> silent;
  for (std::size_t i = 0; i < UnixTicketServer::kMaxConnections + 8; ++i) {
    silent.push_back(Connected((*other)->path()));
  }
  auto [process, sink] = Proxy("right");
  process->Write("1\n");
  EXPECT_EQ(sink->WaitForOutput("1\n1\n"), "1\n1\n");
}

TEST_F(UnixTicketServerTest, AnsweringWrongTicketsMakesRoomForTheRightOne) {
  for (std::size_t i = 0; i < 2 * UnixTicketServer::kMaxConnections; ++i) {
    const Descriptor guess = Connected(socket_->path());
    ASSERT_EQ(write(guess.get(), "guess\n", 6), 6);
    char byte = 0;
    EXPECT_EQ(read(guess.get(), &byte, 1), 0) << "it is closed without a word";
  }
  EXPECT_EQ(Accepted(), 0u);
  auto [process, sink] = Proxy("right");
  process->Write("1\n");
  EXPECT_EQ(sink->WaitForOutput("1\n1\n"), "1\n1\n");
}

TEST_F(UnixTicketServerTest, ADirectoryServesOneProcess) {
  const std::string directory = testing::TempDir() + "/tickets-" + std::to_string(getpid());
  const auto second = UnixTicketServer::Start(directory, runner_, log_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kAlreadyExists);
  EXPECT_NE(second.error().message.find("--data"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(socket_->path())) << "the first one's sockets stay";
  socket_.reset();
  server_.reset();
  EXPECT_TRUE(UnixTicketServer::Start(directory, runner_, log_));
}

TEST_F(UnixTicketServerTest, GivesWhatTheSidecarNeedsToItsUser) {
  if (geteuid() != 0) GTEST_SKIP() << "this process is not root";
  const auto server =
      UnixTicketServer::Start(testing::TempDir() + "/owned", runner_, log_, kSandboxUser);
  ASSERT_TRUE(server);
  const auto socket = (*server)->Open("s", Secret<std::string>("t"), [] { return nullptr; });
  ASSERT_TRUE(socket);
  struct stat info {};
  for (const std::string& path : {(*socket)->path(), (*socket)->directory()}) {
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, kSandboxUser) << path;
    EXPECT_EQ(info.st_gid, getegid()) << path;
    EXPECT_EQ(info.st_mode & (S_IRGRP | S_IWGRP | S_IRWXO), 0U)
        << "nobody else's to read: " << path;
  }
}

TEST_F(UnixTicketServerTest, RefusesAPathThatDoesNotFit) {
  auto server =
      UnixTicketServer::Start(testing::TempDir() + "/" + std::string(100, 'x'), runner_, log_);
  ASSERT_TRUE(server);
  const auto socket = (*server)->Open("s", Secret<std::string>("t"), [] { return nullptr; });
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace midwatch::posix
