#include "controller/kube/http_kube_client.h"

#include <gtest/gtest.h>

#include <deque>
#include <optional>

namespace midwatch::kube {
namespace {

const ResourceType kModules{"midwatch.dev", "v1alpha1", "Module", "modules", true};

ListRequest ListOf(std::string label_selector = {}, std::int64_t limit = 0) {
  ListRequest request;
  request.type = kModules;
  request.label_selector = std::move(label_selector);
  request.limit = limit;
  return request;
}
CreateRequest CreateOf(const std::string& text) {
  CreateRequest request;
  request.type = kModules;
  request.object = *ParseJson(text);
  return request;
}
UpdateRequest UpdateOf(const std::string& text) {
  UpdateRequest request;
  request.type = kModules;
  request.object = *ParseJson(text);
  return request;
}
DeleteRequest DeleteOf(Preconditions preconditions = {}) {
  DeleteRequest request;
  request.type = kModules;
  request.namespace_name = "a";
  request.name = "x";
  request.preconditions = std::move(preconditions);
  return request;
}
WatchRequest WatchFrom(std::string version) {
  WatchRequest request;
  request.type = kModules;
  request.namespace_name = "a";
  request.resource_version = std::move(version);
  return request;
}

/// Answers by script, in the call, and keeps what was asked.
class ScriptedHttp final : public HttpClient {
 public:
  void Send(HttpCall call, std::function<void(Result<HttpResponse>)> done) override {
    calls.push_back(std::move(call));
    auto answer = std::move(answers.front());
    answers.pop_front();
    done(std::move(answer));
  }
  std::unique_ptr<HttpStreamHandle> Stream(HttpCall call,
                                           std::shared_ptr<HttpBodySink> to) override {
    calls.push_back(std::move(call));
    sink = std::move(to);
    return std::make_unique<HttpStreamHandle>();
  }

  std::deque<Result<HttpResponse>> answers;
  std::vector<HttpCall> calls;
  std::shared_ptr<HttpBodySink> sink;
};

class KeepingSink final : public WatchSink {
 public:
  void OnEvent(const WatchEvent& event) override { versions.push_back(event.resource_version); }
  void OnEnd(const Error& why) override {
    EXPECT_FALSE(end);
    end = why;
  }
  std::vector<std::string> versions;
  std::optional<Error> end;
};

class HttpKubeClientTest : public testing::Test {
 protected:
  void Answer(int status, std::string body) {
    http_.answers.emplace_back(HttpResponse{status, {}, std::move(body)});
  }
  void Lose(ErrorCode code) { http_.answers.emplace_back(Fail(code, "lost")); }
  template <typename T>
  Completion<T> Into(std::optional<Result<T>>& result) {
    return [&result](Result<T> given) { result = std::move(given); };
  }

