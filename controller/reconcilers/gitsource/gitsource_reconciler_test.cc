// The reconciler and its operation behind the real Worker, with an API and a repository in memory.

#include "controller/reconcilers/gitsource/gitsource_reconciler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/api/codec.h"
#include "controller/api/core.h"
#include "controller/api/module.h"
#include "controller/api/names.h"
#include "controller/base/encoding.h"
#include "controller/reconcilers/gitsource/fake_git.h"
#include "controller/reconcilers/gitsource/git_fetch_operation.h"
#include "controller/reconcilers/gitsource/sync_news.h"
#include "controller/reconcilers/gitsource/test_source.h"
#include "controller/runtime/worker.h"
#include "controller/schema/field_manager.h"
#include "controller/testing/fake_kube_client.h"
#include "controller/testing/guarded.h"
#include "controller/testing/manual_clock.h"
#include "controller/testing/object_builder.h"
#include "controller/testing/recorders.h"
#include "controller/testing/seeded_random.h"

namespace midwatch::gitsource {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A FakeKubeClient whose server-side applies own fields, as those of an API server do. They show
/// in its calls as creates and updates. Every write must say which version it is for.
class ApplyingClient final : public KubeClient {
 public:
  ApplyingClient(fakes::FakeKubeClient& inner, const manifest::ManifestSchemas& schemas)
      : inner_(inner), schemas_(schemas) {}

  std::function<void()> before_next_patch;  ///< What somebody else does just before.
  /// The first status that fits is refused as a conflict.
  std::function<bool(const Json& status)> refuse_status;

  void Patch(PatchRequest request, Completion<Object> done) override {
    EXPECT_TRUE(fakes::IsGuarded(request)) << request.name;
    if (auto first = std::exchange(before_next_patch, nullptr)) {
      first();
    }
    const manifest::ManifestKind* kind = schemas_.FindResource(request.type.Resource());
    if (request.patch_type != PatchType::kApply || kind == nullptr) {
      return inner_.Patch(std::move(request), std::move(done));
    }
    const Object live =
        inner_.Find({request.type.Resource(), request.namespace_name, request.name});
    Json& metadata = request.patch["metadata"];
    const std::string version = metadata.At("resourceVersion").AsString();
    const bool other = live ? !version.empty() && live.resource_version() != version
                            : !metadata.At("uid").AsString().empty();
    if (other) {
      return done(Fail(ErrorCode::kConflict, "the object has changed"));
    }
    metadata.Erase("uid");
    metadata.Erase("resourceVersion");
    const Json before = live ? live.Body() : Json();
    const schema::FieldWriter writer{.manager = request.field_manager,
                                     .api_version = request.type.ApiVersion(),
                                     .subresource = {},
                                     .has_status_subresource = kind->has_status,
                                     .now = {}};
    Result<Json> after = schema::ApplyConfiguration(kind->schema, live ? &before : nullptr,
                                                    request.patch, writer, request.force);
    if (!after) {
      return done(Fail(after.error()));
    }
    kind->schema.Prune(*after);
    kind->schema.ApplyDefaults(*after);
    if (!live) {
      return inner_.Create({.type = request.type, .object = *std::move(after), .field_manager = {}},
                           std::move(done));
    }
    if (schema::SameForStorage(before, *after)) {
      return done(live);
    }
    inner_.Update(
        {.type = request.type, .object = *std::move(after), .subresource = {}, .field_manager = {}},
        std::move(done));
  }

  void Get(GetRequest request, Completion<Object> done) override {
    inner_.Get(std::move(request), std::move(done));
  }
  void List(ListRequest request, Completion<ListResponse> done) override {
    inner_.List(std::move(request), std::move(done));
  }
  void Create(CreateRequest request, Completion<Object> done) override {
    inner_.Create(std::move(request), std::move(done));
  }
  void Update(UpdateRequest request, Completion<Object> done) override {
    EXPECT_TRUE(fakes::IsGuarded(request)) << request.object.Dump();
    if (refuse_status && refuse_status(request.object.At("status"))) {
      refuse_status = nullptr;
      return done(Fail(ErrorCode::kConflict, "the object has changed"));
    }
    inner_.Update(std::move(request), std::move(done));
  }
  void Delete(DeleteRequest request, Completion<Object> done) override {
    EXPECT_TRUE(fakes::IsGuarded(request)) << request.name;
    inner_.Delete(std::move(request), std::move(done));
  }
  std::unique_ptr<WatchHandle> Watch(WatchRequest request,
                                     std::shared_ptr<WatchSink> sink) override {
    return inner_.Watch(std::move(request), std::move(sink));
  }

