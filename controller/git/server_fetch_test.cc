// Fetches from a real web server: git http-backend behind tests/integration/git_server.py.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>

#include "controller/git/test_repository.h"
#include "controller/git/worker_git_client.h"
#include "controller/posix/descriptor.h"
#include "controller/posix/process_recorder.h"
#include "controller/posix/process_runner.h"

namespace midwatch::git {
namespace {

using std::chrono::milliseconds;

struct ServerOptions {
  bool tls = true;
  std::string login = {};                           // `user:password`, or empty.
  std::string name = "IP:127.0.0.1,DNS:localhost";  // What its certificate is for.
};

/// The server as a process; it ends with its standard input.
class GitServer {
 public:
  GitServer(posix::PosixProcessRunner& runner, const std::string& root,
            const ServerOptions& options)
      : tls_(options.tls) {
    ProcessSpec spec;
    spec.command = {"python3", MIDWATCH_SOURCE_DIR "/tests/integration/git_server.py", root};
    spec.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}};
    if (tls_) {
      const std::string files = root + "/tls";
      Shell("mkdir -p '" + files +
            "' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
            "-nodes -days 2 -subj /CN=test -addext subjectAltName=" +
            options.name + " -keyout '" + files + "/key' -out '" + files +
            "/certificate' 2>/dev/null");
      spec.command.insert(spec.command.end(),
                          {"--certificate", files + "/certificate", "--key", files + "/key"});
      std::ifstream pem(files + "/certificate");
      certificate_.assign(std::istreambuf_iterator<char>(pem), {});
    }
    if (const std::size_t colon = options.login.find(':'); colon != std::string::npos) {
      spec.command.insert(spec.command.end(), {"--user", options.login.substr(0, colon),
                                               "--password", options.login.substr(colon + 1)});
    }
    auto process = runner.Start(spec, recorder_);
    EXPECT_TRUE(process.has_value());
    process_ = std::move(*process);
    port_ = recorder_->WaitForOutput("\n");
    EXPECT_FALSE(port_.empty()) << recorder_->errors();
    port_.pop_back();
  }

  std::string Url(const std::string& path, const std::string& host = "127.0.0.1") const {
    return (tls_ ? "https://" : "http://") + host + ":" + port_ + path;
  }
  const std::string& certificate() const { return certificate_; }
  const std::string& port() const { return port_; }

 private:
  bool tls_;
  std::shared_ptr<posix::ProcessRecorder> recorder_ = std::make_shared<posix::ProcessRecorder>();
  std::unique_ptr<Process> process_;
  std::string port_;
  std::string certificate_;
};

class ServerFetchTest : public testing::Test {
 protected:
  ServerFetchTest() { Restart({}); }

  void Restart(GitLimits limits) {
    client_.reset();
    client_ = std::make_unique<WorkerGitClient>(
        runner_, WorkerOptions{.command = {MIDWATCH_GIT_WORKER},
                               .cache_directory = scratch_.path() + "/cache",
                               .limits = limits,
                               .grace = std::chrono::seconds(5)});
  }

  const GitServer& Serve(const ServerOptions& options = {}) {
    server_ = std::make_unique<GitServer>(runner_, scratch_.path(), options);
    return *server_;
  }

  GitFetchRequest Request(const std::string& path = "/git/repo.git",
                          const std::string& host = "127.0.0.1") const {
    GitFetchRequest request;
    request.remote.url = server_->Url(path, host);
    request.remote.ca_pem = server_->certificate();
    return request;
  }

  Result<GitSnapshot> Fetch(GitFetchRequest request) {
    std::promise<Result<GitSnapshot>> promise;
    client_->Fetch("source", std::move(request),
                   [&](Result<GitSnapshot> result) { promise.set_value(std::move(result)); });
    return promise.get_future().get();
  }

  static std::string Show(const Result<GitSnapshot>& snapshot) {
    if (!snapshot) {
      return "error: " + snapshot.error().message;
    }
    std::string text;
    for (const GitEntry& entry : snapshot->entries) {
      text += entry.path + "=" + (entry.too_large ? "<too large>" : entry.bytes) + ";";
    }
    return text;
  }

  void ExpectError(const GitFetchRequest& request, ErrorCode code, const std::string& message) {
    const Result<GitSnapshot> snapshot = Fetch(request);
    ASSERT_FALSE(snapshot.has_value());
    EXPECT_EQ(snapshot.error().code, code) << snapshot.error().message;
    EXPECT_NE(snapshot.error().message.find(message), std::string::npos)
        << snapshot.error().message;
  }

  void ExpectNotFollowed(GitFetchRequest request) {
    request.remote.username = "me";
    request.remote.password = Secret<std::string>("hunter2");
    const Result<GitSnapshot> snapshot = Fetch(request);
    ASSERT_FALSE(snapshot.has_value());
    EXPECT_NE(snapshot.error().message.find("redirect"), std::string::npos)
        << snapshot.error().message;
  }

