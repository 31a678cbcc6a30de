#pragma once

#include "controller/cli/api_session.h"
#include "controller/runtime/indexed_view.h"

namespace midwatch::cli {

/// What the reconcilers would see, read from the API at once: every list is complete, so what is
/// not in it counts as confirmed absent. One thread at a time.
class WorldView final : public View {
 public:
  Result<void> LoadForDispatch(ApiSession& session, Now now);
  Result<void> LoadForMatching(ApiSession& session, Now now);

  Object Find(const ObjectKey& key) const override { return view_.Find(key); }
  std::vector<Object> List(std::string_view resource,
                           std::string_view namespace_name = {}) const override {
    return view_.List(resource, namespace_name);
  }
  std::vector<Object> ByIndex(std::string_view index, std::string_view value) const override {
    return view_.ByIndex(index, value);
  }
  std::uint64_t IndexChanges(std::string_view index) const override {
    return view_.IndexChanges(index);
  }
  std::vector<Object> FirstByPrefix(std::string_view index, std::string_view prefix,
                                    std::size_t count) const override {
    return view_.FirstByPrefix(index, prefix, count);
  }
  bool ConfirmedAbsent(const ObjectKey& key) const override { return !view_.Find(key); }
  std::optional<Now> ObservedAt(const ObjectKey& key) const override {
    return view_.ObservedAt(key);
  }
  std::vector<Object> InFlight(std::string_view) const override { return {}; }
  std::vector<WriteFailure> Failures(const ObjectKey&) const override { return {}; }
  std::int64_t FreshTo(std::string_view resource) const override { return view_.FreshTo(resource); }

 private:
  Result<void> Load(ApiSession& session, Now now, const std::vector<ResourceType>& types,
                    const std::vector<IndexDefinition>& indexes);

  IndexedView view_;
};

}  // namespace midwatch::cli
