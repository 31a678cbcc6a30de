#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/api/embedded_crds.h"
#include "controller/apiserver/api.h"
#include "controller/apiserver/storage.h"
#include "controller/env/journal.h"
#include "controller/testing/manual_clock.h"
#include "controller/testing/recorders.h"
#include "controller/testing/seeded_random.h"

namespace midwatch::apiserver {

// For tests: a storage over a journal in memory, stepped by hand, that serves Widgets and Zones (as
// in the recorded sessions with a kube-apiserver), the core kinds and ours.

/// Keeps what was committed; a commit becomes durable when the test syncs, or at once.
class MemoryJournal final : public Journal {
 public:
  Result<JournalState> Load() override {
    JournalState state;
    state.revision = durable_.empty() ? compacted_ : durable_.back().revision;
    state.compacted = compacted_;
    std::map<ObjectKey, JournalRow> latest;
    for (const JournalRow& row : durable_) {
      latest[row.key] = row;
      if (row.revision > compacted_) {
        state.log.push_back(row);
      }
    }
    for (auto& [key, row] : latest) {
      if (!row.deleted) {
        state.latest.push_back(row);
      }
    }
    return state;
  }
  void Commit(std::vector<JournalRow> batch, std::function<void(Result<void>)> done) override {
    ++commits;
    queued_.emplace_back(std::move(batch), std::move(done));
    while (!hold && Sync()) {
    }
  }
  void Compact(std::int64_t revision) override { compacted_ = revision; }

  /// Makes the oldest queued batch durable, or fails it. False: there was none.
  bool Sync(std::optional<Error> failure = std::nullopt) {
    if (queued_.empty()) {
      return false;
    }
    auto [batch, done] = std::move(queued_.front());
    queued_.pop_front();
    const std::int64_t next = (durable_.empty() ? 0 : durable_.back().revision) + 1;
    if (failure) {
      done(Fail(*failure));
    } else if (batch.front().revision != next) {
      done(Fail(ErrorCode::kUnavailable, "a batch before it failed"));
    } else {
      durable_.insert(durable_.end(), batch.begin(), batch.end());
      done({});
    }
    return true;
  }
  std::int64_t compacted() const { return compacted_; }

  bool hold = false;
  int commits = 0;

 private:
  std::deque<std::pair<std::vector<JournalRow>, std::function<void(Result<void>)>>> queued_;
  std::vector<JournalRow> durable_;
  std::int64_t compacted_ = 0;
};

inline Json J(std::string_view text) {
  auto value = ParseJson(text);
  EXPECT_TRUE(value) << text << ": " << (value ? "" : value.error().message);
  return value ? *value : Json();
}

inline std::string WidgetDocument() {
  std::ifstream file(std::string(MIDWATCH_SOURCE_DIR) + "/controller/schema/testdata/widget.json");
  std::stringstream text;
  text << file.rdbuf();
  Json version = J(R"({"name":"v1","served":true,"storage":true,
      "subresources":{"status":{}},
      "selectableFields":[{"jsonPath":".spec.color"},{"jsonPath":".spec.size"}],
      "additionalPrinterColumns":[{"name":"Color","type":"string","jsonPath":".spec.color"}]})");
  version["schema"].Set("openAPIV3Schema", J(text.str()));
  Json document = J(R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
      "metadata":{"name":"widgets.demo.example.io"},
      "spec":{"group":"demo.example.io","scope":"Namespaced",
              "names":{"kind":"Widget","plural":"widgets","shortNames":["wg"]}}})");
  document["spec"].Set("versions", Json::ArrayOf({version}));
  return document.Dump();
}

inline constexpr std::string_view kZoneDocument = R"({"metadata":{"name":"zones.demo.example.io"},
    "spec":{"group":"demo.example.io","scope":"Cluster","names":{"kind":"Zone","plural":"zones"},
    "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":
    {"type":"object","properties":{"spec":{"type":"object","properties":
    {"region":{"type":"string"}}}}}}}]}})";

inline const ResourceRegistry& TestRegistry() {
  static const ResourceRegistry kRegistry = [] {
    const std::string widget = WidgetDocument();
    std::vector<std::string_view> documents = {widget, kZoneDocument};
    for (const auto& embedded : api::EmbeddedCoreCrds()) {
      documents.push_back(embedded.json);
    }
    for (const auto& embedded : api::EmbeddedCrds()) {
      documents.push_back(embedded.json);
    }
    auto registry = ResourceRegistry::Build(documents);
    EXPECT_TRUE(registry) << (registry ? "" : registry.error().message);
    return *std::move(registry);
  }();
  return kRegistry;
}

/// Keeps what a watch brought: `ADDED default/a 7`.
class RecordingSink final : public WatchSink {
 public:
  void OnEvent(const WatchEvent& event) override {
    constexpr std::string_view kNames[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"};
    std::string line(kNames[static_cast<std::size_t>(event.type)]);
    if (event.object) {
      line += " " + event.object.namespace_name() + "/" + event.object.name();
      EXPECT_EQ(event.type == WatchEventType::kAdded ? event.resource_version
                                                     : event.object.resource_version(),
                event.resource_version);
    }
    lines.push_back(line);
    versions.push_back(event.resource_version);
    progress = event.progress;
    objects.push_back(event.object);
  }
  bool HasRoom(const std::function<void()>& again) override {
    if (lines.size() < room) {
      return true;
    }
    on_room = again;
    return false;
  }
  void OnEnd(const Error& why) override { end = why; }

  std::vector<std::string> Take() { return std::exchange(lines, {}); }

  std::size_t room = SIZE_MAX;  ///< Lines that it takes before a Take.
  std::function<void()> on_room;
  std::vector<std::string> lines;
  std::vector<std::string> versions;
  std::uint64_t progress = 0;  // Of the last event.
  std::vector<Object> objects;
  std::optional<Error> end;
};

/// A Result that a test may leave unread.
struct Written : Result<WriteAnswer> {
  Written(Result<WriteAnswer> result) : Result<WriteAnswer>(std::move(result)) {}  // NOLINT
};

/// The whole, with what tests do to it.
class TestWorld {
 public:
  explicit TestWorld(StorageOptions options = {}) : options_(std::move(options)) { Start(); }