  ScriptedHttp http_;
  HttpKubeClient client_{http_, {.page = 2, .max_watch_line = 200}};
  std::optional<Result<Object>> object_;
  std::optional<Result<ListResponse>> list_;
};

std::string ModuleText(const std::string& name, const std::string& version) {
  return R"({"apiVersion":"midwatch.dev/v1alpha1","kind":"Module","metadata":{"name":")" + name +
         R"(","namespace":"a","uid":"u","resourceVersion":")" + version + "\"}}";
}

TEST_F(HttpKubeClientTest, JoinsThePagesOfAList) {
  Answer(200, R"({"metadata":{"resourceVersion":"9","continue":"c+/="},"items":[)" +
                  ModuleText("x", "1") + "," + ModuleText("y", "2") + "]}");
  Answer(200, R"({"metadata":{"resourceVersion":"9"},"items":[)" + ModuleText("z", "3") + "]}");
  client_.List(ListOf("a in (b)"), Into(list_));
  ASSERT_TRUE(list_ && *list_);
  EXPECT_EQ((*list_)->items.size(), 3U);
  EXPECT_EQ((*list_)->resource_version, "9");
  EXPECT_EQ((*list_)->continue_token, "");
  EXPECT_EQ(http_.calls[0].target,
            "/apis/midwatch.dev/v1alpha1/modules?labelSelector=a%20in%20%28b%29&limit=2");
  EXPECT_EQ(http_.calls[1].target,
            "/apis/midwatch.dev/v1alpha1/"
            "modules?labelSelector=a%20in%20%28b%29&limit=2&continue=c%2B%2F%3D");
}

TEST_F(HttpKubeClientTest, AListThatExpiresBetweenPagesSaysSo) {
  Answer(200, R"({"metadata":{"continue":"c"},"items":[]})");
  Answer(410, R"({"kind":"Status","reason":"Expired","code":410})");
  client_.List(ListOf(), Into(list_));
  EXPECT_EQ(list_->error().code, ErrorCode::kExpired);
}

TEST_F(HttpKubeClientTest, AskedForOnePageItGivesOnePage) {
  Answer(200, R"({"metadata":{"continue":"c"},"items":[]})");
  client_.List(ListOf({}, 10), Into(list_));
  EXPECT_EQ((*list_)->continue_token, "c");
}

TEST_F(HttpKubeClientTest, LostAnswersOfWritesAreUnknownOfReadsAreNot) {
  for (const ErrorCode lost :
       {ErrorCode::kOutcomeUnknown, ErrorCode::kTimeout, ErrorCode::kUnavailable}) {
    Lose(lost);
    client_.Get({kModules, "a", "x"}, Into(object_));
    EXPECT_NE(object_->error().code, ErrorCode::kOutcomeUnknown);
    Lose(lost);
    client_.Create(CreateOf(ModuleText("x", "")), Into(object_));
    EXPECT_EQ(object_->error().code, lost == ErrorCode::kUnavailable ? ErrorCode::kUnavailable
                                                                     : ErrorCode::kOutcomeUnknown);
  }
  Answer(201, "{cut off");
  client_.Create(CreateOf(ModuleText("x", "")), Into(object_));
  EXPECT_EQ(object_->error().code, ErrorCode::kOutcomeUnknown);
}

TEST_F(HttpKubeClientTest, WritesSayManagerForceAndDryRun) {
  Answer(200, ModuleText("x", "5"));
  client_.Patch({.type = kModules,
                 .namespace_name = "a",
                 .name = "x",
                 .subresource = "status",
                 .patch_type = PatchType::kApply,
                 .patch = Json::EmptyObject(),
                 .field_manager = "m",
                 .force = true,
                 .dry_run = true},
                Into(object_));
  EXPECT_EQ((*object_)->resource_version(), "5");
  EXPECT_EQ(http_.calls[0].target,
            "/apis/midwatch.dev/v1alpha1/namespaces/a/modules/x/"
            "status?fieldManager=m&force=true&dryRun=All");
  EXPECT_EQ(http_.calls[0].headers[0].second, "application/apply-patch+yaml");
  Answer(200, ModuleText("x", "6"));
  client_.Update(UpdateOf(ModuleText("x", "5")), Into(object_));
  EXPECT_EQ(http_.calls[1].method + " " + http_.calls[1].target,
            "PUT /apis/midwatch.dev/v1alpha1/namespaces/a/modules/x");
}

TEST_F(HttpKubeClientTest, ADeleteAnswersWhatIsKnownOfTheObject) {
  Answer(200, R"({"kind":"Status","status":"Success","details":{"uid":"u1"}})");
  client_.Delete(DeleteOf({"u1", "5"}), Into(object_));
  ASSERT_TRUE(*object_);
  EXPECT_EQ((*object_)->uid(), "u1");
  EXPECT_EQ((*object_)->name(), "x");
  EXPECT_EQ(
      http_.calls[0].body,
      R"({"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"resourceVersion":"5","uid":"u1"}})");
  Answer(200, ModuleText("x", "7"));
  client_.Delete(DeleteOf(), Into(object_));
  EXPECT_EQ((*object_)->resource_version(), "7");
}

TEST_F(HttpKubeClientTest, AWatchIsReadLineByLineHoweverItIsCut) {
  const auto sink = std::make_shared<KeepingSink>();
  const auto handle = client_.Watch(WatchFrom("3"), sink);
  EXPECT_NE(http_.calls[0].target.find(
                "watch=true&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=3"),
            std::string::npos);
  EXPECT_EQ(http_.calls[0].silence, std::chrono::seconds(150)) << "or nobody learns that it died";
  http_.sink->OnHead({200, {}, {}});
  const std::string lines = R"({"type":"ADDED","object":)" + ModuleText("x", "4") + "}\n" +
                            R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"8"}}})"
                            "\n";
  for (const char c : lines) {
    http_.sink->OnBytes(std::string_view(&c, 1));
  }
  EXPECT_EQ(sink->versions, (std::vector<std::string>{"4", "8"}));
  http_.sink->OnEnd({});
  EXPECT_EQ(sink->end->code, ErrorCode::kUnavailable);
}

TEST_F(HttpKubeClientTest, AWatchEndsOnceAndSaysWhy) {
  const auto ended_by = [&](int status, std::string bytes) {
    const auto sink = std::make_shared<KeepingSink>();
    const auto handle = client_.Watch(WatchFrom({}), sink);
    http_.sink->OnHead({status, {}, {}});
    http_.sink->OnBytes(bytes);
    http_.sink->OnBytes(bytes);
    http_.sink->OnEnd({});
    return sink->end ? sink->end->code : ErrorCode::kInternal;
  };
  EXPECT_EQ(
      ended_by(200, R"({"type":"ERROR","object":{"kind":"Status","reason":"Expired","code":410}})"
                    "\n"),
      ErrorCode::kExpired);
  EXPECT_EQ(ended_by(200, "{broken\n"), ErrorCode::kUnavailable);
  EXPECT_EQ(ended_by(200, std::string(201, 'x') + "\n"), ErrorCode::kTooLarge);
  EXPECT_EQ(ended_by(403, R"({"kind":"Status")"), ErrorCode::kForbidden);
  EXPECT_EQ(ended_by(500, std::string(100'000, 'x')), ErrorCode::kInternal);
}

}  // namespace
}  // namespace midwatch::kube
