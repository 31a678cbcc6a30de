#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controller/runtime/worker.h"
#include "controller/testing/fake_kube_client.h"
#include "controller/testing/manual_clock.h"
#include "controller/testing/object_builder.h"
#include "controller/testing/recorders.h"
#include "controller/testing/seeded_random.h"

namespace midwatch::worker_test {

inline const ResourceType kThing{"midwatch.dev", "v1alpha1", "Thing", "things", true};
inline const ResourceType kChild{"midwatch.dev", "v1alpha1", "Child", "children", true};
inline const std::string kThings = kThing.Resource();
inline const std::string kChildren = kChild.Resource();

/// A reconciler that a test scripts, and that counts its calls by key.
class Scripted final : public Reconciler {
 public:
  using Script = std::function<Result<Plan>(const ObjectKey&, const View&, Now)>;

  Result<Plan> Reconcile(const ObjectKey& key, const View& view, Now now) const override {
    planned.push_back(key.name);
    return script ? script(key, view, now) : Plan{};
  }

  Script script;
  mutable std::vector<std::string> planned;
};

class RecordingRunner final : public OperationRunner {
 public:
  void Start(std::string name, Json, std::function<void(Result<void>)> done) override {
    started.push_back(std::move(name));
    last = done;
    all.push_back(std::move(done));
    if (!at_once) {
      last(at_once);
    }
  }
  std::vector<std::string> started;
  std::vector<std::function<void(Result<void>)>> all;
  std::function<void(Result<void>)> last;
  Result<void> at_once;  ///< A failure: that of every start.
};

class ManualLeadership final : public Leadership {
 public:
  std::optional<std::uint64_t> Term(MonoTime) const override { return term; }
  std::optional<std::uint64_t> term;
};

inline CreateRequest CreateChild(const std::string& name) {
  return {kChild, fakes::ObjectBuilder(kChild, name, "ns").Draft(), "", false};
}
inline PatchRequest Paint(const Object& thing, const std::string& color) {
  PatchRequest patch;
  patch.type = kThing;
  patch.namespace_name = thing.namespace_name();
  patch.name = thing.name();
  patch.patch =
      Json::Of({{"metadata",
                 Json::Of({{"uid", thing.uid()}, {"resourceVersion", thing.resource_version()}})},
                {"spec", Json::Of({{"color", color}})}});
  return patch;
}

class WorkerTest : public testing::Test {
 protected:
  void Start() {
    Controller controller;
    controller.name = "thing";
    controller.primary = kThing;
    controller.triggers = {{kChild, [](const Change& change, const View&) {
                              const Object& any = change.after ? change.after : change.before;
                              const std::string owner = any.name().substr(0, any.name().find('-'));
                              return std::vector<ObjectKey>{{kThings, "ns", owner}};
                            }}};
    controller.reconciler = &reconciler_;
    options_.operations = {{"work", &runner_}};
    worker_ = std::make_unique<Worker>(Worker::Ports{client_, waker_, random_, metrics_, log_},
                                       std::vector<Controller>{std::move(controller)}, options_);
    Settle();
    reconciler_.planned.clear();
    client_.ClearCalls();
  }
  void Settle() {
    for (int i = 0; i < 100'000 && worker_->Step(clock_.Read()); ++i) {
    }
  }
  /// Steps, delivers held answers and lets time pass to the next wake, for up to `limit`.
  void RunFor(Duration limit) {
    const MonoTime end = clock_.Read().mono + limit;
    for (int i = 0; i < 100'000; ++i) {
      Settle();
      if (client_.DeliverAnswer()) {
        continue;
      }
      const std::optional<MonoTime> next = worker_->NextWake();
      if (!next || *next > end) {
        return;
      }
      clock_.Advance(std::max(*next - clock_.Read().mono, Duration(1)));
    }
    FAIL() << "does not come to rest";
  }
  Object PutThing(const std::string& name, const std::string& color = "red") {
    return client_.Put(kThing,
                       fakes::ObjectBuilder(kThing, name, "ns").Spec("color", color).Draft());
  }
  std::string Color(const std::string& name) {
    return client_.Find({kThings, "ns", name}).Body().At("spec", "color").AsString();
  }
  /// A reconciler that paints everything blue.
  void PaintsBlue() {
    reconciler_.script = [](const ObjectKey& key, const View& view, Now) -> Result<Plan> {
      const Object thing = view.Find(key);
      if (!thing || thing.Body().At("spec", "color").AsString() == "blue") {
        return Plan{};
      }
      return Plan{{Write{Paint(thing, "blue")}}, false, {}};
    };
  }
  double Metric(const std::string& name) { return metrics_.Value(name + "{controller=thing}"); }

  fakes::ManualClock clock_;
  fakes::FakeKubeClient client_{clock_};
  fakes::CountingWaker waker_;
  fakes::SeededRandom random_{1};
  fakes::RecordingMetrics metrics_;
  fakes::RecordingLog log_;
  Scripted reconciler_;
  RecordingRunner runner_;
  ManualLeadership leadership_;
  WorkerOptions options_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace midwatch::worker_test