 private:
  fakes::FakeKubeClient& inner_;
  const manifest::ManifestSchemas& schemas_;
};

class GitSourceTest : public testing::Test {
 protected:
  GitSourceTest() { Restart(); }

  /// A new process: nothing is remembered.
  void Restart() {
    worker_.reset();
    cache_ = std::make_unique<SnapshotCache>();
    operation_ = std::make_unique<GitFetchOperation>(
        GitFetchOperation::Ports{git_, api_, clock_, waker_, metrics_, *cache_, TestSchemas()});
    reconciler_ = std::make_unique<GitSourceReconciler>(GitSourceReconciler::Options{
        .installation_namespace = "midwatch", .schemas = &TestSchemas(), .cache = cache_.get()});
    WorkerOptions options;
    options.operations[std::string(kGitFetch)] = operation_.get();
    options.operations[std::string(kSyncNews)] = &news_;
    std::vector<Controller> controllers;
    controllers.push_back(MakeController(*reconciler_));
    worker_ = std::make_unique<Worker>(Worker::Ports{api_, waker_, random_, metrics_, log_},
                                       std::move(controllers), options);
  }

  /// Steps everything, and lets time pass to what falls due within `limit`.
  void RunFor(Duration limit = Duration(0)) {
    const MonoTime end = clock_.Read().mono + limit;
    for (int i = 0; i < 1'000'000; ++i) {
      const Now now = clock_.Read();
      if (worker_->Step(now) || operation_->Step(now)) {
        continue;
      }
      const std::optional<MonoTime> next = worker_->NextWake();
      if (!next || *next > end) {
        clock_.Advance(end - now.mono);
        return;
      }
      clock_.Advance(std::max(*next - now.mono, Duration(1)));
    }
    FAIL() << "does not come to rest";
  }

  void PutSource(const std::function<void(api::GitSource&)>& change = [](api::GitSource&) {}) {
    api::GitSource source = TestSource();
    source.metadata.finalizers.clear();
    change(source);
    client_.Put(api::GitSource::Type(), api::ToBody(source));
  }
  void ChangeSource(const std::function<void(api::GitSource&)>& change) {
    api::GitSource source = Source();
    change(source);
    client_.Put(api::GitSource::Type(), api::ToBody(source));
  }
  api::GitSource Source() const {
    return api::FromObject<api::GitSource>(client_.Find(SourceKey())).value();
  }
  ObjectKey SourceKey() const { return {"gitsources.midwatch.dev", "midwatch", "infra"}; }
  ObjectKey ModuleKey(const std::string& name) const {
    return {"modules.midwatch.dev", "payments", name};
  }
  std::string Display(const std::string& name) const {
    const Object module = client_.Find(ModuleKey(name));
    return module ? module.Body().At("spec", "displayName").AsString() : "<absent>";
  }
  std::string Ready() const {
    for (const api::Condition& condition : Source().status.conditions) {
      if (condition.type == "Ready") {
        return std::string(api::ToString(condition.status)) + " " + condition.reason;
      }
    }
    return "none";
  }
  /// The reasons of the Events.
  std::vector<std::string> Told() const {
    std::vector<std::string> out;
    for (const Object& event : client_.All("events")) {
      out.emplace_back(event.Body().At("reason").AsString());
    }
    return out;
  }
  std::vector<std::string> SyncLines() const {
    std::vector<std::string> lines = log_.lines();
    std::erase_if(lines, [](const std::string& line) { return line.find(" sync ") == line.npos; });
    return lines;
  }
  /// The writes so far, without reads.
  std::vector<std::string> Writes() {
    std::vector<std::string> out;
    for (const std::string& call : client_.calls()) {
      if (!call.starts_with("list") && !call.starts_with("get")) {
        // The name of an Event is a hash.
        out.push_back(
            call.substr(0, call.starts_with("create events") ? call.find('.') : call.size()));
      }
    }
    client_.ClearCalls();
    return out;
  }

