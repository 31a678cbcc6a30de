#include "controller/sim/plants.h"

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <utility>

#include "controller/api/agent.h"
#include "controller/api/agent_instance.h"
#include "controller/api/dispatch.h"
#include "controller/api/lease.h"
#include "controller/api/run.h"
#include "controller/runtime/executor.h"

namespace midwatch::sim {
namespace {

constexpr std::array kPlants = {
    Plant{"forget-lock", "the lock of (job, type) is assigned without being acquired",
          "one-live-run"},
    Plant{"no-authorisation", "every Agent counts as assigned to everything", "authorised"},
    Plant{"no-unpark-on-instance", "a connecting instance wakes nobody", "sweep"},
    Plant{"no-unpark-on-slot", "an ended Run frees its slot and wakes nobody",
          "nothing-waits-for-nothing"},
    Plant{"forget-wake", "no plan is looked at again when its time comes", "converges"},
    Plant{"drop-event", "one watch event in fifty never comes", "matches-all"},
    Plant{"forget-created-mark", "Dispatches are created whether or not their mark says so",
          "one-dispatch"},
    Plant{"match-early", "missions are matched before the view is known to be new enough",
          "matches-all"},
    Plant{"lost-too-early", "an instance counts as lost before its Lease has run out",
          "one-live-run"},
    Plant{"forget-used-time", "a Run has no limit of its own, and what was used begins anew",
          "used-time"},
    Plant{"no-precondition", "writes carry no version", "one-live-run"},
    Plant{"retry-failed", "a Dispatch that has failed is tried once more", "terminal"},
    Plant{"write-always", "an object is written although nothing has changed", "quiet"},
    Plant{"wrong-result", "a Dispatch takes a result that its current Run did not give",
          "current-run-only"},
    Plant{"ack-early", "the journal acknowledges before it is durable", "acknowledged-is-durable"},
    Plant{"ignore-stop", "agents go on although they are asked to stop", "stops"},
    Plant{"no-watchdog", "sidecars survive their agent's Lease", "one-live-run"},
    Plant{"forget-finalizer", "the finalizer of a stopped Run is never removed", "converges"},
    Plant{"git-not-atomic", "an Atomic source writes what is valid of a broken revision",
          "git-atomic"},
    Plant{"git-takes-over", "a source takes objects over that are not its own", "git-ownership"},
};

/// A View that shows something else than what was observed.
class LyingView : public View {
 public:
  using Lie = std::function<Object(const Object&)>;
  LyingView(const View& truth, Lie lie) : truth_(truth), lie_(std::move(lie)) {}

  Object Find(const ObjectKey& key) const override { return Lied(truth_.Find(key)); }
  std::vector<Object> List(std::string_view resource, std::string_view space) const override {
    return Lied(truth_.List(resource, space));
  }
  std::vector<Object> ByIndex(std::string_view index, std::string_view value) const override {
    return Lied(truth_.ByIndex(index, value));
  }
  std::uint64_t IndexChanges(std::string_view index) const override {
    return truth_.IndexChanges(index);
  }
  std::vector<Object> FirstByPrefix(std::string_view index, std::string_view prefix,
                                    std::size_t count) const override {
    return Lied(truth_.FirstByPrefix(index, prefix, count));
  }
  bool ConfirmedAbsent(const ObjectKey& key) const override { return truth_.ConfirmedAbsent(key); }
  std::optional<Now> ObservedAt(const ObjectKey& key) const override {
    return truth_.ObservedAt(key);
  }
  std::vector<Object> InFlight(std::string_view resource) const override {
    return truth_.InFlight(resource);
  }
  std::vector<WriteFailure> Failures(const ObjectKey& planned) const override {
    return truth_.Failures(planned);
  }
  std::int64_t FreshTo(std::string_view resource) const override {
    return always_fresh ? INT64_MAX : truth_.FreshTo(resource);
  }

  bool always_fresh = false;

 private:
  Object Lied(const Object& object) const { return object && lie_ ? lie_(object) : object; }
  std::vector<Object> Lied(std::vector<Object> objects) const {
    for (Object& object : objects) {
      object = Lied(object);
    }
    return objects;
  }

  const View& truth_;
  Lie lie_;
};

Object Edited(const Object& object, const std::function<void(Json&)>& edit) {
  Json body = object.Body();
  edit(body);
  return Object::FromJson(body).value_or(object);
}

/// A reconciler whose view or plan is spoilt.
class Spoilt final : public Reconciler {
 public:
  using Decide = std::function<Result<Plan>(const Reconciler&, const ObjectKey&, const View&, Now)>;
  Spoilt(const Reconciler& real, Decide decide) : real_(real), decide_(std::move(decide)) {}
  Result<Plan> Reconcile(const ObjectKey& key, const View& view, Now now) const override {
    return decide_(real_, key, view, now);
  }