  ScratchDirectory scratch_;
  TestRepository repository_{scratch_.path()};
  posix::PosixProcessRunner runner_;
  std::unique_ptr<WorkerGitClient> client_;
  std::unique_ptr<GitServer> server_;
};

TEST_F(ServerFetchTest, ReadsAndFollowsABranch) {
  Serve();
  repository_.Write("a/x", "1");
  repository_.Commit();
  const Result<GitSnapshot> first = Fetch(Request());
  EXPECT_EQ(Show(first), "a/x=1;");
  GitFetchRequest request = Request();
  request.known_tree = first->revision.tree;
  EXPECT_TRUE(Fetch(request)->unchanged);
  repository_.Write("a/x", "2");
  const std::string second = repository_.Commit();
  const Result<GitSnapshot> changed = Fetch(request);
  EXPECT_EQ(Show(changed), "a/x=2;");
  EXPECT_EQ(changed->revision.commit, second);
}

TEST_F(ServerFetchTest, ReadsTagsAndCommits) {
  Serve();
  repository_.Write("v", "1");
  const std::string first = repository_.Commit();
  repository_.Git("-c user.name=a -c user.email=a@b tag -a v1 -m x");
  repository_.Write("v", "2");
  repository_.Commit();
  GitFetchRequest tag = Request();
  tag.remote.ref_kind = GitRefKind::kTag;
  tag.remote.ref = "v1";
  EXPECT_EQ(Show(Fetch(tag)), "v=1;");
  EXPECT_EQ(Fetch(tag)->revision.commit, first);
  GitFetchRequest commit = Request();
  commit.remote.ref_kind = GitRefKind::kCommit;
  commit.remote.ref = first;
  EXPECT_EQ(Show(Fetch(commit)), "v=1;");
  commit.remote.ref = std::string(40, '7');
  ExpectError(commit, ErrorCode::kNotFound, "is on no branch or tag of the repository");
}

TEST_F(ServerFetchTest, WorksOverPlainHttpWithoutCredentials) {
  Serve({.tls = false});
  repository_.Write("a", "1");
  repository_.Commit();
  EXPECT_EQ(Show(Fetch(Request())), "a=1;");
}

TEST_F(ServerFetchTest, LogsInOnce) {
  Serve({.login = "me:hunter2"});
  repository_.Write("a", "1");
  repository_.Commit();
  GitFetchRequest request = Request();
  ExpectError(request, ErrorCode::kUnauthorized, "wants a login");
  request.remote.username = "me";
  request.remote.password = Secret<std::string>("wrong");
  ExpectError(request, ErrorCode::kUnauthorized, "the server refused the login");
  request.remote.password = Secret<std::string>("hunter2");
  EXPECT_EQ(Show(Fetch(request)), "a=1;");
}

TEST_F(ServerFetchTest, TrustsOnlyTheGivenAuthorityAndTheRightName) {
  Serve({.name = "DNS:localhost"});
  repository_.Write("a", "1");
  repository_.Commit();
  EXPECT_EQ(Show(Fetch(Request("/git/repo.git", "localhost"))), "a=1;");
  ExpectError(Request(), ErrorCode::kUnavailable, "IP address mismatch");
  GitFetchRequest system_roots = Request("/git/repo.git", "localhost");
  system_roots.remote.ca_pem.clear();
  ExpectError(system_roots, ErrorCode::kUnavailable, "is not trusted");
  system_roots.remote.ca_pem = "nonsense";
  ExpectError(system_roots, ErrorCode::kInvalid, "ca.crt");
}

TEST_F(ServerFetchTest, TellsMissingRefusedAndBroken) {
  Serve();
  ExpectError(Request("/git/none.git"), ErrorCode::kNotFound, "does not exist on the server");
  ExpectError(Request("/status/403"), ErrorCode::kForbidden, "403");
  ExpectError(Request("/status/503"), ErrorCode::kUnavailable, "503");
  ExpectError(Request("/status/429"), ErrorCode::kTooManyRequests, "429");
  ExpectError(Request(), ErrorCode::kNotFound, "the repository is empty");
  GitFetchRequest nobody = Request();
  nobody.remote.url = "https://127.0.0.1:1/x.git";
  ExpectError(nobody, ErrorCode::kUnavailable, "cannot connect to 127.0.0.1:1");
}

// Security case s15.
TEST_F(ServerFetchTest, RedirectsStayOnTheServer) {
  const std::string other = Serve({.login = "me:hunter2"}).port();
  const std::unique_ptr<GitServer> first = std::move(server_);
  Serve();
  repository_.Write("a", "1");
  repository_.Commit();
  EXPECT_EQ(Show(Fetch(Request("/redirect/repo.git"))), "a=1;");
  ExpectNotFollowed(Request("/elsewhere/" + other + "/repo.git"));
}