  /// As after a crash: everything but the journal is new.
  void Restart() {
    api_.reset();
    storage_.reset();
    Start();
  }
  void Settle() {
    for (int steps = 0; storage_->Step(clock.Read()); ++steps) {
      ASSERT_LT(steps, 100'000) << "the storage does not come to rest";
    }
  }

  const ResourceInfo& Kind(std::string_view resource) const {
    const ResourceInfo* info = TestRegistry().FindResource(resource);
    EXPECT_NE(info, nullptr) << resource;
    return *info;
  }
  Target At(std::string_view resource, std::string_view name, std::string_view space = "default",
            std::string_view subresource = "") const {
    const ResourceInfo& info = Kind(resource);
    return {.resource = &info,
            .namespace_name = info.type.namespaced ? std::string(space) : std::string(),
            .name = std::string(name),
            .subresource = std::string(subresource)};
  }
  Target Widget(std::string_view name, std::string_view subresource = "") const {
    return At("widgets.demo.example.io", name, "default", subresource);
  }

  /// Writes and waits.
  Written Write(WriteCall call) {
    std::optional<Result<WriteAnswer>> answer;
    api_->Write(std::move(call), [&](Result<WriteAnswer> result) {
      EXPECT_FALSE(answer) << "answered twice";
      answer = std::move(result);
    });
    Settle();
    EXPECT_TRUE(answer) << "not answered";
    return answer ? *answer : Result<WriteAnswer>(Fail(ErrorCode::kInternal, "not answered"));
  }
  Written Create(const Target& target, Json object) {
    return Write({.identity = who,
                  .target = target,
                  .body = CreateBody{.object = std::move(object)},
                  .options = {.field_manager = "test"}});
  }
  Written Patch(const Target& target, std::string_view patch, PatchType type = PatchType::kMerge) {
    return Write({.identity = who,
                  .target = target,
                  .body = PatchBody{.type = type, .patch = J(patch)},
                  .options = {.field_manager = "test"}});
  }
  Written Delete(const Target& target, std::string policy = {}, Preconditions preconditions = {}) {
    return Write({.identity = who,
                  .target = target,
                  .body = DeleteBody{.preconditions = std::move(preconditions),
                                     .propagation_policy = std::move(policy)}});
  }
  /// A Widget; `metadata` is added to its name.
  Written CreateWidget(std::string_view name, std::string_view spec = "{}",
                       std::string_view metadata = "{}") {
    return Create(Widget(""), WidgetBody(name, spec, metadata));
  }
  static Json WidgetBody(std::string_view name, std::string_view spec = "{}",
                         std::string_view metadata = "{}") {
    Json object = J(R"({"apiVersion":"demo.example.io/v1","kind":"Widget"})");
    object.Set("metadata", J(metadata));
    object["metadata"].Set("name", name);
    object.Set("spec", J(spec));
    if (object.At("spec", "color").IsNull()) {
      object["spec"].Set("color", "red");
    }
    return object;
  }
  Object Find(const Target& target) const {
    const VersionPtr found = storage_->Find(*target.resource, target.namespace_name, target.name);
    return found == nullptr ? Object() : found->object();
  }
  std::unique_ptr<WatchHandle> Watch(WatchCall call, std::shared_ptr<RecordingSink> sink) {
    call.identity = who;
    auto handle = api_->Watch(call, std::move(sink));
    EXPECT_TRUE(handle) << (handle ? "" : handle.error().message);
    return handle ? *std::move(handle) : nullptr;
  }

  Storage& storage() { return *storage_; }
  Api& api() { return *api_; }

  fakes::ManualClock clock;
  fakes::SeededRandom random{1};
  fakes::RecordingLog log;
  fakes::RecordingMetrics metrics;
  fakes::CountingWaker waker;
  MemoryJournal journal;
  Identity who = Identity::Administrator();

 private:
  void Start() {
    storage_ = std::make_unique<Storage>(
        StorageWorld{TestRegistry(), journal, clock, random, log, metrics, waker}, options_);
    api_ = std::make_unique<Api>(TestRegistry(), *storage_);
    const auto opened = storage_->Open();
    ASSERT_TRUE(opened) << opened.error().message;
    Settle();
  }

  StorageOptions options_;
  std::unique_ptr<Storage> storage_;
  std::unique_ptr<Api> api_;
};

/// True if the object has every member of the pattern; null in the pattern means absent.
inline bool Contains(const Json& object, const Json& pattern) {
  if (pattern.IsNull()) {
    return object.IsNull();
  }
  if (!pattern.IsObject()) {
    return object == pattern;
  }
  for (const Json::Member& member : pattern.Members()) {
    if (!Contains(object.At(member.name), member.value)) {
      return false;
    }
  }
  return object.IsObject();
}

}  // namespace midwatch::apiserver
