// The service and its client, joined without a network; integration tests put the real server
// between.

#include "controller/artifacts/artifact_service.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <future>

#include "controller/artifacts/http_artifact_store.h"
#include "controller/artifacts/log_followers.h"
#include "controller/base/digest.h"

namespace midwatch::artifacts {
namespace {

/// Keeps what a stream brings and waits for it.
class RecordingSink final : public HttpBodySink {
 public:
  void OnHead(const HttpResponse& head) override {
    Change([&] { status_ = head.status; });
  }
  void OnBytes(std::string_view bytes) override {
    Change([&] { bytes_ += bytes; });
  }
  void OnEnd(Result<void>) override {
    Change([&] { ended_ = true; });
  }

  bool WaitFor(const std::string& bytes) {
    return Wait([&] { return bytes_ == bytes; });
  }
  bool WaitForEnd() {
    return Wait([&] { return ended_; });
  }
  int WaitForStatus() {
    Wait([&] { return status_ != 0; });
    return status_;
  }

 private:
  void Change(const std::function<void()>& change) {
    const std::scoped_lock lock(mutex_);
    change();
    changed_.notify_all();
  }
  bool Wait(const std::function<bool()>& ready) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), ready);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int status_ = 0;
  std::string bytes_;
  bool ended_ = false;
};

/// An HttpClient whose server is a handler of this process.
class DirectClient final : public HttpClient {
 public:
  explicit DirectClient(HttpHandler& handler) : handler_(handler) {}

  bool may_stream = true;

  void Send(HttpCall call, std::function<void(Result<HttpResponse>)> done) override {
    handler_.Handle(RequestOf(std::move(call)), std::make_unique<Whole>(std::move(done)));
  }
  std::unique_ptr<HttpStreamHandle> Stream(HttpCall call,
                                           std::shared_ptr<HttpBodySink> sink) override {
    const auto body = std::make_shared<Body>(std::move(sink));
    body->may_stream = may_stream;
    handler_.Handle(RequestOf(std::move(call)), std::make_unique<Streamed>(body));
    return std::make_unique<Handle>(body);
  }

 private:
  struct Body final : HttpStream {
    explicit Body(std::shared_ptr<HttpBodySink> to) : sink(std::move(to)) {}
    bool Write(std::string bytes) override {
      if (gone) {
        return false;
      }
      sink->OnBytes(bytes);
      return true;
    }
    void End() override { sink->OnEnd({}); }
    std::shared_ptr<HttpBodySink> sink;
    std::function<void()> closed;
    bool may_stream = true;
    std::atomic<bool> gone = false;
  };
  struct Whole final : HttpResponder {
    explicit Whole(std::function<void(Result<HttpResponse>)> to) : done(std::move(to)) {}
    void Respond(HttpResponse response) override { done(std::move(response)); }
    std::shared_ptr<HttpStream> Stream(HttpResponse, std::function<void()>) override {
      ADD_FAILURE() << "a stream was not asked for";
      return nullptr;
    }
    std::function<void(Result<HttpResponse>)> done;
  };
  struct Streamed final : HttpResponder {
    explicit Streamed(std::shared_ptr<Body> to) : body(std::move(to)) {}
    void Respond(HttpResponse response) override {
      body->sink->OnHead(response);
      body->sink->OnEnd({});
    }
    std::shared_ptr<HttpStream> Stream(HttpResponse head, std::function<void()> closed) override {
      if (!body->may_stream) {
        return nullptr;
      }
      body->closed = std::move(closed);
      body->sink->OnHead(head);
      return body;
    }
    std::shared_ptr<Body> body;
  };
  struct Handle final : HttpStreamHandle {
    explicit Handle(std::shared_ptr<Body> of) : body(std::move(of)) {}
    ~Handle() override {
      body->gone = true;
      if (body->closed) {
        body->closed();
      }
    }
    std::shared_ptr<Body> body;
  };

  static HttpRequest RequestOf(HttpCall call) {
    HttpRequest request;
    request.method = std::move(call.method);
    request.target = std::move(call.target);
    request.headers = std::move(call.headers);
    request.body = std::move(call.body);
    return request;
  }