/// A port where nobody answers, and whether anybody has come.
class Stranger {
 public:
  Stranger() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* bare = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(fd_.get(), bare, size), 0);
    EXPECT_EQ(listen(fd_.get(), 16), 0);
    EXPECT_EQ(getsockname(fd_.get(), bare, &size), 0);
    port_ = std::to_string(ntohs(address.sin_port));
  }
  const std::string& port() const { return port_; }
  bool WasMet() const {
    const posix::Descriptor peer(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return bool{peer};
  }

 private:
  const posix::Descriptor fd_{socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  std::string port_;
};

TEST_F(ServerFetchTest, WhoIsRedirectedToIsNotEvenConnectedTo) {
  const Stranger stranger;
  Serve({.login = "me:hunter2"});
  repository_.Write("a", "1");
  repository_.Commit();
  const auto expect_that_it_stays = [&](const std::string& path, const std::string& host) {
    GitFetchRequest request = Request(path, host);
    request.deadline = std::chrono::seconds(5);
    ExpectNotFollowed(std::move(request));
    EXPECT_FALSE(stranger.WasMet()) << path << " of " << host;
  };
  for (const std::string kind : {"elsewhere/", "plain/"}) {
    for (const std::string host : {"127.0.0.1", "localhost"}) {
      const std::string there = kind + stranger.port();
      expect_that_it_stays("/" + there + "/repo.git", host);
      std::ofstream(scratch_.path() + "/fault") << "later " << there;  // Once the login was shown.
      expect_that_it_stays("/git/repo.git", host);
      std::filesystem::remove(scratch_.path() + "/fault");
    }
  }
}

TEST_F(ServerFetchTest, AStalledOrTricklingServerEndsAtTheDeadline) {
  Serve();
  for (const std::string path : {"/stall/x.git", "/trickle/x.git"}) {
    GitFetchRequest request = Request(path);
    request.deadline = milliseconds(500);
    const auto start = std::chrono::steady_clock::now();
    ExpectError(request, ErrorCode::kTimeout, "in time");
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  }
}

TEST_F(ServerFetchTest, AnEndlessServerEndsAtTheLimitOfBytes) {
  Serve();
  Restart({.fetch_bytes = std::uint64_t{4} << 20});
  ExpectError(Request("/endless/x.git"), ErrorCode::kTooLarge, "limit of one fetch");
}

// Security cases s13 and s14.
TEST_F(ServerFetchTest, LimitsOfAFetchAreCrossed) {
  Serve();
  repository_.CommitMany(1'000);
  Restart({.fetch_objects = 100});
  ExpectError(Request(), ErrorCode::kTooLarge, "more than 100 objects");
  Restart({.fetch_bytes = 4'000});
  ExpectError(Request(), ErrorCode::kTooLarge, "more than 4000 bytes");
  Restart({.disk_bytes = 4'000});
  ExpectError(Request(), ErrorCode::kTooLarge, "would have more than 4000 bytes");
  Restart({});
  EXPECT_EQ(Fetch(Request())->entries.size(), 1'000u);
}

TEST_F(ServerFetchTest, ADamagedCacheMendsItself) {
  Serve();
  repository_.Write("a", "1");
  repository_.Commit();
  EXPECT_EQ(Show(Fetch(Request())), "a=1;");
  const std::string cache = Shell("echo '" + scratch_.path() + "'/cache/*");
  Restart({});
  Shell("rm -f '" + cache + "'/objects/pack/*.idx; touch '" + cache +
        "/refs/midwatch/current.lock' '" + cache + "/objects/pack/pack_left_over'");
  EXPECT_EQ(Show(Fetch(Request())), "a=1;");
  EXPECT_FALSE(std::filesystem::exists(cache + "/objects/pack/pack_left_over"));
  Restart({});
  Shell("for f in '" + cache +
        "'/objects/pack/*.pack; do chmod u+w \"$f\"; truncate -s 40 \"$f\"; done");
  EXPECT_EQ(Show(Fetch(Request())), "a=1;");
}

TEST_F(ServerFetchTest, AForcePushAndARecreatedRemoteAreFollowed) {
  Serve();
  repository_.Write("a", "1");
  repository_.Commit();
  EXPECT_EQ(Show(Fetch(Request())), "a=1;");
  std::filesystem::remove_all(repository_.bare());
  ExpectError(Request(), ErrorCode::kNotFound, "does not exist");
  std::filesystem::remove_all(repository_.work());
  repository_.Create();
  repository_.Write("b", "2");
  repository_.Commit();
  EXPECT_EQ(Show(Fetch(Request())), "b=2;");
}

}  // namespace
}  // namespace midwatch::git