 private:
  const Reconciler& real_;
  Decide decide_;
};

/// Edits the effects of every plan.
Spoilt::Decide OnEffects(std::function<bool(Effect&)> keep) {
  return [keep = std::move(keep)](const Reconciler& real, const ObjectKey& key, const View& view,
                                  Now now) {
    Result<Plan> plan = real.Reconcile(key, view, now);
    if (plan) {
      std::erase_if(plan->effects, [&](Effect& effect) { return !keep(effect); });
    }
    return plan;
  };
}

Spoilt::Decide OnView(LyingView::Lie lie, bool always_fresh = false) {
  return [lie = std::move(lie), always_fresh](const Reconciler& real, const ObjectKey& key,
                                              const View& view, Now now) {
    LyingView lying(view, lie);
    lying.always_fresh = always_fresh;
    return real.Reconcile(key, lying, now);
  };
}

bool IsLeaseWrite(const Effect& effect) {
  const auto* write = std::get_if<Write>(&effect);
  return write != nullptr && TargetOf(*write).type->kind == "Lease";
}

void ForgetVersion(Effect& effect) {
  auto* write = std::get_if<Write>(&effect);
  if (write == nullptr) {
    return;
  }
  if (auto* patch = std::get_if<PatchRequest>(write)) {
    patch->patch["metadata"].Erase("resourceVersion");
  } else if (auto* update = std::get_if<UpdateRequest>(write)) {
    // As a merge patch without a version: the last writer wins.
    PatchRequest blind;
    blind.type = update->type;
    blind.namespace_name = update->object.At("metadata", "namespace").AsString();
    blind.name = update->object.At("metadata", "name").AsString();
    blind.subresource = update->subresource;
    blind.patch = update->subresource == "status"
                      ? Json::Of({{"status", update->object.At("status")}})
                      : Json::Of({{"spec", update->object.At("spec")}});
    blind.field_manager = update->field_manager;
    *write = std::move(blind);
  }
}

/// GitSources as if they said something else.
LyingView::Lie SourceWith(std::string_view field, Json value) {
  return [field, value = std::move(value)](const Object& object) {
    return object.kind() != "GitSource"
               ? object
               : Edited(object, [&](Json& body) { body["spec"].Set(field, value); });
  };
}

Spoilt::Decide Impatient() {
  return [](const Reconciler& real, const ObjectKey& key, const View& view, Now now) {
    const std::string space = key.namespace_name;
    const auto seen = view.ObservedAt({api::Lease::Type().Resource(), space, key.name});
    // Sixteen seconds of silence count as forty: the sidecars of an agent that is cut off live for
    // thirty.
    Now later = now;
    if (seen) {
      later.mono = later.mono + 3 * (now.mono - seen->mono) / 2;
    }
    Result<Plan> plan = real.Reconcile(key, view, later);
    if (plan && plan->wake_at) {
      plan->wake_at = now.mono + std::chrono::seconds(2);
    }
    return plan;
  };
}

/// At the first look that a process takes at an object.
Spoilt::Decide WritesAlways() {
  return [seen = std::set<ObjectKey>()](const Reconciler& real, const ObjectKey& key,
                                        const View& view, Now now) mutable {
    Result<Plan> plan = real.Reconcile(key, view, now);
    const Object stored = view.Find(key);
    if (plan && plan->effects.empty() && stored && !stored.meta().IsBeingDeleted() &&
        seen.insert(key).second) {
      PatchRequest patch;
      patch.type = api::Agent::Type();
      patch.namespace_name = key.namespace_name;
      patch.name = key.name;
      patch.patch["metadata"]["annotations"].Set("midwatch.dev/seen", FormatTime(now.wall));
      plan->effects.emplace_back(Write(std::move(patch)));
    }
    return plan;
  };
}

/// The controller alone keeps the limit, and counts from when it last wrote.
Spoilt::Decide ForgetsUsedTime() {
  return [](const Reconciler& real, const ObjectKey& key, const View& view, Now now) {
    const LyingView lying(view, [&](const Object& object) {
      return object.kind() != "Dispatch" ? object : Edited(object, [&](Json& body) {
        if (body.At("status").Find("countedAt") != nullptr) {
          body["status"].Set("countedAt", FormatTime(now.wall));
          body["status"].Set("activeSeconds", 0);
        }
      });
    });
    Result<Plan> plan = real.Reconcile(key, lying, now);
    if (!plan) {
      return plan;
    }
    for (Effect& effect : plan->effects) {
      auto* write = std::get_if<Write>(&effect);
      auto* create = write == nullptr ? nullptr : std::get_if<CreateRequest>(write);
      if (create != nullptr && create->type.kind == "Run") {
        create->object["spec"].Set("timeoutSeconds", 1'000'000);
      }
    }
    return plan;
  };
}

/// The plants that spoil what is written or seen of a single object.
Spoilt::Decide ObjectSpoilerOf(std::string_view plant, const Controller& controller) {
  if (plant == "write-always" && controller.primary.kind == "Agent") {
    return WritesAlways();
  }
  if (controller.name != "dispatch") {
    return {};
  }
  if (plant == "forget-lock") {
    return [](const Reconciler& real, const ObjectKey& key, const View& view, Now now) {
      const LyingView lying(view, [](const Object& object) {
        return object.kind() != "Lease"
                   ? object
                   : Edited(object, [](Json& body) { body["spec"].Set("holderIdentity", ""); });
      });
      Result<Plan> plan = real.Reconcile(key, lying, now);
      if (plan) {
        std::erase_if(plan->effects, IsLeaseWrite);
      }
      return plan;
    };
  }
  if (plant == "no-authorisation") {
    return OnView([](const Object& object) {
      return object.kind() != "Agent" ? object : Edited(object, [](Json& body) {
        body["spec"].Set("assignedToAllModules", true);
      });
    });
  }
  if (plant == "forget-used-time") {
    return ForgetsUsedTime();
  }
  if (plant == "retry-failed") {
    return OnView([](const Object& object) {
      return object.kind() != "Dispatch" ? object : Edited(object, [](Json& body) {
        if (body.At("status", "phase").AsString() == "Failed") {
          body["status"].Set("phase", "Pending");
        }
      });
    });
  }
  if (plant == "wrong-result") {
    return OnEffects([](Effect& effect) {
      auto* write = std::get_if<Write>(&effect);
      auto* update = write == nullptr ? nullptr : std::get_if<UpdateRequest>(write);
      if (update != nullptr && update->object.At("status").Find("result") != nullptr) {
        update->object["status"]["result"].Set("digest", "sha256:" + std::string(64, '0'));
      }
      return true;
    });
  }
  if (plant == "forget-finalizer") {
    return OnEffects([](Effect& effect) {
      const auto* write = std::get_if<Write>(&effect);
      const auto* patch = write == nullptr ? nullptr : std::get_if<PatchRequest>(write);
      return patch == nullptr || patch->type.kind != "Run" ||
             patch->patch.At("metadata").Find("finalizers") == nullptr;
    });
  }
  return {};
}

/// What the plant does to the controller of that name; nothing if it leaves it alone.
Spoilt::Decide SpoilerOf(std::string_view plant, const Controller& controller) {
  if (plant == "no-precondition") {
    return OnEffects([](Effect& effect) {
      ForgetVersion(effect);
      return true;
    });
  }
  if (plant == "forget-wake") {
    return [](const Reconciler& real, const ObjectKey& key, const View& view, Now now) {
      Result<Plan> plan = real.Reconcile(key, view, now);
      if (plan) {
        plan->wake_at.reset();
      }
      return plan;
    };
  }
  if (plant == "match-early" && controller.name == "matching") {
    return OnView({}, true);
  }
  if (plant == "forget-created-mark" && controller.name == "matching") {
    return OnView([](const Object& object) {
      return object.kind() != "ModuleJob" ? object : Edited(object, [](Json& body) {
        for (Json& match : body["status"]["matches"].MutableItems()) {
          for (Json& mission : match["missions"].MutableItems()) {
            mission.Set("created", false);
          }
        }
      });
    });
  }
  if (plant == "git-not-atomic" && controller.name == "gitsource") {
    return OnView(SourceWith("failurePolicy", "SkipInvalid"));
  }
  if (plant == "git-takes-over" && controller.name == "gitsource") {
    return OnView(SourceWith("adopt", true));
  }
  if (plant == "lost-too-early" && controller.name == "instance") {
    return Impatient();
  }
  return ObjectSpoilerOf(plant, controller);
}

void DropTriggers(Controller& controller, std::initializer_list<std::string_view> kinds) {
  std::erase_if(controller.triggers, [&](const Trigger& trigger) {
    return std::find(kinds.begin(), kinds.end(), trigger.source.kind) != kinds.end();
  });
}

}  // namespace

std::span<const Plant> Plants() { return kPlants; }

bool IsPlant(std::string_view name) {
  return std::any_of(kPlants.begin(), kPlants.end(),
                     [&](const Plant& plant) { return plant.name == name; });
}

std::vector<Controller> PlantInto(std::vector<Controller> controllers, std::string_view plant,
                                  std::vector<std::unique_ptr<Reconciler>>& owned) {
  for (Controller& controller : controllers) {
    if (auto decide = SpoilerOf(plant, controller)) {
      owned.push_back(std::make_unique<Spoilt>(*controller.reconciler, std::move(decide)));
      controller.reconciler = owned.back().get();
    }
    if (controller.name == "dispatch" && plant == "no-unpark-on-instance") {
      DropTriggers(controller, {"AgentInstance"});
    }
    if (controller.name == "dispatch" && plant == "no-unpark-on-slot") {
      for (Trigger& trigger : controller.triggers) {
        if (trigger.source.kind == "Dispatch") {
          trigger.affected = [](const Change&, const View&) { return std::vector<ObjectKey>(); };
        }
      }
    }
  }
  return controllers;
}

}  // namespace midwatch::sim