  fakes::ManualClock clock_;
  fakes::FakeKubeClient client_{clock_};
  ApplyingClient api_{client_, TestSchemas()};
  fakes::CountingWaker waker_;
  fakes::SeededRandom random_{1};
  fakes::RecordingMetrics metrics_;
  fakes::RecordingLog log_;
  SyncNewsLog news_{log_};
  FakeGit git_;
  std::unique_ptr<SnapshotCache> cache_;
  std::unique_ptr<GitFetchOperation> operation_;
  std::unique_ptr<GitSourceReconciler> reconciler_;
  std::unique_ptr<Worker> worker_;
};

const std::string kNamespaceYaml = "apiVersion: v1\nkind: Namespace\nmetadata: {name: payments}\n";

TEST_F(GitSourceTest, AppliesWhatIsDeclaredInOrderAndTheStatusLast) {
  const std::string commit =
      git_.Commit({{"a.yaml", ModuleYaml("a")}, {"ns.yaml", kNamespaceYaml}});
  PutSource();
  RunFor(seconds(3));
  EXPECT_EQ(Display("a"), "DB");
  const api::GitSourceStatus status = Source().status;
  EXPECT_EQ(status.applied->revision, commit);
  EXPECT_EQ(status.counts, (api::SyncCounts{.created = 2, .total = 2}));
  EXPECT_EQ(Ready(), "True Succeeded");
  EXPECT_THAT(
      Writes(),
      ElementsAre("patch gitsources.midwatch.dev/midwatch/infra",
                  "update gitsources.midwatch.dev/midwatch/infra", "create namespaces/payments",
                  "create modules.midwatch.dev/payments/a",
                  "update gitsources.midwatch.dev/midwatch/infra", "create events/midwatch/infra"));
}

TEST_F(GitSourceTest, AnUnchangedWorldIsNotWrittenNorAfterARestart) {
  git_.Commit({{"a.yaml", ModuleYaml("a")}});
  PutSource();
  RunFor(seconds(3));
  Writes();
  RunFor(minutes(10));
  EXPECT_GT(git_.requests.size(), 8u);
  EXPECT_FALSE(git_.requests.back().known_tree.empty());
  EXPECT_THAT(Writes(), IsEmpty());
  Restart();
  RunFor(minutes(5));
  EXPECT_THAT(Writes(), IsEmpty());
}

TEST_F(GitSourceTest, AChangedFileWritesItsObjectAndARemovedOneIsPruned) {
  git_.Commit(
      {{"a.yaml", ModuleYaml("a")}, {"b.yaml", ModuleYaml("b")}, {"c.yaml", ModuleYaml("c")}});
  PutSource();
  RunFor(seconds(3));
  Writes();
  const std::string commit =
      git_.Commit({{"a.yaml", ModuleYaml("a")}, {"b.yaml", ModuleYaml("b", "New")}});
  RunFor(minutes(2));
  EXPECT_EQ(Display("b"), "New");
  EXPECT_EQ(Display("c"), "<absent>");
  EXPECT_THAT(Writes(), ElementsAre("update modules.midwatch.dev/payments/b",
                                    "delete modules.midwatch.dev/payments/c",
                                    "update gitsources.midwatch.dev/midwatch/infra",
                                    "create events/midwatch/infra"));
  EXPECT_EQ(Source().status.applied->revision, commit);
  EXPECT_EQ(Source().status.counts,
            (api::SyncCounts{.updated = 1, .unchanged = 1, .pruned = 1, .total = 2}));
}

TEST_F(GitSourceTest, DriftIsCorrectedAtOnceWithoutAFetch) {
  git_.Commit({{"a.yaml", ModuleYaml("a")}});
  PutSource();
  RunFor(seconds(3));
  const std::size_t fetches = git_.requests.size();
  Json body = client_.Find(ModuleKey("a")).Body();
  body["spec"].Set("displayName", "drifted");
  client_.Put(api::Module::Type(), body);
  RunFor();
  EXPECT_EQ(Display("a"), "DB");
  client_.Remove(ModuleKey("a"));
  RunFor();
  EXPECT_EQ(Display("a"), "DB");
  EXPECT_EQ(git_.requests.size(), fetches);
}

TEST_F(GitSourceTest, AnAtomicRevisionWithAnErrorWritesNothingAndTheLastGoodStaysInForce) {
  const std::string good = git_.Commit({{"a.yaml", ModuleYaml("a")}});
  PutSource();
  RunFor(seconds(3));
  Writes();
  const std::string bad = git_.Commit(
      {{"a.yaml", ModuleYaml("a", "New")}, {"b.yaml", ModuleYaml("b")}, {"c.yaml", "kind: ["}});
  RunFor(minutes(2));
  EXPECT_THAT(Writes(), ElementsAre("update gitsources.midwatch.dev/midwatch/infra",
                                    "create events/midwatch/infra"));
  EXPECT_EQ(Source().status.applied->revision, good);
  EXPECT_EQ(Source().status.attempted->revision, bad);
  EXPECT_EQ(Source().status.error_count, 1);
  EXPECT_EQ(Ready(), "False InvalidRevision");
  client_.Remove(ModuleKey("a"));
  RunFor();
  EXPECT_EQ(Display("a"), "DB");
  Restart();
  client_.Remove(ModuleKey("a"));
  RunFor(seconds(1));
  EXPECT_EQ(Display("a"), "DB");  // The commit in force was read again.
  EXPECT_EQ(Display("b"), "<absent>");
}

TEST_F(GitSourceTest, ARefusedRevisionAndItsEndAreLoggedOnce) {
  git_.Commit({{"a.yaml", "kind: ["}});
  PutSource();
  RunFor(minutes(10));
  git_.Commit({{"a.yaml", ModuleYaml("a")}});
  RunFor(minutes(10));
  EXPECT_THAT(
      SyncLines(),
      ElementsAre(testing::MatchesRegex("WARN sync failed source=midwatch/infra revision=.* "
                                        "reason=InvalidRevision errors=1 detail=.* has 1 error, "
                                        "nothing of it is written: a.yaml:1:1: .*"),
                  testing::MatchesRegex("INFO sync recovered source=midwatch/infra revision=.* "
                                        "detail=.* is in force: 1 object")));
}

TEST_F(GitSourceTest, SkipInvalidAppliesTheRestAndPrunesNothingThatMightBeDeclared) {
  const std::string whole = git_.Commit({{"a.yaml", ModuleYaml("a")}, {"b.yaml", ModuleYaml("b")}});
  PutSource([](api::GitSource& s) { s.spec.failure_policy = api::FailurePolicy::kSkipInvalid; });
  RunFor(seconds(3));
  git_.Commit({{"a.yaml", ModuleYaml("a", "New")}, {"b.yaml", "kind: ["}});
  RunFor(minutes(2));
  EXPECT_EQ(Display("a"), "New");
  EXPECT_EQ(Display("b"), "DB");
  EXPECT_EQ(Ready(), "False PartlyApplied");
  EXPECT_EQ(Source().status.applied->revision, whole);
  Writes();
  RunFor(minutes(5));
  EXPECT_THAT(Writes(), IsEmpty());
}

TEST_F(GitSourceTest, AnObjectOfSomebodyElseIsAnErrorUnlessAdopted) {
  client_.Put(api::Module::Type(), fakes::ObjectBuilder(api::Module::Type(), "a", "payments")
                                       .Spec("displayName", "Theirs")
                                       .Draft());
  git_.Commit({{"a.yaml", ModuleYaml("a")}});
  PutSource();
  RunFor(seconds(3));
  EXPECT_EQ(Display("a"), "Theirs");
  EXPECT_EQ(Source().status.errors.at(0).code, "NotOwned");
  ChangeSource([](api::GitSource& s) { s.spec.adopt = true; });
  RunFor(seconds(3));
  EXPECT_EQ(Display("a"), "DB");
  EXPECT_EQ(Ready(), "True Succeeded");
}

TEST_F(GitSourceTest, WhatSomebodyMakesInTheSameMomentIsNotTakenOver) {
  git_.Commit({{"a.yaml", ModuleYaml("a")}});
  api_.before_next_patch = [this] {
    client_.Put(api::Module::Type(), fakes::ObjectBuilder(api::Module::Type(), "a", "payments")
                                         .Spec("displayName", "DB")
                                         .Draft());
  };
  PutSource([](api::GitSource& s) { s.metadata.finalizers = {"midwatch.dev/gitsource"}; });
  RunFor(seconds(3));
  EXPECT_EQ(api_.before_next_patch, nullptr);
  EXPECT_THAT(client_.Find(ModuleKey("a")).meta().labels, IsEmpty());
  EXPECT_EQ(Source().status.errors.at(0).code, "NotOwned");
}

TEST_F(GitSourceTest, AnApplyThatStopsHalfWayGoesOn) {
  git_.Commit(
      {{"a.yaml", ModuleYaml("a")}, {"b.yaml", ModuleYaml("b")}, {"c.yaml", ModuleYaml("c")}});
  client_.FailNext({.verb = "create",
                    .resource = "modules.midwatch.dev",
                    .error = {ErrorCode::kUnavailable, "down"},
                    .times = 2});
  PutSource();
  RunFor(seconds(3));
  EXPECT_EQ(client_.All("modules.midwatch.dev").size(), 3u);
  EXPECT_EQ(Source().status.counts, (api::SyncCounts{.created = 3, .total = 3}));
  EXPECT_EQ(Ready(), "True Succeeded");
}

TEST_F(GitSourceTest, WhatFailedIsNotCountedHoweverManyFailed) {
  FakeGit::Files files;
  constexpr int kMany = 1'100;  // More than a plan tells of.
  for (int i = 0; i < kMany; ++i) {
    const std::string name = "m" + std::to_string(i);
    files[name + ".yaml"] = ModuleYaml(name);
  }
  git_.Commit(files);
  client_.FailNext({.verb = "create",
                    .resource = "modules.midwatch.dev",
                    .error = {ErrorCode::kUnavailable, "down"},
                    .times = kMany});
  PutSource();
  RunFor(seconds(5));
  EXPECT_EQ(Source().status.counts, (api::SyncCounts{.created = kMany, .total = kMany}));
}

TEST_F(GitSourceTest, ARefusedWriteIsReportedAndTriedAgainWithTheNextFetch) {
  git_.Commit({{"a.yaml", ModuleYaml("a")}, {"b.yaml", ModuleYaml("b")}});
  client_.FailNext({.verb = "create",
                    .resource = "modules.midwatch.dev",
                    .error = {ErrorCode::kForbidden, "not here"},
                    .times = 1});
  PutSource();
  RunFor(seconds(3));
  EXPECT_EQ(client_.All("modules.midwatch.dev").size(), 1u);
  EXPECT_EQ(Source().status.errors.at(0).message, "not here");
  EXPECT_EQ(Source().status.counts->failed, 1);
  EXPECT_FALSE(Source().status.applied.has_value());
  RunFor(minutes(2));
  EXPECT_EQ(client_.All("modules.midwatch.dev").size(), 2u);
  EXPECT_EQ(Ready(), "True Succeeded");
}

TEST_F(GitSourceTest, ARefusedObjectIsToldThoughTheRestIsStillToBeWritten) {
  git_.Commit({{"a.yaml", ModuleYaml("a")}, {"ns.yaml", kNamespaceYaml}});
  client_.FailNext({.verb = "create",
                    .resource = "namespaces",
                    .error = {ErrorCode::kForbidden, "not here"},
                    .times = 1});
  PutSource();
  RunFor(seconds(3));
  EXPECT_EQ(Display("a"), "DB");
  EXPECT_EQ(Ready(), "False PartlyApplied");
  EXPECT_THAT(Told(), ElementsAre("PartlyApplied"));
  RunFor(minutes(2));
  EXPECT_THAT(Told(), testing::UnorderedElementsAre("PartlyApplied", "Recovered"));
  EXPECT_EQ(SyncLines().size(), 2U);
}

TEST_F(GitSourceTest, WhatIsRefusedIsSaidOnceThoughTheStatusWasNotTakenAtFirst) {
  git_.Commit({{"a.yaml", ModuleYaml("a")}, {"ns.yaml", kNamespaceYaml}});
  PutSource([](api::GitSource& s) { s.metadata.finalizers = {"midwatch.dev/gitsource"}; });
  client_.FailNext({.verb = "create",
                    .resource = "namespaces",
                    .error = {ErrorCode::kForbidden, "not here"},
                    .times = 1});
  api_.refuse_status = [](const Json& status) { return status.At("errorCount").AsInt() > 0; };
  RunFor(seconds(3));
  EXPECT_EQ(api_.refuse_status, nullptr);
  EXPECT_EQ(Display("a"), "DB");
  EXPECT_EQ(SyncLines().size(), 1U);
}

TEST_F(GitSourceTest, ARevisionIsToldThoughTheNextFetchIsDueAtOnce) {
  git_.Commit({{"a.yaml", ModuleYaml("a")}});
  PutSource();
  RunFor(seconds(3));
  git_.Commit({{"a.yaml", ModuleYaml("a", "New")}});
  ChangeSource([](api::GitSource& s) {
    s.metadata.annotations[std::string(api::annotations::kSyncRequestedAt)] = "t1";
  });
  api_.before_next_patch = [this] {  // Another is asked for before this one is in force.
    ChangeSource([](api::GitSource& s) {
      s.metadata.annotations[std::string(api::annotations::kSyncRequestedAt)] = "t2";
    });
  };
  RunFor(seconds(3));
  EXPECT_EQ(Display("a"), "New");
  EXPECT_THAT(Told(), ElementsAre("Applied", "Applied"));
}

TEST_F(GitSourceTest, AFailedFetchIsRetriedAndRecovers) {
  git_.Commit({{"a.yaml", ModuleYaml("a")}});
  git_.Fail({ErrorCode::kUnavailable, "no route"});
  PutSource();
  RunFor(seconds(30));
  EXPECT_EQ(Ready(), "False Unreachable");
  const std::size_t tries = git_.requests.size();
  EXPECT_GE(tries, 3u);
  EXPECT_LE(tries, 5u);
  git_.Mend();
  RunFor(minutes(2));
  EXPECT_EQ(Ready(), "True Succeeded");
  EXPECT_FALSE(Source().status.failing_since.has_value());
}

TEST_F(GitSourceTest, ASyncIsDoneWhenItIsAskedFor) {
  git_.Commit({{"a.yaml", ModuleYaml("a")}});
  PutSource([](api::GitSource& s) { s.spec.interval = std::chrono::hours(10); });
  RunFor(seconds(3));
  git_.Commit({{"a.yaml", ModuleYaml("a", "New")}});
  RunFor(minutes(9));
  EXPECT_EQ(Display("a"), "DB");
  ChangeSource([](api::GitSource& s) {
    s.metadata.annotations[std::string(api::annotations::kSyncRequestedAt)] = "t1";
  });
  RunFor(seconds(3));
  EXPECT_EQ(Display("a"), "New");
  EXPECT_EQ(Source().status.last_handled_sync_request, "t1");
}

TEST_F(GitSourceTest, ASuspendedSourceDoesNothing) {
  git_.Commit({{"a.yaml", ModuleYaml("a")}});
  PutSource([](api::GitSource& s) { s.spec.suspend = true; });
  RunFor(minutes(10));
  EXPECT_TRUE(git_.requests.empty());
  EXPECT_EQ(Display("a"), "<absent>");
  EXPECT_FALSE(Source().status.active);
  ChangeSource([](api::GitSource& s) { s.spec.suspend = false; });
  RunFor(seconds(3));
  EXPECT_EQ(Display("a"), "DB");
}

TEST_F(GitSourceTest, TheLoginComesFromTheSecret) {
  git_.Commit({{"a.yaml", ModuleYaml("a")}});
  PutSource([](api::GitSource& s) { s.spec.secret_ref = api::NameRef{.name = "login"}; });
  RunFor(seconds(3));
  EXPECT_TRUE(git_.requests.empty());
  EXPECT_EQ(Ready(), "False NotFound");
  client_.Put(api::Secret::Type(), fakes::ObjectBuilder(api::Secret::Type(), "login", "midwatch")
                                       .Set("data.username", Base64Encode("me"))
                                       .Set("data.password", Base64Encode("hunter2"))
                                       .Draft());
  RunFor(minutes(1));
  ASSERT_FALSE(git_.requests.empty());
  EXPECT_EQ(git_.requests[0].remote.username, "me");
  EXPECT_EQ(git_.requests[0].remote.password.Reveal(), "hunter2");
  for (const std::string& line : log_.lines()) {
    EXPECT_EQ(line.find("hunter2"), std::string::npos);
  }
}

TEST_F(GitSourceTest, AnEmptyRevisionPrunesNothingUnlessAllowed) {
  git_.Commit({{"a.yaml", ModuleYaml("a")}});
  PutSource();
  RunFor(seconds(3));
  git_.Commit({{"README.md", "nothing"}});
  RunFor(minutes(2));
  EXPECT_EQ(Display("a"), "DB");
  ChangeSource([](api::GitSource& s) { s.spec.allow_empty = true; });
  RunFor(seconds(3));
  EXPECT_EQ(Display("a"), "<absent>");
}

TEST_F(GitSourceTest, DeletingASourceOrphansUnlessItsPolicyPrunes) {
  for (const bool prunes : {false, true}) {
    git_.Commit({{"a.yaml", ModuleYaml("a")}, {"ns.yaml", kNamespaceYaml}});
    PutSource([&](api::GitSource& s) {
      s.spec.deletion_policy = prunes ? api::DeletionPolicy::kPrune : api::DeletionPolicy::kOrphan;
    });
    RunFor(seconds(3));
    DeleteRequest request;
    request.type = api::GitSource::Type();
    request.namespace_name = "midwatch";
    request.name = "infra";
    client_.Delete(request, [](const Result<Object>&) {});
    RunFor(seconds(3));
    EXPECT_FALSE(client_.Find(SourceKey()));
    EXPECT_EQ(Display("a"), prunes ? "<absent>" : "DB");
    EXPECT_TRUE(client_.Find({"namespaces", "", "payments"}));
    EXPECT_THAT(git_.forgotten.back(), "midwatch/infra");
  }
}

TEST_F(GitSourceTest, ASourceThatIsDeletedWhileItIsFetchedLeavesNothing) {
  git_.Commit({{"a.yaml", ModuleYaml("a")}});
  git_.Hold();
  PutSource();
  RunFor(seconds(3));
  ASSERT_EQ(git_.requests.size(), 1u);
  DeleteRequest request;
  request.type = api::GitSource::Type();
  request.namespace_name = "midwatch";
  request.name = "infra";
  client_.Delete(request, [](const Result<Object>&) {});
  RunFor(seconds(3));
  EXPECT_FALSE(client_.Find(SourceKey()));
  EXPECT_THAT(git_.forgotten, ElementsAre("midwatch/infra"));
  git_.Release();
  RunFor(seconds(3));
  EXPECT_EQ(cache_->Find("midwatch/infra"), nullptr);
  EXPECT_EQ(Display("a"), "<absent>");
  PutSource();
  RunFor(seconds(3));
  EXPECT_EQ(Display("a"), "DB") << "one of the same name starts afresh";
}

TEST_F(GitSourceTest, AFetchEndsAtTheTimeoutOfItsSource) {
  git_.Commit({{"a.yaml", ModuleYaml("a")}});
  PutSource([](api::GitSource& s) { s.spec.timeout = seconds(7); });
  RunFor(seconds(3));
  EXPECT_EQ(git_.requests.back().deadline, seconds(7));
  ChangeSource([](api::GitSource& s) { s.spec.timeout = Duration(0); });
  RunFor(minutes(2));
  EXPECT_EQ(git_.requests.back().deadline, kShortestTimeout);
}

TEST_F(GitSourceTest, ASourceElsewhereWritesIntoItsOwnNamespaceOnly) {
  git_.Commit({{"a.yaml", ModuleYaml("a")}, {"ns.yaml", kNamespaceYaml}});
  PutSource([](api::GitSource& s) { s.metadata.namespace_name = "orders"; });
  RunFor(seconds(3));
  EXPECT_TRUE(client_.All("modules.midwatch.dev").empty());
  const Object source = client_.Find({"gitsources.midwatch.dev", "orders", "infra"});
  EXPECT_EQ(api::FromObject<api::GitSource>(source)->status.error_count, 2);
}

TEST_F(GitSourceTest, TwoSourcesDoNotFightOverOneObject) {
  git_.Commit({{"a.yaml", ModuleYaml("a")}});
  PutSource();
  PutSource([](api::GitSource& s) { s.metadata.name = "other"; });
  RunFor(seconds(3));
  Writes();
  RunFor(minutes(10));
  EXPECT_THAT(Writes(), IsEmpty());
  int ready = 0;
  for (const Object& object : client_.All("gitsources.midwatch.dev")) {
    ready += api::FromObject<api::GitSource>(object)->status.error_count == 0 ? 1 : 0;
  }
  EXPECT_EQ(ready, 1);
}

}  // namespace
}  // namespace midwatch::gitsource