  HttpHandler& handler_;
};

class ArtifactServiceTest : public testing::Test {
 protected:
  ArtifactServiceTest() {
    std::string form = std::filesystem::temp_directory_path() / "midwatch-service-XXXXXX";
    directory_ = mkdtemp(form.data());
    store_ = DirectoryStore::Open(directory_).value();
    service_ = std::make_unique<ArtifactService>(ArtifactService::Ports{
        *store_,
        [this](const ArtifactAccess& access, const std::function<void(Result<void>)>& done) {
          const bool reads = access.verb == ArtifactAccess::Verb::kRead;
          if (access.authorization == "Bearer all" ||
              (access.authorization == "Bearer revocable" && reads && !revoked_) ||
              (access.authorization == "Bearer reader" && reads && access.object == "runs/x")) {
            done({});
          } else if (access.authorization.empty()) {
            done(Fail(ErrorCode::kUnauthorized, "who are you"));
          } else {
            done(Fail(ErrorCode::kForbidden, "not this one"));
          }
        },
        [this](std::string prefix, std::string text, std::size_t limit, auto done) {
          store_->Search(std::move(prefix), std::move(text), limit, std::move(done));
        },
        [](const ArtifactAccess& access) {
          return access.authorization == "Bearer all" ? Result<void>()
                                                      : Fail(ErrorCode::kForbidden, "not this one");
        },
        [this](const ArtifactAccess& access) { stored_.push_back(access.digest); }});
    client_ = std::make_unique<DirectClient>(*service_);
    remote_ = Remote("all");
  }
  ~ArtifactServiceTest() override {
    service_.reset();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  std::unique_ptr<HttpArtifactStore> Remote(const std::string& token,
                                            const std::string& object = {}) {
    return std::make_unique<HttpArtifactStore>(
        *client_, HttpArtifactOptions{.token = Secret<std::string>(token), .object = object});
  }

  template <typename T, typename Call>
  static Result<T> Wait(Call call) {
    std::promise<Result<T>> promise;
    call([&](Result<T> result) { promise.set_value(std::move(result)); });
    return promise.get_future().get();
  }
  static Result<std::string> Put(ArtifactStore& store, std::string bytes) {
    return Wait<std::string>([&](auto done) { store.Put(std::move(bytes), done); });
  }
  static Result<std::string> Get(ArtifactStore& store, std::string digest) {
    return Wait<std::string>([&](auto done) { store.Get(std::move(digest), done); });
  }
  Result<std::uint64_t> Append(std::uint64_t offset, std::string bytes,
                               ArtifactStore* to = nullptr) {
    ArtifactStore& store = to == nullptr ? *remote_ : *to;
    return Wait<std::uint64_t>(
        [&](auto done) { store.Append("runs/a/b", offset, std::move(bytes), done); });
  }
  Result<std::string> Read(std::uint64_t offset, std::size_t limit, std::string log = "runs/a/b") {
    return Wait<std::string>(
        [&](auto done) { remote_->Read(std::move(log), offset, limit, done); });
  }
  HttpResponse Send(const std::string& method, const std::string& target) {
    HttpCall call;
    call.method = method;
    call.target = target;
    call.headers = {{"Authorization", "Bearer all"}};
    return Wait<HttpResponse>([&](auto done) { client_->Send(call, done); }).value();
  }

  BodyPermit Permit(std::string method, std::string target, std::string token = "all") {
    return *service_->PermitBody({std::move(method),
                                  std::move(target),
                                  {{"Authorization", "Bearer " + std::move(token)}},
                                  {},
                                  {}});
  }

  std::string directory_;
  std::vector<std::string> stored_;  // By Puts, before their answer.
  std::atomic<bool> revoked_ = false;
  std::unique_ptr<DirectoryStore> store_;
  std::unique_ptr<ArtifactService> service_;
  std::unique_ptr<DirectClient> client_;
  std::unique_ptr<HttpArtifactStore> remote_;
};

TEST_F(ArtifactServiceTest, ContentGoesThereAndBack) {
  const std::string content("bytes \0 and more", 16);
  const Result<std::string> digest = Put(*remote_, content);
  ASSERT_TRUE(digest.has_value()) << digest.error().message;
  EXPECT_EQ(*digest, DigestOf(content));
  EXPECT_EQ(Get(*remote_, *digest).value(), content);
  EXPECT_EQ(Get(*remote_, DigestOf("x")).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Get(*remote_, "sha256:x").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Put(*remote_, std::string(kMaxArtifactBytes + 1, 'x')).error().code,
            ErrorCode::kTooLarge);
}

TEST_F(ArtifactServiceTest, ContentUnderAnotherDigestIsRefused) {
  EXPECT_EQ(Send("PUT", "/artifacts/v1/blobs/" + DigestOf("other")).status, 422);
  EXPECT_TRUE(stored_.empty());
}

TEST_F(ArtifactServiceTest, WhoStoredWhatIsToldBeforeItIsAnswered) {
  const std::string digest = Put(*remote_, "x").value();
  EXPECT_EQ(stored_, std::vector<std::string>{digest});
}

TEST_F(ArtifactServiceTest, BodiesAreLimitedByWhatTheyAreBeforeTheyAreRead) {
  const std::string blob = "/artifacts/v1/blobs/" + DigestOf("x");
  EXPECT_EQ(Permit("PUT", blob).bytes, kMaxArtifactBytes);
  EXPECT_EQ(Permit("PUT", blob).beyond.status, 413);
  EXPECT_EQ(Permit("POST", "/artifacts/v1/logs/runs%2Fa%2Fb?offset=0").bytes, kMaxAppendBytes);
  for (const auto& [permit, status] : {std::pair{Permit("PUT", blob, "stranger"), 403},
                                       {Permit("DELETE", blob), 405},
                                       {Permit("PUT", "/artifacts/v1/blobs/x"), 422},
                                       {Permit("PUT", "/artifacts/v1/x"), 404}}) {
    EXPECT_EQ(permit.bytes, 0U);
    EXPECT_EQ(permit.beyond.status, status);
  }
}

TEST_F(ArtifactServiceTest, WhoAsksForMuchDoesNotHoldUpOthers) {
  constexpr int kMany = 100;
  const std::string large = *Put(*remote_, std::string(std::size_t{4} << 20, 'x'));
  const std::string small = *Put(*remote_, "small");
  const auto reader = Remote("reader", "runs/x");
  std::atomic<int> answered = 0;
  std::promise<void> all;
  for (int i = 0; i < kMany; ++i) {
    remote_->Get(large, [&](const Result<std::string>& got) {
      EXPECT_TRUE(got);
      if (++answered == kMany) all.set_value();
    });
  }
  EXPECT_TRUE(Get(*reader, small));
  EXPECT_LT(answered, kMany / 2);
  all.get_future().wait();
}

TEST_F(ArtifactServiceTest, LogsGrowByCompareAndSwap) {
  EXPECT_EQ(Append(0, "one\n").value(), 4u);
  EXPECT_EQ(Append(0, "one\n").error().code, ErrorCode::kConflict);
  EXPECT_EQ(Append(4, "two\n").value(), 8u);
  EXPECT_EQ(Read(0, 100).value(), "one\ntwo\n");
  EXPECT_EQ(Read(4, 2).value(), "tw");
  EXPECT_EQ(Read(8, 100).value(), "");
  EXPECT_EQ(Read(0, 100, "runs/none").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Append(8, std::string(kMaxAppendBytes + 1, 'x')).error().code, ErrorCode::kTooLarge);
}

TEST_F(ArtifactServiceTest, EveryCallIsAuthorised) {
  const std::string digest = Put(*remote_, "x").value();
  const auto nobody = Remote("");
  const auto stranger = Remote("stranger");
  const auto reader = Remote("reader", "runs/x");
  const auto wrong_object = Remote("reader", "runs/y");
  EXPECT_EQ(Get(*nobody, digest).error().code, ErrorCode::kUnauthorized);
  EXPECT_EQ(Get(*stranger, digest).error(), (Error{ErrorCode::kForbidden, "not this one"}));
  EXPECT_EQ(Get(*wrong_object, digest).error().code, ErrorCode::kForbidden);
  EXPECT_EQ(Get(*reader, digest).value(), "x");
  EXPECT_EQ(Put(*reader, "y").error().code, ErrorCode::kForbidden);
  EXPECT_EQ(Append(0, "x", reader.get()).error().code, ErrorCode::kForbidden);
  const auto sink = std::make_shared<RecordingSink>();
  const auto follow = stranger->Follow("runs/a/b", 0, sink);
  EXPECT_EQ(sink->WaitForStatus(), 403);
}

TEST_F(ArtifactServiceTest, AFollowerGetsWhatIsThereAndWhatComes) {
  ASSERT_TRUE(Append(0, "one\n").has_value());
  const auto sink = std::make_shared<RecordingSink>();
  auto follow = remote_->Follow("runs/a/b", 2, sink);
  EXPECT_TRUE(sink->WaitFor("e\n"));
  std::uint64_t end = 4;
  std::string all = "e\n";
  for (int i = 0; i < 50; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    end = Append(end, line).value();
    all += line;
  }
  EXPECT_TRUE(sink->WaitFor(all));
  EXPECT_EQ(service_->followers(), 1u);
  follow.reset();
  EXPECT_EQ(service_->followers(), 0u);
  EXPECT_TRUE(Append(end, "nobody listens").has_value());
}

TEST_F(ArtifactServiceTest, AFollowerWhoMayReadNoMoreGetsNoMore) {
  const auto reader = Remote("revocable");
  const auto sink = std::make_shared<RecordingSink>();
  const auto follow = reader->Follow("runs/a/b", 0, sink);
  ASSERT_EQ(Append(0, "one\n").value(), 4u);
  EXPECT_TRUE(sink->WaitFor("one\n"));
  revoked_ = true;
  ASSERT_TRUE(Append(4, "two\n").has_value());
  EXPECT_TRUE(sink->WaitForEnd());
  EXPECT_TRUE(sink->WaitFor("one\n"));
  EXPECT_EQ(service_->followers(), 0u);
}

TEST_F(ArtifactServiceTest, ALogThatDoesNotExistYetIsWaitedFor) {
  const auto sink = std::make_shared<RecordingSink>();
  const auto follow = remote_->Follow("runs/a/b", 0, sink);
  EXPECT_EQ(sink->WaitForStatus(), 200);
  ASSERT_TRUE(Append(0, "first\n").has_value());
  EXPECT_TRUE(sink->WaitFor("first\n"));
  service_.reset();
  EXPECT_TRUE(sink->WaitForEnd());
}

TEST_F(ArtifactServiceTest, FollowingFromFarBehindIsRefused) {
  ASSERT_TRUE(Append(0, std::string(kMaxFollowBacklog + 1, 'x')).has_value());
  const auto behind = std::make_shared<RecordingSink>();
  const auto refused = remote_->Follow("runs/a/b", 0, behind);
  EXPECT_EQ(behind->WaitForStatus(), 422);
  const auto near = std::make_shared<RecordingSink>();
  const auto follow = remote_->Follow("runs/a/b", 1, near);
  EXPECT_TRUE(near->WaitFor(std::string(kMaxFollowBacklog, 'x')));
}

TEST_F(ArtifactServiceTest, WhoHasTooManyStreamsIsRefusedOneMore) {
  client_->may_stream = false;
  const auto sink = std::make_shared<RecordingSink>();
  const auto follow = remote_->Follow("runs/a/b", 0, sink);
  EXPECT_EQ(sink->WaitForStatus(), 429);
  EXPECT_EQ(service_->followers(), 0u);
}

TEST_F(ArtifactServiceTest, SearchGivesLines) {
  ASSERT_TRUE(Append(0, "all fine\nerror: disk\n").has_value());
  const HttpResponse found = Send("GET", "/artifacts/v1/search?log=runs%2Fa%2F&text=error");
  EXPECT_EQ(found.status, 200);
  EXPECT_EQ(found.body, R"({"items":[{"line":"error: disk","log":"runs/a/b","offset":9}]})");
}

struct RouteCase {
  std::string method;
  std::string target;
  int status;
};

TEST_F(ArtifactServiceTest, BadRequestsAreTold) {
  const std::string blob = "/artifacts/v1/blobs/" + DigestOf("x");
  for (const RouteCase& c :
       {RouteCase{"GET", "/", 404}, RouteCase{"GET", "/artifacts/v1/", 404},
        RouteCase{"GET", "/artifacts/v1/blobs", 404},
        RouteCase{"GET", "/artifacts/v1/other/x", 404},
        RouteCase{"GET", "/artifacts/v1/blobs/", 422},
        RouteCase{"GET", "/artifacts/v1/blobs/..%2F..%2Fetc", 422},
        RouteCase{"GET", "/artifacts/v1/blobs/%zz", 400}, RouteCase{"DELETE", blob, 405},
        RouteCase{"POST", blob, 405}, RouteCase{"PUT", "/artifacts/v1/logs/a", 405},
        RouteCase{"POST", "/artifacts/v1/search?log=a&text=b", 405},
        RouteCase{"GET", "/artifacts/v1/logs/..%2Fx", 422},
        RouteCase{"GET", "/artifacts/v1/logs/a?offset=-1", 400},
        RouteCase{"GET", "/artifacts/v1/logs/a?offset=99999999999999999999", 400},
        RouteCase{"GET", "/artifacts/v1/logs/a?color=blue", 400},
        RouteCase{"GET", "/artifacts/v1/search?text=b", 400}, RouteCase{"GET", blob, 404}}) {
    const HttpResponse response = Send(c.method, c.target);
    EXPECT_EQ(response.status, c.status) << c.method << " " << c.target << " " << response.body;
    EXPECT_NE(response.body.find("\"kind\":\"Status\""), std::string::npos);
  }
}

/// A store that answers a Put when it is told to.
class LateStore final : public ArtifactStore {
 public:
  void Put(std::string bytes, std::function<void(Result<std::string>)> done) override {
    answer = [digest = DigestOf(bytes), done = std::move(done)] { done(digest); };
  }
  void Get(std::string, std::function<void(Result<std::string>)>) override {}
  void Append(std::string, std::uint64_t, std::string,
              std::function<void(Result<std::uint64_t>)>) override {}
  void Read(std::string, std::uint64_t, std::size_t,
            std::function<void(Result<std::string>)>) override {}

