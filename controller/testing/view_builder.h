#pragma once

#include <vector>

#include "controller/runtime/indexed_view.h"
#include "controller/runtime/reconciler.h"

namespace midwatch::fakes {

/// A View made by hand, for tests that call a Reconciler directly.
///
///   ViewBuilder world(controller);  // Its primary, triggers and indexes.
///   world.Put(kAgent, agent).Put(kRun, run, observed_at);
///   reconciler.Reconcile(key, world.view(), now);
class ViewBuilder {
 public:
  ViewBuilder() = default;
  explicit ViewBuilder(const Controller& controller) { Follow(controller); }

  ViewBuilder& Follow(const Controller& controller) {
    Follow(controller.primary);
    for (const Trigger& trigger : controller.triggers) {
      Follow(trigger.source);
    }
    for (const IndexDefinition& definition : controller.indexes) {
      view_.Define(definition);
    }
    return *this;
  }
  ViewBuilder& Follow(const ResourceType& type) {
    view_.Add(type);
    return *this;
  }
  /// Adds or replaces, if its resourceVersion is newer. Everything up to that version counts as
  /// seen.
  ViewBuilder& Put(const ResourceType& type, const Object& object, Now observed = {}) {
    Index& index = view_.Add(type);
    index.Upsert(object, observed);
    index.MarkFresh(VersionNumber(object.resource_version()));
    return *this;
  }
  ViewBuilder& Remove(const ObjectKey& key) {
    if (const Object known = view_.Find(key)) {
      view_.GetIndex(key.resource).Delete(known, VersionNumber(known.resource_version()));
    }
    return *this;
  }
  ViewBuilder& ConfirmAbsent(const ObjectKey& key) {
    Index& index = view_.GetIndex(key.resource);
    index.ConfirmAbsent(key.namespace_name, key.name,
                        index.VersionOf(key.namespace_name, key.name));
    return *this;
  }
  ViewBuilder& FreshTo(const ResourceType& type, std::int64_t version) {
    view_.Add(type).MarkFresh(version);
    return *this;
  }
  /// What plans in flight want to write: shown by View::InFlight.
  ViewBuilder& InFlight(const ResourceType& type, Object object) {
    in_flight_.emplace_back(type.Resource(), std::move(object));
    view_.SetInFlight([this](std::string_view resource) {
      std::vector<Object> found;
      for (const auto& [of, assumed] : in_flight_) {
        if (of == resource) {
          found.push_back(assumed);
        }
      }
      return found;
    });
    return *this;
  }

  const View& view() const { return view_; }
  IndexedView& indexed() { return view_; }

  ViewBuilder(const ViewBuilder&) = delete;
  ViewBuilder& operator=(const ViewBuilder&) = delete;

 private:
  IndexedView view_;
  std::vector<std::pair<std::string, Object>> in_flight_;
};

}  // namespace midwatch::fakes