  std::function<void()> answer;
};

/// A service to which something is being uploaded.
class ArtifactServiceEndTest : public testing::Test {
 protected:
  ArtifactServiceEndTest() {
    HttpArtifactStore(client_, HttpArtifactOptions{}).Put("x", [](const auto&) {});
  }

  LateStore store_;
  std::function<void()> on_stored_ = [] {};
  std::unique_ptr<ArtifactService> service_ =
      std::make_unique<ArtifactService>(ArtifactService::Ports{
          .store = store_,
          .authorize = [](const ArtifactAccess&,
                          const std::function<void(Result<void>)>& done) { done({}); },
          .stored = [this](const ArtifactAccess&) { on_stored_(); }});
  DirectClient client_{*service_};
};

TEST_F(ArtifactServiceEndTest, AStoreThatAnswersLateFindsNobodyToTell) {
  bool told = false;
  on_stored_ = [&] { told = true; };
  service_.reset();
  store_.answer();
  EXPECT_FALSE(told);
}

TEST_F(ArtifactServiceEndTest, WhoIsBeingToldIsWaitedFor) {
  std::promise<void> telling;
  std::promise<void> told;
  on_stored_ = [&] {
    telling.set_value();
    told.get_future().wait();
  };
  const auto answered = std::async(std::launch::async, [&] { store_.answer(); });
  telling.get_future().wait();
  const auto ended = std::async(std::launch::async, [&] { service_.reset(); });
  EXPECT_EQ(ended.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  told.set_value();
  ended.wait();
}

}  // namespace
}  // namespace midwatch::artifacts
